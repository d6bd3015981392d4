import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { AcceptChangeRequest } from '../../../src/app/control/requests.ts';
import { noEvents } from '../../../src/app/no-events.ts';
import { composeProvenance } from '../../../src/app/provenance/compose-provenance.ts';
import { rootConditions } from '../../../src/app/provenance/conditions.ts';
import { rootSource } from '../../../src/app/provenance/root-source.ts';
import { type IndexRoot, SigstoreRoots } from '../../../src/app/provenance/roots.ts';
import { rootBytesFrom } from '../../../src/app/provenance/sigstore-root.ts';
import { sha256Hex } from '../../../src/bytes/digest.ts';
import { Refusal } from '../../../src/bytes/refusal.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { RefusingIndex } from '../../../src/mirror/refusing-index.ts';
import { PACKAGED_ROOT } from '../../../src/provenance/packaged-root.ts';
import { createIndexState } from '../../../src/state/index-state.ts';
import { createProvenanceWork } from '../../../src/workers/provenance-work.ts';
import { client } from '../../support/callers.ts';
import { createMemoryState } from '../../support/memory-state.ts';

const PACKAGED = sha256Hex(Buffer.from(PACKAGED_ROOT));
const refusing = (evidence: 'tuf' | 'index') =>
  new RefusingIndex({
    name: 'sigstore',
    evidence,
    upstream: 'https://sigstore.example/',
    layout: 'plain',
    refusal: new Refusal('state', 'damaged'),
  });
const clock = { now: () => 7, judged: () => 7 };

it('the copy of the trusted root that came with the program stays in force where none can be had', async () => {
  const source = rootSource({ trustedRoot: undefined, rootFrom: 'sigstore', indexOf: () => refusing('tuf'), clock });
  expect((await source.root()).sha256).toBe(PACKAGED);
  expect(source.standing()).toMatchObject({ from: 'packaged', trouble: expect.stringContaining('damaged') });
  const none = rootSource({ trustedRoot: undefined, rootFrom: 'sigstore', indexOf: () => undefined, clock });
  expect((await none.root()).sha256).toBe(PACKAGED);
  expect(none.standing()).toMatchObject({ from: 'packaged', trouble: expect.stringContaining('sigstore') });
  const own = rootSource({ trustedRoot: undefined, rootFrom: undefined, indexOf: () => undefined, clock });
  expect((await own.root()).sha256).toBe(PACKAGED);
  expect(own.standing()).toEqual({ from: 'packaged', place: '', of: Date.UTC(2026, 7, 21) / 1000, trouble: undefined });
});

it('a trusted root is read at the start, and refused there', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'verbatim-root-'));
  const trustedRoot = join(folder, 'root.json');
  await writeFile(trustedRoot, '{}');
  const given = { trustedRoot, rootFrom: undefined, indexOf: () => undefined, clock };
  expect(() => rootSource(given)).toThrow(expect.objectContaining({ reason: 'format' }));
  await rm(folder, { recursive: true });
});

describe('what an operator is told of the trusted root', () => {
  const DAY = 24 * 3600;
  const now = 1_800_000_000;
  const root = (given: Partial<IndexRoot>): IndexRoot => ({
    index: 'main',
    from: 'packaged',
    place: '',
    of: now,
    trouble: undefined,
    strict: true,
    ...given,
  });
  const told = (given: Partial<IndexRoot>) => rootConditions([root(given)], now).map(({ message }) => message);

  it.each([
    ['one that is current', { from: 'index' }],
    ['one that an index did not bring for an hour', { from: 'index', of: now - DAY, trouble: 'away' }],
    ['one that came with the program half a year ago', { of: now - 180 * DAY }],
    ['one that is older, where nothing is held back', { of: now - 999 * DAY, strict: false }],
  ] as const)('is nothing of %s', (_, given) => expect(told(given)).toEqual([]));

  it.each([
    ['that no index ever brought', { trouble: 'It is away.' }, /It is away\. In force is the copy from before/],
    [
      'that no index brings any more',
      { from: 'index', of: now - 3 * DAY, trouble: 'It is away.' },
      /the copy of 3 days ago/,
    ],
    ['that nobody renews', { of: now - 181 * DAY }, /that came with Verbatim is 181 days old.*layout: sigstore/],
    [
      'in a file that nobody renews',
      { from: 'file', place: '/r.json', of: now - 181 * DAY },
      /in \/r\.json is 181 days old/,
    ],
  ] as const)('is that one is old %s, and that nothing is bad for it', (_, given, words) => {
    expect(told(given)).toEqual([expect.stringMatching(words)]);
    expect(told(given).join()).toContain('which does not make it bad');
  });
});

it('an index that is not signed has no trusted root', async () => {
  await expect(rootBytesFrom(refusing('index'), client())).rejects.toMatchObject({ reason: 'format' });
});

it('provenance is not composed over an index that is not signed, nor where nothing is looked at', () => {
  const composed = (provenance: object | string) => {
    const file = { env: {}, file: undefined };
    const config = loadConfig(file);
    const { main } = config.indexes;
    if (main?.evidence !== 'index') throw new Error('the usual index signs nothing');
    const rules = { mode: 'report', projects: {}, publishers: {}, gitlab: [], trustedRoot: undefined } as const;
    const index = { ...main, provenance: provenance === 'off' ? undefined : { ...rules, ...Object(provenance) } };
    const state = createIndexState({ storage: createMemoryState().party(), index: 'main' });
    const work = createProvenanceWork();
    return composeProvenance({
      config,
      index,
      state,
      clock,
      emit: noEvents,
      provenance: { work, indexOf: () => undefined, roots: new SigstoreRoots(noEvents) },
    });
  };
  expect(composed('off')).toBeUndefined();
  expect(composed({ rootFrom: undefined })).toBeDefined();
  for (const rootFrom of ['nobody', 'main'])
    expect(() => composed({ rootFrom })).toThrow(expect.objectContaining({ reason: 'format' }));
});

it('a version that an operator accepts has a length that a version may have', () => {
  const takes = (publisher: string) =>
    AcceptChangeRequest.safeParse({ index: 'main', change: { publisher }, reason: 'why', dryRun: true }).success;
  expect([takes('1'.repeat(200)), takes('1'.repeat(201))]).toEqual([true, false]);
});
