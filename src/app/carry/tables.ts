import { internalCaller } from '../../async/caller.ts';
import type { BlobStore } from '../../blobs/blob-store.ts';
import type { Entry } from '../../bundle/format/model.ts';
import { partsOf } from '../../bundle/import/store.ts';
import { documentOf, type PlacedRow, placedRows } from '../../bundle/import/table.ts';
import { Refusal } from '../../bytes/refusal.ts';
import type { CarriedTables, ContentName } from '../../ports/carried.ts';

/** The rows of a generation's table. Throws Refusal `state` where it is gone or damaged. */
export async function* rowsIn(
  blobs: Pick<BlobStore, 'content'>,
  table: ContentName,
): AsyncGenerator<Entry, void, undefined> {
  for await (const { row } of placedRowsIn(blobs, table, 0)) yield row;
}

async function* placedRowsIn(
  blobs: Pick<BlobStore, 'content'>,
  table: ContentName,
  from: number,
): AsyncGenerator<PlacedRow, void, undefined> {
  const blob = await blobs.content(table);
  if (blob === undefined)
    throw new Refusal(
      'state',
      'What was imported cannot be read: its table is gone or damaged here. Import the last bundle again.',
      { subject: 'state' },
    );
  yield* placedRows(partsOf(blob, internalCaller('', 'import', 'client'), from), from);
}

/** Documents which nobody signed, and files. */
export function carriedTables(blobs: Pick<BlobStore, 'content'>): CarriedTables {
  return {
    async *documents(table) {
      for await (const placed of placedRowsIn(blobs, table, 0)) {
        const document = documentOf(placed);
        if (document !== undefined) yield document;
      }
    },
    async *files(table, { project, at }) {
      for await (const { row } of placedRowsIn(blobs, table, at)) {
        if (row.project !== project) return;
        const { kind, name, sha256, size } = row;
        if (kind === 'file' && name !== undefined) yield { filename: name, sha256, size };
      }
    },
  };
}
