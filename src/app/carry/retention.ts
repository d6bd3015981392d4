import type { BlobStore } from '../../blobs/blob-store.ts';
import { readStateLines } from '../../bundle/export/state-lines.ts';
import type { BundleBytes } from '../../bundle/format/archive.ts';
import { Refusal } from '../../bytes/refusal.ts';
import type { IndexConfig } from '../../config/config.ts';
import type { IndexState } from '../../ports/index-state.ts';
import { rowsIn } from './tables.ts';

interface Retaining {
  readonly blobs: Pick<BlobStore, 'content'>;
  readonly indexes: readonly IndexConfig[];
  readonly states: ReadonlyMap<string, IndexState>;
  /** What exports that are under way have written down of the state that they carry. */
  readonly exports: () => AsyncIterable<BundleBytes>;
}

/** What the last imports of each index consist of, and what exports are about to read: all of it is spared from eviction, and nothing older for their sake. */
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
    const { blobs, indexes, states, exports } = await this.#known.promise;
    for (const { name, import: given } of indexes) {
      const carried = given && (await states.get(name)?.carried.read())?.value;
      for (const { table } of carried?.generations.slice(-(given?.generations ?? 1)) ?? []) {
        yield table.sha256;
        for await (const { sha256 } of rowsIn(blobs, table)) yield sha256;
      }
    }
    for await (const state of exports()) yield* digestsIn(state);
  }
}

async function* digestsIn(state: BundleBytes): AsyncGenerator<string, void, undefined> {
  try {
    for await (const { sha256 } of readStateLines(state)) yield sha256;
  } catch (error) {
    // It is being written: it tells the servers once it is whole.
    if (!(error instanceof Refusal)) throw error;
  }
}
