import { BoundedMap } from '../../bytes/bounded-map.ts';
import type { Blob } from '../../ports/blob.ts';
import { VOUCHED, VOUCHED_MS } from '../limits.ts';

/**
 * Files that an index of this server gave out, or fetched for whoever asked, a moment ago. Nothing else is sent to peers: what is withheld
 * or refused here gets into it no more, and what was in it leaves it soon.
 */
export class Vouched {
  readonly #nowMs: () => number;
  readonly #at = new BoundedMap<number>({ entries: VOUCHED });
  readonly #tell: (sha256: string) => void;

  /** `tell`: the other processes of this server hear of it. */
  constructor(nowMs: () => number, tell: (sha256: string) => void) {
    this.#nowMs = nowMs;
    this.#tell = tell;
  }

  /** As soon as an index has the file. What nobody states a digest of is no such file: a sighting proves nothing. */
  async once({ sight }: { readonly sight?: true | undefined }, had: Promise<Blob>): Promise<Blob> {
    const blob = await had;
    if (sight !== true) {
      this.heard(blob.sha256);
      this.#tell(blob.sha256);
    }
    return blob;
  }

  /** An index of another process of this server had it. */
  heard(sha256: string): void {
    this.#at.set(sha256, this.#nowMs());
  }

  has(sha256: string): boolean {
    const at = this.#at.get(sha256);
    return at !== undefined && Math.abs(this.#nowMs() - at) <= VOUCHED_MS;
  }
}
