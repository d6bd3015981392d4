import { internalCaller } from '../../async/caller.ts';
import type { BlobStore } from '../../blobs/blob-store.ts';
import type { Entry } from '../../bundle/format/model.ts';
import { partsOf } from '../../bundle/import/store.ts';
import { decodedRows, documentOf } from '../../bundle/import/table.ts';
import { Refusal } from '../../bytes/refusal.ts';
import type { ContentName, ReadTable } from '../../ports/carried.ts';

/** The rows of a generation's table. Throws Refusal `state` where it is gone or damaged. */
export async function* rowsIn(
  blobs: Pick<BlobStore, 'content'>,
  table: ContentName,
): AsyncGenerator<Entry, void, undefined> {
  const blob = await blobs.content(table);
  if (blob === undefined)
    throw new Refusal(
      'state',
      'What was imported cannot be read: its table is gone or damaged here. Import the last bundle again.',
      { subject: 'state' },
    );
  yield* decodedRows(partsOf(blob, internalCaller('', 'import', 'client')));
}

/** Those that are documents which nobody signed. */
export function tableReader(blobs: Pick<BlobStore, 'content'>): ReadTable {
  return async function* (table) {
    for await (const row of rowsIn(blobs, table)) {
      const document = documentOf(row);
      if (document !== undefined) yield document;
    }
  };
}
