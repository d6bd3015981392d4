import { describe, expect, it } from 'vitest';
import { exceptionOf, rulesOf } from '../../../src/policy/compile.ts';
import type { PolicySettings } from '../../../src/policy/settings.ts';
import { createIndexState } from '../../../src/state/index-state.ts';
import { createPins } from '../../../src/state/pins.ts';
import { client, PLAIN } from '../../support/callers.ts';
import { createMemoryState } from '../../support/memory-state.ts';
import { openPolicy } from '../../support/policies.ts';
import { answerOf, unsignedIndex } from '../../support/unsigned-index.ts';

// Over an index that serves: what is too young is not there yet, and is there when its time has come.

const DAY = 86_400;
const NOW = Date.UTC(2026, 10, 26, 12) / 1000;
const OLD = 'alpha-1.0-py3-none-any.whl';
const NEW = 'alpha-2.0-py3-none-any.whl';

const SETTINGS: PolicySettings = {
  minimumAge: { files: 7 * DAY, projects: 0, since: undefined, action: 'hide' },
  projects: [],
  names: undefined,
  conditions: [],
  exceptions: [],
};

/** Files and when they are said to have been uploaded. */
type Times = Readonly<Record<string, number>>;

async function start(first: Times, { settings = SETTINGS, memory = createMemoryState() } = {}) {
  const clock = { now: NOW };
  const upstream = { times: first, asked: 0 };
  const state = createIndexState({ storage: memory.party(), index: 'main' });
  const index = await unsignedIndex({
    now: () => clock.now,
    state,
    policy: await openPolicy(state, {
      rules: rulesOf(settings),
      exceptions: settings.exceptions.map(exceptionOf),
      now: () => clock.now,
    }),
    upstream: {
      async document() {
        upstream.asked++;
        return answerOf(pageOf(upstream.times));
      },
    },
  });
  const names = async () => [...(await index.listing('alpha', client())).listing.files.keys()];
  const refusal = (filename: string) =>
    index
      .file({ project: 'alpha', digest: 'a'.repeat(64), filename }, client())
      .then(() => undefined)
      .catch((error: unknown) => error);
  return { index, clock, upstream, names, refusal, pins: createPins(state) };
}

function pageOf(times: Times): Uint8Array {
  const files = Object.entries(times).map(([filename, at]) => ({
    filename,
    url: `../../x/${filename}`,
    hashes: { sha256: 'a'.repeat(64) },
    'upload-time': new Date(at * 1000).toISOString(),
  }));
  return Buffer.from(JSON.stringify({ meta: { 'api-version': '1.1' }, name: 'alpha', files }));
}

describe('a file that is too young', () => {
  it('is not on the page, and its address says why and from when on it is served', async () => {
    const { names, refusal, index } = await start({ [OLD]: NOW - 90 * DAY, [NEW]: NOW - DAY });
    expect(await names()).toEqual([OLD]);
    expect((await index.listing('alpha', client())).listing.versions).toEqual(['1.0']);
    expect(await refusal(NEW)).toMatchObject({
      reason: 'policy',
      ruled: { rule: 'minimum age', project: 'alpha', file: NEW, until: NOW + 6 * DAY },
      message: expect.stringContaining('it is served from 2026-12-02T12:00:00Z on'),
    });
    expect(await refusal(OLD)).toBeUndefined();
  });

  it('is on the page when it has come of age: what memory holds is not sent any more, and its tag is another', async () => {
    const { names, index, clock, upstream } = await start({ [OLD]: NOW - 90 * DAY, [NEW]: NOW - 7 * DAY + 100 });
    const before = (await index.page('alpha', client())).page.plainFacts('json');
    clock.now += 99;
    expect(index.warmPage('alpha', PLAIN)).toBeDefined();
    clock.now += 1;
    expect(index.warmPage('alpha', PLAIN)).toBeUndefined();
    expect(await names()).toEqual([OLD, NEW]);
    const after = (await index.page('alpha', client())).page.plainFacts('json');
    expect(after.body.etag).not.toBe(before.body.etag);
    expect(upstream.asked).toBe(1);
  });

  it('that says it is old is as young as the page that did not list it yet', async () => {
    const { names, clock, upstream, refusal, pins } = await start({ [OLD]: NOW - 90 * DAY });
    expect(await names()).toEqual([OLD]);
    clock.now += DAY;
    upstream.times = { ...upstream.times, [NEW]: NOW - 60 * DAY };
    expect(await names()).toEqual([OLD]);
    expect((await pins.of('alpha')).get(NEW)).toMatchObject({ seen: NOW + DAY, absent: NOW });
    expect(await refusal(NEW)).toMatchObject({
      message: expect.stringContaining('was not on its page yet at 2026-11-26T12:00:00Z'),
    });
    clock.now = NOW + 7 * DAY;
    expect(await names()).toEqual([OLD, NEW]);
  });

  it('that was first seen long after its page was last looked at counts from the later of its two dates', async () => {
    const { names, clock, upstream } = await start({ [OLD]: NOW - 90 * DAY });
    await names();
    clock.now += 60 * DAY;
    upstream.times = { ...upstream.times, [NEW]: NOW + 50 * DAY };
    expect(await names()).toEqual([OLD, NEW]);
  });

  it('stays so across a restart, whatever upstream says of its age by then', async () => {
    const memory = createMemoryState();
    const first = await start({ [OLD]: NOW - 90 * DAY, [NEW]: NOW - DAY }, { memory });
    expect(await first.names()).toEqual([OLD]);
    const second = await start({ [OLD]: NOW - 90 * DAY, [NEW]: NOW - 30 * DAY }, { memory });
    second.clock.now += DAY;
    expect(await second.names()).toEqual([OLD]);
  });

  it('passes by an exception, until that ends', async () => {
    const until = NOW + 600;
    const granted = { project: 'alpha ==2.0', file: undefined, rule: undefined, reason: 'a fix', until };
    const settings = { ...SETTINGS, exceptions: [granted] };
    const { names, clock } = await start({ [OLD]: NOW - 90 * DAY, [NEW]: NOW - DAY }, { settings });
    expect(await names()).toEqual([OLD, NEW]);
    clock.now = until;
    expect(await names()).toEqual([OLD]);
  });

  it('is told by the page, where it is held back and where an exception lets it pass', async () => {
    const granted = { project: 'alpha ==2.0', file: undefined, rule: undefined, reason: 'a fix', until: undefined };
    for (const [exceptions, action] of [
      [[], 'hide'],
      [[granted], 'report'],
    ] as const) {
      const { index } = await start(
        { [OLD]: NOW - 90 * DAY, [NEW]: NOW - DAY },
        { settings: { ...SETTINGS, exceptions } },
      );
      const { rules } = await index.explain('alpha', client());
      expect(rules).toEqual([{ rule: 'minimum age', action, files: 1, why: expect.stringContaining(NEW) }]);
    }
  });

  it('is listed and refused where that is the choice', async () => {
    const settings: PolicySettings = {
      ...SETTINGS,
      minimumAge: { files: DAY * 7, projects: 0, since: undefined, action: 'deny' },
    };
    const { names, refusal } = await start({ [OLD]: NOW - 90 * DAY, [NEW]: NOW - DAY }, { settings });
    expect(await names()).toEqual([OLD, NEW]);
    expect(await refusal(NEW)).toMatchObject({ reason: 'policy', ruled: { rule: 'minimum age' } });
  });
});
