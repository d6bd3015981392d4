import { constants, createHash, createPublicKey, type KeyObject, verify as verifySignature } from 'node:crypto';
import * as ed25519 from '@noble/ed25519';

ed25519.hashes.sha512 = (message) => createHash('sha512').update(message).digest();

/** A public key as a document lists it. A keyid is a label; thresholds count `material`. */
export interface Key {
  readonly keyid: string;
  readonly keytype: string;
  readonly scheme: string;
  /** The decoded key's identity, equal for equal keys however they are written; undefined where it cannot be used here. */
  readonly material: string | undefined;
  /** True where the document says that a machine holds it (an online URI). */
  readonly saysOnline: boolean;
  /** False for whatever does not verify; never throws. */
  verifies(message: Uint8Array, signature: Uint8Array): boolean;
}

interface KeyFields {
  readonly keyid: string;
  readonly keytype: string;
  readonly scheme: string;
  readonly publicKey: string | undefined;
  readonly saysOnline: boolean;
}

interface Usable {
  readonly material: string;
  verifies(message: Uint8Array, signature: Uint8Array): boolean;
}

/** TUF §4.2. Decoding waits until the key is needed: a hostile root may list thousands. */
export function createKey(fields: KeyFields): Key {
  let decoded: { readonly usable: Usable | undefined } | undefined;
  const usable = () => {
    decoded ??= { usable: decodeKey(fields) };
    return decoded.usable;
  };
  return {
    keyid: fields.keyid,
    keytype: fields.keytype,
    scheme: fields.scheme,
    saysOnline: fields.saysOnline,
    get material() {
      return usable()?.material;
    },
    verifies: (message, signature) => usable()?.verifies(message, signature) ?? false,
  };
}

/** The scheme selects algorithm, hash and curve; a key that does not fit its scheme counts for nothing. */
function decodeKey({ keytype, scheme, publicKey }: KeyFields): Usable | undefined {
  if (publicKey === undefined) return undefined;
  try {
    if (keytype === 'ed25519' && scheme === 'ed25519') return decodeEd25519(publicKey);
    const curve = CURVES.get(scheme);
    if (curve !== undefined)
      return keytype === 'ecdsa' || keytype === scheme ? decodeEcdsa(publicKey, curve) : undefined;
    const hash = PSS_HASHES.get(scheme);
    if (hash !== undefined) return keytype === 'rsa' ? decodeRsa(publicKey, hash) : undefined;
    return undefined;
  } catch {
    return undefined;
  }
}

function decodeEd25519(hex: string): Usable | undefined {
  if (!/^[0-9a-fA-F]{64}$/.test(hex)) return undefined;
  const publicKey = Buffer.from(hex, 'hex');
  return {
    material: `ed25519:${publicKey.toString('hex')}`,
    verifies(message, signature) {
      try {
        // Strict verification: the lenient default accepts small-order keys. A short signature throws.
        return ed25519.verify(signature, message, publicKey, { zip215: false });
      } catch {
        return false;
      }
    },
  };
}

interface Curve {
  readonly name: string;
  readonly hash: string;
  readonly pointLength: number;
  /** The SPKI bytes before an uncompressed point. */
  readonly spkiPrefix: string;
}

const CURVES: ReadonlyMap<string, Curve> = new Map([
  [
    'ecdsa-sha2-nistp256',
    {
      name: 'prime256v1',
      hash: 'sha256',
      pointLength: 65,
      spkiPrefix: '3059301306072a8648ce3d020106082a8648ce3d030107034200',
    },
  ],
  [
    'ecdsa-sha2-nistp384',
    {
      name: 'secp384r1',
      hash: 'sha384',
      pointLength: 97,
      spkiPrefix: '3076301006072a8648ce3d020106052b81040022036200',
    },
  ],
]);

function decodeEcdsa(publicKey: string, curve: Curve): Usable | undefined {
  const point = /^[0-9a-fA-F]+$/.test(publicKey) ? publicKey : pointOf(publicKey, curve);
  const key = point === undefined ? undefined : fromPoint(point, curve);
  if (key === undefined) return undefined;
  return usableKey(key.export({ format: 'der', type: 'spki' }).toString('base64'), (message, signature) =>
    verifySignature(curve.hash, message, { key, dsaEncoding: 'der' }, signature),
  );
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

const PSS_HASHES: ReadonlyMap<string, string> = new Map([
  ['rsassa-pss-sha256', 'sha256'],
  ['rsassa-pss-sha384', 'sha384'],
  ['rsassa-pss-sha512', 'sha512'],
]);

const MIN_RSA_BITS = 2048;
const MAX_RSA_BITS = 8192;

function decodeRsa(publicKey: string, hash: string): Usable | undefined {
  const key = createPublicKey(publicKey);
  const bits = key.asymmetricKeyDetails?.modulusLength ?? 0;
  if (key.asymmetricKeyType !== 'rsa' || bits < MIN_RSA_BITS || bits > MAX_RSA_BITS) return undefined;
  const padding = { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_AUTO };
  // Whoever can sign for a modulus can sign for it under any exponent.
  const material = `rsa:${key.export({ format: 'jwk' }).n}`;
  return usableKey(material, (message, signature) => verifySignature(hash, message, padding, signature));
}

function usableKey(material: string, check: (message: Uint8Array, signature: Uint8Array) => boolean): Usable {
  return {
    material,
    verifies(message, signature) {
      try {
        return check(message, signature);
      } catch {
        return false;
      }
    },
  };
}
