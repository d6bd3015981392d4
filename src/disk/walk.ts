import { join } from 'node:path';
import { codeOf, type FileOps } from './file-ops.ts';
import { isMissing } from './storage-errors.ts';

/** The names two levels down (`ab/demo`), as the state of projects lies; none where the directory is not there. */
export async function* walkTwo(ops: FileOps, directory: string): AsyncIterable<string> {
  for (const outer of await namesIn(ops, directory))
    for (const inner of await namesIn(ops, join(directory, outer))) yield `${outer}/${inner}`;
}

/** The names in a directory, in order; none where it is not there. */
export async function namesIn(ops: FileOps, directory: string): Promise<readonly string[]> {
  try {
    return [...(await ops.list(directory))].sort();
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

/** The names in a directory, in no order. Where there is no directory there is nothing; one that cannot be read must not pass for an empty one. */
export async function listOrNothing(ops: FileOps, path: string): Promise<readonly string[]> {
  try {
    return await ops.list(path);
  } catch (error) {
    const code = codeOf(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return [];
    throw error;
  }
}
