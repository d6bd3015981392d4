import { Mutex } from '../../async/mutex.ts';
import { Refusal } from '../../bytes/refusal.ts';
import type { ItemPath, StateChange, StateCopy } from '../../ports/state-storage.ts';
import type { StateLog } from './log.ts';
import type { OpenedEntry } from './log-entry.ts';
import { markOf, type Position, readPosition } from './position.ts';

/** A change that waits to be written down. */
interface Waiting {
  readonly change: StateChange;
  readonly settle: (done: boolean) => void;
  readonly fail: (error: unknown) => void;
}

/** Most changes in one entry, and bytes of values after which no more are taken. */
const GROUP = 256;
const GROUP_BYTES = 4 * 1024 * 1024;
/** A store that was away is not waited for again by a write within this time, unless it was back meanwhile. Milliseconds. */
const APART_MS = 5000;
/** Most entries that are asked for at once by who lags behind. */
const AHEAD = 8;

export interface SharedIndexOptions {
  readonly local: StateCopy;
  readonly log: StateLog;
  /** Called after something was written. */
  readonly onWritten: () => void;
  /** Called with the items that others wrote, once they are here. */
  readonly onRead: (items: readonly ItemPath[]) => void;
  /** Never goes back. */
  readonly monotonicMs: () => number;
}

/** One index whose state is decided by a log that replicas share, and of which this machine has a copy. */
export class SharedIndex {
  readonly #local: StateCopy;
  readonly #log: StateLog;
  /** One thing at a time is done to the copy. */
  readonly #line = new Mutex();
  #waiting: Waiting[] = [];
  /** This copy was seen to be one of the log that lies there now. */
  #isProved = false;
  /** Entries that this process wrote, and up to which it has told what others wrote; undefined before the first look. */
  readonly #own = new Set<number>();
  #told: number | undefined;
  /** The store was away. */
  #away: { readonly untilMs: number; readonly refusal: Refusal } | undefined;
  readonly #options: SharedIndexOptions;

  constructor(options: SharedIndexOptions) {
    this.#options = options;
    this.#local = options.local;
    this.#log = options.log;
  }

