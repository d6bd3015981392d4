import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { type Authenticator, makeAuthenticator } from '../bytes/authentic.ts';
import { CacheFiles } from '../disk/cache-files.ts';
import type { Volume } from '../disk/volume.ts';
import { GuardedCache } from '../mirror/guarded-cache.ts';
import { DrawnBodies, type DrawnFor } from '../mirror/projects/drawn-bodies.ts';
import type { ByteCache } from '../ports/byte-cache.ts';
import type { Emit } from '../ports/events.ts';
import { PACKED_PAGE } from '../render/page.ts';

/** Most bytes on disk of pages as they were drawn, and their part of what all files may take. */
const MOST_BYTES = 256 * 1024 * 1024;
const SHARE = 16;
const KEY_BYTES = 32;
/** Plain bytes of a page (of some 60 files) below which drawing it again costs less than a file does … */
const LEAST_ON_DISK = 40 * 1024;
/** … and (some 20 files) than asking others for it, where its own bytes are asked for as well. */
const LEAST_SHARED = 12 * 1024;

/** Where drawn pages of all indexes are found again. */
export class DrawnCache {
  readonly #files: CacheFiles;
  readonly #caches: readonly ByteCache[];
  readonly #authenticator: Authenticator;
  readonly #emit: Emit;

  private constructor(files: CacheFiles, shared: readonly ByteCache[], authenticator: Authenticator, emit: Emit) {
    this.#files = files;
    this.#caches = [files, ...shared];
    this.#authenticator = authenticator;
    this.#emit = emit;
  }

  /**
   * With a seal key it outlasts the process. Without one nothing on disk could tell our own bytes from another's after a restart:
   * then the key is made now and never written, the files lie among this process's temporary ones and go with it, and nothing is shared.
   */
  static async open(
    { root, durable }: Pick<Volume, 'root' | 'durable'>,
    {
      sealKey,
      maxBytes,
      shared,
      emit,
    }: {
      readonly sealKey: Uint8Array | undefined;
      readonly maxBytes: number /** With other replicas. */;
      readonly shared: ByteCache | undefined;
      readonly emit: Emit;
    },
  ): Promise<DrawnCache> {
    const directory = sealKey === undefined ? await durable.tempDirectory() : join(root, 'drawn');
    const files = await CacheFiles.open({ durable, directory, maxBytes: Math.min(MOST_BYTES, maxBytes / SHARE) });
    const authenticator = makeAuthenticator(sealKey ?? randomBytes(KEY_BYTES), PACKED_PAGE);
    return new DrawnCache(files, shared === undefined || sealKey === undefined ? [] : [shared], authenticator, emit);
  }

  of(index: string, pages: DrawnFor): DrawnBodies {
    const [authenticator, emit] = [this.#authenticator, this.#emit];
    const tiers = this.#caches.map((cache) => ({
      cache: new GuardedCache({ index, cache, authenticator, emit }),
      leastBytes: cache === this.#files ? LEAST_ON_DISK : LEAST_SHARED,
    }));
    return new DrawnBodies(tiers, pages);
  }

  close(): Promise<void> {
    return this.#files.close();
  }
}
