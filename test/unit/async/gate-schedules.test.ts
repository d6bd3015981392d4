import { expect, it } from 'vitest';
import type { Caller } from '../../../src/async/caller.ts';
import { createGate, type Gate, type GateOptions, type ShareLimits } from '../../../src/async/gate.ts';
import { Refusal } from '../../../src/bytes/refusal.ts';
import { dice } from '../../support/dice.ts';
import { type Asker, GateModel } from '../../support/gate-model.ts';

// A gate and its model live through the same day, step by step. A day is all that its seed says.

const DAYS = 100_000;
const STEPS = 9;
const FULL = 'Too many.';
const LEFT = new Error('left');

interface Options extends GateOptions {
  readonly shares: ShareLimits;
}

function drawOptions(roll: (below: number) => number): Options {
  const maybe = <T>(value: T): T | undefined => (roll(2) === 0 ? undefined : value);
  const kept = () => maybe({ places: 1 + roll(2), each: 1 + roll(2) });
  return {
    places: 1 + roll(5),
    queue: roll(7),
    full: FULL,
    shares: {
      index: maybe(1 + roll(3)),
      party: maybe(1 + roll(3)),
      connection: maybe(1 + roll(2)),
      background: maybe(1 + roll(3)),
      kept: { index: kept(), party: kept() },
    },
  };
}

/** One that asked, and what became of it. */
interface Guest {
  readonly asker: Asker;
  readonly leaving: AbortController;
  readonly looks: Set<() => void>;
  leave: (() => void) | undefined;
}

class Day {
  readonly #gate: Gate;
  readonly #model: GateModel;
  readonly #options: Options;
  readonly #roll: (below: number) => number;
  readonly #guests = new Map<number, Guest>();
  readonly #entered: number[] = [];
  readonly #refused: number[] = [];
  #asked = 0;
  #compared = 0;

  constructor(roll: (below: number) => number, make: (options: GateOptions) => Gate) {
    this.#roll = roll;
    this.#options = drawOptions(roll);
    this.#gate = make(this.#options);
    this.#model = new GateModel(this.#options);
  }

  async live(): Promise<void> {
    for (let step = 0; step < STEPS; step++) {
      this.#step();
      // Whoever was given a place, or refused one, hears of it.
      await undefined;
      await undefined;
      this.#compare();
    }
    await this.#end();
  }

