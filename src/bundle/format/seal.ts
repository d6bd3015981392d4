import { z } from 'zod';
import { INDEX_NAME } from '../../bytes/index-name.ts';
import { dateText, type Instant } from '../../bytes/instant.ts';
import { Refusal } from '../../bytes/refusal.ts';
import { decodeEd25519 } from '../../tuf/schemes/ed25519.ts';
import type { SigningKey } from './keys.ts';
import { LIMITS } from './limits.ts';

// A DSSE envelope (github.com/secure-systems-lab/dsse, v1.0.2) over the digest of a manifest. The manifest itself, which may be
// hundreds of megabytes, is not in it: whoever checks a signature reads a thousand bytes.

const PAYLOAD_TYPE = 'application/vnd.verbatim.bundle.v1+json';

const Sealed = z.strictObject({
  index: z.string().regex(INDEX_NAME),
  number: z.int().min(1).max(LIMITS.number),
  manifest: z.strictObject({ sha256: z.string().regex(/^[0-9a-f]{64}$/), size: z.int().min(1).max(LIMITS.manifest) }),
});
/** What is signed: which manifest is that of this number of this index. */
export type Sealed = z.infer<typeof Sealed>;

/** In its one spelling. */
const base64 = z.string().refine((text) => Buffer.from(text, 'base64').toString('base64') === text);

const Envelope = z.strictObject({
  payload: base64,
  payloadType: z.literal(PAYLOAD_TYPE),
  signatures: z
    .array(z.strictObject({ keyid: z.string().max(128), sig: base64 }))
    .min(1)
    .max(LIMITS.signatures),
});

/** A key whose signature is believed, until its end. */
export interface TrustedKey {
  /** Ed25519, 32 bytes in lower-case hex. */
  readonly public: string;
  /** What people call it. */
  readonly name: string;
  /** It is believed before this moment only. */
  readonly until?: Instant | undefined;
}

export function seal(sealed: Sealed, keys: readonly SigningKey[]): Buffer {
  const payload = Buffer.from(JSON.stringify(Sealed.parse(sealed)));
  const message = preAuthentication(payload);
  const signatures = keys.map((key) => ({ keyid: key.id, sig: key.sign(message).toString('base64') }));
  return Buffer.from(
    `${JSON.stringify(Envelope.parse({ payload: payload.toString('base64'), payloadType: PAYLOAD_TYPE, signatures }))}\n`,
  );
}

/**
 * What was signed, and by which of the keys. `at`: the time at which a key may have ended. Throws `format`; `threshold` where none of
 * the keys signed; `expired` where only keys did that have ended, by their names.
 */
export function openSeal(
  envelope: Uint8Array,
  keys: readonly TrustedKey[],
  at: Instant,
): { readonly sealed: Sealed; readonly key: TrustedKey } {
  const { payload, signatures } = decodeEnvelope(envelope);
  const message = preAuthentication(payload);
  const signers = keys.filter((key) => {
    const usable = decodeEd25519(key.public);
    return usable !== undefined && signatures.some(({ sig }) => usable.verifies(message, Buffer.from(sig, 'base64')));
  });
  const key = signers.find(({ until }) => until === undefined || at < until);
  if (key !== undefined) return { sealed: decodeSealed(payload), key };
  const [retired] = signers;
  if (retired?.until !== undefined)
    throw new Refusal(
      'expired',
      `This bundle is signed by the key ${retired.name}, which is not believed since ${dateText(retired.until)}.`,
    );
  const named = signatures.map(({ keyid }) => keyid.slice(0, 16)).join(', ');
  throw new Refusal('threshold', `None of the keys that are believed here signed this bundle (it names ${named}).`);
}

function decodeEnvelope(bytes: Uint8Array) {
  if (bytes.byteLength > LIMITS.seal) throw new Refusal('limit', `A signature has at most ${LIMITS.seal} bytes.`);
  const { payload, signatures } = decode(Envelope, bytes);
  return { payload: Buffer.from(payload, 'base64'), signatures };
}

/** Only of a payload whose signature held. */
function decodeSealed(payload: Uint8Array): Sealed {
  return decode(Sealed, payload);
}

function decode<T>(schema: z.ZodType<T>, bytes: Uint8Array): T {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'));
  } catch (cause) {
    throw new Refusal('format', 'The signature of this bundle is malformed.', { cause });
  }
  const { data } = schema.safeParse(value);
  if (data === undefined) throw new Refusal('format', 'The signature of this bundle is malformed.');
  return data;
}

/** DSSE's PAE: no signature of anything else can be taken for one of a bundle. */
function preAuthentication(payload: Uint8Array): Buffer {
  const type = Buffer.from(PAYLOAD_TYPE);
  return Buffer.concat([Buffer.from(`DSSEv1 ${type.length} ${PAYLOAD_TYPE} ${payload.byteLength} `), payload]);
}
