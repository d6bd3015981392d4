import { createHash } from 'node:crypto';
import * as ed25519 from '@noble/ed25519';
import { type Usable, usableKey } from './usable.ts';

ed25519.hashes.sha512 = (message) => createHash('sha512').update(message).digest();

/** `ed25519` (TUF §4.2): 32 bytes in hex. */
export function decodeEd25519(hex: string): Usable | undefined {
  if (!/^[0-9a-fA-F]{64}$/.test(hex)) return undefined;
  const publicKey = Buffer.from(hex, 'hex');
  return usableKey(`ed25519:${publicKey.toString('hex')}`, (message, signature) =>
    // Strict verification: the lenient default accepts small-order keys. A short signature throws.
    ed25519.verify(signature, message, publicKey, { zip215: false }),
  );
}
