import { constants, createPublicKey, type KeyObject, verify as verifySignature } from 'node:crypto';
import { type DecodeKey, usableKey } from './usable.ts';

const MIN_RSA_BITS = 2048;
const MAX_RSA_BITS = 8192;

/** `rsassa-pss-*` (TUF §4.2): a salt of any length, as the norm leaves it open. */
export function rsaPss(hash: string): DecodeKey {
  return (pem) =>
    decodeRsa(pem, hash, (key) => ({
      key,
      padding: constants.RSA_PKCS1_PSS_PADDING,
      saltLength: constants.RSA_PSS_SALTLEN_AUTO,
    }));
}

/** `rsa-pkcs1v15-*`: what key services and smart cards sign with unless told otherwise (RFC 8017 §8.2). */
export function rsaPkcs1(hash: string): DecodeKey {
  return (pem) => decodeRsa(pem, hash, (key) => ({ key, padding: constants.RSA_PKCS1_PADDING }));
}

function decodeRsa(pem: string, hash: string, padded: (key: KeyObject) => Parameters<typeof verifySignature>[2]) {
  const key = createPublicKey(pem);
  const bits = key.asymmetricKeyDetails?.modulusLength ?? 0;
  if (key.asymmetricKeyType !== 'rsa' || bits < MIN_RSA_BITS || bits > MAX_RSA_BITS) return undefined;
  const how = padded(key);
  // Whoever can sign for a modulus can sign for it under any exponent, padding and hash.
  return usableKey(`rsa:${key.export({ format: 'jwk' }).n}`, (message, signature) =>
    verifySignature(hash, message, how, signature),
  );
}
