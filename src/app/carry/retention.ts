import type { BlobStore } from '../../blobs/blob-store.ts';
import { readStateLines } from '../../bundle/export/state-lines.ts';
import type { BundleBytes } from '../../bundle/format/archive.ts';
import { Refusal } from '../../bytes/refusal.ts';
import type { Config, IndexConfig } from '../../config/config.ts';
import { exportsUnderWay } from '../../disk/bundles/exports-under-way.ts';
import type { Volume } from '../../disk/volume.ts';
import type { IndexState } from '../../ports/index-state.ts';
import { holdsInForce } from '../syncing/holds.ts';
import { rowsIn } from './tables.ts';

export interface Retaining {
  readonly blobs: Pick<BlobStore, 'content'>;
  readonly indexes: readonly IndexConfig[];
  readonly states: ReadonlyMap<string, IndexState>;
  readonly volume: Pick<Volume, 'ops' | 'root'>;
  /** For how long what a sync held is spared after it ran last. */
  readonly holdDays: number;
  /** Seconds since the epoch. */
  readonly now: () => number;
}

/** Days, where nothing is said. */
const HOLD_DAYS = 30;

export function holdDaysOf({ sync }: Pick<Config, 'sync'>): number {
  return sync?.holdDays ?? HOLD_DAYS;
}

/** Something that is retained, and for what. */
interface Retained {
  readonly sha256: string;
  readonly by: 'import' | 'sync' | 'export';
}

/** What the last imports of each index consist of, what syncs hold, and what exports are about to read: all of it is spared from eviction, and nothing older for their sake. */
export class Retention {
  readonly #known = Promise.withResolvers<Retaining>();

  constructor() {
    // Where nobody asked, nobody minds.
    this.#known.promise.catch(() => undefined);
  }

  /** Whoever asks what is retained waits for this. */
  begin(retaining: Retaining): void {
    this.#known.resolve(retaining);
  }

  /** A start that failed never knows it: whoever waits is told so. */
  end(): void {
    this.#known.reject(
      new Refusal('state', 'What imports retain is not known: the start came to nothing.', {
        subject: 'state',
        transient: true,
      }),
    );
  }

  /** Digests, some more than once. Throws Refusal `state` where it cannot be told: then nothing is to be let go. */
  async *digests(): AsyncGenerator<string, void, undefined> {
    for await (const { sha256 } of retainedBy(await this.#known.promise)) yield sha256;
  }
}

/** Some more than once. Throws Refusal `state` where it cannot be told. */
export async function* retainedBy({
  blobs,
  indexes,
  states,
  volume,
  holdDays,
  now,
}: Retaining): AsyncGenerator<Retained, void, undefined> {
  for (const { name, import: given } of indexes) {
    const carried = given && (await states.get(name)?.carried.read())?.value;
    for (const { table } of carried?.generations.slice(-(given?.generations ?? 1)) ?? []) {
      yield { sha256: table.sha256, by: 'import' };
      for await (const { sha256 } of rowsIn(blobs, table)) yield { sha256, by: 'import' };
    }
  }
  const names = new Set(indexes.map(({ name }) => name));
  for await (const hold of holdsInForce(volume, { holdDays, now: now() }))
    if (names.has(hold.index)) for await (const sha256 of hold.digests()) yield { sha256, by: 'sync' };
  for await (const state of exportsUnderWay(volume.ops, volume.root))
    for await (const sha256 of digestsIn(state)) yield { sha256, by: 'export' };
}

async function* digestsIn(state: BundleBytes): AsyncGenerator<string, void, undefined> {
  try {
    for await (const { sha256 } of readStateLines(state)) yield sha256;
  } catch (error) {
    // It is being written: it tells the servers once it is whole.
    if (!(error instanceof Refusal)) throw error;
  }
}
