import { Refusal } from '../../bytes/refusal.ts';
import type { Blobs } from '../../ports/blobs.ts';
import type { Listing } from '../../pypi/listing.ts';

/** What becomes of listed files that are not held, of a mirror that asks no upstream: `all` lists them with a mark. */
export type OfflinePages = 'all' | 'held';

/** What of a page is not held, as far as that changes how it is drawn. */
export interface Unheld {
  /** Listed with a mark. */
  readonly marked: ReadonlySet<string>;
  /** Left out. */
  readonly withheld: ReadonlyMap<string, Refusal>;
}

/** Looks at a time: each may be one look at the disk. */
const AT_ONCE = 16;

/** Which of the files that a page lists are held. */
export class HeldFiles {
  readonly #blobs: Pick<Blobs, 'isHeld' | 'removals'>;
  readonly #pages: OfflinePages;

  constructor(blobs: Pick<Blobs, 'isHeld' | 'removals'>, pages: OfflinePages) {
    this.#blobs = blobs;
    this.#pages = pages;
  }

  /** Another one once a page that lists only what is held may list more than that. */
  get version(): string {
    return `held ${this.#blobs.removals}`;
  }

  async of({ files }: Listing): Promise<Unheld> {
    const missing: string[] = [];
    const all = [...files.values()];
    for (let at = 0; at < all.length; at += AT_ONCE)
      await Promise.all(
        all.slice(at, at + AT_ONCE).map(async ({ entry: { filename, digests, size } }) => {
          if (digests.size === 0 || !(await this.#blobs.isHeld({ digests, length: size }))) missing.push(filename);
        }),
      );
    return this.#pages === 'all'
      ? { marked: new Set(missing), withheld: new Map() }
      : { marked: new Set(), withheld: new Map(missing.map((filename) => [filename, notHeld(filename)])) };
  }
}

function notHeld(filename: string): Refusal {
  return new Refusal(
    'offline',
    `${filename} is listed upstream and not held here, and this mirror was told to ask no upstream (offline).`,
    { subject: 'file' },
  );
}
