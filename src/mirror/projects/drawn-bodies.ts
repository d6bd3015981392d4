import { mustBe } from '../../bytes/proof.ts';
import type { CacheKey } from '../../ports/byte-cache.ts';
import { Page, restorePage } from '../../render/page.ts';
import { RENDERER_VERSION } from '../../render/version.ts';
import type { Believed, Source } from '../believed.ts';
import type { GuardedCache } from '../guarded-cache.ts';

/** Most bytes of one. */
const MOST_BYTES = 64 * 1024 * 1024;
/** What nobody has asked for in so long may go. Seconds. */
const KEPT_FOR = 30 * 24 * 3600;
/** Which bodies lie under a key. */
const VARIANT = 'compressed';

/** Whose pages they are. */
export interface DrawnFor {
  /** Its digest; undefined for an index that has none. */
  readonly pinnedRoot?: string | undefined;
  /** Before links of files; undefined where they are relative. */
  readonly linkBase?: string | undefined;
}

export interface DrawnPage {
  readonly page: Page;
  /** What was written down beside it. */
  readonly note: string;
}

/** A cache of drawn pages. */
export interface DrawnTier {
  readonly cache: GuardedCache;
  /** Plain bytes of a page below which drawing it again costs less than to keep it there. */
  readonly leastBytes: number;
}

/**
 * Drawn pages and lists beyond memory: found by all that they were drawn from but pins, of which the note beside one says what they would
 * have to allow. Here alone is a page made of cached bytes, and only of such as bear our own seal under that very key.
 */
export class DrawnBodies {
  readonly #caches: readonly DrawnTier[];
  readonly #pinnedRoot: string;
  readonly #linkBase: string;

  /** `caches`: in the order in which they are asked. */
  constructor(caches: readonly DrawnTier[], { pinnedRoot, linkBase }: DrawnFor) {
    this.#caches = caches;
    this.#pinnedRoot = pinnedRoot === undefined ? 'none' : `sha256 ${pinnedRoot}`;
    this.#linkBase = linkBase ?? '';
  }

  async find(believed: Believed<unknown>, source: Source, policy: string): Promise<DrawnPage | undefined> {
    const key = this.#keyOf(believed, source, policy);
    for (const [at, { cache }] of this.#caches.entries()) {
      const sealed = await cache.get(key, MOST_BYTES);
      const found = sealed && restorePage(sealed);
      if (found === undefined) continue;
      // Nearer at hand the next time.
      this.#put(key, found.page, () => found.note, this.#caches.slice(0, at));
      return found;
    }
    return undefined;
  }

  /** Behind the caller; what is small is not worth it. */
  put(believed: Believed<unknown>, source: Source, policy: string, page: Page, note: () => string): void {
    mustBe(Page, page);
    const key = this.#keyOf(believed, source, policy);
    setImmediate(() => this.#put(key, page, note, this.#caches));
  }

  #put(key: CacheKey, page: Page, note: () => string, caches: readonly DrawnTier[]): void {
    const taking = caches.filter(({ leastBytes }) => page.plainSize >= leastBytes);
    if (taking.length === 0) return;
    const packed = page.packed(note());
    if (packed.byteLength > MOST_BYTES) return;
    for (const { cache } of taking) cache.put(key, packed, KEPT_FOR);
  }

  /** The page's own URL and name belong to its source: links are relative to the one, addresses of files hold the other. */
  #keyOf({ kind, name }: Believed<unknown>, { sha256, url }: Source, policy: string): CacheKey {
    return [this.#pinnedRoot, this.#linkBase, kind, name, url, sha256, policy, String(RENDERER_VERSION), VARIANT];
  }
}
