import { join } from 'node:path';
import { Refusal } from '../bytes/refusal.ts';
import { blobPaths } from './blob-paths.ts';
import { codeOf, type FileOps } from './file-ops.ts';
import { USAGE_RECORD_BYTES } from './limits.ts';
import { isMissing } from './storage-errors.ts';

const FOLDERS = [
  'tmp',
  'quarantine',
  'blobs',
  'blobs/sha256',
  'blobs/by',
  'indexes',
  'records',
  'control',
  'exports',
  'work',
  'syncs',
  'advisories',
];

/**
 * Looks at what lies in a data directory where its folders and the record of use belong. A link in the place of a folder
 * would have files of others swept away as evidence or leftovers; without the record nothing would ever leave the cache, and
 * its limit would be none. Throws Refusal `state` that says what to do.
 */
export async function checkPlaces(ops: FileOps, root: string): Promise<void> {
  for (const name of FOLDERS) {
    const path = join(root, name);
    const kind = (await ops.facts(path))?.kind;
    if (kind !== undefined && kind !== 'directory')
      throw unusable(path, `is not a directory (${WORDS[kind]})`, 'the mirror keeps files of its own below it.');
  }
  await checkUseRecord(ops, blobPaths(root).useRecord);
}

const WORDS = {
  file: 'a file',
  symlink: 'a symbolic link',
  other: 'a FIFO, socket or device',
  directory: 'a directory',
};

async function checkUseRecord(ops: FileOps, path: string): Promise<void> {
  try {
    const file = await ops.openRead(path);
    const { kind, size } = await file.facts().finally(() => file.close());
    if (kind !== 'file') throw unusable(path, `is not a file (${WORDS[kind]})`, LIMIT_LOST);
    if (size > USAGE_RECORD_BYTES) throw unusable(path, `is larger than ${USAGE_RECORD_BYTES} bytes`, LIMIT_LOST);
  } catch (cause) {
    if (cause instanceof Refusal) throw cause;
    if (!isMissing(cause))
      throw unusable(path, `cannot be read (${codeOf(cause) ?? String(cause)})`, LIMIT_LOST, cause);
  }
}

const LIMIT_LOST = 'it records which files were used last, and without it the cache could keep no limit.';

function unusable(path: string, why: string, what: string, cause?: unknown): Refusal {
  return new Refusal('state', `${path} ${why}: ${what} Move it away and start again.`, { subject: 'state', cause });
}
