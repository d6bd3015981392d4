import { createPublicKey, type KeyObject, verify as verifySignature } from 'node:crypto';
import { Point } from '@noble/ed25519';
import { BoundedMap } from '../../bytes/bounded-map.ts';
import { type Usable, usableKey } from './usable.ts';

/** The SPKI bytes before a public key (RFC 8410). */
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');
const POINT_BYTES = 32;
const SIGNATURE_BYTES = 64;
/** Key objects kept: a chain of roots lists the same few again and again. */
const KEYS_KEPT = 256;

/** The group's order, and the field's prime less one, most significant byte first. */
const ORDER = Buffer.from('1000000000000000000000000000000014def9dea2f79cd65812631a5cf5d3ed', 'hex');
const LAST_Y = Buffer.from('7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffec', 'hex');
const FIRST_Y = Buffer.from('01'.padStart(2 * POINT_BYTES, '0'), 'hex');
const SIGN = 0x80;

const vetted = new BoundedMap<KeyObject | undefined>({ entries: KEYS_KEPT });

/**
 * `ed25519` (TUF §4.2): 32 bytes in hex. OpenSSL takes keys that are no canonical point or of small order, under which anybody can
 * sign: each key is vetted by @noble/ed25519, once. With such a key and the checks below OpenSSL accepts nothing that a strict
 * verifier refuses: it compares R with the one encoding of what the equation demands.
 */
export function decodeEd25519(hex: string): Usable | undefined {
  if (!/^[0-9a-fA-F]{64}$/.test(hex)) return undefined;
  const name = hex.toLowerCase();
  if (!vetted.has(name)) vetted.set(name, vet(name));
  const key = vetted.get(name);
  if (key === undefined) return undefined;
  return usableKey(
    `ed25519:${name}`,
    (message, signature) => isStrict(signature) && verifySignature(null, message, key, signature),
  );
}

function vet(hex: string): KeyObject | undefined {
  const bytes = Buffer.from(hex, 'hex');
  try {
    // Throws for a y beyond the field, for what is no point, and for the second spelling of x = 0.
    if (Point.fromBytes(bytes).isSmallOrder()) return undefined;
  } catch {
    return undefined;
  }
  return createPublicKey({ key: Buffer.concat([SPKI_PREFIX, bytes]), format: 'der', type: 'spki' });
}

/** RFC 8032 §5.1.7, before the equation: S below the order, and R as a point is encoded. */
function isStrict(signature: Uint8Array): boolean {
  if (signature.byteLength !== SIGNATURE_BYTES) return false;
  const y = Buffer.from(signature.subarray(0, POINT_BYTES)).reverse();
  const s = Buffer.from(signature.subarray(POINT_BYTES)).reverse();
  const isOdd = ((y[0] ?? 0) & SIGN) !== 0;
  y[0] = (y[0] ?? 0) & ~SIGN;
  // Where x is zero it has no odd spelling.
  const isZeroX = y.equals(FIRST_Y) || y.equals(LAST_Y);
  return s.compare(ORDER) < 0 && y.compare(LAST_Y) <= 0 && !(isOdd && isZeroX);
}
