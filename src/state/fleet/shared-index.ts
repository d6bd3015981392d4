import { Mutex } from '../../async/mutex.ts';
import { Refusal } from '../../bytes/refusal.ts';
import type { ItemPath, StateChange } from '../../ports/state-storage.ts';
import { Chain, type ChainParts } from './chain.ts';
import { type Compaction, Compactor } from './compaction.ts';
import { fittingOf, takeGroup, type Waiting } from './group.ts';
import type { Position } from './position.ts';

/** A store that was away is not waited for again by a write within this time, unless it was back meanwhile. Milliseconds. */
const APART_MS = 5000;
const TOLD_AT_ONCE = 500;

export interface SharedIndexOptions extends ChainParts {
  /** Called after something was written. */
  readonly onWritten: () => void;
  /** Called with the items that others wrote, or may have written, once they are here. */
  readonly onRead: (items: readonly ItemPath[]) => void;
  /** Called when it is on this process to cut the log. */
  readonly onTurn: () => void;
  /** A snapshot is due after so many bytes of entries. */
  readonly dueBytes: number;
}

/** One index whose state is decided by a log that replicas share, and of which this machine has a copy. */
export class SharedIndex {
  readonly #options: SharedIndexOptions;
  readonly #chain: Chain;
  readonly #compactor: Compactor;
  /** One thing at a time is done to the copy. */
  readonly #line = new Mutex();
  readonly #waiting: Waiting[] = [];
  /** Entries that this process wrote, and up to which it has told what others wrote; undefined before the first look. */
  readonly #own = new Set<number>();
  #told: number | undefined;
  /** The store was away. */
  #away: { readonly untilMs: number; readonly refusal: Refusal } | undefined;
  #compacting: Promise<Compaction | undefined> | undefined;

  constructor(options: SharedIndexOptions) {
    this.#options = options;
    this.#chain = new Chain(options);
    this.#compactor = new Compactor(options, this.#chain, options.dueBytes);
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
      if (!mayPass || (await this.#chain.position()) === undefined) throw error;
      return false;
    }
  }

  /** What others wrote is here when it resolves. Throws Refusal `state`; transient where the store is away. */
  sync(): Promise<number> {
    return this.#run(async () => {
      const { number } = await this.#noticing(async () => this.#chain.caughtUp(await this.#chain.proved()));
      this.#away = undefined;
      this.#told ??= number;
      await this.#tell(number);
      return number;
    });
  }

  /** Whether the log that lies there is still the one this is a copy of. Throws Refusal `state` where it is not. */
  prove(): Promise<void> {
    return this.#run(async () => {
      this.#chain.doubt();
      await this.#noticing(() => this.#chain.proved());
    });
  }

  /** True once it is in the log and in the copy; false where a version is taken. */
  write(change: StateChange): Promise<boolean> {
    const written = new Promise<boolean>((settle, fail) => this.#waiting.push({ change, settle, fail }));
    this.#run(() => this.#writeGroup()).catch(() => undefined);
    return written;
  }

  /** Cuts the log where that is due; beside everything else. Throws Refusal `state`. */
  compact(): Promise<Compaction | undefined> {
    this.#compacting ??= this.#compactor.compact().finally(() => {
      this.#compacting = undefined;
    });
    return this.#compacting;
  }

  #run<T>(task: () => Promise<T>): Promise<T> {
    return this.#line.run('', task);
  }

  /** Another process of this machine may have brought it here. */
  async #tell(upTo: number): Promise<void> {
    while (this.#told !== undefined && this.#told < upTo) {
      const number = this.#told + 1;
      const items = this.#own.delete(number) ? [] : await this.#chain.changedBy(number);
      this.#told = items === undefined ? upTo : number;
      if (items === undefined) await this.#tellAll();
      else if (items.length > 0) this.#options.onRead(items);
    }
  }

  /** The log was cut behind what was told: any of them may have changed. */
  async #tellAll(): Promise<void> {
    const { local, objects, onRead } = this.#options;
    let some: ItemPath[] = [];
    for await (const item of local.items([objects.index])) {
      some.push(item);
      if (some.length < TOLD_AT_ONCE) continue;
      onRead(some);
      some = [];
    }
    if (some.length > 0) onRead(some);
  }

  async #writeGroup(): Promise<void> {
    let group = takeGroup(this.#waiting);
    if (group.length === 0) return;
    try {
      if (this.#away !== undefined && this.#options.monotonicMs() < this.#away.untilMs) throw this.#away.refusal;
      await this.#noticing(async () => {
        for (let at = await this.#chain.proved(); ; at = await this.#behind(at)) {
          // No older than the position: what is judged to fit by less would be no part of the log, and stop it.
          await this.#options.local.lookAgain(this.#options.objects.index);
          group = await fittingOf(group, this.#options.local);
          if (group.length === 0 || (await this.#written(at, group))) return;
        }
      });
    } catch (error) {
      for (const { fail } of group) fail(error);
    }
  }

  /** False where another was first. */
  async #written(at: Position, group: readonly Waiting[]): Promise<boolean> {
    const own = await this.#chain.append(
      at,
      group.map(({ change }) => change),
    );
    if (own === undefined) return false;
    this.#own.add(at.number + 1);
    for (const { settle } of group) settle(true);
    this.#options.onWritten();
    if ((at.number + 1) % at.segment === 0) this.#options.onTurn();
    return true;
  }

  /** Where another was first there is something to read. */
  async #behind(at: Position): Promise<Position> {
    const now = await this.#chain.caughtUp(at);
    if (now.number === at.number) throw this.#chain.unsteady();
    return now;
  }

  async #noticing<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      this.#chain.doubt();
      if (error instanceof Refusal && error.transient)
        this.#away = { untilMs: this.#options.monotonicMs() + APART_MS, refusal: error };
      throw error;
    }
  }
}
