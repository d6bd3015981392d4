import { createHash, createPublicKey, verify as verifySignature } from 'node:crypto';
import { type DecodeKey, usableKey } from './usable.ts';

/** The bytes of a public key (FIPS 204, table 2), which are any bytes at all. */
const BYTES_OF_ML_DSA_44 = 1312;

/** TAP 21, version 1: what is signed is never the document but these bytes and its SHA-512, so that one scheme cannot be taken for another. */
const DOMAIN_AND_VERSION = Buffer.from('tuf\u0001', 'latin1');

/** `ml-dsa-*` + `/1` (TAP 21): a PEM (RFC 9881); pure ML-DSA, empty context. */
export function mlDsa(parameters: 'ml-dsa-44' | 'ml-dsa-65' | 'ml-dsa-87'): DecodeKey {
  return (pem) => {
    const key = createPublicKey(pem);
    if (key.asymmetricKeyType !== parameters) return undefined;
    const material = key.export({ format: 'der', type: 'spki' }).toString('base64');
    return usableKey(material, (message, signature) =>
      verifySignature(
        null,
        Buffer.concat([DOMAIN_AND_VERSION, createHash('sha512').update(message).digest()]),
        key,
        signature,
      ),
    );
  };
}

let known: boolean | undefined;

/** False where node's OpenSSL is older than 3.5, as node 22's is. */
export function hasMlDsa(): boolean {
  known ??= readsMlDsa();
  return known;
}

function readsMlDsa(): boolean {
  try {
    const pub = Buffer.alloc(BYTES_OF_ML_DSA_44).toString('base64url');
    createPublicKey({ key: { kty: 'AKP', alg: 'ML-DSA-44', pub }, format: 'jwk' });
    return true;
  } catch {
    return false;
  }
}
