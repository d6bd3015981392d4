import { expect, it } from 'vitest';
import { sha256Hex } from '../../../src/bytes/digest.ts';
import { Refusal } from '../../../src/bytes/refusal.ts';
import { CarriedEvidence, type CarriedEvidenceOptions } from '../../../src/mirror/carried/evidence.ts';
import { LoadedGeneration } from '../../../src/mirror/carried/generation.ts';
import { CarriedTime } from '../../../src/mirror/carried/time.ts';
import { carriedUpstream } from '../../../src/mirror/carried/upstream.ts';
import type { CarriedDocument, CarriedGeneration, CarriedTables } from '../../../src/ports/carried.ts';
import { client } from '../../support/callers.ts';
import { createClock, START } from '../../support/clock.ts';

// What an index that arrives by import has, and says where it has nothing.

const digest = (text: string) => sha256Hex(Buffer.from(text));
const RECORD: CarriedGeneration = {
  number: 1,
  manifest: digest('manifest'),
  table: { sha256: digest('table'), size: 1 },
  key: undefined,
  stateAt: START,
  importedAt: START,
  scan: undefined,
};

function carried(kind: CarriedDocument['kind'], filename = ''): CarriedDocument {
  const said = { url: undefined, type: undefined, serial: undefined, confirmed: undefined, at: 0 };
  return { kind, project: 'alpha', filename, sha256: digest(kind), size: 1, ...said };
}

function tablesOf(documents: Iterable<CarriedDocument>): CarriedTables {
  return {
    async *documents() {
      yield* documents;
    },
    async *files() {},
  };
}

async function generationOf(...documents: readonly CarriedDocument[]): Promise<LoadedGeneration> {
  return LoadedGeneration.load(RECORD, tablesOf(documents));
}

/** Of an index whose clock is at START and that imported nothing before. */
const time = await CarriedTime.open({
  clock: createClock(),
  carried: { read: async () => undefined },
  maxAgeDays: 30,
  reference: undefined,
});

function evidenceOf(generation: LoadedGeneration | undefined, spent?: Refusal): CarriedEvidence {
  const options: Partial<CarriedEvidenceOptions> = { generation: () => generation, spent: () => spent, time };
  return new CarriedEvidence(options as CarriedEvidenceOptions);
}

it('nothing of a generation that is too old is believed', async () => {
  const generation = await generationOf(carried('page'));
  expect((await evidenceOf(generation).ask('alpha')).source?.sha256).toBe(digest('page'));
  const spent = new Refusal('expired', 'It is too old.');
  await expect(evidenceOf(generation, spent).ask('alpha')).rejects.toBe(spent);
});

it('a list that was not carried is not there, and of a project nobody knows', async () => {
  const evidence = evidenceOf(await generationOf(carried('page')));
  await expect(evidence.ask('')).rejects.toMatchObject({ reason: 'unlisted', subject: 'list' });
  await expect(evidence.ask('beta')).rejects.toMatchObject({ reason: 'offline', subject: 'page' });
});

it('a generation of more documents than a machine can hold is refused', async () => {
  const document = carried('page');
  const endless = function* () {
    for (;;) yield document;
  };
  await expect(LoadedGeneration.load(RECORD, tablesOf(endless()))).rejects.toMatchObject({ reason: 'limit' });
}, 120_000);

it('a document that was not carried, or is gone from the store, is absent, and nobody is asked', async () => {
  const generation = await generationOf(carried('signature', 'alpha-1.0.tar.gz'));
  const asked = async (filename: string) => {
    const upstream = carriedUpstream(() => generation, { readDocument: async () => undefined });
    return upstream.document({ url: `https://index.example/${filename}.asc`, fresh: false, limit: 100 }, client());
  };
  expect(await asked('alpha-1.0.tar.gz')).toEqual({ kind: 'absent' });
  expect(await asked('alpha-2.0.tar.gz')).toEqual({ kind: 'absent' });
});
