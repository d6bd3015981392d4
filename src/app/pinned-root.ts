import { readFileSync } from 'node:fs';
import { Refusal } from '../bytes/refusal.ts';
import { LIMITS } from '../tuf/limits.ts';

/** The pinned root, as the operator gave it. Throws Refusal `state` or `format` naming the file. */
export function readRoot(path: string): Uint8Array {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (cause) {
    throw new Refusal('state', `The root file ${path} cannot be read.`, { subject: 'root', cause });
  }
  if (bytes.byteLength === 0 || bytes.byteLength > LIMITS.root)
    throw new Refusal('format', `The root file ${path} is ${bytes.byteLength === 0 ? 'empty' : 'too large'}.`, {
      subject: 'root',
    });
  return bytes;
}
