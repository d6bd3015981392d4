import { join } from 'node:path';
import { formerLines } from '../disk/layout-1/former-lines.ts';
import { ACCESS_BYTES, JOURNAL_BYTES } from '../disk/limits.ts';
import type { LineKind, RecordsDatabase } from '../disk/records/records-database.ts';
import type { Volume } from '../disk/volume.ts';

/** Each kind had a folder of its name; and the most bytes that its lines may have. */
const FORMER: ReadonlyMap<LineKind, number> = new Map([
  ['journal', JOURNAL_BYTES],
  ['access', ACCESS_BYTES],
]);
const AT_ONCE = 5000;

/**
 * Carries the records of an earlier layout over. A start that ended in the middle of it is gone on with: so many lines as there
 * are were carried over, because nobody writes others before the directory is marked.
 */
export async function carryOverRecords({ ops, root }: Volume, records: RecordsDatabase): Promise<void> {
  for (const [kind, maxBytes] of FORMER) {
    let done = await records.count(kind);
    let lines: string[] = [];
    const append = async () => {
      if (lines.length > 0) await records.append(kind, lines, maxBytes);
      lines = [];
    };
    for await (const line of formerLines(ops, join(root, kind))) {
      if (done-- > 0) continue;
      lines.push(line);
      if (lines.length === AT_ONCE) await append();
    }
    await append();
  }
}

/** Removes the files they were carried over from, of this start or of one that ended before it came to that. */
export async function removeFormerRecords({ ops, root, durable }: Volume): Promise<void> {
  for (const kind of FORMER.keys()) {
    const folder = join(root, kind);
    if ((await ops.facts(folder)) === undefined) continue;
    const away = join(await durable.tempDirectory(), kind);
    await durable.moveAway(folder, away);
    await ops.removeTree(away);
  }
}
