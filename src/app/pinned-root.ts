import { Refusal } from '../bytes/refusal.ts';
import { readPlainFile, UnusableFile } from '../config/plain-file.ts';
import { SIGSTORE_ROOT } from '../presets/sigstore-root.ts';
import { LIMITS } from '../tuf/limits.ts';

/** The pinned root, as the operator gave it, or that of Sigstore's own repository. Throws Refusal `state` or `format` naming the file. */
export function readRoot(path: string | undefined): Uint8Array {
  if (path === undefined) return Buffer.from(SIGSTORE_ROOT);
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
