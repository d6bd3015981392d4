import { join } from 'node:path';
import { z } from 'zod';
import { sha256Hex } from '../../bytes/digest.ts';
import type { Durable } from '../../disk/durable.ts';
import { namesIn } from '../../disk/walk.ts';
import type { Epochs } from './epochs.ts';
import { createNumbered, type Numbered, unreadable } from './numbered.ts';
import { type Guard, notSealed, type Seal } from './seal.ts';

// A seal says that we wrote a file, not that it is the newest we wrote, nor that none is missing. So each index has a
// sealed record of which items of state there are and which number each has at least. It lies in 256 shards, by the
// item's hash, under one top that holds each shard's number; the top's own number is the epoch. An item is written
// before its shard, a shard before the top: what a crash leaves is newer than the record, never older.

/** Names an item by its path below the index's directory. */
export type ItemPath = string;

export interface Census {
  guard(item: ItemPath): Guard;
  /** The item was taken away on purpose. */
  forget(item: ItemPath): Promise<void>;
  /** Every item the record knows, with the lowest number it may have; as it lies on disk now. */
  known(): Promise<ReadonlyMap<ItemPath, number>>;
  /** Begins again from exactly these items, after the epoch given (an operator's audited word). */
  begin(items: ReadonlyMap<ItemPath, number>, after: number): Promise<void>;
}

const Entries = z.array(z.tuple([z.string(), z.int().positive()]));

interface Sheet {
  readonly number: number;
  readonly entries: ReadonlyMap<string, number>;
}

/** A number that takes an entry away. */
const GONE = 0;
/** What the trust of a signed index keeps under the record: what it published, and the newest timestamp it believed. */
export const TRUST_ITEMS: readonly ItemPath[] = ['tuf/current', 'tuf/floor'];
/** State that only a guard writes; where it is, there was a record before it. */
const GUARDED = ['index', ...TRUST_ITEMS, 'pins', 'pages'];

export interface CensusParts {
  readonly durable: Durable;
  /** The index's directory. */
  readonly directory: string;
  readonly index: string;
  readonly seal: Seal;
  readonly epochs: Epochs | undefined;
}

