import { Refusal } from '../../src/bytes/refusal.ts';
import { type ObjectStore, ObjectStoreError } from '../../src/ports/object-store.ts';
import type { ItemPath, StateCopy } from '../../src/ports/state-storage.ts';
import type { SharedState } from '../../src/state/fleet/shared-state.ts';
import { dice } from './dice.ts';
import { replica } from './machines.ts';
import { memoryObjects } from './memory-objects.ts';
import { createMemoryState, type MemoryState } from './memory-state.ts';

/** What one process told its clients, or was told by the state. */
export interface Observed {
  readonly process: number;
  /** The disk, and how often it was empty before. */
  readonly disk: string;
  readonly from: number;
  readonly until: number;
  /** `served`: read; `current`: read right after the log was read to its end; `won`, `lost`: what a write was told. */
  readonly what: 'served' | 'current' | 'won' | 'lost';
  readonly version: number;
  readonly value: number;
}

/** What came of a seed. */
export interface Run {
  readonly seed: number;
  readonly observed: readonly Observed[];
  /** After everything: the floor's values by version, as the log gives them to an empty disk, and what each disk then holds. */
  readonly floor: readonly number[];
  readonly disks: readonly string[];
  /** Nothing was read that is older than what the store had. */
  readonly isStrict: boolean;
  /** Entries of the log that are gone. */
  readonly removed: number;
}

export interface SimulationOptions {
  /** Makes the store one that cannot be used; to see that this is found. */
  readonly spoil?: (objects: ObjectStore & { readonly objects: Map<string, Uint8Array> }) => ObjectStore;
}

const FLOOR: ItemPath = ['main', 'tuf', 'timestamp'];
const PIN: ItemPath = ['main', 'pins', 'demo'];
const ROUNDS = 4;
/** Of a store that rarely fails: often enough for the log to be cut, and entries to go. */
const CALM_ROUNDS = 12;
/** Entries of a segment: the log is cut all the time. */
const SEGMENT = 2;
/** Of a slow process, once in so many steps. */
const SLOW = 60;
/** What was created less than so many steps ago may be told to be missing, where the store is not strict. */
const STALE_STEPS = 10;

/** Everybody who wants to go on, one of whom may. */
class Scheduler {
  readonly roll: (below: number) => number;
  #ready: { readonly process: number; readonly go: () => void }[] = [];
  /** Processes that have a turn now and then only, while others have one. */
  readonly slow = new Set<number>();
  step = 0;

  constructor(seed: number) {
    this.roll = dice(seed);
  }

