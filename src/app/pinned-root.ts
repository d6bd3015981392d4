import { Refusal } from '../bytes/refusal.ts';
import { readPlainFile, UnusableFile } from '../config/plain-file.ts';
import { LIMITS } from '../tuf/limits.ts';

/** The pinned root, as the operator gave it. Throws Refusal `state` or `format` naming the file. */
export function readRoot(path: string): Uint8Array {
  let bytes: Uint8Array;
  try {
    bytes = readPlainFile(path, LIMITS.root);
  } catch (cause) {
    if (!(cause instanceof UnusableFile)) throw cause;
    throw new Refusal('state', `The root file ${path} ${cause.message}.`, { subject: 'root', cause });
  }
  if (bytes.byteLength === 0) throw new Refusal('format', `The root file ${path} is empty.`, { subject: 'root' });
  return bytes;
}
