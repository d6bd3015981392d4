import { dirname, join, resolve } from 'node:path';
import { Refusal } from '../bytes/refusal.ts';
import { checkFileSystem } from './database/file-system-kind.ts';
import { createDurable } from './durable.ts';
import { codeOf, type FileOps, nodeFileOps } from './file-ops.ts';
import { newOwnerName } from './owner.ts';

export interface DirectoryProbe {
  /** False where it would have to be made first: then the next directory above it was tried. */
  readonly isThere: boolean;
  readonly at: string;
  /** Until a few bytes and their name were on the disk. */
  readonly syncMs: number;
}

/** Tries what a data directory is needed for, and leaves nothing. Throws Refusal `state` where it would not do. */
export async function probeDirectory(
  directory: string,
  allowFuse: boolean,
  ops: FileOps = nodeFileOps,
): Promise<DirectoryProbe> {
  const data = resolve(directory);
  const at = await nearest(ops, data);
  const isThere = at === data;
  await checkFileSystem(ops, at, allowFuse);
  const temps = join(at, 'tmp');
  // Where a start looks for what others left behind.
  const isUsed = isThere && (await ops.facts(temps).catch(() => undefined))?.kind === 'directory';
  const own = isUsed ? join(temps, newOwnerName()) : join(at, `.verbatim-probe-${newOwnerName()}`);
  const durable = createDurable({ ops, root: at, tempDirectory: own });
  try {
    await durable.directory(own);
    const path = join(own, 'probe');
    const started = performance.now();
    await durable.replace(path, Uint8Array.of(1));
    const syncMs = performance.now() - started;
    await ops.unlink(path);
    await durable.claim(path, Uint8Array.of(1));
    return { isThere, at, syncMs };
  } catch (cause) {
    throw new Refusal(
      'state',
      `${at} cannot be written durably (${codeOf(cause) ?? 'unknown error'}). It needs free space, this user's permission, and a filesystem with rename, hard links and fsync of directories.`,
      { subject: 'state', cause },
    );
  } finally {
    await ops.removeTree(own).catch(() => undefined);
  }
}

/** The directory itself, or the first above it that is there. */
async function nearest(ops: FileOps, path: string): Promise<string> {
  if ((await ops.facts(path)) !== undefined) return path;
  const parent = dirname(path);
  return parent === path ? path : nearest(ops, parent);
}
