import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { AcceptChangeRequest } from '../../../src/app/control/requests.ts';
import { noEvents } from '../../../src/app/no-events.ts';
import { composeProvenance } from '../../../src/app/provenance/compose-provenance.ts';
import { rootSource } from '../../../src/app/provenance/root-source.ts';
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
  expect((await source()).sha256).toBe(PACKAGED);
  const none = rootSource({ trustedRoot: undefined, rootFrom: 'sigstore', indexOf: () => undefined, clock });
  expect((await none()).sha256).toBe(PACKAGED);
  const own = rootSource({ trustedRoot: undefined, rootFrom: undefined, indexOf: () => undefined, clock });
  expect((await own()).sha256).toBe(PACKAGED);
});

it('a trusted root is read at the start, and refused there', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'verbatim-root-'));
  const trustedRoot = join(folder, 'root.json');
  await writeFile(trustedRoot, '{}');
  const given = { trustedRoot, rootFrom: undefined, indexOf: () => undefined, clock };
  expect(() => rootSource(given)).toThrow(expect.objectContaining({ reason: 'format' }));
  await rm(folder, { recursive: true });
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
      provenance: { work, indexOf: () => undefined },
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
