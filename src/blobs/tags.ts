import { createCipheriv, createSecretKey, randomBytes, timingSafeEqual } from 'node:crypto';
import { CHUNK, UNIT } from './limits.ts';

// GMAC: AES-256-GCM over no plaintext, the unit as additional data. It runs at memory speed where SHA-256 does not,
// and whoever changes the disk does not know the key: it is made at start and never leaves memory.

const TAG_BYTES = 16;
const IV_BYTES = 12;
const UNITS = CHUNK / UNIT;
/** As an object: raw bytes are made one again for every tag. */
const key = createSecretKey(randomBytes(32));
let series = 0;

/** One keyed tag for each unit of one blob, in memory only. Invariant: no two tags of this process share an IV. */
export class Tags {
  readonly #iv = Buffer.alloc(IV_BYTES);
  #tags: Buffer;

  /** `size`: bytes of the blob, where they are known. */
  constructor(size = 0) {
    this.#iv.writeUIntBE(series++, 0, 6);
    this.#tags = Buffer.alloc(Math.max(1, Math.ceil(size / UNIT)) * TAG_BYTES);
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
    for (const [unit, bytes] of unitsOf(index * UNITS, chunk)) {
      const at = unit * TAG_BYTES;
      if (at + TAG_BYTES > this.#tags.byteLength)
        this.#tags = Buffer.concat([this.#tags, Buffer.alloc(this.#tags.byteLength)]);
      this.#tagOf(unit, bytes).copy(this.#tags, at);
    }
  }

  /** Whether these are the bytes that were proved; they begin with unit `first`, and end with one or with the blob. */
  matches(first: number, bytes: Uint8Array): boolean {
    for (const [unit, part] of unitsOf(first, bytes)) {
      const at = unit * TAG_BYTES;
      const known = this.#tags.subarray(at, at + TAG_BYTES);
      if (known.byteLength < TAG_BYTES || !timingSafeEqual(this.#tagOf(unit, part), known)) return false;
    }
    return true;
  }

  #tagOf(unit: number, bytes: Uint8Array): Buffer {
    this.#iv.writeUInt32BE(unit, 8);
    const cipher = createCipheriv('aes-256-gcm', key, this.#iv);
    cipher.setAAD(bytes);
    cipher.final();
    return cipher.getAuthTag();
  }
}

function* unitsOf(first: number, bytes: Uint8Array): Generator<readonly [unit: number, bytes: Uint8Array]> {
  for (let at = 0; at < bytes.byteLength; at += UNIT) yield [first + at / UNIT, bytes.subarray(at, at + UNIT)];
}
