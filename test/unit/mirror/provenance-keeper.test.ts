import { beforeAll, describe, expect, it } from 'vitest';
import { Refusal } from '../../../src/bytes/refusal.ts';
import { makeUnverifiedDocument } from '../../../src/bytes/unverified.ts';
import { ProvenanceKeeper } from '../../../src/mirror/provenance/keeper.ts';
import { type ProvenanceFacts, type ProvenanceMode, provenanceRule } from '../../../src/policy/provenance.ts';
import { makeBlob } from '../../../src/ports/blob.ts';
import type { KeptProvenance } from '../../../src/ports/provenance/kept.ts';
import type { OwnFile } from '../../../src/pypi/listing.ts';
import { createIndexState } from '../../../src/state/index-state.ts';
import { createProvenanceDesk } from '../../../src/workers/provenance-desk.ts';
import { client } from '../../support/callers.ts';
import { createClock, DAY } from '../../support/clock.ts';
import { createMemoryState } from '../../support/memory-state.ts';
import { GITHUB_PUBLISHER, provenanceOf, startSigstore, type TestSigstore } from '../../support/sigstore.ts';
import { MILL } from '../provenance/sources.ts';

// What becomes of a file whose provenance is not what it was, in each mode: on its page, at its address, and as it is told.

let sigstore: TestSigstore;
let right: Uint8Array;
let aboutOthers: Uint8Array;
beforeAll(async () => {
  sigstore = await startSigstore();
  right = provenanceOf(GITHUB_PUBLISHER, await sigstore.attest(MILL));
  aboutOthers = provenanceOf(GITHUB_PUBLISHER, await sigstore.attest({ ...MILL, sha256: 'cd'.repeat(32) }));
});

const file: OwnFile = {
  entry: {
    filename: MILL.filename,
    url: 'https://files.example/it',
    digests: new Map([['sha256', MILL.sha256]]),
    provenance: 'https://index.example/it',
  },
  upstream: 'https://files.example/it',
  path: 'it',
};
const page = { name: 'mill', files: new Map([[MILL.filename, file]]) };
const blob = makeBlob(MILL.sha256, 1, { send: async () => undefined, bytes: async () => Buffer.of(0) });

/** A keeper over what upstream sends, which the test changes. */
function rig(mode: ProvenanceMode, expected: ProvenanceFacts['expected'] = []) {
  const clock = createClock();
  const state = createIndexState({ storage: createMemoryState().party(), index: 'main' });
  const told: string[] = [];
  const upstream: { sends: Uint8Array | Refusal } = { sends: right };
  const root = { sha256: 'b'.repeat(64), bytes: Buffer.from(JSON.stringify(sigstore.trustedRoot)) };
  const keeper = new ProvenanceKeeper({
    index: 'main',
    state,
    pins: { of: async () => new Map() },
    clock,
    emit: (event) => void (event.name === 'provenance' && told.push(event.result)),
    work: { judge: createProvenanceDesk() },
    root: async () => root,
    gitlab: [],
    mode: () => mode,
    expected: () => expected,
  });
  keeper.attach({
    async provenanceOf() {
      if (upstream.sends instanceof Refusal) throw upstream.sends;
      return makeUnverifiedDocument({ bytes: upstream.sends, contentType: 'application/json', maxAge: 0 });
    },
  });
  const verdict = () => {
    const facts = { provenance: keeper.of('mill') };
    const seen = { facts, now: clock.now() };
    const words = [
      provenanceRule.page?.({ ...seen, page, pins: new Map() }).files?.get(MILL.filename),
      provenanceRule.file?.({ ...seen, project: 'mill', file }),
    ];
    return words.map((word) => (word === undefined ? 'served' : word.again === undefined ? word.action : 'again'));
  };
  /** Somebody asks for the file, and upstream sends this. */
  const asked = async (sends: Uint8Array | Refusal, after = 0) => {
    upstream.sends = sends;
    clock.advance(after);
    const before = told.length;
    await keeper.learn('mill', file, blob, client());
    // Where nothing is held back it is found out behind the answer.
    if (mode === 'report') await expect.poll(() => told.length, { timeout: 60_000 }).toBeGreaterThan(before);
    return verdict();
  };
  /** Names what the page is judged by, where these publishers are known and no file is judged yet. */
  const versionBefore = async (publishers: KeptProvenance['publishers']) => {
    await state.provenance('mill').change(() => ({ since: 0, publishers, accepted: [], files: new Map() }));
    await keeper.follow('mill');
    return keeper.version('mill');
  };
  return { asked, told, verdict, versionBefore, version: () => keeper.version('mill') };
}