  #step(): void {
    const guests = [...this.#guests.values()];
    const one = guests[this.#roll(Math.max(1, guests.length))];
    const what = this.#roll(12);
    if (what < 5 || one === undefined) this.#ask();
    else if (what < 8) this.#leave(one);
    else if (what === 8) this.#giveUp(one);
    else this.#change(one, what);
  }

  #ask(): void {
    const asker: Asker = {
      id: this.#asked++,
      index: 'AB'.charAt(this.#roll(2)),
      party: 'pqr'.charAt(this.#roll(3)),
      connection: this.#roll(2),
      priority: this.#roll(3) === 0 ? 'background' : 'client',
    };
    const guest: Guest = { asker, leaving: new AbortController(), looks: new Set(), leave: undefined };
    this.#guests.set(asker.id, guest);
    this.#gate.enter(callerOf(guest)).then(
      (leave) => {
        guest.leave = leave;
        this.#entered.push(asker.id);
      },
      (error: unknown) => {
        this.#guests.delete(asker.id);
        if (error === LEFT) return;
        this.#refused.push(error instanceof Refusal && error.message === FULL ? asker.id : -1);
      },
    );
    const tooMany = this.#model.ask(asker);
    if (tooMany.length > 0) this.#expectRefused(tooMany);
  }

  /** The gate says at once how many wait; who was refused is heard of a moment later. */
  #expectRefused(tooMany: readonly number[]): void {
    const before = this.#refused.length;
    this.#later.push(() => {
      const refused = this.#refused.slice(before);
      same('refused', refused.length, 1);
      if (!tooMany.includes(refused[0] ?? -1)) throw new Error(`${refused[0]} was refused, not one of ${tooMany}`);
      this.#model.gone(refused[0] ?? -1);
    });
  }

  readonly #later: (() => void)[] = [];

  #leave({ asker, leave }: Guest): void {
    if (leave === undefined) return;
    this.#guests.delete(asker.id);
    leave();
    // As often as anybody likes.
    leave();
    this.#model.gone(asker.id);
  }

  #giveUp({ asker, leaving }: Guest): void {
    leaving.abort(LEFT);
    if (this.#model.isWaiting(asker.id)) this.#model.gone(asker.id);
  }

  #change(guest: Guest, what: number): void {
    const { asker, looks } = guest;
    if (what === 9) asker.priority = 'client';
    else if (what === 10) asker.priority = 'background';
    else {
      asker.party = 'pqr'.charAt(this.#roll(3));
      asker.connection = this.#roll(2);
    }
    for (const look of looks) look();
    if (looks.size > 0) this.#model.changed(asker.id);
  }

  #compare(): void {
    for (const check of this.#later.splice(0)) check();
    const { busy, waiting } = this.#gate.usage;
    const { entered } = this.#model;
    same('inside', busy, this.#model.busy);
    same('waiting', waiting, this.#model.waiting);
    same('came in', this.#entered.length, entered.length);
    for (let at = this.#compared; at < entered.length; at++) same('came in next', this.#entered[at], entered[at]);
    this.#compared = entered.length;
    if (busy > this.#options.places || waiting > this.#options.queue) throw new Error('too many are inside or wait');
  }

  /** Whoever is inside leaves: everybody who waits has its turn, and nothing is left of the day. */
  async #end(): Promise<void> {
    for (let turns = 0; this.#guests.size > 0; turns++) {
      if (turns > 2 * STEPS) throw new Error('somebody waits for ever');
      for (const guest of this.#guests.values())
        if (guest.leave !== undefined) {
          this.#leave(guest);
          break;
        }
      await undefined;
      await undefined;
      this.#compare();
    }
    same('places lost', this.#gate.usage.busy, 0);
  }
}

/** Vitest's own comparison would take most of the time. */
function same(what: string, found: unknown, wanted: unknown): void {
  if (found !== wanted) throw new Error(`${what}: ${found}, and not ${wanted}`);
}

const CONNECTIONS: readonly object[] = [{}, {}];

function callerOf({ asker, leaving, looks }: Guest): Caller {
  return {
    index: asker.index,
    get party() {
      return asker.party;
    },
    get connection() {
      return CONNECTIONS[asker.connection];
    },
    get priority() {
      return asker.priority;
    },
    signal: leaving.signal,
    onChange: (look) => {
      looks.add(look);
      return () => looks.delete(look);
    },
  };
}

async function liveThrough(days: number, make: (options: GateOptions) => Gate): Promise<void> {
  for (let seed = 1; seed <= days; seed++)
    try {
      await new Day(dice(seed), make).live();
    } catch (cause) {
      throw new Error(`the day of seed ${seed} went wrong: ${cause instanceof Error ? cause.message : cause}`, {
        cause,
      });
    }
}

it('on every day a gate gives its places to those whom the rules name, and refuses nobody else', async () => {
  await liveThrough(DAYS, createGate);
});

it.each<[string, (options: Options) => GateOptions]>([
  [
    'keeps nothing for an index',
    ({ shares, ...rest }) => ({ ...rest, shares: { ...shares, kept: { party: shares.kept?.party } } }),
  ],
  [
    'keeps nothing for a party',
    ({ shares, ...rest }) => ({ ...rest, shares: { ...shares, kept: { index: shares.kept?.index } } }),
  ],
  ['has room for one more in its queue', (options) => ({ ...options, queue: options.queue + 1 })],
])('a gate that %s is noticed, and the seed is named', async (_, change) => {
  const make = ({ shares = {}, ...options }: GateOptions) => createGate(change({ ...options, shares }));
  await expect(liveThrough(1000, make)).rejects.toThrow(/the day of seed \d+ went wrong/);
});
