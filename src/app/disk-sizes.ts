import { join } from 'node:path';
import { blobPaths } from '../disk/blob-paths.ts';
import type { FileOps } from '../disk/file-ops.ts';
import { listOrNothing } from '../disk/walk.ts';

/** What of the data directory is not files that were fetched. */
export const DISK_PARTS = ['state', 'records', 'drawn', 'quarantine', 'exports', 'use'] as const;

/** Bytes of one part; `index` is empty where all indexes share it. */
export interface DiskSize {
  readonly part: (typeof DISK_PARTS)[number];
  readonly index: string;
  readonly bytes: number;
}

/** Reads the sizes of databases and folders, of which none has many files. What goes away meanwhile counts as nothing. */
export async function diskSizes(
  ops: FileOps,
  root: string,
  indexes: Iterable<readonly [index: string, directory: string]>,
): Promise<readonly DiskSize[]> {
  const sizes: DiskSize[] = [];
  // With what an operator's word set aside beside it.
  for (const [index, directory] of indexes) sizes.push({ part: 'state', index, bytes: await bytesIn(ops, directory) });
  for (const part of ['records', 'drawn', 'quarantine', 'exports'] as const)
    sizes.push({ part, index: '', bytes: await bytesIn(ops, join(root, part)) });
  sizes.push({ part: 'use', index: '', bytes: (await ops.facts(blobPaths(root).useRecord))?.size ?? 0 });
  return sizes;
}

async function bytesIn(ops: FileOps, directory: string): Promise<number> {
  let bytes = 0;
  for (const name of await listOrNothing(ops, directory)) {
    const facts = await ops.facts(join(directory, name));
    bytes += facts?.kind === 'directory' ? await bytesIn(ops, join(directory, name)) : (facts?.size ?? 0);
  }
  return bytes;
}
