import type { Expected } from '../bytes/expected.ts';
import { lend } from '../bytes/proof.ts';
import { type Proven, prove } from '../bytes/proven.ts';
import { Refusal } from '../bytes/refusal.ts';
import type { CacheKey } from '../ports/byte-cache.ts';
import type { AskedCache } from './asked-cache.ts';

/** What nobody has asked for in so long may go. Seconds. */
const KEPT_FOR = 30 * 24 * 3600;

/** Signed metadata as another replica had it: suspect, until whoever asked for it says that it held. */
export interface CommonMetadata {
  /** Of the version named; undefined where there is none to be had. Never rejects. */
  metadata(role: string, version: number, limit: number): Promise<Uint8Array | undefined>;
  /** What was accepted here. */
  keepMetadata(role: string, version: number, bytes: Uint8Array): void;
  /** What became of one that was given. */
  judged(held: boolean): void;
}

/**
 * Documents and small files that signatures or digests prove, as other replicas had them. They lie under what they must be and are proved
 * again, so that no seal is needed: whoever writes there can make a look fail, and nothing else.
 */
export class CommonDocuments implements CommonMetadata {
  readonly #cache: AskedCache;
  readonly #root: string;

  /** `pinnedRoot`: its digest; undefined for an index that has none. */
  constructor(cache: AskedCache, pinnedRoot: string | undefined) {
    this.#cache = cache;
    this.#root = pinnedRoot === undefined ? 'none' : `sha256 ${pinnedRoot}`;
  }

  /** What proves to be what was expected, of at most so many bytes. Never rejects. */
  async find(expected: Expected, limit: number): Promise<Proven | undefined> {
    const found = await this.#cache.get(this.#targetKey(expected), Math.min(expected.length ?? limit, limit));
    if (found === undefined) return undefined;
    try {
      const proved = prove(found, expected);
      this.judged(true);
      return proved;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.judged(false);
      return undefined;
    }
  }

  /** Behind the caller. */
  keep(expected: Expected, proved: Proven): void {
    this.#cache.put(this.#targetKey(expected), lend(proved.bytes), KEPT_FOR);
  }

  metadata(role: string, version: number, limit: number): Promise<Uint8Array | undefined> {
    return this.#cache.get(this.#metadataKey(role, version), limit);
  }

  keepMetadata(role: string, version: number, bytes: Uint8Array): void {
    this.#cache.put(this.#metadataKey(role, version), bytes, KEPT_FOR);
  }

  judged(held: boolean): void {
    this.#cache.told(held ? 'hit' : 'refused');
  }

  #targetKey({ digests }: Expected): CacheKey {
    return [this.#root, 'target', ...[...digests].map(([algorithm, hex]) => `${algorithm}:${hex}`).sort()];
  }

  #metadataKey(role: string, version: number): CacheKey {
    return [this.#root, 'metadata', role, String(version)];
  }
}
