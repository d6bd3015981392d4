import { join } from 'node:path';
import { codeOf, type FileOps } from '../file-ops.ts';
import { ownerState } from '../owner.ts';
import { readFull } from '../read-file.ts';
import { listOrNothing } from '../walk.ts';
import { NUMBER, type RememberedFile } from './export-history.ts';

/**
 * What exports that are being made have written down of the state that they carry; the last line of each may be half of one. An export
 * of another container counts while what it left is there.
 */
export async function* exportsUnderWay(ops: FileOps, root: string): AsyncGenerator<RememberedFile, void, undefined> {
  const exports = join(root, 'exports');
  for (const index of await listOrNothing(ops, exports))
    for (const name of await listOrNothing(ops, join(exports, index))) {
      if (NUMBER.test(name) || ownerState(name) === 'dead') continue;
      const file = await ops.openRead(join(exports, index, name, 'state.jsonl')).catch((error: unknown) => {
        // It has written nothing yet, or is through.
        if (codeOf(error) === 'ENOENT') return undefined;
        throw error;
      });
      if (file === undefined) continue;
      try {
        const { size } = await file.facts();
        yield { size, read: (into, position) => readFull(file, into, position) };
      } finally {
        await file.close();
      }
    }
}
