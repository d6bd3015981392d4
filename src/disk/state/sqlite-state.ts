import { join } from 'node:path';
import { Refusal } from '../../bytes/refusal.ts';
import type { OldItems, RoomKeeper, StateRoom, StateUsage } from '../../ports/state-room.ts';
import type {
  CreatedWith,
  ItemPath,
  NewVersion,
  StateChange,
  StateCopy,
  StoredValue,
} from '../../ports/state-storage.ts';
import { checkPlace, type Place, placeOf } from '../database/place.ts';
import { STATE_SCHEMA } from '../database/schema.ts';
import { lost } from '../database/trouble.ts';
import { ROOM_ASKED_MOST, STATE_BYTES } from '../limits.ts';
import { storageRefusal } from '../storage-errors.ts';
import { NO_CONTENTS } from './contents.ts';
import { copiedChange, creationOf, creationsOf, full } from './creation.ts';
import { itemOf, pathText } from './item-path.ts';
import { buildState } from './state-builder.ts';
import { StateDatabase } from './state-database.ts';
import type { FirstItem, OpenedState, SqliteStateOptions } from './state-options.ts';
import { finishSwap, type Recovered, type RecoverOptions, recoverState } from './state-recover.ts';
import { StateSeal } from './state-seal.ts';

const WAIT_MS = 10_000;

type Run<T> = (path: string, database: StateDatabase | undefined) => Promise<T>;

/** The state of one machine: a SQLite database for each index. */
export class SqliteState implements StateCopy, StateRoom {
  readonly #options: SqliteStateOptions;
  readonly #opened = new Map<string, Promise<StateDatabase | undefined>>();
  /** The highest epoch this process has met of each index. */
  readonly #met = new Map<string, number>();
  readonly #running = new Set<Promise<unknown>>();
  #closed = false;
  /** Indexes whose database was replaced while it was in use: the next one has to be beyond what was met. */
  readonly #replaced = new Set<string>();
  readonly #keepers = new Map<string, RoomKeeper>();

  constructor(options: SqliteStateOptions) {
    this.#options = options;
  }

