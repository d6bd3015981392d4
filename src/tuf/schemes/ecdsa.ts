import { createPublicKey, type KeyObject, verify as verifySignature } from 'node:crypto';
import { type DecodeKey, usableKey } from './usable.ts';

interface Curve {
  readonly name: string;
  readonly hash: string;
  readonly pointLength: number;
  /** The SPKI bytes before an uncompressed point. */
  readonly spkiPrefix: string;
}

export const P256: Curve = {
  name: 'prime256v1',
  hash: 'sha256',
  pointLength: 65,
  spkiPrefix: '3059301306072a8648ce3d020106082a8648ce3d030107034200',
};

export const P384: Curve = {
  name: 'secp384r1',
  hash: 'sha384',
  pointLength: 97,
  spkiPrefix: '3076301006072a8648ce3d020106052b81040022036200',
};

/** `ecdsa-sha2-*` (TUF §4.2): a PEM, or the uncompressed point in hex. */
export function ecdsa(curve: Curve): DecodeKey {
  return (publicKey) => {
    const point = /^[0-9a-fA-F]+$/.test(publicKey) ? publicKey : pointOf(publicKey, curve);
    const key = point === undefined ? undefined : fromPoint(point, curve);
    if (key === undefined) return undefined;
    return usableKey(key.export({ format: 'der', type: 'spki' }).toString('base64'), (message, signature) =>
      verifySignature(curve.hash, message, { key, dsaEncoding: 'der' }, signature),
    );
  };
}

/** One point has many PEM spellings (compressed, hybrid, explicit parameters); only the point itself tells keys apart. */
function pointOf(pem: string, curve: Curve): string | undefined {
  const key = createPublicKey(pem);
  if (key.asymmetricKeyType !== 'ec' || key.asymmetricKeyDetails?.namedCurve !== curve.name) return undefined;
  const { x, y } = key.export({ format: 'jwk' });
  return `04${hexOf(x)}${hexOf(y)}`;
}

function hexOf(base64url: string | undefined): string {
  return Buffer.from(base64url ?? '', 'base64url').toString('hex');
}

function fromPoint(hex: string, curve: Curve): KeyObject | undefined {
  if (hex.length !== curve.pointLength * 2 || !hex.startsWith('04')) return undefined;
  return createPublicKey({ key: Buffer.from(curve.spkiPrefix + hex, 'hex'), format: 'der', type: 'spki' });
}
