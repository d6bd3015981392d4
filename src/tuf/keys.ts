import { schemeOf } from './schemes/schemes.ts';
import type { Usable } from './schemes/usable.ts';

/** A public key as a document lists it. A keyid is a label; thresholds count `material`. */
export interface Key {
  readonly keyid: string;
  readonly keytype: string;
  readonly scheme: string;
  /** The decoded key's identity, equal for equal keys however they are written; undefined where it cannot be used here. */
  readonly material: string | undefined;
  /** For people: the scheme that nobody here can check; undefined where it is understood, whatever the key itself is worth. */
  readonly notUnderstood: string | undefined;
  /** As it is listed. Whatever verifies for one key verifies for each whose type, scheme and public key are the same. */
  readonly publicKey: string | undefined;
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
    publicKey: fields.publicKey,
    saysOnline: fields.saysOnline,
    get material() {
      return usable()?.material;
    },
    get notUnderstood() {
      const found = schemeOf(fields.keytype, fields.scheme);
      return typeof found === 'function' ? undefined : found.why;
    },
    verifies: (message, signature) => usable()?.verifies(message, signature) ?? false,
  };
}

/** A key that does not fit its scheme counts for nothing. */
function decodeKey({ keytype, scheme, publicKey }: KeyFields): Usable | undefined {
  const decode = schemeOf(keytype, scheme);
  if (publicKey === undefined || typeof decode !== 'function') return undefined;
  try {
    return decode(publicKey);
  } catch {
    return undefined;
  }
}
