import { Refusal } from '../../src/bytes/refusal.ts';
import {
  ITEM_PATH_BYTES,
  type ItemPath,
  type NewVersion,
  STATE_VALUE_BYTES,
  type StateChange,
  type StateCopy,
  type StoredValue,
} from '../../src/ports/state-storage.ts';

/** What several parties share: the state itself. */
export interface MemoryState {
  /** A process that uses it, with a memory of its own of what it has seen. */
  party(): StateCopy;
  /** Nothing that is stored of this item now can be believed. */
  damage(item: ItemPath): void;
  /** What was set aside, by the name it was given. */
  readonly aside: ReadonlyMap<string, readonly ItemPath[]>;
}

interface Stored {
  readonly path: ItemPath;
  readonly versions: Map<number, Uint8Array>;
  readonly damaged: Set<number>;
}

/** State storage without a disk: for tests of what is built on the port, and of the port's own suite. */
export function createMemoryState(): MemoryState {
  const items = new Map<string, Stored>();
  const aside = new Map<string, ItemPath[]>();
  const find = (item: ItemPath) => items.get(JSON.stringify(item));
  const newestOf = (stored: Stored | undefined) => Math.max(0, ...(stored?.versions.keys() ?? []));
  const isBelow = (item: ItemPath, below: ItemPath) => below.every((name, at) => item[at] === name);

  const drop = (item: ItemPath, below: number): void => {
    const stored = find(item);
    const newest = newestOf(stored);
    for (const each of stored?.versions.keys() ?? []) if (each < below && each < newest) stored?.versions.delete(each);
  };

  const moveAside = (below: ItemPath, as: string): readonly string[] => {
    const moved = aside.get(as) ?? [];
    aside.set(as, moved);
    const gone = [...items].filter(([, { path }]) => isBelow(path, below));
    for (const [key, { path }] of gone) {
      moved.push(path);
      items.delete(key);
    }
    return gone.map(([key]) => key);
  };
  const put = ({ item, version, value, removeBelow = 0 }: NewVersion): void => {
    const key = JSON.stringify(item);
    const stored = items.get(key) ?? { path: [...item], versions: new Map(), damaged: new Set() };
    items.set(key, stored);
    stored.versions.set(version, Buffer.from(value));
    drop(item, removeBelow);
  };

  const party = (): StateCopy => {
    const floors = new Map<string, number>();
    const numberOf = (item: ItemPath, from: number): number => {
      const version = newestOf(find(item));
      const key = JSON.stringify(item);
      if (version < Math.max(from, floors.get(key) ?? 0)) throw refuse(`${item.join('/')} is older than it was.`);
      floors.set(key, version);
      return version;
    };
    const bytesOf = (item: ItemPath, version: number): Uint8Array | undefined => {
      const stored = find(item);
      if (stored?.damaged.has(version) === true) throw refuse(`${item.join('/')} is damaged.`);
      const value = stored?.versions.get(version);
      return value && Buffer.from(value);
    };
    return {
      async newest(item, from): Promise<StoredValue | undefined> {
        const version = numberOf(item, from);
        const value = bytesOf(item, version);
        return value && { version, value };
      },
      version: async (item, from) => numberOf(item, from),
      async read(item, version) {
        numberOf(item, 0);
        return bytesOf(item, version);
      },
      async create(item, version, value, { removeBelow, others = [] } = {}) {
        const creations: NewVersion[] = [{ item, version, value, removeBelow }, ...others];
        for (const each of creations) checkVersion(each, item[0]);
        if (creations.some((each) => each.version <= numberOf(each.item, 0))) return false;
        for (const each of creations) {
          put(each);
          floors.set(JSON.stringify(each.item), each.version);
        }
        return true;
      },
      removeBelow: async (item, version) => drop(item, version),
      async *items(below) {
        yield* [...items.values()].map(({ path }) => path).filter((path) => isBelow(path, below));
      },
      async setAside(below, as) {
        for (const key of moveAside(below, as)) floors.delete(key);
      },
      check(index, changes) {
        for (const change of changes) checkChange(index, change);
      },
      async apply(mark, changes, acting) {
        if (mark.version <= newestOf(find(mark.item))) return false;
        const isTaken = ({ item, version }: NewVersion) => version <= newestOf(find(item));
        for (const change of changes) {
          checkChange(mark.item[0], change);
          if (change.kind === 'create' && change.creations.some(isTaken)) throw refuse('This is no copy.');
          if (change.kind === 'create') change.creations.forEach(put);
          else if (change.kind === 'removeBelow') drop(change.item, change.version);
          else for (const key of moveAside(change.below, change.as)) if (acting) floors.delete(key);
        }
        put(mark);
        return true;
      },
      lookAgain: async () => undefined,
      async *dump(index) {
        const versions: NewVersion[] = [];
        for (const { path, versions: kept } of items.values())
          if (path[0] === index)
            for (const [version, value] of kept) versions.push({ item: path, version, value: Buffer.from(value) });
        if (versions.length > 0) yield versions;
      },
      async replace(mark, versions) {
        const all: NewVersion[] = [];
        for await (const some of versions()) all.push(...some);
        if (mark.version <= newestOf(find(mark.item))) return false;
        for (const [key, { path }] of items) if (path[0] === mark.item[0]) items.delete(key);
        for (const each of [...all, mark]) put(each);
        return true;
      },
    };
  };

  return {
    party,
    damage(item) {
      const stored = find(item);
      if (stored === undefined) throw new Error(`${item.join('/')} is not there`);
      for (const version of stored.versions.keys()) stored.damaged.add(version);
    },
    aside,
  };
}

function checkVersion({ item, version, value }: NewVersion, index: string): void {
  if (item[0] !== index) throw new TypeError(`${item.join('/')} is of another index`);
  if (!Number.isSafeInteger(version) || version < 1) throw new TypeError(`${version} is no version`);
  if (value.byteLength > STATE_VALUE_BYTES) throw new Refusal('limit', 'The value is too large.', { subject: 'state' });
  if (!item.every((name) => name.isWellFormed())) throw new TypeError('a name of an item holds half a character');
  if (Buffer.byteLength(item.join('')) > ITEM_PATH_BYTES)
    throw new Refusal('limit', 'The path is too long.', { subject: 'state' });
}

function checkChange(index: string, change: StateChange): void {
  if (change.kind === 'create') for (const each of change.creations) checkVersion(each, index);
  else if ((change.kind === 'setAside' ? change.below : change.item)[0] !== index) throw new TypeError('another index');
}

function refuse(message: string): Refusal {
  return new Refusal('state', message, { subject: 'state' });
}
