import { type Reason, Refusal, type Subject } from '../bytes/refusal.ts';
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

/**
 * A failed disk operation as an answer: always transient, because nothing about the asked-for bytes was judged.
 * Refusals and errors that are not the system's stay as they are.
 */
export function storageRefusal(error: unknown, subject: Subject): unknown {
  const code = codeOf(error);
  if (error instanceof Refusal || code === undefined) return error;
  const [reason, message]: readonly [Reason, string] = FULL.has(code)
    ? ['limit', `The mirror's disk has no room (${code}); nothing was kept of this. Try again in a moment.`]
    : [
        'state',
        `The mirror's disk could not be used (${code}); nothing was kept of this. Ask the operator to look at the data directory.`,
      ];
  return new Refusal(reason, message, { subject, cause: error, transient: true });
}

/** The same function, whose failed disk operations are refusals about the mirror's own state. */
export function onStateDisk<A extends readonly unknown[], R>(
  run: (...args: A) => Promise<R>,
): (...args: A) => Promise<R> {
  return async (...args) => {
    try {
      return await run(...args);
    } catch (error) {
      throw storageRefusal(error, 'state');
    }
  };
}
