import { createHmac, createSecretKey, type KeyObject, randomUUID, timingSafeEqual } from 'node:crypto';
import { packFrames, unpackFrames } from '../../bytes/frames.ts';
import { encodeJson, parseJson } from '../framed.ts';

const MAC_BYTES = 32;
/** By seal key and kind: a key is derived once for all indexes, which takes as long as ten seals. */
const DERIVED = new WeakMap<Uint8Array, Map<string, KeyObject>>();

/** What an object says of itself, and the values it speaks of. */
export interface SealedObject {
  readonly header: unknown;
  readonly values: readonly Buffer[];
}

/** Closes and opens objects of one kind: whoever has the store and not the key can withhold one, and forge none. */
export class ObjectSeal {
  readonly #sealKey: Uint8Array;
  readonly #kind: string;

  /** `kind`: one is never taken for another. */
  constructor(sealKey: Uint8Array, kind: string) {
    this.#sealKey = sealKey;
    this.#kind = kind;
  }

  /** Two that say the same are not the same bytes, so that a writer knows its own. */
  close(header: object, values: readonly Uint8Array[] = []): Buffer {
    const nonce = randomUUID();
    const body = packFrames([encodeJson({ ...header, nonce }), ...values]);
    return Buffer.concat([body, this.#mac(body)]);
  }

  /** Undefined for what was not sealed under this key as one of this kind. */
  open(bytes: Uint8Array): SealedObject | undefined {
    const body = bytes.subarray(0, -MAC_BYTES);
    const mac = bytes.subarray(-MAC_BYTES);
    if (mac.byteLength !== MAC_BYTES || !timingSafeEqual(mac, this.#mac(body))) return undefined;
    const [first, ...values] = unpackFrames(body) ?? [];
    return first && { header: parseJson(first), values };
  }

  #mac(body: Uint8Array): Buffer {
    return createHmac('sha256', derived(this.#sealKey, this.#kind)).update(body).digest();
  }
}

function derived(sealKey: Uint8Array, kind: string): KeyObject {
  const byKind = DERIVED.get(sealKey) ?? new Map<string, KeyObject>();
  DERIVED.set(sealKey, byKind);
  const key =
    byKind.get(kind) ?? createSecretKey(createHmac('sha256', sealKey).update(`verbatim fleet: ${kind}`).digest());
  byKind.set(kind, key);
  return key;
}
