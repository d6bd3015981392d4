import type { Range } from '../bytes/range.ts';
import { type BlobStorage, StorageError, type StoredBytes, type StoredFacts } from '../ports/blob-storage.ts';
import type { BlobObjects } from './blob-objects.ts';
import { ARRIVING_BYTES } from './limits.ts';
import { aboutBucket, isAway, type Reach } from './reach.ts';
import type { Tier } from './tier.ts';

interface BringingDeps {
  readonly objects: Pick<BlobObjects, 'bring'>;
  readonly disk: Pick<BlobStorage, 'begin'>;
  readonly tier: Pick<Tier, 'open' | 'writing'>;
  readonly reach: Reach;
}

/**
 * Objects on their way to this machine's disk, each once however many ask, as suspect as they come. It goes on to its end whoever leaves: what
 * lies on the disk then is there for the next.
 */
export class Bringing {
  readonly #deps: BringingDeps;
  /** Whether it was there to be brought. Never rejects: who waits for another's looks what there is then. */
  readonly #underWay = new Map<string, Promise<boolean>>();

  constructor(deps: BringingDeps) {
    this.#deps = deps;
  }

  has(sha256: string): boolean {
    return this.#underWay.has(sha256);
  }

  /** Who is first reads it while it comes. Undefined where nothing lies there; ObjectStoreError where it does not begin to come. */
  async open(sha256: string, range: Range): Promise<StoredBytes | undefined> {
    const underWay = this.#underWay.get(sha256);
    if (underWay !== undefined) return (await underWay) ? this.#deps.tier.open(sha256, range) : undefined;
    const arriving = new Arriving(() => this.#deps.tier.open(sha256, range));
    this.#underWay.set(
      sha256,
      this.#bring(sha256, arriving).finally(() => this.#underWay.delete(sha256)),
    );
    return arriving.begun;
  }

  async #bring(sha256: string, arriving: Arriving): Promise<boolean> {
    const { objects, disk, tier, reach } = this.#deps;
    try {
      const writer = tier.writing(await disk.begin(), () => undefined);
      try {
        const isThere = await reach.noting(() => objects.bring(sha256, writer, arriving));
        arriving.arrived(isThere ? await writer.commit(sha256) : undefined);
        return isThere;
      } finally {
        await writer.discard();
      }
    } catch (error) {
      arriving.failed(error);
      return false;
    }
  }
}

/**
 * An object on its way to this machine's disk, for one who reads it from its first byte on: what has come and was not read yet is in memory.
 * Whoever reads it in another order, or falls behind, waits until it lies on the disk and reads it there.
 */
class Arriving implements StoredBytes {
  readonly #open: () => ReturnType<BlobStorage['open']>;
  #size = 0;
  /** What comes next is at `#at`, in `#bytes`. */
  #window: Uint8Array[] = [];
  #at = 0;
  #bytes = 0;
  /** Nothing of it is kept in memory any more. */
  #isPast = false;
  #outcome: { readonly facts: StoredFacts } | { readonly error: unknown } | undefined;
  #source: StoredBytes | undefined;
  readonly #begun = Promise.withResolvers<StoredBytes | undefined>();
  #news = Promise.withResolvers<void>();

  /** `open`: of what lies on the disk, once it does. */
  constructor(open: () => ReturnType<BlobStorage['open']>) {
    this.#open = open;
  }

  get size(): number {
    return this.#size;
  }

  /** Known to whoever has read it to its end. */
  get version(): string {
    return this.#outcome !== undefined && 'facts' in this.#outcome ? this.#outcome.facts.version : '';
  }

  /** Resolves when it begins to come; undefined where nothing lies there. */
  get begun(): Promise<StoredBytes | undefined> {
    return this.#begun.promise;
  }

  begin(size: number): void {
    this.#size = size;
    this.#begun.resolve(this);
  }

  /** What came is nobody else's any more. */
  add(bytes: Uint8Array): void {
    if (this.#isPast) return;
    this.#window.push(bytes);
    this.#bytes += bytes.byteLength;
    if (this.#bytes > ARRIVING_BYTES) this.#forget();
    this.#tell();
  }

  /** It lies on the disk; undefined where there was nothing to bring. */
  arrived(facts: StoredFacts | undefined): void {
    if (facts === undefined) this.#begun.resolve(undefined);
    else this.#outcome = { facts };
    this.#tell();
  }

  /** It did not come: whoever reads it is told so. */
  failed(error: unknown): void {
    this.#begun.reject(error);
    this.#outcome = {
      error: isAway(error) ? new StorageError('gone', error.message, { cause: error }) : aboutBucket(error),
    };
    this.#forget();
    this.#tell();
  }

  async read(into: Uint8Array, position: number): Promise<number> {
    if (position !== this.#at) this.#forget();
    let filled = 0;
    while (!this.#isPast && filled < into.byteLength && position + filled < this.#size) {
      filled += this.#take(into.subarray(filled));
      if (filled < into.byteLength && position + filled < this.#size && !this.#isPast) await this.#news.promise;
    }
    // Its version is known, and nothing of it is missing, once it lies there.
    if (this.#isPast || position + filled >= this.#size) await this.#settled();
    if (!this.#isPast) return filled;
    this.#source ??= await this.#open();
    if (this.#source === undefined) throw new StorageError('gone', 'A file that was brought is not there any more.');
    return filled + (await this.#source.read(into.subarray(filled), position + filled));
  }

  async close(): Promise<void> {
    this.#forget();
    await this.#source?.close();
  }

  #take(into: Uint8Array): number {
    let taken = 0;
    for (let first = this.#window[0]; first !== undefined && taken < into.byteLength; first = this.#window[0]) {
      const part = first.subarray(0, into.byteLength - taken);
      into.set(part, taken);
      taken += part.byteLength;
      if (part.byteLength === first.byteLength) this.#window.shift();
      else this.#window[0] = first.subarray(part.byteLength);
    }
    this.#at += taken;
    this.#bytes -= taken;
    return taken;
  }

  async #settled(): Promise<void> {
    while (this.#outcome === undefined) await this.#news.promise;
    if ('error' in this.#outcome) throw this.#outcome.error;
  }

  #forget(): void {
    this.#isPast = true;
    this.#window = [];
    this.#bytes = 0;
  }

  #tell(): void {
    this.#news.resolve();
    this.#news = Promise.withResolvers();
  }
}