  /** Checks an index whole, and makes its database where there is none. Throws Refusal `state` where it cannot be believed. */
  async open(index: string): Promise<OpenedState> {
    const scan = (await this.#database(index))?.scan;
    return {
      scanned: this.#options.scan,
      versions: scan?.versions ?? 0,
      damaged: scan?.damaged.map((path) => itemOf(index, path)) ?? [],
    };
  }

  newest(item: ItemPath, from: number): Promise<StoredValue | undefined> {
    return this.#on(item, from, async (path, database) => database?.newest(path, from));
  }

  version(item: ItemPath, from: number): Promise<number> {
    return this.#on(item, from, async (path, database) => (await database?.version(path, from)) ?? 0);
  }

  read(item: ItemPath, version: number): Promise<Uint8Array | undefined> {
    return this.#on(item, 0, async (path, database) => database?.read(path, version));
  }

  async create(item: ItemPath, version: number, value: Uint8Array, also: CreatedWith = {}): Promise<boolean> {
    const { removeBelow, others = [] } = also;
    const creations = [{ item, version, value, removeBelow }, ...others].map((each) => creationOf(item[0], each));
    const create = () =>
      this.#on(item, 0, async (_, database) => {
        await this.#options.epochs.check();
        const { outcome, isCrowded, epoch } = await this.#there(database).create(creations);
        this.#reached(item[0], epoch);
        return { outcome, isCrowded };
      });
    const keeper = this.#keepers.get(item[0]);
    for (let again = 0; ; again++) {
      const { outcome, isCrowded } = await create();
      if (isCrowded && outcome !== 'full') void keeper?.makeRoom();
      if (outcome !== 'full') return outcome === 'created';
      if (keeper === undefined || again === ROOM_ASKED_MOST || !(await keeper.makeRoom())) throw full(item[0]);
    }
  }

  async usage(index: string): Promise<StateUsage> {
    const nothing = { contents: NO_CONTENTS, bytes: 0, limit: this.#options.maxBytes ?? STATE_BYTES };
    return this.#on([index], 0, async (_, database) => (await database?.usage()) ?? nothing);
  }

  async oldestPages(index: string, after: number): Promise<OldItems> {
    const none = { items: [], next: after, isEnd: true };
    return this.#on([index], 0, async (_, database) => (await database?.oldestPages(after)) ?? none);
  }

  keepRoom(index: string, keeper: RoomKeeper): void {
    this.#keepers.set(index, keeper);
  }

  removeBelow(item: ItemPath, version: number): Promise<void> {
    return this.#on(item, 0, async (path, database) => {
      const { epoch } = await this.#there(database).removeBelow(path, version);
      this.#reached(item[0], epoch);
    });
  }

  async *items(below: ItemPath): AsyncIterable<ItemPath> {
    const [index, ...names] = below;
    for (let last: string | undefined; ; ) {
      const after = last;
      const paths = await this.#on(below, 0, async (_, database) => database?.paths(names, after));
      if (paths === undefined || paths.length === 0) return;
      for (const path of paths) yield itemOf(index, path);
      last = paths.at(-1);
    }
  }

  async setAside(below: ItemPath, as: string): Promise<void> {
    const [index, ...names] = below;
    await this.#on(below, 0, async (_, database) => {
      const { epoch } = await this.#there(database).setAside(names, as);
      this.#reached(index, epoch);
    });
    // An operator's word is noted before it is answered.
    await this.#options.epochs.flush();
  }

  check(index: string, changes: readonly StateChange[]): void {
    for (const change of changes) copiedChange(index, change);
  }

  async apply(mark: NewVersion, changes: readonly StateChange[], acting: boolean): Promise<boolean> {
    const [index] = mark.item;
    const copied = changes.map((change) => copiedChange(index, change));
    return this.#on(mark.item, 0, async (_, database) => {
      await this.#options.epochs.check();
      const { epoch, copied: isDone } = await this.#there(database).copy(creationOf(index, mark), copied, acting);
      this.#reached(index, epoch);
      return isDone;
    });
  }

  async lookAgain(index: string): Promise<void> {
    (await this.#database(index))?.lookAgain();
  }

  async *dump(index: string): AsyncIterable<readonly NewVersion[]> {
    for await (const some of (await this.#database(index))?.dump() ?? [])
      yield some.map(({ path, version, value }) => ({ item: itemOf(index, path), version, value }));
  }

  async replace(mark: NewVersion, versions: () => AsyncIterable<readonly NewVersion[]>): Promise<boolean> {
    const [index] = mark.item;
    return this.#on(mark.item, 0, async (_, database) => {
      await this.#options.epochs.check();
      const done = await this.#there(database).replace(creationOf(index, mark), creationsOf(index, versions()));
      this.#reached(index, done.epoch);
      return done.replaced;
    });
  }

  /**
   * Makes an index's database with these items, whole or not at all; false where there is one already. Its epoch is beyond
   * `after` and beyond any that is noted.
   */
  async begin(index: string, items: AsyncIterable<FirstItem>, after = 0): Promise<boolean> {
    const { durable, keys, epochs } = this.#options;
    const place = this.#place(index);
    if (await checkPlace(durable.ops, place)) return false;
    const epoch = Math.max(after, await epochs.lowest(index)) + 1;
    return buildState({ durable, place, seal: new StateSeal(index, keys), epoch }, items);
  }

  /** An operator's word that what cannot be believed of an index's state is lost: a new database of what can. */
  async recover(index: string, options: RecoverOptions): Promise<Recovered> {
    await (await this.#opened.get(index)?.catch(() => undefined))?.close();
    this.#opened.delete(index);
    const { durable, keys, epochs, waitMs = WAIT_MS } = this.#options;
    const recovered = await recoverState(
      { durable, index, keys, place: this.#place(index), lowest: await epochs.lowest(index), waitMs },
      options,
    );
    epochs.reached(index, recovered.epoch);
    await epochs.flush();
    return recovered;
  }

  /** Ends what this process has open; everything that was created is on the disk already. */
  async close(): Promise<void> {
    this.#closed = true;
    // What is under way, unheeded as it may be, finds its database open.
    await Promise.allSettled(this.#running);
    for (const opening of this.#opened.values()) await (await opening.catch(() => undefined))?.close();
    this.#opened.clear();
    // A note that cannot be made stops writes (above); it does not keep a mirror from ending.
    await this.#options.epochs.flush().catch(() => undefined);
  }

  /**
   * Runs on an index's database as it lies there now: where an operator's word has put another in its place (recover, in any
   * process), that one is checked and opened, and the same is tried on it.
   */
  #on<T>(item: ItemPath, from: number, run: Run<T>): Promise<T> {
    if (this.#closed) return Promise.reject(new Error('this state is closed'));
    const running = this.#runOn(item, from, run);
    this.#running.add(running);
    const ended = () => this.#running.delete(running);
    running.then(ended, ended);
    return running;
  }

  async #runOn<T>([index, ...names]: ItemPath, from: number, run: Run<T>): Promise<T> {
    const path = pathText(names);
    const database = await this.#database(index);
    if (database === undefined && from > 0) throw lost(this.#place(index));
    try {
      return await run(path, database);
    } catch (error) {
      if (database?.isReplaced() !== true) throw error;
      await this.#forget(index, database);
      return run(path, await this.#database(index));
    }
  }

  async #forget(index: string, database: StateDatabase): Promise<void> {
    if ((await this.#opened.get(index)?.catch(() => undefined)) !== database) return;
    this.#opened.delete(index);
    this.#replaced.add(index);
    await database.close().catch(() => undefined);
  }

  #reached(index: string, epoch: number): void {
    this.#met.set(index, Math.max(epoch, this.#met.get(index) ?? 0));
    this.#options.epochs.reached(index, epoch);
  }

  #there(database: StateDatabase | undefined): StateDatabase {
    if (database === undefined) throw new Error('this state was opened to be read');
    return database;
  }

  #database(index: string): Promise<StateDatabase | undefined> {
    const known = this.#opened.get(index);
    if (known !== undefined) return known;
    const opening = this.#openDatabase(index).catch((error: unknown) => {
      throw storageRefusal(error, 'state');
    });
    this.#opened.set(index, opening);
    const again = () => {
      if (this.#opened.get(index) === opening) this.#opened.delete(index);
    };
    opening.then(
      (database) => database === undefined && again(),
      // What cannot be believed stays so until somebody acts; anything else is tried again.
      (error: unknown) => (!(error instanceof Refusal) || error.transient) && again(),
    );
    return opening;
  }

  async #openDatabase(index: string): Promise<StateDatabase | undefined> {
    const { durable, writing, reading, keys, epochs, scan, maxBytes = STATE_BYTES, waitMs = WAIT_MS } = this.#options;
    const place = this.#place(index);
    const beyond = this.#replaced.has(index) ? (this.#met.get(index) ?? 0) + 1 : 0;
    const lowest = Math.max(beyond, await epochs.lowest(index));
    // At its start a process has nothing to write that a scan could delay, and needs one thread less.
    const scanning = this.#met.has(index) ? reading : (writing ?? reading);
    const parts = { ops: durable.ops, place, index, keys, writing, reading, scanning, scan, maxBytes, waitMs };
    if (writing !== undefined) await finishSwap(durable, place);
    let database = await StateDatabase.open(parts);
    if (database === undefined && lowest > 0) throw lost(place);
    if (database === undefined && writing !== undefined) {
      await buildState({ durable, place, seal: new StateSeal(index, keys), epoch: 1 });
      database = await StateDatabase.open(parts);
    }
    if (database === undefined) return undefined;
    const epoch = await database.epoch();
    if (epoch < lowest) {
      await database.close();
      throw lost(place);
    }
    this.#met.set(index, Math.max(epoch, this.#met.get(index) ?? 0));
    this.#replaced.delete(index);
    if (writing !== undefined) {
      epochs.reached(index, epoch);
      await epochs.flush();
    }
    return database;
  }

  #place(index: string): Place {
    const folder = join(this.#options.directoryOf(index), 'state');
    return placeOf(folder, 'state', STATE_SCHEMA, { holds: `what index ${index} remembers` });
  }
}
