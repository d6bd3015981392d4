import { createCipheriv, createSecretKey, randomBytes, timingSafeEqual } from 'node:crypto';
import { CHUNK } from './limits.ts';

// GMAC: AES-256-GCM over no plaintext, the chunk as additional data. It runs at memory speed where SHA-256 does not,
// and whoever changes the disk does not know the key: it is made at start and never leaves memory.

const TAG_BYTES = 16;
const IV_BYTES = 12;
/** As an object: raw bytes are made one again for every chunk, which takes a fifth of the check. */
const key = createSecretKey(randomBytes(32));
let series = 0;

/** One keyed tag for each chunk of one blob, in memory only. Invariant: no two tags of this process share an IV. */
export class Tags {
  readonly #iv = Buffer.alloc(IV_BYTES);
  #tags: Buffer;

  /** `size`: bytes of the blob, where they are known. */
  constructor(size = 0) {
    this.#iv.writeUIntBE(series++, 0, 6);
    this.#tags = Buffer.alloc(Math.max(1, Math.ceil(size / CHUNK)) * TAG_BYTES);
  }

  /** Of whole bytes that were proved. */
  static of(bytes: Uint8Array): Tags {
    const tags = new Tags(bytes.byteLength);
    for (let at = 0; at < bytes.byteLength; at += CHUNK) tags.add(at / CHUNK, bytes.subarray(at, at + CHUNK));
    return tags;
  }

  /** Memory it takes. */
  get bytes(): number {
    return this.#tags.byteLength;
  }

  /** Remembers chunk `index` as it was proved; chunks come in order, each once. */
  add(index: number, chunk: Uint8Array): void {
    const at = index * TAG_BYTES;
    if (at + TAG_BYTES > this.#tags.byteLength)
      this.#tags = Buffer.concat([this.#tags, Buffer.alloc(this.#tags.byteLength)]);
    this.#tagOf(index, chunk).copy(this.#tags, at);
  }

  /** Whether these are the bytes that were proved. */
  matches(index: number, chunk: Uint8Array): boolean {
    const at = index * TAG_BYTES;
    return (
      at + TAG_BYTES <= this.#tags.byteLength &&
      timingSafeEqual(this.#tagOf(index, chunk), this.#tags.subarray(at, at + TAG_BYTES))
    );
  }

  #tagOf(index: number, chunk: Uint8Array): Buffer {
    this.#iv.writeUInt32BE(index, 8);
    const cipher = createCipheriv('aes-256-gcm', key, this.#iv);
    cipher.setAAD(chunk);
    cipher.final();
    return cipher.getAuthTag();
  }
}
