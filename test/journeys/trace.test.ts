import { afterEach, describe, expect, it } from 'vitest';
import { type IndexRig, startIndexRig } from '../rigs/index-rig.ts';
import { type Mirror, makeScratch, startMirror, unsignedConfig } from '../rigs/mirror.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';

// What a client calls its request is told to the index where that is asked for, and to nobody else.

const ALPHA = tinyWheel('alpha');
const TRACEPARENT = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
const NAMED = { 'x-request-id': 'ask-1', traceparent: TRACEPARENT, accept: 'text/html' };

const rigs: Pick<Mirror, 'close'>[] = [];
afterEach(async () => {
  for (const rig of rigs.splice(0).reverse()) await rig.close();
});

async function mirror(trace: boolean | undefined): Promise<IndexRig> {
  const rig = await startIndexRig({ fill: (pypi) => pypi.upload('alpha', ALPHA), index: { trace } });
  rigs.push(rig);
  return rig;
}

const toldOf = (requests: IndexRig['pypi']['requests']) =>
  requests.map(({ headers }) => [headers['x-request-id'], headers['traceparent']]);

async function installed(from: Mirror, path: string, headers: Record<string, string>): Promise<void> {
  for (const each of ['/simple/alpha/', path]) expect((await from.get(each, { headers })).status).toBe(200);
}

describe('the name of a request', () => {
  it('is passed on with its trace to the index, and not to the host of its files', async () => {
    const rig = await mirror(true);
    await installed(rig, rig.path(ALPHA), NAMED);
    expect(toldOf(rig.pypi.requests)).toEqual(rig.pypi.requests.map(() => ['ask-1', TRACEPARENT]));
    expect(rig.pypi.requests.length).toBeGreaterThan(0);
    expect(toldOf(rig.pypi.files.requests)).toEqual([[undefined, undefined]]);
  });

  it.each([undefined, false])('is passed on to nobody where nothing asks for it: trace %s', async (trace) => {
    const rig = await mirror(trace);
    await installed(rig, rig.path(ALPHA), NAMED);
    for (const told of toldOf([...rig.pypi.requests, ...rig.pypi.files.requests]))
      expect(told).toEqual([undefined, undefined]);
  });

  it('is passed on as far as it is sane', async () => {
    const rig = await mirror(true);
    const headers = { 'x-request-id': 'not sane', traceparent: `${TRACEPARENT}-${'x'.repeat(100)}` };
    await installed(rig, rig.path(ALPHA), headers);
    const trace = TRACEPARENT.split('-')[1];
    expect(toldOf(rig.pypi.requests)).toEqual(rig.pypi.requests.map(() => [trace, undefined]));
  });

  it('is that of no other client', async () => {
    const rig = await mirror(true);
    await installed(rig, rig.path(ALPHA), NAMED);
    const before = rig.pypi.requests.length;
    rig.clock.advance(86_400);
    await rig.page('alpha');
    expect(toldOf(rig.pypi.requests.slice(before))).toEqual([[undefined, undefined]]);
  });

  it('goes through a mirror behind a mirror, with files as with pages', async () => {
    const inner = await mirror(true);
    const outer = await startMirror({
      scratch: await makeScratch(),
      clock: inner.clock,
      indexes: () => [unsignedConfig({ upstream: `${inner.url()}/simple/`, trace: true })],
    });
    rigs.push(outer);
    const answered = await outer.get(inner.path(ALPHA), { headers: NAMED });
    expect(answered.body.equals(ALPHA.bytes)).toBe(true);
    expect(toldOf(inner.pypi.requests)).toEqual(inner.pypi.requests.map(() => ['ask-1', TRACEPARENT]));
    expect(inner.pypi.requests.length).toBeGreaterThan(0);
  });
});