  turn(process: number): Promise<void> {
    return new Promise((go) => this.#ready.push({ process, go }));
  }

  /** What a process of this number was about to do never happens. */
  forget(process: number): void {
    this.#ready = this.#ready.filter((each) => each.process !== process);
  }

  async run(isOver: () => boolean, between: () => void): Promise<void> {
    while (!isOver()) {
      // After everything that can go on without a turn has.
      await new Promise((resolve) => void process.nextTick(resolve));
      if (isOver()) return;
      between();
      const [next] = this.#ready.splice(this.#choice(), 1);
      if (next === undefined) throw new Error('everybody waits for somebody');
      this.step++;
      next.go();
    }
  }

  #choice(): number {
    const choice = this.roll(this.#ready.length);
    if (this.slow.size === 0 || this.roll(SLOW) === 0) return choice;
    const quick = this.#ready.findIndex(({ process }) => !this.slow.has(process));
    return this.slow.has(this.#ready[choice]?.process ?? 0) && quick >= 0 ? quick : choice;
  }
}

/** Replicas that keep one floor over a store with faults, in an order that a seed decides. */
export async function simulate(seed: number, { spoil = (sound) => sound }: SimulationOptions = {}): Promise<Run> {
  const world = new World(seed, spoil);
  await world.run();
  // Thousands of runs leave the event loop something to do.
  await new Promise(setImmediate);
  return world.end();
}

/** Where processes follow each other. */
interface Place {
  readonly disk: number;
  readonly isSlow: boolean;
  process: number;
  rounds: number;
}

class World {
  readonly #seed: number;
  readonly #scheduler: Scheduler;
  readonly #objects = memoryObjects();
  readonly #store: ObjectStore;
  readonly #observed: Observed[] = [];
  readonly #disks: { memory: MemoryState; emptied: number }[];
  /** By place: which disk it is on, and its process's number. */
  readonly #places: Place[];
  readonly #late: (() => void)[] = [];
  readonly #created = new Map<string, number>();
  readonly #isStrict: boolean;
  /** The store fails once in so many calls, and a process dies once in so many steps. */
  readonly #calm: { readonly calls: number; readonly steps: number };
  #processes = 0;
  /** What no process should meet. */
  #broken: unknown;
  #upstream = 1;
  #removed = 0;

  constructor(seed: number, spoil: NonNullable<SimulationOptions['spoil']>) {
    this.#seed = seed;
    this.#scheduler = new Scheduler(seed);
    this.#store = spoil(this.#objects);
    const { roll } = this.#scheduler;
    this.#isStrict = roll(2) === 0;
    const isCalm = roll(8) === 0;
    this.#calm = isCalm ? { calls: 150, steps: 250 } : { calls: 16, steps: 40 };
    const placed = [
      [0, 1],
      [0, 1, 2],
      [0, 0, 1],
    ][roll(3)] ?? [0];
    this.#disks = [0, 1, 2].map(() => ({ memory: createMemoryState(), emptied: 0 }));
    this.#places = placed.map((disk, place) => ({
      disk,
      isSlow: isCalm && place === 0,
      process: 0,
      rounds: isCalm ? CALM_ROUNDS : ROUNDS,
    }));
  }

  async run(): Promise<void> {
    for (const place of this.#places) this.#start(place);
    const isOver = () => this.#broken !== undefined || this.#places.every(({ rounds }) => rounds === 0);
    await this.#scheduler.run(isOver, () => this.#happen());
    if (this.#broken !== undefined) throw this.#broken;
  }

  /** The faults are over. */
  async end(): Promise<Run> {
    for (const land of this.#late.splice(0)) land();
    const disks: string[] = [];
    for (const { disk } of this.#places)
      disks.push(await this.#held(replica(this.#disk(disk).memory.party(), this.#store)));
    const fresh = replica(createMemoryState().party(), this.#store);
    disks.push(await this.#held(fresh));
    const floor: number[] = [];
    for (let version = 1; version <= (await fresh.version(FLOOR, 0)); version++)
      floor.push(numberIn(await fresh.read(FLOOR, version)));
    return {
      seed: this.#seed,
      observed: this.#observed,
      floor,
      disks,
      isStrict: this.#isStrict,
      removed: this.#removed,
    };
  }

  async #held(shared: SharedState): Promise<string> {
    await shared.of('main').sync();
    const held: string[] = [];
    for await (const item of shared.items(['main'])) {
      const newest = await shared.newest(item, 0);
      held.push(`${item.join('/')} ${newest?.version} ${numberIn(newest?.value)}`);
    }
    return held.sort().join('\n');
  }

  #disk(at: number) {
    const disk = this.#disks[at];
    if (disk === undefined) throw new Error('no such disk');
    return disk;
  }

  /** Between two steps: upstream publishes, a write that was given up lands, a process dies. */
  #happen(): void {
    const { roll } = this.#scheduler;
    if (roll(6) === 0) this.#upstream++;
    if (roll(8) === 0) this.#late.splice(roll(this.#late.length), 1)[0]?.();
    if (roll(this.#calm.steps) > 0) return;
    const place = this.#places[roll(this.#places.length)];
    if (place === undefined || place.rounds === 0) return;
    this.#scheduler.forget(place.process);
    const isAlone = this.#places.filter(({ disk }) => disk === place.disk).length === 1;
    if (isAlone && roll(3) === 0) {
      const disk = this.#disk(place.disk);
      disk.memory = createMemoryState();
      disk.emptied++;
    }
    this.#start(place);
  }

  #start(place: Place): void {
    const process = ++this.#processes;
    place.process = process;
    if (place.isSlow) this.#scheduler.slow.add(process);
    const disk = this.#disk(place.disk);
    let isOnTurn = false;
    const shared = replica(this.#gatedCopy(process, disk.memory.party()), this.#gatedStore(process), {
      segment: SEGMENT,
      dueBytes: 0,
      onTurn() {
        isOnTurn = true;
      },
    });
    const cut = async () => {
      if (!isOnTurn) return;
      isOnTurn = false;
      await shared.of('main').compact();
    };
    const name = `${place.disk}.${disk.emptied}`;
    this.#live(place, process, name, shared, cut).catch((error: unknown) => {
      this.#broken ??= error;
    });
  }

  async #live(
    place: Place,
    process: number,
    disk: string,
    shared: SharedState,
    cut: () => Promise<void>,
  ): Promise<void> {
    const { roll } = this.#scheduler;
    const note = (from: number, what: Observed['what'], version: number, value: number) =>
      this.#observed.push({ process, disk, from, until: this.#scheduler.step, what, version, value });
    let isOpen = false;
    for (; place.rounds > 0 && place.process === process; place.rounds--) {
      await this.#scheduler.turn(process);
      const from = this.#scheduler.step;
      try {
        if (!isOpen) await shared.of('main').open();
        isOpen = true;
        const isCurrent = roll(3) === 0;
        if (isCurrent) await shared.of('main').sync();
        const was = await shared.newest(FLOOR, 0);
        note(from, isCurrent ? 'current' : 'served', was?.version ?? 0, numberIn(was?.value));
        if (roll(4) === 0) await this.#pin(shared);
        await cut();
        // What upstream says may come from a cache on the way.
        const value = this.#upstream - roll(3);
        if (value <= numberIn(was?.value)) continue;
        const version = (was?.version ?? 0) + 1;
        const asked = this.#scheduler.step;
        const won = await shared.create(FLOOR, version, bytesOf(value));
        note(asked, won ? 'won' : 'lost', version, value);
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
      }
    }
  }

  /** Pins come, and an operator takes them away. */
  async #pin(shared: SharedState): Promise<void> {
    if (this.#scheduler.roll(4) === 0) await shared.setAside(['main', 'pins'], 'until');
    else await shared.create(PIN, (await shared.version(PIN, 0)) + 1, bytesOf(this.#scheduler.roll(100)));
  }

  #gatedCopy(process: number, copy: StateCopy): StateCopy {
    const scheduler = this.#scheduler;
    return {
      ...copy,
      async apply(...given) {
        await scheduler.turn(process);
        const applied = await copy.apply(...given);
        await scheduler.turn(process);
        return applied;
      },
      async replace(...given) {
        await scheduler.turn(process);
        const replaced = await copy.replace(...given);
        await scheduler.turn(process);
        return replaced;
      },
    };
  }

  #gatedStore(process: number): ObjectStore {
    const scheduler = this.#scheduler;
    const { roll } = scheduler;
    const { calls } = this.#calm;
    const store = this.#store;
    const away = () => new ObjectStoreError('away', 'the store is away');
    const isStale = (key: string) =>
      !this.#isStrict && scheduler.step - (this.#created.get(key) ?? -STALE_STEPS) < STALE_STEPS && roll(3) === 0;
    const create = async (key: string, bytes: Uint8Array) => {
      const outcome = await store.create(key, bytes);
      if (!this.#created.has(key)) this.#created.set(key, scheduler.step);
      return outcome;
    };
    return {
      get: async (key, limit) => {
        await scheduler.turn(process);
        if (roll(calls) === 0) throw away();
        return isStale(key) ? undefined : store.get(key, limit);
      },
      async *list(prefix) {
        await scheduler.turn(process);
        if (roll(calls) === 0) throw away();
        for await (const key of store.list(prefix)) if (!isStale(key)) yield key;
      },
      remove: async (key) => {
        await scheduler.turn(process);
        if (roll(calls) === 0) throw away();
        await store.remove(key);
        if (key.includes('/log/')) this.#removed++;
      },
      create: async (key, bytes) => {
        await scheduler.turn(process);
        const fault = roll(calls + 8);
        if (fault === 0) throw away();
        // Given up by its writer, and done later all the same.
        if (fault === 1) this.#late.push(() => void create(key, bytes));
        if (fault === 1) throw away();
        const outcome = await create(key, bytes);
        if (fault === 2) throw away();
        return outcome;
      },
    };
  }
}

function bytesOf(value: number): Uint8Array {
  return Buffer.from(String(value));
}

function numberIn(value: Uint8Array | undefined): number {
  return value === undefined ? 0 : Number(Buffer.from(value).toString());
}
