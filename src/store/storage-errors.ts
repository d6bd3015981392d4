import { Refusal, type Subject } from '../bytes/refusal.ts';
import { codeOf } from './file-ops.ts';

/** No room for more: files, bytes, quota or open files. */
const FULL = new Set(['ENOSPC', 'EDQUOT', 'EMFILE', 'ENFILE', 'ENOMEM', 'EFBIG']);
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

export function isMissing(error: unknown): boolean {
  return codeOf(error) === 'ENOENT';
}

/** The stored thing itself is wrong, rather than the moment: set it aside. */
export function isDamage(error: unknown): boolean {
  const code = codeOf(error);
  return code !== undefined && DAMAGED.has(code);
}

/** The disk has no room: eviction may help. */
export function isFull(error: unknown): boolean {
  const code = codeOf(error);
  return code === 'ENOSPC' || code === 'EDQUOT';
}

/** A failed disk operation as an answer: always transient, because nothing about the asked-for bytes was judged. */
export function storageRefusal(error: unknown, subject: Subject): Refusal {
  if (error instanceof Refusal) return error;
  const code = codeOf(error);
  if (code !== undefined && FULL.has(code))
    return new Refusal(
      'limit',
      `The mirror's disk has no room to take this file (${code}); nothing was kept of it. Try again in a moment.`,
      {
        subject,
        cause: error,
        transient: true,
      },
    );
  return new Refusal(
    'state',
    `The mirror's disk could not be used (${code ?? 'unknown error'}); nothing was kept of this file. Ask the operator to look at the data directory.`,
    {
      subject,
      cause: error,
      transient: true,
    },
  );
}
