import { LRUCache } from 'lru-cache';
import type { Background } from '../async/background.ts';
import type { Algorithm, Digests } from '../bytes/digest.ts';
import type { BlobStorage } from '../ports/blob-storage.ts';

/** Other digests lead to a sha256: hints, because what they lead to is proved. Known at once, stored behind the answer. */
export class Aliases {
  readonly #storage: BlobStorage;
  readonly #known: LRUCache<string, string>;
  readonly #behind: Background;
  readonly #onTrouble: (error: unknown) => void;

  constructor(
    storage: BlobStorage,
    options: { readonly most: number; readonly behind: Background; readonly onTrouble: (error: unknown) => void },
  ) {
    this.#storage = storage;
    this.#known = new LRUCache({ max: options.most });
    this.#behind = options.behind;
    this.#onTrouble = options.onTrouble;
  }

  /** The sha256 itself where it is listed; else the first that another digest leads to. */
  async find(digests: Digests): Promise<string | undefined> {
    const listed = digests.get('sha256');
    if (listed !== undefined) return listed;
    for (const [algorithm, hex] of digests) {
      const found = this.#known.get(keyOf(algorithm, hex)) ?? (await this.#read(algorithm, hex));
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** What was proved by several digests is found by each of them. */
  add(digests: Digests, sha256: string): void {
    for (const [algorithm, hex] of digests) {
      if (algorithm === 'sha256' || this.#known.get(keyOf(algorithm, hex)) === sha256) continue;
      this.#known.set(keyOf(algorithm, hex), sha256);
      this.#behind.add(this.#storage.addAlias(algorithm, hex, sha256).catch(this.#onTrouble));
    }
  }

  /** Whether each of these leads somewhere. */
  async lead(digests: Digests): Promise<boolean> {
    for (const digest of digests) if ((await this.find(new Map([digest]))) === undefined) return false;
    return true;
  }

  /** Removes those that lead to nothing any more. */
  async sweep(isStored: (sha256: string) => Promise<boolean>, isStopped: () => boolean): Promise<void> {
    for await (const { algorithm, hex, sha256 } of this.#storage.aliases()) {
      if (isStopped()) return;
      if (sha256 !== undefined && (await isStored(sha256))) continue;
      this.#known.delete(keyOf(algorithm, hex));
      await this.#storage.removeAlias(algorithm, hex).catch(() => undefined);
    }
  }

  async #read(algorithm: Algorithm, hex: string): Promise<string | undefined> {
    const found = await this.#storage.alias(algorithm, hex);
    if (found !== undefined) this.#known.set(keyOf(algorithm, hex), found);
    return found;
  }
}

function keyOf(algorithm: Algorithm, hex: string): string {
  return `${algorithm} ${hex}`;
}
