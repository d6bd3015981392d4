import { join } from 'node:path';
import { yieldToEventLoop } from '../async/yield.ts';
import { isAlgorithm, isDigest } from '../bytes/digest.ts';
import type { BlobPaths } from '../disk/blob-paths.ts';
import type { Durable } from '../disk/durable.ts';
import { codeOf, type FileOps } from '../disk/file-ops.ts';
import { readSmall } from '../disk/read-file.ts';
import { STATE_FILE_BYTES } from '../state/files/limits.ts';
import { SCAN_BATCH } from './limits.ts';
import type { Place, Shelf } from './usage-order.ts';

const LETTERS: Readonly<Record<Place, string>> = { probation: 'p', main: 'm', kept: 'k' };
const PLACES: ReadonlyMap<string, Place> = new Map([
  ['p', 'probation'],
  ['m', 'main'],
  ['k', 'kept'],
]);
const LINES_A_TURN = 5000;

/** Writes which blobs were used, least recently first: a line each, its place and its sha256. Only ever a hint. */
export async function saveUse(durable: Durable, paths: BlobPaths, shelf: Shelf): Promise<void> {
  const parts: Buffer[] = [];
  let lines: string[] = [];
  // A copy, because uses go on while this yields.
  for (const [sha256, place] of [...shelf.entries()]) {
    lines.push(`${LETTERS[place]} ${sha256}\n`);
    if (lines.length < LINES_A_TURN) continue;
    parts.push(Buffer.from(lines.join(''), 'latin1'));
    lines = [];
    await yieldToEventLoop();
  }
  parts.push(Buffer.from(lines.join(''), 'latin1'));
  await durable.replace(paths.useRecord, Buffer.concat(parts));
}

async function readUse(ops: FileOps, paths: BlobPaths): Promise<ReadonlyMap<string, Place>> {
  const used = new Map<string, Place>();
  const bytes = await readSmall(ops, paths.useRecord, STATE_FILE_BYTES);
  if (bytes === undefined) return used;
  let seen = 0;
  for (let at = 0; at < bytes.byteLength; ) {
    const newline = bytes.indexOf(0x0a, at);
    const end = newline === -1 ? bytes.byteLength : newline;
    const line = bytes.toString('latin1', at, end);
    const place = PLACES.get(line.slice(0, 1));
    const sha256 = line.slice(2);
    if (place !== undefined && isDigest('sha256', sha256)) used.set(sha256, place);
    at = end + 1;
    if (++seen % LINES_A_TURN === 0) await yieldToEventLoop();
  }
  return used;
}

/** Where there is no directory there is nothing; a directory that cannot be read must not pass for an empty one. */
async function listOrNothing(ops: FileOps, path: string): Promise<readonly string[]> {
  try {
    return await ops.list(path);
  } catch (error) {
    const code = codeOf(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return [];
    throw error;
  }
}

/** Every name in the blob tree, and what lies there; in no order. */
export async function* walkBlobs(
  ops: FileOps,
  paths: BlobPaths,
): AsyncGenerator<{ readonly sha256: string; readonly path: string; readonly size: number; readonly isFile: boolean }> {
  for (const prefix of await listOrNothing(ops, paths.blobs)) {
    const names = await listOrNothing(ops, join(paths.blobs, prefix));
    for (let at = 0; at < names.length; at += SCAN_BATCH) {
      const batch = names.slice(at, at + SCAN_BATCH).filter((name) => isDigest('sha256', prefix + name));
      const facts = await Promise.all(
        batch.map((name) => ops.facts(join(paths.blobs, prefix, name)).catch(() => undefined)),
      );
      for (const [index, name] of batch.entries()) {
        const fact = facts[index];
        if (fact !== undefined)
          yield {
            sha256: prefix + name,
            path: join(paths.blobs, prefix, name),
            size: fact.size,
            isFile: fact.kind === 'file',
          };
      }
    }
  }
}

/** Finds what is on disk, in the order of the use record, without standing in the way of requests; false where stopped. */
export async function scanBlobs(
  ops: FileOps,
  paths: BlobPaths,
  shelf: Shelf,
  stopped: () => boolean,
): Promise<boolean> {
  const used = await readUse(ops, paths);
  const onDisk = new Map<string, number>();
  for await (const { sha256, size, isFile } of walkBlobs(ops, paths)) {
    if (stopped()) return false;
    if (!isFile) continue;
    if (used.has(sha256)) onDisk.set(sha256, size);
    else shelf.found(sha256, size, 'probation');
  }
  let turn = 0;
  for (const [sha256, place] of used) {
    const size = onDisk.get(sha256);
    if (size !== undefined) shelf.found(sha256, size, place);
    if (++turn % LINES_A_TURN === 0) await yieldToEventLoop();
  }
  return true;
}

/** Removes aliases that lead to nothing any more. */
export async function sweepAliases(
  ops: FileOps,
  paths: BlobPaths,
  shelf: Shelf,
  stopped: () => boolean,
): Promise<void> {
  for (const algorithm of await listOrNothing(ops, paths.aliases)) {
    if (!isAlgorithm(algorithm)) continue;
    for (const prefix of await listOrNothing(ops, join(paths.aliases, algorithm))) {
      const directory = join(paths.aliases, algorithm, prefix);
      for (const name of await listOrNothing(ops, directory)) {
        if (stopped()) return;
        const path = join(directory, name);
        const bytes = await readSmall(ops, path, 64).catch(() => Buffer.alloc(0));
        if (bytes === undefined || shelf.has(bytes.toString('latin1'))) continue;
        // Between a sibling's blob and our record of it lies one look at the disk.
        const target = bytes.toString('latin1');
        if (isDigest('sha256', target) && (await ops.facts(paths.blob(target)).catch(() => undefined)) !== undefined)
          continue;
        await ops.unlink(path).catch(() => undefined);
      }
    }
  }
}
