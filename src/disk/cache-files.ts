import { join } from 'node:path';
import { type ByteCache, type CacheKey, nameOfKey } from '../ports/byte-cache.ts';
import type { Durable } from './durable.ts';
import type { OpenFile } from './file-ops.ts';
import { CACHE_WAITING_BYTES, SCAN_BATCH } from './limits.ts';
import { listOrNothing } from './walk.ts';

export interface CacheFilesOptions {
  readonly durable: Durable;
  /** Ours alone, below the data directory. */
  readonly directory: string;
  /** Most bytes of all files. */
  readonly maxBytes: number;
  /** Milliseconds since the epoch. */
  readonly nowMs?: (() => number) | undefined;
}

interface Entry {
  readonly size: number;
  /** Seconds since the epoch. */
  readonly until: number;
}

/** A key's name and when it ends: all that is known of a file before it is read. */
const NAME = /^([0-9a-f]{64})\.([0-9]{1,12})$/;
/** Of the whole, what one value may take. */
const ONE_SHARE = 4;

/**
 * Values as files in one folder, which is listed when it is opened and never again. Invariant: what is known of lies there or is a
 * miss, and all of it together is within its bound; what was used least recently goes first, after a start what was written first.
 * Nothing waits for an fsync: a value that a power cut damaged is one that does not prove.
 */
export class CacheFiles implements ByteCache {
  readonly tier = 'disk';
  readonly #options: CacheFilesOptions;
  /** By name, the least recently used first. */
  readonly #entries = new Map<string, Entry>();
  #bytes = 0;
  #waiting = 0;
  #writing: Promise<void> = Promise.resolve();

  private constructor(options: CacheFilesOptions) {
    this.#options = options;
  }

  /** Reads what lies there; what is no value of a cache is removed. */
  static async open(options: CacheFilesOptions): Promise<CacheFiles> {
    const cache = new CacheFiles(options);
    await cache.#scan();
    return cache;
  }

  async get(key: CacheKey, limit: number): Promise<Uint8Array | undefined> {
    const name = nameOfKey(key);
    const entry = this.#entries.get(name);
    if (entry === undefined || entry.size > limit) return undefined;
    if (entry.until <= this.#now()) {
      await this.#remove(name, entry);
      return undefined;
    }
    this.#entries.delete(name);
    this.#entries.set(name, entry);
    const bytes = await this.#read(name, entry).catch(() => undefined);
    if (bytes === undefined) await this.#remove(name, entry);
    return bytes;
  }

  put(key: CacheKey, value: Uint8Array, seconds: number): void {
    const { maxBytes } = this.#options;
    const size = value.byteLength;
    if (size > maxBytes / ONE_SHARE || this.#waiting + size > CACHE_WAITING_BYTES) return;
    const bytes = new Uint8Array(value);
    const name = nameOfKey(key);
    this.#waiting += size;
    this.#writing = this.#writing.then(async () => {
      // A disk that takes nothing keeps nothing.
      await this.#write(name, bytes, this.#now() + Math.floor(seconds)).catch(() => undefined);
      this.#waiting -= size;
    });
  }

  /** What was put is written when it resolves. */
  close(): Promise<void> {
    return this.#writing;
  }

  async #scan(): Promise<void> {
    const { durable, directory } = this.#options;
    const found: { readonly name: string; readonly entry: Entry; readonly changedMs: number }[] = [];
    const names = await listOrNothing(durable.ops, directory);
    for (let at = 0; at < names.length; at += SCAN_BATCH)
      await Promise.all(
        names.slice(at, at + SCAN_BATCH).map(async (file) => {
          const [, name, until] = NAME.exec(file) ?? [];
          const facts = await durable.ops.facts(join(directory, file)).catch(() => undefined);
          if (name !== undefined && facts?.kind === 'file' && Number(until) > this.#now())
            found.push({ name, entry: { size: facts.size, until: Number(until) }, changedMs: facts.changedMs });
          else await durable.ops.removeTree(join(directory, file)).catch(() => undefined);
        }),
      );
    found.sort((a, b) => a.changedMs - b.changedMs);
    for (const { name, entry } of found) this.#enter(name, entry);
    await this.#makeRoom();
  }

  async #read(name: string, entry: Entry): Promise<Uint8Array | undefined> {
    const file = await this.#options.durable.ops.openRead(this.#pathOf(name, entry));
    try {
      const facts = await file.facts();
      return facts.kind === 'file' && facts.size === entry.size ? await readWhole(file, entry.size) : undefined;
    } finally {
      await file.close();
    }
  }

  async #write(name: string, bytes: Uint8Array, until: number): Promise<void> {
    const entry = { size: bytes.byteLength, until };
    await this.#options.durable.replaceSoon(this.#pathOf(name, entry), bytes);
    const before = this.#entries.get(name);
    if (before !== undefined && before.until !== until) await this.#remove(name, before);
    this.#enter(name, entry);
    await this.#makeRoom();
  }

  #enter(name: string, entry: Entry): void {
    this.#bytes += entry.size - (this.#entries.get(name)?.size ?? 0);
    this.#entries.delete(name);
    this.#entries.set(name, entry);
  }

  async #makeRoom(): Promise<void> {
    for (const [name, entry] of this.#entries) {
      if (this.#bytes <= this.#options.maxBytes) return;
      await this.#remove(name, entry);
    }
  }

  async #remove(name: string, entry: Entry): Promise<void> {
    if (this.#entries.get(name) === entry) {
      this.#entries.delete(name);
      this.#bytes -= entry.size;
    }
    await this.#options.durable.ops.removeTree(this.#pathOf(name, entry)).catch(() => undefined);
  }

  #pathOf(name: string, { until }: Entry): string {
    return join(this.#options.directory, `${name}.${until}`);
  }

  #now(): number {
    return Math.floor((this.#options.nowMs ?? Date.now)() / 1000);
  }
}

async function readWhole(file: OpenFile, size: number): Promise<Uint8Array | undefined> {
  const bytes = new Uint8Array(size);
  for (let at = 0; at < size; ) {
    const more = await file.read(bytes.subarray(at), size - at, at);
    if (more === 0) return undefined;
    at += more;
  }
  return bytes;
}
