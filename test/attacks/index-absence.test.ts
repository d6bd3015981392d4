import { afterEach, describe, expect, it } from 'vitest';
import { type IndexRig, type IndexRigOptions, OLD, startIndexRig } from '../rigs/index-rig.ts';
import { answering, asItIs, type Send } from '../support/bad-days.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';

// An installer that hears 404 asks its next index. So "you may not" and "look there" are "no such project" only where something
// else of the index shows that it still speaks to us.

const ALPHA = tinyWheel('alpha');
const BETA = tinyWheel('beta');

let rig: IndexRig;
afterEach(() => rig.close());

const start = async (options: IndexRigOptions = {}) => {
  rig = await startIndexRig({
    fill(pypi) {
      pypi.upload('alpha', ALPHA);
      pypi.upload('beta', BETA);
    },
    ...options,
  });
};

const BUCKET = answering(403, '<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>');
const bucket: Send = (answer) => (answer.status === 404 ? BUCKET : answer);
const policy: Send = () =>
  answering(403, '{"message":"blocked: see ticket 17"}', { 'content-type': 'application/json' });
const forwarding: Send = (answer) =>
  answer.status === 404 ? answering(302, '', { location: 'https://pypi.org/simple/gamma/' }) : answer;

const said = async (path: string) => JSON.parse(String((await rig.get(path)).body)).detail as string;

describe('a project that upstream does not have', () => {
  it.each([
    ['an object store', bucket, {}],
    ['an index that forwards to PyPI', forwarding, {}],
    ['an index of which that was said', (answer) => ({ ...answer, status: 403 }), { statuses: [403] }],
    ['an index of which that was said (401)', (answer) => ({ ...answer, status: 401 }), { statuses: [401] }],
  ] as readonly (readonly [string, Send, object])[])('is 404 of %s', async (_, send, absent) => {
    await start({ index: { absent: { statuses: [], redirectElsewhere: false, ...absent } } });
    rig.pypi.page('gamma', send);
    expect(await rig.refused('/simple/gamma/')).toBe('404 unlisted');
  });

  it('is 404 of an index without a list, of which a project is known, before anything else was asked for', async () => {
    const absent = { statuses: [403], redirectElsewhere: false };
    for (const [known, answer] of [
      [undefined, '502 forbidden'],
      ['beta', '404 unlisted'],
    ] as const) {
      await start({ index: { absent: { ...absent, known } } });
      rig.pypi.index.fault('/simple/', { kind: 'status', status: 404 });
      rig.pypi.page('gamma', () => answering(403, ''));
      expect(await rig.refused('/simple/gamma/')).toBe(answer);
      if (known === undefined) await rig.close();
    }
  });

  it('is 502 of an index that answers for nothing any more', async () => {
    await start({ index: { absent: { statuses: [403], redirectElsewhere: true } } });
    rig.pypi.index.fault('*', { kind: 'status', status: 403 });
    expect(await rig.refused('/simple/gamma/')).toBe('502 forbidden');
    rig.pypi.heal();
    rig.pypi.index.fault('*', { kind: 'redirect', to: 'https://moved.example/simple/gamma/' });
    expect(await rig.refused('/simple/gamma/')).toBe('502 redirect');
  });
});

describe('a project that was seen before', () => {
  it.each([403, 401, 451])('stays when upstream answers %i for everything', async (status) => {
    await start({ index: { absent: { statuses: [401, 403], redirectElsewhere: false } } });
    await rig.page('alpha');
    rig.pypi.index.fault('*', { kind: 'status', status });
    expect(await rig.later('alpha')).toHaveLength(1);
    await rig.restart();
    expect(await rig.names('alpha')).toEqual([ALPHA.filename]);
  });

  it('goes only when a second look says so too', async () => {
    await start({ index: { absent: { statuses: [403], redirectElsewhere: false } } });
    await rig.page('alpha');
    await rig.page('beta');
    rig.pypi.page('alpha', () => answering(403, ''), 1);
    expect(await rig.later('alpha')).toHaveLength(1);
    rig.pypi.page('alpha', () => answering(403, ''));
    rig.clock.advance(OLD);
    expect(await rig.refused('/simple/alpha/')).toBe('404 unlisted');
    rig.pypi.heal();
    rig.clock.advance(OLD);
    expect(await rig.names('alpha')).toEqual([ALPHA.filename]);
  });
});

describe('what upstream forbids', () => {
  it('of a page: the held one is served, and another is 502 with its words, never 4xx', async () => {
    await start();
    await rig.page('alpha');
    rig.pypi.page('alpha', policy);
    rig.pypi.page('beta', policy);
    expect(await rig.later('alpha')).toHaveLength(1);
    expect(await rig.refused('/simple/beta/')).toBe('502 forbidden');
    expect(await said('/simple/beta/')).toContain('blocked: see ticket 17');
    expect(rig.alarms()).toEqual(['forbidden page', 'forbidden page', 'forbidden page']);
  });

  it.each([403, 451])('of a file: %i with its words, after one request for it', async (status) => {
    await start();
    const body = '{"errors":[{"status":403,"message":"blocked by policy:\\r\\n malicious package"}]}';
    rig.pypi.files.fault(rig.path(ALPHA), { kind: 'status', status, body });
    for (let at = 0; at < 3; at++) {
      const { phrase, headers } = await rig.get(rig.path(ALPHA));
      expect(phrase).toBe('Upstream forbids this file: blocked by policy: malicious package');
      expect(headers['retry-after']).toBeUndefined();
      expect(await rig.refused(rig.path(ALPHA))).toBe(`${status} forbidden`);
    }
    expect(await said(rig.path(ALPHA))).toContain('blocked by policy: malicious package');
    expect(rig.pypi.files.asked(rig.path(ALPHA))).toHaveLength(1);
  });

  it('of core metadata: it comes out of the wheel', async () => {
    await start();
    rig.pypi.files.fault(`${rig.path(ALPHA)}.metadata`, { kind: 'status', status: 403 });
    expect((await rig.get(`${rig.path(ALPHA)}.metadata`)).status).toBe(200);
  });

  it('that is open again is served', async () => {
    await start();
    rig.pypi.page('beta', policy, 1);
    rig.pypi.page('beta', asItIs);
    expect(await rig.refused('/simple/beta/')).toBe('502 forbidden');
    expect(await rig.names('beta')).toEqual([BETA.filename]);
  });
});
