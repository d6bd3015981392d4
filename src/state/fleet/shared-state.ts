import type { ObjectStore } from '../../ports/object-store.ts';
import type {
  CreatedWith,
  ItemPath,
  NewVersion,
  StateChange,
  StateCopy,
  StateStorage,
  StoredValue,
} from '../../ports/state-storage.ts';
import { indexName } from '../paths.ts';
import type { ChainStep } from './chain.ts';
import { DUE_BYTES } from './compaction.ts';
import { StateLog } from './log.ts';
import { EntrySeal } from './log-entry.ts';
import { IndexObjects } from './objects.ts';
import { notesPath } from './position.ts';
import { ObjectSeal } from './seal.ts';
import { PassedSegments } from './segments.ts';
import { SharedIndex } from './shared-index.ts';
import { Snapshots } from './snapshots.ts';

/** Entries of a segment of a log: 32 bytes of each stay when it is cut. */
const SEGMENT = 1024;

export interface SharedStateOptions {
  /** This machine's copy, which its processes share. */
  readonly local: StateCopy;
  /** What the machines share. Nothing in it is believed without the seal. */
  readonly objects: ObjectStore;
  /** Secret bytes, the same in every replica. */
  readonly sealKey: Uint8Array;
  /** Told of an index after something was written of it. */
  readonly onWritten?: ((index: string) => void) | undefined;
  /** Told of what others wrote, or may have written, once it is here. */
  readonly onRead?: ((index: string, items: readonly ItemPath[]) => void) | undefined;
  /** Told of an index whose log it is on this process to cut: see `SharedIndex.compact`. */
  readonly onTurn?: ((index: string) => void) | undefined;
  /** Told of an index once its copy here begins somewhere. */
  readonly onStep?: ((index: string, step: ChainStep, entry: number, bytes: number) => void) | undefined;
  /** Entries of a segment, of a log that begins here. */
  readonly segment?: number | undefined;
  /** A snapshot is due after so many bytes of entries. */
  readonly dueBytes?: number | undefined;
  /** Never goes back. */
  readonly monotonicMs?: (() => number) | undefined;
}

/**
 * State that replicas share over a store which can do nothing but create an object where there is none. A change is decided by a log of
 * numbered objects, one for each index: whoever creates the next number has decided what comes next. Then it is done to the copy on this
 * machine, from which everything is read; no read waits for the store.
 */
export class SharedState implements StateStorage {
  readonly #options: SharedStateOptions;
  readonly #indexes = new Map<string, SharedIndex>();

  constructor(options: SharedStateOptions) {
    this.#options = options;
  }

  of(index: string): SharedIndex {
    const known = this.#indexes.get(index);
    if (known !== undefined) return known;
    const { local, sealKey, monotonicMs = () => performance.now() } = this.#options;
    const { segment = SEGMENT, dueBytes = DUE_BYTES } = this.#options;
    const objects = new IndexObjects(indexName(index), this.#options.objects);
    const shared = new SharedIndex({
      local,
      objects,
      log: new StateLog(objects, new EntrySeal(index, sealKey)),
      passed: new PassedSegments(objects, new ObjectSeal(sealKey, 'segment of a log that was passed')),
      snapshots: new Snapshots(objects, new ObjectSeal(sealKey, 'snapshot of state')),
      onWritten: () => this.#options.onWritten?.(index),
      onRead: (items) => this.#options.onRead?.(index, items),
      onTurn: () => this.#options.onTurn?.(index),
      onStep: (...step) => this.#options.onStep?.(index, ...step),
      monotonicMs,
      segment,
      dueBytes,
    });
    this.#indexes.set(index, shared);
    return shared;
  }

  newest(item: ItemPath, from: number): Promise<StoredValue | undefined> {
    return this.#options.local.newest(item, from);
  }

  version(item: ItemPath, from: number): Promise<number> {
    return this.#options.local.version(item, from);
  }

  read(item: ItemPath, version: number): Promise<Uint8Array | undefined> {
    return this.#options.local.read(item, version);
  }

  create(item: ItemPath, version: number, value: Uint8Array, also: CreatedWith = {}): Promise<boolean> {
    const { removeBelow, others = [] } = also;
    const all = [{ item, version, value, removeBelow }, ...others];
    return this.#write(item[0], { kind: 'create', creations: all });
  }

  async removeBelow(item: ItemPath, version: number): Promise<void> {
    await this.#write(item[0], { kind: 'removeBelow', item, version });
  }

  async *items(below: ItemPath): AsyncIterable<ItemPath> {
    const notes = notesPath(below[0]);
    for await (const item of this.#options.local.items(below))
      if (!notes.every((name, at) => item[at] === name)) yield item;
  }

  async setAside(below: ItemPath, as: string): Promise<void> {
    await this.#write(below[0], { kind: 'setAside', below, as });
  }

  async #write(index: string, change: StateChange): Promise<boolean> {
    this.#options.local.check(index, [change]);
    return this.of(index).write(
      change.kind === 'create' ? { ...change, creations: change.creations.map(copied) } : change,
    );
  }
}

/** The value stays its giver's. */
function copied(creation: NewVersion): NewVersion {
  return { ...creation, value: Uint8Array.from(creation.value) };
}
