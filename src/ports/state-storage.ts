/**
 * Names one item of state: the index, then what it is. Names are whole and compared as they are, so that `['a', 'b/c']` and
 * `['a', 'b', 'c']` are two items; any text of whole characters may be a name, the empty one too.
 */
export type ItemPath = readonly [index: string, ...names: readonly string[]];

/** One version of an item. */
export interface StoredValue {
  /** A positive safe integer. */
  readonly version: number;
  readonly value: Uint8Array;
}

/** A version of an item as it is to be created. */
export interface NewVersion extends StoredValue {
  readonly item: ItemPath;
  /** Versions of the item that are older than this go. */
  readonly removeBelow?: number | undefined;
}

/** What else is done with the creation of a version, in one transaction: all of it happens, or none. */
export interface CreatedWith extends Pick<NewVersion, 'removeBelow'> {
  /** Created too, of the same index; where one of them is taken, nothing is created. */
  readonly others?: readonly NewVersion[] | undefined;
}

/** Most bytes of one value. */
export const STATE_VALUE_BYTES = 64 * 1024 * 1024;
/** Most bytes of an item's path: its names in UTF-8, and what keeps them apart. */
export const ITEM_PATH_BYTES = 4096;

/**
 * Items whose versions only go up. A version is created once and never changes; of two writers of one version exactly one
 * wins, whichever processes they are in. Versions may be skipped: the first may be any, and so may the next above it.
 *
 * Every call throws Refusal `state` where what is stored cannot be believed (damaged, forged, or older than this storage has
 * seen it): such an item is never taken for one that is not there. It throws Refusal `limit` where there is no room, and either,
 * transient, where nothing was judged and the same call may succeed later.
 */
export interface StateStorage {
  /** The newest version; undefined for an item that has none. `from` is the newest the caller knows of, 0 for none: anything lower is Refusal `state`. */
  newest(item: ItemPath, from: number): Promise<StoredValue | undefined>;
  /** The number of the newest version, 0 for none, whatever its value may be worth; `from` as above. */
  version(item: ItemPath, from: number): Promise<number>;
  /** One version; undefined where it was never created, or was removed. */
  read(item: ItemPath, version: number): Promise<Uint8Array | undefined>;
  /**
   * True once it is durable and seen by every reader of this machine; of others that share the state, within a second. False where the version is taken, also by an equal value, or a newer one
   * exists. `also` happens with it or not at all. Where a write ended in doubt, what lies there is read back first; it throws where that is not to be had either.
   */
  create(item: ItemPath, version: number, value: Uint8Array, also?: CreatedWith): Promise<boolean>;
  /** Removes older versions than `version`. The newest always stays: what is gone was passed, and is not created again. */
  removeBelow(item: ItemPath, version: number): Promise<void>;
  /** Every item that has a version and whose path begins with `below`, each once. For starts and commands. */
  items(below: ItemPath): AsyncIterable<ItemPath>;
  /**
   * An operator's act: takes every item whose path begins with `below` away, all at once, and keeps it as evidence under the name `as`.
   * Their versions begin anew. Whoever remembers one of them from before meets Refusal `state`.
   */
  setAside(below: ItemPath, as: string): Promise<void>;
}

/** One change of an index's items, as the calls above make it. */
export type StateChange =
  | { readonly kind: 'create'; readonly creations: readonly NewVersion[] }
  | { readonly kind: 'removeBelow'; readonly item: ItemPath; readonly version: number }
  | { readonly kind: 'setAside'; readonly below: ItemPath; readonly as: string };

/** State of one machine that is a copy of what several share: changes are decided elsewhere, and done here in their order. */
export interface StateCopy extends StateStorage {
  /** Throws what its own writes would throw for a change that no state may hold. */
  check(index: string, changes: readonly StateChange[]): void;
  /**
   * Does the changes in their order and creates `mark`, all in one transaction; false where the mark is taken, and then nothing of it.
   * Throws Refusal `state`, having done nothing, where a creation is taken. `acting`: this party made them, and forgets what it has seen of what is
   * set aside.
   */
  apply(mark: NewVersion, changes: readonly StateChange[], acting: boolean): Promise<boolean>;
  /** Reads from now on see what other parties of this machine have done by now, which others may see a turn of the event loop later. */
  lookAgain(index: string): Promise<void>;
  /** Every version of every item of the index as all of it lay at one moment, marks included, some at a time, in the order in which they were written. */
  dump(index: string): AsyncIterable<readonly NewVersion[]>;
  /**
   * These versions and the mark in place of all there is of the mark's index, whole or not at all; false where the mark is taken. What this party has seen of
   * an item holds on. Throws what `versions`, which may be asked for again, throws, having done nothing.
   */
  replace(mark: NewVersion, versions: () => AsyncIterable<readonly NewVersion[]>): Promise<boolean>;
}
