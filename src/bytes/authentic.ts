import { createHmac, createSecretKey, type KeyObject, timingSafeEqual } from 'node:crypto';
import type { ReadonlyBytes } from './proof.ts';

const TAG_BYTES = 32;

let make: (use: string, bytes: Uint8Array) => Authentic;

/** Bytes that this program sealed itself, for this use and under the very name they were asked for by. */
export class Authentic {
  readonly #use: string;
  readonly #bytes: Uint8Array;

  private constructor(use: string, bytes: Uint8Array) {
    this.#use = use;
    this.#bytes = bytes;
  }

  static {
    make = (use, bytes) => new Authentic(use, bytes);
  }

  static is(value: unknown): value is Authentic {
    return typeof value === 'object' && value !== null && #bytes in value;
  }

  get use(): string {
    return this.#use;
  }

  get bytes(): ReadonlyBytes {
    return this.#bytes;
  }
}

let makeSeal: (secret: Uint8Array, use: string) => Authenticator;

/** Seals what is put where others may write, and knows it again: HMAC-SHA-256 over use, name and bytes. */
export class Authenticator {
  readonly #use: string;
  readonly #key: KeyObject;

  private constructor(secret: Uint8Array, use: string) {
    this.#use = use;
    this.#key = createSecretKey(createHmac('sha256', secret).update(`verbatim byte cache: ${use}`).digest());
  }

  static {
    makeSeal = (secret, use) => new Authenticator(secret, use);
  }

  /** The bytes behind their tag. `name` is of a fixed length. */
  seal(name: string, bytes: Uint8Array): Uint8Array {
    return Buffer.concat([this.#tag(name, bytes), bytes]);
  }

  /** Undefined for whatever `seal` did not make of this name: shorter, changed, or of another name, key or use. The bytes are taken over. */
  open(name: string, sealed: Uint8Array): Authentic | undefined {
    if (sealed.byteLength < TAG_BYTES) return undefined;
    const bytes = sealed.subarray(TAG_BYTES);
    return timingSafeEqual(sealed.subarray(0, TAG_BYTES), this.#tag(name, bytes)) ? make(this.#use, bytes) : undefined;
  }

  #tag(name: string, bytes: Uint8Array): Buffer {
    return createHmac('sha256', this.#key).update(`${name}\n`).update(bytes).digest();
  }
}

/** Whoever has one decides what is believed of a cache. Who may import this: test/architecture/makers.ts. */
export function makeAuthenticator(secret: Uint8Array, use: string): Authenticator {
  return makeSeal(secret, use);
}
