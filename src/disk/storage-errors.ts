import { type Reason, Refusal, type Subject } from '../bytes/refusal.ts';
import { StorageError } from '../ports/blob-storage.ts';
import { codeOf } from './file-ops.ts';

/** No room for bytes: removing files may help. */
const FULL = new Set(['ENOSPC', 'EDQUOT']);
/** No room for more at this moment: open files, memory, or a file of that size. */
const BUSY = new Set(['EMFILE', 'ENFILE', 'ENOMEM', 'EFBIG']);
/** What a name holds that should be a readable file: a symlink, directory, device, FIFO or unreadable blocks. */
const DAMAGED = new Set([
  'ELOOP',
  'EMLINK',
  'EISDIR',
  'ENXIO',
  'ENODEV',
  'ENOTDIR',
  'EIO',
  'EACCES',
  'EPERM',
  'EUCLEAN',
]);

/** The disk has no room for bytes. */
export function isFull(error: unknown): boolean {
  return FULL.has(codeOf(error) ?? '');
}

export function isMissing(error: unknown): boolean {
  return codeOf(error) === 'ENOENT';
}

/** The stored thing itself is wrong, rather than the moment: set it aside. */
export function isDamage(error: unknown): boolean {
  const code = codeOf(error);
  return code !== undefined && DAMAGED.has(code);
}

/**
 * A failed disk operation as an answer: always transient, because nothing about the asked-for bytes was judged.
 * Refusals and errors that are not the system's stay as they are.
 */
export function storageRefusal(error: unknown, subject: Subject): unknown {
  const code = codeOf(error);
  if (error instanceof Refusal || code === undefined) return error;
  const reason: Reason = FULL.has(code) || BUSY.has(code) ? 'limit' : 'state';
  return new Refusal(reason, sentenceOf(code), { subject, cause: error, transient: true });
}

/** Runs what a blob needs of the disk; a failed disk operation is a StorageError. */
export async function onBlobDisk<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    const code = codeOf(error);
    // node's own complaints about a call are faults of this program.
    if (code === undefined || code.startsWith('ERR_')) throw error;
    const kind = FULL.has(code) ? 'full' : BUSY.has(code) ? 'busy' : DAMAGED.has(code) ? 'damaged' : 'failed';
    throw new StorageError(kind, sentenceOf(code), { cause: error });
  }
}

function sentenceOf(code: string): string {
  if (FULL.has(code)) return `The mirror's disk is full (${code}); nothing was kept of this. Make room, and try again.`;
  return BUSY.has(code)
    ? `The mirror's system has no room for more at this moment (${code}); nothing was kept of this. Try again in a moment.`
    : `The mirror's disk could not be used (${code}); nothing was kept of this. Ask the operator to look at the data directory.`;
}
