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
  minimumAge: { files: 7 * DAY, projects: 0, since: undefined, action: 'hide', fixes: 'wait' },
  missingUploadTime: 'omit',
  projects: [],
  names: undefined,
  conditions: [],
  exceptions: [],
};

/** Files and when they are said to have been uploaded; undefined where nothing is said. */
type Times = Readonly<Record<string, number | undefined>>;

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

async function textOf(pieces: AsyncIterable<Uint8Array>): Promise<string> {
  let text = '';
  for await (const piece of pieces) text += Buffer.from(piece).toString();
  return text;
}

function pageOf(times: Times): Uint8Array {
  const files = Object.entries(times).map(([filename, at]) => ({
    filename,
    url: `../../x/${filename}`,
    hashes: { sha256: 'a'.repeat(64) },
    ...(at === undefined ? {} : { 'upload-time': new Date(at * 1000).toISOString() }),
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
      expect(rules).toMatchObject([{ rule: 'minimum age', action, files: 1, why: expect.stringContaining(NEW) }]);
    }
  });

  it('is listed and refused where that is the choice', async () => {
    const settings: PolicySettings = {
      ...SETTINGS,
      minimumAge: { files: DAY * 7, projects: 0, since: undefined, action: 'deny', fixes: 'wait' },
    };
    const { names, refusal } = await start({ [OLD]: NOW - 90 * DAY, [NEW]: NOW - DAY }, { settings });
    expect(await names()).toEqual([OLD, NEW]);
    expect(await refusal(NEW)).toMatchObject({ reason: 'policy', ruled: { rule: 'minimum age' } });
  });
});

describe('an upload-time', () => {
  const young = { rule: 'minimum age', action: 'hide' };
  const told = async ({ index }: Awaited<ReturnType<typeof start>>) => (await index.explain('alpha', client())).rules;

  it('in the future cannot be true: the first sight counts, however far ahead it is', async () => {
    const started = await start({ [OLD]: NOW - 90 * DAY, [NEW]: NOW + 3650 * DAY });
    expect(await started.names()).toEqual([OLD]);
    expect(await told(started)).toMatchObject([{ ...young, why: expect.stringContaining('was first seen here at') }]);
    started.clock.now += 7 * DAY;
    expect(await started.names()).toEqual([OLD, NEW]);
  });

  it('before the project itself makes no file old whose page was seen without it', async () => {
    const { names, clock, upstream } = await start({ [OLD]: NOW - 90 * DAY });
    await names();
    clock.now += DAY;
    upstream.times = { ...upstream.times, [NEW]: 0 };
    expect(await names()).toEqual([OLD]);
    clock.now = NOW + 7 * DAY - 1;
    expect(await names()).toEqual([OLD]);
    clock.now = NOW + 7 * DAY;
    expect(await names()).toEqual([OLD, NEW]);
  });

  it('that changes from look to look counts as it was stated first, earlier or later', async () => {
    const started = await start({ [OLD]: NOW - 90 * DAY, [NEW]: NOW - DAY });
    const { names, clock, upstream, pins } = started;
    await names();
    for (const moved of [-400, 300, -2, undefined]) {
      clock.now += 3600;
      upstream.times = { [OLD]: NOW - 90 * DAY, [NEW]: moved === undefined ? undefined : NOW + moved * DAY };
      expect(await names()).toEqual([OLD]);
      expect((await pins.of('alpha')).get(NEW)).toMatchObject({ seen: NOW });
    }
    clock.now = NOW + 6 * DAY - 1;
    expect(await names()).toEqual([OLD]);
    clock.now = NOW + 6 * DAY;
    expect(await names()).toEqual([OLD, NEW]);
  });

  it('does not come of age twice by a clock that is set back: what is too young by it is held back again', async () => {
    const memory = createMemoryState();
    const first = await start({ [OLD]: NOW - 90 * DAY, [NEW]: NOW - DAY }, { memory });
    first.clock.now = NOW + 6 * DAY;
    expect(await first.names()).toEqual([OLD, NEW]);
    const again = await start({ [OLD]: NOW - 90 * DAY, [NEW]: NOW - DAY }, { memory });
    expect(await again.names()).toEqual([OLD]);
    expect(await again.refusal(NEW)).toMatchObject({ reason: 'policy' });
  });
});

describe('an upload-time that upstream does not state', () => {
  const settings: PolicySettings = { ...SETTINGS, minimumAge: undefined, missingUploadTime: 'first-sight' };
  const page = async ({ index }: Awaited<ReturnType<typeof start>>) => {
    const { page: drawn } = await index.page('alpha', client());
    const { files }: { readonly files: readonly { readonly filename: string; readonly 'upload-time'?: string }[] } =
      JSON.parse(await textOf(drawn.plain('json')));
    return Object.fromEntries(files.map((file) => [file.filename, file['upload-time']]));
  };

  it('is our first sight on the page where the policy says so, and explain says whose it is', async () => {
    const started = await start({ [OLD]: NOW - 90 * DAY, [NEW]: undefined }, { settings });
    const first = new Date(NOW * 1000).toISOString().replace('.000', '');
    expect(await page(started)).toEqual({ [OLD]: '2026-08-28T12:00:00.000Z', [NEW]: first });
    started.clock.now += 30 * DAY;
    started.upstream.times = { ...started.upstream.times, 'alpha-3.0-py3-none-any.whl': undefined };
    expect(await page(started)).toMatchObject({ [NEW]: first, 'alpha-3.0-py3-none-any.whl': '2026-12-26T12:00:00Z' });
    expect((await started.index.explain('alpha', client())).rules).toMatchObject([
      {
        rule: 'first sight as upload-time',
        action: 'report',
        files: 2,
        why: `${NEW}: upstream states no upload-time, and its page carries ${first} here, when this mirror first saw it.`,
      },
    ]);
    // What rules are asked about is what upstream states.
    const { listing } = await started.index.listing('alpha', client());
    expect(listing.files.get(NEW)?.entry.uploadTime).toBeUndefined();
  });

  it('is nothing where the policy does not say so', async () => {
    const started = await start({ [NEW]: undefined }, { settings: { ...settings, missingUploadTime: 'omit' } });
    expect(await page(started)).toEqual({ [NEW]: undefined });
  });

  it('that it stated once, and states no more, is what it was', async () => {
    const started = await start({ [NEW]: NOW - DAY }, { settings });
    await page(started);
    started.clock.now += 3600;
    started.upstream.times = { [NEW]: undefined };
    for (let look = 0; look < 2; look++) {
      started.clock.now += 3600;
      expect(await page(started)).toEqual({ [NEW]: '2026-11-25T12:00:00.000Z' });
    }
  });
});
