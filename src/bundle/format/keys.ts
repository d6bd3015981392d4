import {
  createCipheriv,
  createDecipheriv,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  scrypt,
  sign,
} from 'node:crypto';
import { promisify } from 'node:util';
import { z } from 'zod';
import { sha256Hex } from '../../bytes/digest.ts';
import { Refusal } from '../../bytes/refusal.ts';
import { decodeEd25519 } from '../../tuf/schemes/ed25519.ts';
import { LIMITS } from './limits.ts';

const FORMAT = 'verbatim-key/1';
/** PKCS #8 before the 32 bytes (RFC 8410). */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');
const SEED_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const SALT_BYTES = 16;
/** 128 MiB and a third of a second: what RFC 7914 calls N, r and p. */
const KDF = { n: 131_072, r: 8, p: 1 } as const;
/** What a file may ask of whoever opens it. */
const KDF_MEMORY = 256 * 1024 * 1024;

const hex = (bytes: number) => z.string().regex(new RegExp(`^[0-9a-f]{${2 * bytes}}$`));
const KeyFile = z.union([
  z.strictObject({ format: z.literal(FORMAT), id: hex(32), public: hex(32), private: hex(SEED_BYTES) }),
  z.strictObject({
    format: z.literal(FORMAT),
    id: hex(32),
    public: hex(32),
    scrypt: z.strictObject({ n: z.literal(KDF.n), r: z.literal(KDF.r), p: z.literal(KDF.p), salt: hex(SALT_BYTES) }),
    nonce: hex(NONCE_BYTES),
    /** AES-256-GCM, its tag behind it. */
    sealed: hex(SEED_BYTES + TAG_BYTES),
  }),
]);

/** A key that signs bundles: it binds one site to itself, and no client trusts it. */
export interface SigningKey {
  /** SHA-256 of the public key's 32 bytes, in hex. */
  readonly id: string;
  /** 32 bytes in lower-case hex. */
  readonly public: string;
  sign(message: Uint8Array): Buffer;
}

/** A new key as its two files: one to keep, which `passphrase` encrypts, and one to hand out (PEM, as openssl reads it). */
export async function makeKey(passphrase: string | undefined): Promise<{
  readonly id: string;
  readonly public: string;
  readonly privateFile: string;
  readonly publicFile: string;
}> {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const { d = '', x = '' } = privateKey.export({ format: 'jwk' });
  const seed = Buffer.from(d, 'base64url');
  const raw = Buffer.from(x, 'base64url').toString('hex');
  const about = { format: FORMAT, id: keyId(raw), public: raw };
  const file =
    passphrase === undefined
      ? { ...about, private: seed.toString('hex') }
      : { ...about, ...(await encrypt(seed, about, passphrase)) };
  return {
    id: about.id,
    public: about.public,
    privateFile: `${JSON.stringify(file, undefined, 2)}\n`,
    publicFile: publicKey.export({ format: 'pem', type: 'spki' }).toString(),
  };
}

/**
 * `passphrase` is asked for where the file is encrypted. Throws `format` for what is no key file or does not fit itself, and `policy` for a wrong
 * passphrase or none.
 */
export async function openKey(file: Uint8Array, passphrase: () => Promise<string | undefined>): Promise<SigningKey> {
  const key = decodeKeyFile(file);
  const seed = 'private' in key ? Buffer.from(key.private, 'hex') : await decrypt(key, await passphrase());
  const privateKey = createPrivateKey({
    key: Buffer.concat([PKCS8_PREFIX, seed]),
    format: 'der',
    type: 'pkcs8',
  });
  const raw = rawOf(createPublicKey(privateKey));
  if (raw !== key.public || keyId(raw) !== key.id) throw new Refusal('format', 'This key file is damaged.');
  return { id: key.id, public: raw, sign: (message) => sign(null, message, privateKey) };
}

