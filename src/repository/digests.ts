import { createHash } from 'node:crypto';
import { createBLAKE2b } from 'hash-wasm';
import type { Algorithm } from '../bytes/digest.ts';

// One instance is enough: nothing here waits between init and digest.
const blake = await createBLAKE2b(256);

/** A digest as metadata lists it, in lower-case hex. */
export function digestHex(algorithm: Algorithm, bytes: Uint8Array): string {
  if (algorithm !== 'blake2b-256') return createHash(algorithm).update(bytes).digest('hex');
  return blake.init().update(bytes).digest('hex');
}