  /**
   * Before anything is read: the copy is brought up to the log. Throws Refusal `state` where it is no copy of it. Where the store is away, a copy that
   * was one when it was last seen goes on, and an empty one does not; false then.
   */
  async open(): Promise<boolean> {
    try {
      await this.sync();
      return true;
    } catch (error) {
      const mayPass = error instanceof Refusal && error.transient;
      if (!mayPass || (await this.#position()) === undefined) throw error;
      return false;
    }
  }

  /** What others wrote is here when it resolves. Throws Refusal `state`; transient where the store is away. */
  sync(): Promise<number> {
    return this.#run(async () => {
      const { number } = await this.#noticing(async () => this.#caughtUp(await this.#proved()));
      this.#away = undefined;
      this.#told ??= number;
      while (this.#told < number) await this.#tell(++this.#told);
      return number;
    });
  }

  /** Whether the log that lies there is still the one this is a copy of. Throws Refusal `state` where it is not. */
  prove(): Promise<void> {
    return this.#run(async () => {
      this.#isProved = false;
      await this.#noticing(() => this.#proved());
    });
  }

  /** True once it is in the log and in the copy; false where a version is taken. */
  write(change: StateChange): Promise<boolean> {
    const written = new Promise<boolean>((settle, fail) => this.#waiting.push({ change, settle, fail }));
    this.#run(() => this.#writeGroup()).catch(() => undefined);
    return written;
  }

  #run<T>(task: () => Promise<T>): Promise<T> {
    return this.#line.run('', task);
  }

  #position(): Promise<Position | undefined> {
    return readPosition(this.#local, this.#log.index);
  }

  /** Another process of this machine may have brought it here. */
  async #tell(number: number): Promise<void> {
    if (this.#own.delete(number)) return;
    const entry = await this.#log.read(number);
    const items = (entry?.changes ?? []).flatMap((change) =>
      change.kind === 'create' ? change.creations.map(({ item }) => item) : [],
    );
    if (items.length > 0) this.#options.onRead(items);
  }

  async #proved(): Promise<Position> {
    const at = await this.#position();
    if (this.#isProved && at !== undefined) return at;
    const proved = at === undefined ? await this.#begin() : await this.#compare(at);
    this.#isProved = true;
    return proved;
  }

  /** A copy of nothing yet: of the log that lies there, or of one that begins here. */
  async #begin(): Promise<Position> {
    const { index } = this.#log;
    for await (const item of this.#local.items([index]))
      throw this.#refusal(
        `what this data directory remembers of index ${index} (${item.slice(1).join('/')}) was never part of the fleet. A replica joins with an empty data directory`,
      );
    const first =
      (await this.#log.read(0)) ??
      (await this.#log.create({ number: 0, previous: '', changes: [] })) ??
      (await this.#log.read(0));
    if (first === undefined) throw this.#unsteady();
    return this.#follow(first, first.digest, false);
  }

  async #compare(at: Position): Promise<Position> {
    const first = await this.#log.read(0);
    if (first === undefined) throw this.#refusal(`the store holds no log, and there was one: it was emptied`);
    if (first.digest !== at.log) throw this.#refusal(`the store holds another log than the one that was followed`);
    const there = at.number === 0 ? first : await this.#log.read(at.number);
    if (there === undefined)
      throw this.#refusal(`the log in the store ends before entry ${at.number}, which was seen here: it was put back`);
    if (there.digest !== at.digest)
      throw this.#refusal(`entry ${at.number} of the log is not the one that was seen here`);
    return at;
  }

  async #caughtUp(from: Position): Promise<Position> {
    let at = from;
    for (let ahead = 1; ; ahead = Math.min(2 * ahead, AHEAD)) {
      const numbers = Array.from({ length: ahead }, (_, place) => at.number + 1 + place);
      const asked = numbers.map((number) => this.#log.read(number));
      // One that fails behind the end is nobody's trouble.
      for (const each of asked) each.catch(() => undefined);
      for (const each of asked) {
        const entry = await each;
        if (entry === undefined) return at;
        at = await this.#next(at, entry, false);
      }
    }
  }

  /** `acting`: this process made it. */
  async #next(at: Position, entry: OpenedEntry, acting: boolean): Promise<Position> {
    if (entry.previous !== at.digest)
      throw this.#refusal(`entry ${entry.number} of the log does not follow entry ${at.number} as it was seen here`);
    return this.#follow(entry, at.log, acting);
  }

  async #follow(entry: OpenedEntry, log: string, acting: boolean): Promise<Position> {
    const mark = markOf(this.#log.index, entry, log);
    // Where another process of this machine was quicker it has done the same.
    await this.#local.apply(mark, entry.changes, acting);
    const at = await this.#position();
    if (at === undefined || at.number < entry.number) throw this.#unsteady();
    return at.number === entry.number ? { number: entry.number, digest: entry.digest, log } : at;
  }

  async #writeGroup(): Promise<void> {
    let group = this.#take();
    if (group.length === 0) return;
    try {
      if (this.#away !== undefined && this.#options.monotonicMs() < this.#away.untilMs) throw this.#away.refusal;
      await this.#noticing(async () => {
        for (let at = await this.#proved(); ; at = await this.#behind(at)) {
          group = await this.#fitting(group);
          if (group.length === 0 || (await this.#written(at, group))) return;
        }
      });
    } catch (error) {
      for (const { fail } of group) fail(error);
    }
  }

  /** False where another was first. */
  async #written(at: Position, group: readonly Waiting[]): Promise<boolean> {
    const changes = group.map(({ change }) => change);
    const own = await this.#log.create({ number: at.number + 1, previous: at.digest, changes });
    if (own === undefined) return false;
    this.#own.add(own.number);
    await this.#next(at, own, true);
    for (const { settle } of group) settle(true);
    this.#options.onWritten();
    return true;
  }

  /** Where another was first there is something to read. */
  async #behind(at: Position): Promise<Position> {
    const now = await this.#caughtUp(at);
    if (now.number === at.number) throw this.#unsteady();
    return now;
  }

  async #noticing<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof Refusal && error.transient)
        this.#away = { untilMs: this.#options.monotonicMs() + APART_MS, refusal: error };
      throw error;
    }
  }

  /** What is set aside ends a group: what comes after it is judged by what is left. */
  #take(): Waiting[] {
    let bytes = 0;
    let count = 0;
    for (const { change } of this.#waiting) {
      if (count === GROUP || bytes > GROUP_BYTES) break;
      if (change.kind === 'create') for (const { value } of change.creations) bytes += value.byteLength;
      if (count > 0 && bytes > GROUP_BYTES) break;
      count++;
      if (change.kind === 'setAside') break;
    }
    return this.#waiting.splice(0, count);
  }

  /** Those that may be done after each other; the others are told so. */
  async #fitting(group: readonly Waiting[]): Promise<Waiting[]> {
    const tops = new Map<string, number>();
    const fitting: Waiting[] = [];
    for (const each of group) {
      const { change } = each;
      if (change.kind === 'create') {
        try {
          if (!(await this.#isFree(change.creations, tops))) {
            each.settle(false);
            continue;
          }
        } catch (error) {
          each.fail(error);
          continue;
        }
        for (const { item, version } of change.creations) tops.set(JSON.stringify(item), version);
      }
      fitting.push(each);
    }
    return fitting;
  }

  async #isFree(
    creations: readonly { readonly item: ItemPath; readonly version: number }[],
    tops: ReadonlyMap<string, number>,
  ): Promise<boolean> {
    for (const { item, version } of creations)
      if (version <= (tops.get(JSON.stringify(item)) ?? (await this.#local.version(item, 0)))) return false;
    return true;
  }

  #refusal(what: string): Refusal {
    return new Refusal('state', `Index ${this.#log.index} cannot follow its fleet: ${what}.`, { subject: 'state' });
  }

  #unsteady(): Refusal {
    return new Refusal(
      'state',
      `The store of the fleet's state says one thing of index ${this.#log.index} and then another. Try again.`,
      { subject: 'state', transient: true },
    );
  }
}