/** A public key in PEM, as `verbatim keygen` writes it, or as 64 hex digits: in hex. Throws `format`. */
export function parsePublicKey(text: string): string {
  const raw = /^[0-9a-fA-F]{64}$/.test(text.trim()) ? text.trim().toLowerCase() : rawOfPem(text);
  if (decodeEd25519(raw) === undefined)
    throw new Refusal('format', 'This is no public Ed25519 key: PEM as verbatim keygen writes it, or 64 hex digits.');
  return raw;
}

export function keyId(publicHex: string): string {
  return sha256Hex(Buffer.from(publicHex, 'hex'));
}

type EncryptedFile = Extract<z.infer<typeof KeyFile>, { sealed: string }>;

function decodeKeyFile(file: Uint8Array): z.infer<typeof KeyFile> {
  if (file.byteLength > LIMITS.keyFile) throw new Refusal('limit', `A key file has at most ${LIMITS.keyFile} bytes.`);
  const text = Buffer.from(file).toString('utf8');
  if (rawOfPem(text) !== '')
    throw new Refusal('format', 'This is the public half of a key, which signs nothing: name the file without .pub.');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new Refusal('format', 'This is no key file of verbatim keygen, or it is damaged.', { cause });
  }
  const { data } = KeyFile.safeParse(value);
  if (data === undefined) throw new Refusal('format', 'This is no key file of verbatim keygen, or it is damaged.');
  return data;
}

async function encrypt(seed: Buffer, about: { readonly id: string; readonly public: string }, passphrase: string) {
  const [salt, nonce] = [randomBytes(SALT_BYTES), randomBytes(NONCE_BYTES)];
  const cipher = createCipheriv('aes-256-gcm', await stretched(passphrase, salt), nonce);
  cipher.setAAD(boundTo(about));
  const sealed = Buffer.concat([cipher.update(seed), cipher.final(), cipher.getAuthTag()]);
  return {
    scrypt: { ...KDF, salt: salt.toString('hex') },
    nonce: nonce.toString('hex'),
    sealed: sealed.toString('hex'),
  };
}

async function decrypt(key: EncryptedFile, passphrase: string | undefined): Promise<Buffer> {
  if (passphrase === undefined)
    throw new Refusal(
      'policy',
      'This key needs its passphrase: type it at a terminal, or send it as a line by a pipe.',
    );
  const sealed = Buffer.from(key.sealed, 'hex');
  const salt = Buffer.from(key.scrypt.salt, 'hex');
  const decipher = createDecipheriv('aes-256-gcm', await stretched(passphrase, salt), Buffer.from(key.nonce, 'hex'));
  decipher.setAAD(boundTo(key));
  decipher.setAuthTag(sealed.subarray(SEED_BYTES));
  try {
    return Buffer.concat([decipher.update(sealed.subarray(0, SEED_BYTES)), decipher.final()]);
  } catch (cause) {
    throw new Refusal('policy', 'The passphrase is not the one of this key, or its file is damaged.', { cause });
  }
}

function stretched(passphrase: string, salt: Buffer): Promise<Buffer> {
  const derive = promisify<string, Buffer, number, object, Buffer>(scrypt);
  return derive(passphrase.normalize('NFC'), salt, 32, { N: KDF.n, r: KDF.r, p: KDF.p, maxmem: KDF_MEMORY });
}

/** The sealed part belongs to this public key and no other. */
function boundTo({ id, public: raw }: { readonly id: string; readonly public: string }): Buffer {
  return Buffer.from(`${FORMAT} ${id} ${raw}`);
}

/** Empty for what is no Ed25519 key. */
function rawOfPem(pem: string): string {
  try {
    return rawOf(createPublicKey({ key: pem, format: 'pem' }));
  } catch {
    return '';
  }
}

/** The public key's 32 bytes in hex (RFC 8037 §2); empty for a key of another kind. */
function rawOf(key: KeyObject): string {
  const { crv, x = '' } = key.export({ format: 'jwk' });
  return crv === 'Ed25519' ? Buffer.from(x, 'base64url').toString('hex') : '';
}