const absent = () => new Refusal('unlisted', 'no');
const away = () => new Refusal('slow', 'It took too long.', { transient: true });
const huge = () => new Refusal('limit', 'It is larger than 4 MB.');
const deep = () => Buffer.from('['.repeat(10_000));

const STRICT = ['require-when-present', 'require'] as const;

it.each(['off', ...STRICT] as const)('provenance that is right is served: %s', async (mode) => {
  const { asked, told } = rig(mode);
  expect(await asked(right)).toEqual(['served', 'served']);
  expect(told).toEqual(mode === 'off' ? [] : ['verified']);
});

it('where provenance is not looked at, nothing of it is asked for, told or held back', async () => {
  const { asked, told } = rig('off');
  for (const sends of [absent(), away(), huge(), deep(), aboutOthers])
    expect(await asked(sends, DAY + 1)).toEqual(['served', 'served']);
  expect(told).toEqual([]);
});

describe.each([
  ['vanishes', absent, 'unavailable'],
  ['changes into something else', () => Buffer.from('{}'), 'refused'],
  ['changes into that of a file whose digest is another', () => aboutOthers, 'refused'],
  ['is larger than this mirror accepts', huge, 'refused'],
  ['is ten thousand levels deep', deep, 'refused'],
] as const)('provenance that was right and %s', (_, sends, result) => {
  it.each(STRICT)('holds the file back, on its page and at its address, and is told: %s', async (mode) => {
    const { asked, told } = rig(mode);
    await asked(right);
    // It is looked at again after a day.
    expect(await asked(sends(), DAY - 1)).toEqual(['served', 'served']);
    expect(await asked(sends(), 2)).toEqual(['hide', 'hide']);
    expect(told).toEqual(['verified', result]);
  });

  it('is told, and the file served, where nothing is held back', async () => {
    const { asked, told } = rig('report');
    await asked(right);
    expect(await asked(sends(), DAY + 1)).toEqual(['report', 'report']);
    expect(told).toEqual(['verified', result]);
  });
});

it.each(STRICT)('provenance that was right and times out leaves what is known in force: %s', async (mode) => {
  const { asked, told } = rig(mode);
  await asked(right);
  expect(await asked(away(), DAY + 1)).toEqual(['served', 'served']);
  expect(told).toEqual(['verified']);
});

it.each(STRICT)(
  'provenance that times out when it is first asked for is an outage, until it comes: %s',
  async (mode) => {
    const { asked, told, verdict } = rig(mode);
    expect(await asked(away())).toEqual(['again', 'again']);
    expect(await asked(right, 9)).toEqual(['again', 'again']);
    expect(verdict()).toEqual(['again', 'again']);
    expect(await asked(right, 1)).toEqual(['served', 'served']);
    expect(told).toEqual(['unavailable', 'verified']);
  },
);

it.each(STRICT)(
  'provenance that upstream had not, and that appears, is served once it is asked for again: %s',
  async (mode) => {
    const { asked, told } = rig(mode);
    expect(await asked(absent())).toEqual(['hide', 'hide']);
    expect(await asked(right, 3599)).toEqual(['hide', 'hide']);
    expect(await asked(right, 1)).toEqual(['served', 'served']);
    expect(told).toEqual(['unavailable', 'verified']);
  },
);

const REPOSITORY = { id: 'https://github.com repository 4711', workflow: 'release.yml' };

it.each([
  ['whom nobody expects', [{ id: 'https://github.com repository 666' }], true],
  ['by another workflow', [{ ...REPOSITORY, workflow: 'other.yml' }], true],
  ['for another environment', [{ ...REPOSITORY, environment: 'other' }], true],
  ['who is expected', [REPOSITORY], false],
] as const)(
  'a page is judged anew once a file of it was published by somebody %s',
  async (_, expected, isJudgedAnew) => {
    for (const [configured, seen] of [
      [expected, { workflow: 'release.yml', environment: 'pypi' }],
      [[], { workflow: undefined, environment: undefined, ...expected[0] }],
    ] as const) {
      const { asked, versionBefore, version } = rig('require-when-present', configured);
      const known = { kind: 'GitHub', name: 'octo/mill', ...REPOSITORY, ...seen, since: 0, by: 'first-sight' } as const;
      const before = await versionBefore([known]);
      await asked(right);
      expect(version() !== before).toBe(isJudgedAnew);
    }
  },
);
