import type { Caller } from '../../async/caller.ts';
import { BoundedMap } from '../../bytes/bounded-map.ts';
import { Refusal } from '../../bytes/refusal.ts';
import type { Blobs } from '../../ports/blobs.ts';
import type { OwnFile } from '../../pypi/listing.ts';
import { variantLabel, versionOf } from '../../pypi/names.ts';
import { decodeVariants } from '../../pypi/variants.ts';
import { readInfo } from '../../pypi/wheel.ts';
import type { BelievedPage } from '../projects/believed-page.ts';
import { partsOf } from './core-metadata.ts';

/** A list of variants has a few hundred kilobytes. */
export const VARIANTS_BYTES = 4 * 1024 * 1024;
/** A `variant.json` has a few hundred bytes. */
const VARIANT_BYTES = 64 * 1024;
/** Wheels remembered as read; forgetting costs one more look inside. */
const MOST_REMEMBERED = 10_000;
/** Bytes of held wheels that one answer looks into for the first time: each is proved whole first. */
const MOST_BYTES = 512 * 1024 * 1024;

interface Read {
  /** What the wheel says of its label; undefined where it says nothing that can be read. */
  readonly properties: string | undefined;
}

/**
 * Holds a list of variants, which nobody vouches for, to the wheels that are held: what a proved wheel says of itself nobody
 * else may say otherwise (PEP 825: both agree).
 */
export class HeldVariants {
  readonly #blobs: Pick<Blobs, 'open' | 'stored'>;
  readonly #read = new BoundedMap<Read>({ entries: MOST_REMEMBERED });

  constructor(blobs: Pick<Blobs, 'open' | 'stored'>) {
    this.#blobs = blobs;
  }

  /** Refuses `mix-and-match` where a wheel of this version contradicts the list, and `format` for what is no list. */
  async hold<P>(list: Uint8Array, filename: string, page: BelievedPage<P>, caller: Caller): Promise<void> {
    const stated = decodeVariants(list);
    const version = versionOf(filename, page.project);
    let left = MOST_BYTES;
    for (const file of page.listing.files.values()) {
      const label = variantLabel(file.entry.filename);
      if (label === undefined || versionOf(file.entry.filename, page.project) !== version) continue;
      if (!this.#read.has(file.path)) left -= file.entry.size ?? 0;
      const own = left < 0 ? undefined : await this.#propertiesOf(file, label, page, caller);
      if (own !== undefined && stated.get(label) !== own) throw contradicted(filename, file);
    }
  }

  async #propertiesOf<P>(
    file: OwnFile,
    label: string,
    page: BelievedPage<P>,
    caller: Caller,
  ): Promise<string | undefined> {
    const known = this.#read.get(file.path);
    if (known !== undefined) return known.properties;
    if (file.entry.digests.size === 0) return undefined;
    const expected = page.expect(file, undefined);
    const wheel = (await this.#blobs.stored(expected)) ? await this.#blobs.open(expected) : undefined;
    if (wheel === undefined) return undefined;
    const properties = await readInfo('variant.json', wheel.size, partsOf(wheel, caller), VARIANT_BYTES)
      .then((bytes) => bytes && decodeVariants(bytes).get(label))
      .catch((error: unknown) => {
        // What such a wheel says of itself nobody can read, and so nobody can contradict.
        if (error instanceof Refusal && !error.transient) return undefined;
        throw error;
      });
    this.#read.set(file.path, { properties });
    return properties;
  }
}

function contradicted(filename: string, { entry }: OwnFile): Refusal {
  return new Refusal(
    'mix-and-match',
    `${filename} says of a variant something else than the wheel that is held here, ${entry.filename}, says of itself.`,
    { subject: 'file' },
  );
}
