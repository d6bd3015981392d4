import { DigestSet } from '../../bundle/format/digest-set.ts';
import { sha256Hex } from '../../bytes/digest.ts';
import type { SyncWords } from '../../config/sync.ts';
import { type NewHold, type StoredHold, SyncHolds } from '../../disk/bundles/sync-holds.ts';
import type { Volume } from '../../disk/volume.ts';
import type { SyncOptions } from '../../sync/sync.ts';
import { announcedOf, type ContentsPlace, contentsOf, namedBy } from '../pruning/contents.ts';

export interface HoldPlace extends ContentsPlace {
  readonly volume: Pick<Volume, 'ops' | 'root'>;
  /** Seconds since the epoch. */
  readonly now: () => number;
}

type Expected = Parameters<NonNullable<SyncOptions['onTargetHeld']>>[0];
type Picked = Parameters<NonNullable<SyncOptions['onHeld']>>[0];

/** What one sync comes to hold, written down so that it is spared from eviction. */
export class Holding {
  readonly #place: HoldPlace;
  readonly #words: SyncWords;
  readonly #key: string;
  readonly #hold: NewHold;
  readonly #seen = new DigestSet();
  #files = 0;
  #bytes = 0;

  private constructor(place: HoldPlace, words: SyncWords, key: string, hold: NewHold) {
    this.#place = place;
    this.#words = words;
    this.#key = key;
    this.#hold = hold;
  }

  static async begin(place: HoldPlace, words: SyncWords): Promise<Holding> {
    const key = keyOf(words);
    return new Holding(place, words, key, await new SyncHolds(place.volume.ops, place.volume.root).begin(key));
  }

  /** The file, its core metadata, its page where that is a file itself, and what its page announces and was relayed of it. */
  async add({ page, file }: Picked): Promise<void> {
    const { project, believed } = page;
    const all: string[] = believed.source === undefined ? [] : [believed.source.sha256];
    for await (const sha256 of contentsOf(this.#place, project, file.entry, announcedOf(file.entry))) all.push(sha256);
    await this.#addAll(all, file.entry.size);
  }

  async addTarget({ digests, length }: Expected): Promise<void> {
    const all: string[] = [];
    for await (const sha256 of namedBy(this.#place.storage, digests)) all.push(sha256);
    await this.#addAll(all, length);
  }

  async #addAll(all: readonly string[], size = 0): Promise<void> {
    let isNew = false;
    for (const sha256 of all) {
      if (!this.#seen.add(sha256)) continue;
      isNew = true;
      await this.#hold.add(sha256);
    }
    if (!isNew) return;
    this.#files++;
    this.#bytes += size;
  }

  /** From now on this is what the sync holds. `isWhole`: false keeps what it held before as well: it could not be looked at all of it. */
  async end(isWhole: boolean): Promise<void> {
    const { ops, root } = this.#place.volume;
    if (!isWhole) await this.#addFormer(new SyncHolds(ops, root));
    await this.#hold.commit({
      index: this.#words.index,
      name: nameOf(this.#words),
      at: this.#place.now(),
      files: this.#files,
      bytes: this.#bytes,
    });
  }

  discard(): Promise<void> {
    return this.#hold.discard();
  }

  async #addFormer(holds: SyncHolds): Promise<void> {
    for await (const former of holds.all()) {
      if (former.key !== this.#key) continue;
      let added = 0;
      for await (const sha256 of former.digests())
        if (this.#seen.add(sha256)) {
          added++;
          await this.#hold.add(sha256);
        }
      if (added === 0) continue;
      this.#files = Math.max(this.#files, former.files);
      this.#bytes = Math.max(this.#bytes, former.bytes);
    }
  }
}

/** The same for the same words, however fast it is to be done. */
function keyOf({ parallel: _, largerThanRoom: __, ...words }: SyncWords): string {
  return sha256Hex(Buffer.from(JSON.stringify(Object.entries(words).sort()))).slice(0, 32);
}

/** For people. */
function nameOf(words: SyncWords): string {
  const { index: _, parallel: __, largerThanRoom: ___, ...rest } = words;
  return Object.entries(rest)
    .filter(([, value]) => value !== undefined && value !== false && !(Array.isArray(value) && value.length === 0))
    .map(([name, value]) => (value === true ? name : `${name} ${String(value)}`))
    .join('; ');
}

/** Those that are in force: of the last so many days. */
export async function* holdsInForce(
  { ops, root }: Pick<Volume, 'ops' | 'root'>,
  { holdDays, now }: { readonly holdDays: number; readonly now: number },
): AsyncGenerator<StoredHold & { readonly until: number }, void, undefined> {
  for await (const hold of new SyncHolds(ops, root).all()) {
    const until = hold.at + holdDays * DAY;
    if (until > now) yield { ...hold, until };
  }
}

const DAY = 86_400;