export function createCensus({ durable, directory, index, seal, epochs }: CensusParts): Census {
  const what = `the sealed record of what index ${index} remembers`;
  /** The highest epoch this process has seen, whatever the disk says later. */
  let epoch = 0;
  let loaded: Promise<Sheet> | undefined;
  const shards = new Map<string, Sheet>();

  const sealed = (item: string): Pick<Guard, 'seal' | 'holds'> => ({
    seal: (number, parts) => seal.of([index, item, number], parts),
    holds: (number, parts, given) => seal.holds([index, item, number], parts, given),
  });
  const sheetFile = (name: string, atLeast: Guard['atLeast']): Numbered => {
    const item = `census/${name}`;
    return createNumbered(durable, join(directory, item), what, {
      ...sealed(item),
      atLeast,
      moved: async () => undefined,
    });
  };
  const topFile = sheetFile('top', async () => Math.max(epoch, (await epochs?.of(index)) ?? 0));
  const shardFile = (name: string) =>
    sheetFile(name, async (again) => {
      // Another process may have begun the record anew, with fewer shards than the top in memory knows.
      if (again !== undefined) loaded = undefined;
      return (await top()).entries.get(name) ?? 0;
    });

  const read = async (file: Numbered, known: Sheet | undefined): Promise<Sheet | undefined> => {
    if (known !== undefined && known.number === (await file.number())) return known;
    const found = await file.read();
    if (found === undefined) return undefined;
    const parsed = Entries.safeParse(found.state);
    if (!parsed.success) throw unreadable(join(directory, 'census'), what, parsed.error);
    return { number: found.number, entries: new Map(parsed.data) };
  };

  const readTop = async (known: Sheet | undefined): Promise<Sheet> => {
    const found = await read(topFile, known);
    if (found !== undefined) {
      epoch = Math.max(epoch, found.number);
      return found;
    }
    for (const state of GUARDED)
      if ((await namesIn(durable.ops, join(directory, state))).length > 0)
        throw notSealed(directory, `the state of index ${index}`);
    // A first start: the record is there before anything it speaks of.
    await topFile.follow(0, []);
    return readTop(undefined);
  };

  const top = (): Promise<Sheet> => {
    if (loaded !== undefined) return loaded;
    const loading = readTop(undefined).then(async (sheet) => {
      await epochs?.raise(index, sheet.number);
      return sheet;
    });
    loaded = loading;
    loading.catch(() => {
      if (loaded === loading) loaded = undefined;
    });
    return loading;
  };

  const shard = async (name: string): Promise<Sheet> => {
    const known = shards.get(name);
    if (known !== undefined) return known;
    const sheet = (await read(shardFile(name), undefined)) ?? { number: 0, entries: new Map() };
    shards.set(name, sheet);
    return sheet;
  };

  /** Brings entries forward, whoever else does so at the same time. */
  const advance = async (
    file: Numbered,
    latest: () => Promise<Sheet>,
    changes: ReadonlyMap<string, number>,
  ): Promise<Sheet> => {
    for (;;) {
      const { number, entries } = await latest();
      const next = new Map(entries);
      for (const [name, value] of changes)
        if (value === GONE) next.delete(name);
        else next.set(name, Math.max(value, next.get(name) ?? 0));
      if ((await file.follow(number, [...next])) !== undefined) return { number: number + 1, entries: next };
    }
  };

  const commit = async (changes: ReadonlyMap<ItemPath, number>): Promise<void> => {
    const byShard = Map.groupBy(changes, ([item]) => shardOf(item));
    const moved = await Promise.all(
      [...byShard].map(async ([name, items]): Promise<[string, number]> => {
        const file = shardFile(name);
        const latest = async () =>
          (await read(file, shards.get(name))) ?? { number: 0, entries: new Map<string, number>() };
        const sheet = await advance(file, latest, new Map(items));
        shards.set(name, sheet);
        return [name, sheet.number];
      }),
    );
    const known = await top();
    const sheet = await advance(topFile, () => readTop(known), new Map(moved));
    epoch = Math.max(epoch, sheet.number);
    loaded = Promise.resolve(sheet);
    await epochs?.raise(index, sheet.number);
  };

  // One commit at a time; what comes meanwhile goes together into the next.
  let last: Promise<unknown> = Promise.resolve();
  let next: { readonly changes: Map<ItemPath, number>; readonly done: Promise<void> } | undefined;
  const note = (item: ItemPath, number: number): Promise<void> => {
    if (next === undefined) {
      const changes = new Map<ItemPath, number>();
      const done = last.then(() => {
        next = undefined;
        return commit(changes);
      });
      last = done.catch(() => undefined);
      next = { changes, done };
    }
    const before = next.changes.get(item);
    next.changes.set(item, number === GONE || before === undefined ? number : Math.max(number, before));
    return next.done;
  };

  return {
    guard: (item) => ({
      ...sealed(item),
      async atLeast(again) {
        if (again !== undefined) {
          loaded = undefined;
          shards.clear();
        }
        return (await shard(shardOf(item))).entries.get(item) ?? 0;
      },
      moved: (number) => note(item, number),
    }),
    forget: (item) => note(item, GONE),
    async known() {
      loaded = undefined;
      shards.clear();
      const items = new Map<ItemPath, number>();
      for (const name of (await top()).entries.keys())
        for (const [item, number] of (await shard(name)).entries) items.set(item, number);
      return items;
    },
    async begin(items, after) {
      epoch = after + 1;
      shards.clear();
      const byShard = Map.groupBy(items, ([item]) => shardOf(item));
      const numbers: [string, number][] = [];
      loaded = Promise.resolve({ number: 0, entries: new Map() });
      for (const [name, entries] of byShard) {
        await shardFile(name).follow(after, entries);
        numbers.push([name, after + 1]);
      }
      await topFile.follow(after, numbers);
      loaded = undefined;
      await epochs?.raise(index, after + 1);
    },
  };
}

function shardOf(item: ItemPath): string {
  return sha256Hex(Buffer.from(item)).slice(0, 2);
}
