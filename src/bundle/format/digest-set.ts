const DIGEST_BYTES = 32;
const FIRST_SLOTS = 1024;
/** From this part of the slots on they are doubled. */
const CROWDED_FROM = 3 / 4;

/** SHA-256 digests, in 43 to 86 bytes each: a million of them would take ten times as much as strings. */
export class DigestSet {
  #slots = Buffer.alloc(FIRST_SLOTS * DIGEST_BYTES);
  /** The one that is written like an empty slot. */
  #hasZero = false;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** `sha256`: 64 hex digits. False where it was in. */
  add(sha256: string): boolean {
    const digest = Buffer.from(sha256, 'hex');
    if (digest.length !== DIGEST_BYTES) throw new TypeError('no SHA-256');
    if (isZero(digest, 0)) {
      if (this.#hasZero) return false;
      this.#hasZero = true;
      this.#size++;
      return true;
    }
    if (this.#size + 1 > (this.#slots.length / DIGEST_BYTES) * CROWDED_FROM) this.#grow();
    const at = find(this.#slots, digest, 0);
    if (!isZero(this.#slots, at)) return false;
    digest.copy(this.#slots, at);
    this.#size++;
    return true;
  }

  has(sha256: string): boolean {
    const digest = Buffer.from(sha256, 'hex');
    if (digest.length !== DIGEST_BYTES) return false;
    if (isZero(digest, 0)) return this.#hasZero;
    return !isZero(this.#slots, find(this.#slots, digest, 0));
  }

  #grow(): void {
    const before = this.#slots;
    const after = Buffer.alloc(before.length * 2);
    for (let at = 0; at < before.length; at += DIGEST_BYTES)
      if (!isZero(before, at)) before.copy(after, find(after, before, at), at, at + DIGEST_BYTES);
    this.#slots = after;
  }
}

/** Where it lies, or the empty slot that it would take. */
function find(slots: Buffer, digest: Buffer, from: number): number {
  const count = slots.length / DIGEST_BYTES;
  // A digest is as good as random, and whoever chooses files to collide here only makes this search longer: it ends at an empty slot.
  let slot = digest.readUInt32LE(from) % count;
  for (;;) {
    const at = slot * DIGEST_BYTES;
    if (isZero(slots, at) || slots.compare(digest, from, from + DIGEST_BYTES, at, at + DIGEST_BYTES) === 0) return at;
    slot = (slot + 1) % count;
  }
}

function isZero(slots: Buffer, at: number): boolean {
  for (let byte = 0; byte < DIGEST_BYTES; byte++) if (slots[at + byte] !== 0) return false;
  return true;
}
