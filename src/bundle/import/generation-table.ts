import { Refusal } from '../../bytes/refusal.ts';
import type { Carried, ContentName } from '../../ports/carried.ts';
import type { Entry } from '../format/model.ts';
import type { Judged } from './judge.ts';
import type { ReadBundle } from './opened.ts';
import type { ImportPlace } from './place.ts';
import { partsOf } from './store.ts';
import { decodedRows, encodedRows, mergedRows, nameOf, type Removed } from './table.ts';

/** Writes down what the index consists of from then on. */
export async function writeTable(place: ImportPlace, { bundle, base }: Judged, removed: Removed): Promise<ContentName> {
  const rows = () =>
    encodedRows(mergedRows(base === undefined ? none() : rowsOf(place, base.table), entriesOf(bundle), removed));
  const table = await nameOf(rows());
  await place.store.stage(table, rows);
  return table;
}

/** The table of an import that is in force or may be built on, where it is gone or damaged. */
export async function healTable(
  place: ImportPlace,
  judged: Judged,
  carried: Carried | undefined,
  removed: Removed,
): Promise<void> {
  const { sha256: manifest } = judged.bundle.manifest;
  const table = carried?.generations.find((each) => each.manifest === manifest)?.table;
  if (table === undefined || (await place.store.content(table)) !== undefined) return;
  await writeTable(place, judged, removed);
  await place.index.adopt();
}

async function* entriesOf(bundle: ReadBundle): AsyncGenerator<Entry, void, undefined> {
  for await (const given of bundle.lines()) if (given.line === 'entry') yield given.entry;
}

async function* none(): AsyncGenerator<Entry, void, undefined> {}

/** Throws Refusal `state` where a table is gone or damaged. */
export async function* rowsOf(
  { store, caller }: Pick<ImportPlace, 'store' | 'caller'>,
  table: ContentName,
): AsyncGenerator<Entry, void, undefined> {
  const blob = await store.content(table);
  if (blob === undefined)
    throw new Refusal('state', 'The table of what was imported is gone or damaged here: import a complete bundle.', {
      subject: 'state',
    });
  yield* decodedRows(partsOf(blob, caller));
}
