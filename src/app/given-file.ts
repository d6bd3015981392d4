import { readFileSync } from 'node:fs';
import { Refusal } from '../bytes/refusal.ts';

/** Certificates, users, tokens: nothing of the kind is larger. */
const MOST_BYTES = 4 * 1024 * 1024;

/** A file the operator named. Throws Refusal `state` or `limit` that says which, and never what it holds. */
export function readGiven(path: string, what: string): Buffer {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (cause) {
    throw new Refusal('state', `${path} (${what}) cannot be read.`, { subject: 'state', cause });
  }
  if (bytes.byteLength > MOST_BYTES)
    throw new Refusal('limit', `${path} (${what}) is too large.`, { subject: 'state' });
  return bytes;
}
