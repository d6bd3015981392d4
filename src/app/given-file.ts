import { Refusal } from '../bytes/refusal.ts';
import { readPlainFile, UnusableFile } from '../config/plain-file.ts';

/** Certificates, users, tokens: nothing of the kind is larger. */
const MOST_BYTES = 4 * 1024 * 1024;

/** A file the operator named. Throws Refusal `state` that says which and why, and never what it holds. */
export function readGiven(path: string, what: string, mostBytes = MOST_BYTES): Buffer {
  try {
    return readPlainFile(path, mostBytes);
  } catch (cause) {
    if (!(cause instanceof UnusableFile)) throw cause;
    throw new Refusal('state', `${path} (${what}) ${cause.message}.`, { subject: 'state', cause });
  }
}
