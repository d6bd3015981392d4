import { hash, randomBytes } from 'node:crypto';

/** The columns of a table of floors, as one thread hands them to another. */
export interface FloorColumns {
  readonly keys: BigUint64Array<ArrayBuffer>;
  readonly versions: Float64Array<ArrayBuffer>;
  readonly used: number;
}

const LEAST_SLOTS = 1024;
/** A slot that was never used. A path whose key is 0 is taken to be 1. */
const FREE = 0n;

/**
 * The newest version seen of each item, in 16 bytes a slot whatever the length of its path: a million items take some 30 MB,
 * where a Map of texts takes 150. Keys are hashes under a secret, so that nobody can name two projects into one slot.
 */
export class Floors {
  readonly secret: string;
  #keys: BigUint64Array<ArrayBuffer>;
  #versions: Float64Array<ArrayBuffer>;
  #used: number;
  #isWhole: boolean;

  constructor(secret: string, columns?: FloorColumns | undefined) {
    this.secret = secret;
    this.#keys = columns?.keys ?? new BigUint64Array(LEAST_SLOTS);
    this.#versions = columns?.versions ?? new Float64Array(LEAST_SLOTS);
    this.#used = columns?.used ?? 0;
    this.#isWhole = columns !== undefined;
  }

  /** True where they began with a scan, and none was dropped: an item without a floor was not there when they were last raised. */
  get isWhole(): boolean {
    return this.#isWhole;
  }

  static newSecret(): string {
    return randomBytes(16).toString('hex');
  }

  /** 0 for an item that was never seen. */
  of(path: string): number {
    return this.#versions[this.#slot(this.#keyOf(path))] ?? 0;
  }

  raise(path: string, version: number): void {
    const slot = this.#take(path);
    if ((this.#versions[slot] ?? 0) < version) this.#versions[slot] = version;
  }

  /** The item was set aside here: its versions begin anew. */
  drop(path: string): void {
    // Somebody may have begun it anew before.
    this.#isWhole = false;
    this.#versions[this.#take(path)] = 0;
  }

  get columns(): FloorColumns {
    return { keys: this.#keys, versions: this.#versions, used: this.#used };
  }

  #keyOf(path: string): bigint {
    const key = hash('sha256', this.secret + path, 'buffer').readBigUInt64LE();
    return key === FREE ? 1n : key;
  }

  #slot(key: bigint): number {
    const mask = this.#keys.length - 1;
    let slot = Number(key & BigInt(mask));
    while (this.#keys[slot] !== FREE && this.#keys[slot] !== key) slot = (slot + 1) & mask;
    return slot;
  }

  #take(path: string): number {
    const key = this.#keyOf(path);
    const slot = this.#slot(key);
    if (this.#keys[slot] === key) return slot;
    if (this.#used * 4 >= this.#keys.length * 3) {
      this.#grow();
      return this.#take(path);
    }
    this.#used++;
    this.#keys[slot] = key;
    return slot;
  }

  #grow(): void {
    const [keys, versions] = [this.#keys, this.#versions];
    this.#keys = new BigUint64Array(keys.length * 2);
    this.#versions = new Float64Array(keys.length * 2);
    for (const [at, key] of keys.entries()) {
      if (key === FREE) continue;
      const slot = this.#slot(key);
      this.#keys[slot] = key;
      this.#versions[slot] = versions[at] ?? 0;
    }
  }
}
