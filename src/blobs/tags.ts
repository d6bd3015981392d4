import { createCipheriv, createSecretKey, randomBytes, timingSafeEqual } from 'node:crypto';
import { CHUNK } from './limits.ts';

// GMAC: AES-256-GCM over no plaintext, the chunk as additional data. It runs at memory speed where SHA-256 does not,
// and whoever changes the disk does not know the key: it is made at start and never leaves memory.

const TAG_BYTES = 16;
const IV_BYTES = 12;
/** As an object: raw bytes are made one again for every chunk, which takes a fifth of the check. */
const key = createSecretKey(randomBytes(32));
let series = 0;

/** One keyed tag for each chunk of one blob, in memory only. Each instance has IVs of its own. */
export interface Tags {
  /** Remembers chunk `index` as it was proved; chunks come in order. */
  add(index: number, chunk: Uint8Array): void;
  holds(index: number, chunk: Uint8Array): boolean;
  /** Memory it takes. */
  bytes(): number;
}

export function createTags(size = 0): Tags {
  const iv = Buffer.alloc(IV_BYTES);
  iv.writeUIntBE(series++, 0, 6);
  let tags = Buffer.alloc(Math.max(1, Math.ceil(size / CHUNK)) * TAG_BYTES);
  const tagOf = (index: number, chunk: Uint8Array): Buffer => {
    iv.writeUInt32BE(index, 8);
    const cipher = createCipheriv('aes-256-gcm', key, iv);
    cipher.setAAD(chunk);
    cipher.final();
    return cipher.getAuthTag();
  };
  return {
    add(index, chunk) {
      const at = index * TAG_BYTES;
      if (at + TAG_BYTES > tags.byteLength) tags = Buffer.concat([tags, Buffer.alloc(tags.byteLength)]);
      tagOf(index, chunk).copy(tags, at);
    },
    holds(index, chunk) {
      const at = index * TAG_BYTES;
      return (
        at + TAG_BYTES <= tags.byteLength && timingSafeEqual(tagOf(index, chunk), tags.subarray(at, at + TAG_BYTES))
      );
    },
    bytes: () => tags.byteLength,
  };
}
