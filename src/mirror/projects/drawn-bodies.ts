import { mustBe } from '../../bytes/proof.ts';
import type { CacheKey } from '../../ports/byte-cache.ts';
import { Page, restorePage } from '../../render/page.ts';
import { RENDERER_VERSION } from '../../render/version.ts';
import type { Believed, Source } from '../believed.ts';
import type { GuardedCache } from '../guarded-cache.ts';

/** Below this (a page of some 60 files) drawing it again costs less than a file does. Bytes of its compressed bodies. */
const LEAST_BYTES = 32 * 1024;
/** Most bytes of one. */
const MOST_BYTES = 64 * 1024 * 1024;
/** What nobody has asked for in so long may go. Seconds. */
const KEPT_FOR = 30 * 24 * 3600;
/** Which bodies lie under a key. */
const VARIANT = 'compressed';

/** What a page is drawn by, besides what it is drawn of. */
export interface DrawnBy {
  /** Names the pins that let all of it be served. */
  readonly pins: string;
  /** Of the policy. */
  readonly policy: string;
}

export interface DrawnPage {
  readonly page: Page;
  /** What was written down beside it. */
  readonly note: string;
}

/**
 * Drawn pages and lists beyond memory: found by all that they were drawn from, so that whatever changes leads past them. Here alone is a page
 * made of cached bytes, and only of such as bear our own seal under that very key.
 */
export class DrawnBodies {
  readonly #cache: GuardedCache;
  readonly #pinnedRoot: string;

  /** `pinnedRoot`: its digest; undefined for an index that has none. */
  constructor(cache: GuardedCache, pinnedRoot: string | undefined) {
    this.#cache = cache;
    this.#pinnedRoot = pinnedRoot === undefined ? 'none' : `sha256 ${pinnedRoot}`;
  }

  async find(believed: Believed<unknown>, source: Source, by: DrawnBy): Promise<DrawnPage | undefined> {
    const sealed = await this.#cache.get(this.#keyOf(believed, source, by), MOST_BYTES);
    return sealed && restorePage(sealed);
  }

  /** Behind the caller; what is small is not worth it. */
  put(believed: Believed<unknown>, source: Source, by: DrawnBy, { page, note }: DrawnPage): void {
    if (mustBe(Page, page).lean().size < LEAST_BYTES) return;
    const packed = page.packed(note);
    if (packed.byteLength <= MOST_BYTES) this.#cache.put(this.#keyOf(believed, source, by), packed, KEPT_FOR);
  }

  /** The page's own URL and name belong to its source: links are relative to the one, addresses of files hold the other. */
  #keyOf({ kind, name }: Believed<unknown>, { sha256, url }: Source, { pins, policy }: DrawnBy): CacheKey {
    return [this.#pinnedRoot, kind, name, url, sha256, pins, policy, String(RENDERER_VERSION), VARIANT];
  }
}
