import {
  constants,
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign as signBytes,
} from 'node:crypto';
import { canonicalBytes } from './json-writer.ts';

/** A key as metadata lists it (TUF §4.2). Extra members are allowed and count in the key id. */
export interface PublicKey {
  keytype: string;
  scheme: string;
  keyval: Record<string, unknown>;
  [extra: string]: unknown;
}

/** A key that signs. `keyid` is only the label that signatures carry. */
export interface SigningKey {
  readonly keyid: string;
  readonly public: PublicKey;
  readonly sign: (message: Uint8Array) => Uint8Array;
}

/** The key id by the norm: SHA-256 of the key's canonical JSON (TUF §4.2). */
export function keyidOf(key: PublicKey): string {
  return createHash('sha256').update(canonicalBytes(key)).digest('hex');
}

function signingKey(publicKey: PublicKey, sign: SigningKey['sign']): SigningKey {
  return { keyid: keyidOf(publicKey), public: publicKey, sign };
}

/** The same secret under another face: another key id, key type, spelling or extra members. */
export function disguise(key: SigningKey, changes: Partial<PublicKey>, keyid?: string): SigningKey {
  const publicKey = { ...key.public, ...changes } as PublicKey;
  return { keyid: keyid ?? keyidOf(publicKey), public: publicKey, sign: key.sign };
}

function pem(publicKey: KeyObject): string {
  return publicKey.export({ type: 'spki', format: 'pem' }).toString();
}

function base64url(text: string | undefined): string {
  return Buffer.from(text ?? '', 'base64url').toString('hex');
}

const PKCS8_ED25519 = Buffer.from('302e020100300506032b657004220420', 'hex');

/** Ed25519 from a 32-byte seed (RFC 8032), or a new random key. */
export function ed25519Key(seed?: Uint8Array): SigningKey {
  const secret =
    seed === undefined
      ? generateKeyPairSync('ed25519').privateKey
      : createPrivateKey({ key: Buffer.concat([PKCS8_ED25519, seed]), format: 'der', type: 'pkcs8' });
  const point = createPublicKey(secret).export({ format: 'jwk' }).x;
  return signingKey({ keytype: 'ed25519', scheme: 'ed25519', keyval: { public: base64url(point) } }, (message) =>
    signBytes(null, message, secret),
  );
}

export interface EcdsaForm {
  readonly curve: 'P-256' | 'P-384';
  /** `named` is the older key type that equals the scheme, `ecdsa-sha2-nistp256`. */
  readonly keytype?: 'ecdsa' | 'named';
  readonly form?: 'pem' | 'hex';
  /** The same secret again, in another form. */
  readonly secret?: KeyObject;
}

export function ecdsaKey({ curve, keytype = 'ecdsa', form = 'pem', secret }: EcdsaForm): SigningKey {
  const privateKey = secret ?? generateKeyPairSync('ec', { namedCurve: curve }).privateKey;
  const publicKey = createPublicKey(privateKey);
  const scheme = curve === 'P-256' ? 'ecdsa-sha2-nistp256' : 'ecdsa-sha2-nistp384';
  const jwk = publicKey.export({ format: 'jwk' });
  const spelled = form === 'pem' ? pem(publicKey) : `04${base64url(jwk.x)}${base64url(jwk.y)}`;
  const digest = curve === 'P-256' ? 'sha256' : 'sha384';
  return signingKey(
    { keytype: keytype === 'ecdsa' ? 'ecdsa' : scheme, scheme, keyval: { public: spelled } },
    (message) => signBytes(digest, message, privateKey),
  );
}

export interface RsaForm {
  readonly digest?: 'sha256' | 'sha384' | 'sha512';
  readonly bits?: number;
  /** What the signatures really are. */
  readonly padding?: 'pss' | 'pkcs1';
  /** What the key is listed with; PSS unless told. */
  readonly listed?: 'pss' | 'pkcs1';
  readonly saltLength?: number;
  /** The same secret again, in another form. */
  readonly secret?: KeyObject;
}

export function rsaKey(form: RsaForm = {}): SigningKey {
  const { digest = 'sha256', bits = 2048, padding = 'pss' } = form;
  const privateKey = form.secret ?? generateKeyPairSync('rsa', { modulusLength: bits }).privateKey;
  const publicKey = createPublicKey(privateKey);
  const how =
    padding === 'pkcs1'
      ? { padding: constants.RSA_PKCS1_PADDING }
      : {
          padding: constants.RSA_PKCS1_PSS_PADDING,
          saltLength: form.saltLength ?? constants.RSA_PSS_SALTLEN_DIGEST,
        };
  const scheme = form.listed === 'pkcs1' ? `rsa-pkcs1v15-${digest}` : `rsassa-pss-${digest}`;
  return signingKey({ keytype: 'rsa', scheme, keyval: { public: pem(publicKey) } }, (message) =>
    signBytes(digest, message, { key: privateKey, ...how }),
  );
}

export interface MlDsaForm {
  readonly parameters: 44 | 65 | 87;
  /** The same secret again, in another form. */
  readonly secret?: KeyObject;
}

const ML_DSA = { 44: 'ml-dsa-44', 65: 'ml-dsa-65', 87: 'ml-dsa-87' } as const;

/** TAP 21, version 1. Needs node 24. */
export function mlDsaKey({ parameters, secret }: MlDsaForm): SigningKey {
  const privateKey = secret ?? generateKeyPairSync(ML_DSA[parameters]).privateKey;
  const publicKey = createPublicKey(privateKey);
  return signingKey(
    { keytype: 'ml-dsa', scheme: `ml-dsa-${parameters}/1`, keyval: { public: pem(publicKey) } },
    (message) => {
      const digest = createHash('sha512').update(message).digest();
      return signBytes(null, Buffer.concat([Buffer.from('74756601', 'hex'), digest]), privateKey);
    },
  );
}
