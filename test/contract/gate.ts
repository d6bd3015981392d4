import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Caller, Priority } from '../../src/async/caller.ts';
import type { Gate, GateOptions } from '../../src/async/gate.ts';
import { client } from '../support/callers.ts';

export type MakeGate = (options: GateOptions) => Gate;

export interface GateCase {
  readonly name: string;
  run(make: MakeGate): Promise<void>;
}

const FULL = 'Too many wait already.';
const PLAIN = { queue: 100, full: FULL };
const job = (over: Partial<Caller> = {}): Caller => client({ priority: 'background', party: 'sync', ...over });
/** Everything that was settled has been heard of. */
const heard = () => new Promise((resolve) => setImmediate(resolve));

/** A caller that leaves, or whose priority rises, when the test says so. */
function changing(over: Partial<Caller> = {}) {
  const leaving = new AbortController();
  const looks = new Set<() => void>();
  let priority: Priority = over.priority ?? 'client';
  const caller: Caller = {
    ...client(over),
    get priority() {
      return priority;
    },
    signal: leaving.signal,
    onChange: (look) => {
      looks.add(look);
      return () => looks.delete(look);
    },
  };
  return {
    caller,
    leave: () => leaving.abort(new Error('left')),
    /** `silently`: as one that tells nobody. */
    raise(silently = false) {
      priority = 'client';
      if (!silently) for (const look of looks) look();
    },
  };
}

/** Who got in, in which order, and who was refused. */
class Door {
  readonly entered: string[] = [];
  readonly refused = new Map<string, unknown>();
  readonly #gate: Gate;
  readonly #inside = new Map<string, () => void>();

  constructor(gate: Gate) {
    this.#gate = gate;
  }

  async ask(name: string, caller: Caller, cost?: number): Promise<void> {
    this.#gate.enter(caller, cost).then(
      (leave) => {
        this.entered.push(name);
        this.#inside.set(name, leave);
      },
      (error: unknown) => this.refused.set(name, error),
    );
    await heard();
  }

  async leave(name: string): Promise<void> {
    const leave = this.#inside.get(name);
    if (leave === undefined) throw new Error(`${name} is not inside`);
    this.#inside.delete(name);
    leave();
    await heard();
  }

  /** Lets one after the other leave, in the order in which they came in. */
  async emptied(): Promise<readonly string[]> {
    for (const name of this.entered) if (this.#inside.has(name)) await this.leave(name);
    return this.entered;
  }
}

/** One place, taken by somebody of another index; all others ask in this order. Answers who came in when. */
async function orderOf(make: MakeGate, asked: readonly (readonly [string, Caller])[]): Promise<readonly string[]> {
  const door = new Door(make({ ...PLAIN, places: 1 }));
  await door.ask('first', client({ index: 'another', party: '198.51.100.1' }));
  for (const [name, caller] of asked) await door.ask(name, caller);
  return (await door.emptied()).slice(1);
}

const isBusy = { name: 'Refusal', reason: 'limit', message: FULL, transient: true };

const bounds: readonly GateCase[] = [
  {
    name: 'never more are inside than there are places; who waits gets the next one',
    async run(make) {
      const gate = make({ ...PLAIN, places: 2 });
      const door = new Door(gate);
      for (const name of ['a', 'b', 'c', 'd']) await door.ask(name, client());
      expect(door.entered).toEqual(['a', 'b']);
      expect(gate.usage).toEqual({ busy: 2, waiting: 2 });
      await door.leave('b');
      expect(door.entered).toEqual(['a', 'b', 'c']);
      await door.leave('a');
      await door.leave('c');
      await door.leave('d');
      expect(gate.usage).toEqual({ busy: 0, waiting: 0 });
    },
  },
  {
    name: 'one that finds the queue full is refused in words, and may come again',
    async run(make) {
      const gate = make({ full: FULL, places: 1, queue: 1, subject: 'file' });
      const door = new Door(gate);
      for (const name of ['a', 'b', 'c']) await door.ask(name, client());
      expect(door.refused.get('c')).toMatchObject({ ...isBusy, subject: 'file' });
      expect(gate.usage).toEqual({ busy: 1, waiting: 1 });
      expect(await door.emptied()).toEqual(['a', 'b']);
    },
  },
  {
    name: 'where nobody may wait, a free place is still given out',
    async run(make) {
      const door = new Door(make({ full: FULL, places: 1, queue: 0 }));
      for (const name of ['a', 'b']) await door.ask(name, client());
      expect([door.entered, [...door.refused.keys()]]).toEqual([['a'], ['b']]);
    },
  },
  {
    name: 'a place that is free is taken before enter returns',
    async run(make) {
      const gate = make({ ...PLAIN, places: 1 });
      const { caller, leave } = changing();
      const entering = gate.enter(caller);
      expect(gate.usage).toEqual({ busy: 1, waiting: 0 });
      leave();
      (await entering)();
      expect(gate.usage).toEqual({ busy: 0, waiting: 0 });
    },
  },
  {
    name: 'who waited too long is refused in words',
    async run(make) {
      const gate = make({ ...PLAIN, places: 1, longestWait: 1 });
      const leave = await gate.enter(client());
      await expect(Promise.race([gate.enter(client()), later(2000)])).rejects.toMatchObject(isBusy);
      expect(gate.usage).toEqual({ busy: 1, waiting: 0 });
      leave();
    },
  },
  {
    name: 'leaving twice gives one place back',
    async run(make) {
      const gate = make({ ...PLAIN, places: 2 });
      const [first] = [await gate.enter(client()), await gate.enter(client())];
      first?.();
      first?.();
      expect(gate.usage.busy).toBe(1);
    },
  },
];

async function later(milliseconds: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, milliseconds));
}

const leaving: readonly GateCase[] = [
  {
    name: 'who has left is refused with its own reason, even where places are free',
    async run(make) {
      const gate = make({ ...PLAIN, places: 1 });
      const { caller, leave } = changing();
      leave();
      await expect(gate.enter(caller)).rejects.toThrow('left');
      expect(gate.usage).toEqual({ busy: 0, waiting: 0 });
    },
  },
  {
    name: 'who leaves the queue frees its place in it at once, and takes nothing along',
    async run(make) {
      const gate = make({ full: FULL, places: 1, queue: 1 });
      const door = new Door(gate);
      const { caller, leave } = changing();
      await door.ask('a', client());
      await door.ask('b', caller);
      leave();
      expect(gate.usage).toEqual({ busy: 1, waiting: 0 });
      await door.ask('c', client());
      expect(door.refused).toEqual(new Map([['b', new Error('left')]]));
      expect(await door.emptied()).toEqual(['a', 'c']);
      expect(gate.usage).toEqual({ busy: 0, waiting: 0 });
    },
  },
  {
    name: 'who leaves after it came in keeps its place until it gives it back',
    async run(make) {
      const gate = make({ ...PLAIN, places: 1 });
      const { caller, leave } = changing();
      const out = await gate.enter(caller);
      leave();
      expect(gate.usage.busy).toBe(1);
      out();
      expect(gate.usage.busy).toBe(0);
    },
  },
];

const turns: readonly GateCase[] = [
  {
    name: 'of one connection, who came first goes first',
    async run(make) {
      const asked = ['a', 'b', 'c', 'd'].map((name) => [name, client()] as const);
      expect(await orderOf(make, asked)).toEqual(['a', 'b', 'c', 'd']);
    },
  },
  {
    name: 'clients go before background work',
    async run(make) {
      const asked = [
        ['job 1', job()],
        ['job 2', job()],
        ['client', client()],
      ] as const;
      expect(await orderOf(make, asked)).toEqual(['client', 'job 1', 'job 2']);
    },
  },
  ...(
    [
      ['indexes', (one: string) => client({ index: one })],
      ['parties', (one: string) => client({ party: one })],
      [
        'connections',
        (() => {
          const sockets: Readonly<Record<string, object>> = { a: {}, b: {}, c: {} };
          return (one: string) => client({ connection: sockets[one] });
        })(),
      ],
    ] as const
  ).map(
    ([level, of]): GateCase => ({
      name: `${level} have their turns one after the other`,
      async run(make) {
        const names = ['a1', 'a2', 'a3', 'a4', 'b1', 'b2', 'c1'];
        const asked = names.map((name) => [name, of(name.charAt(0))] as const);
        expect(await orderOf(make, asked)).toEqual(['a1', 'b1', 'c1', 'a2', 'b2', 'a3', 'a4']);
      },
    }),
  ),
  {
    name: 'a party of two indexes has its turns in each',
    async run(make) {
      const names = ['A p1', 'A p2', 'A q1', 'B p1', 'B p2'];
      const asked = names.map((name) => [name, client({ index: name.charAt(0), party: name.charAt(2) })] as const);
      expect(await orderOf(make, asked)).toEqual(['A p1', 'B p1', 'A q1', 'B p2', 'A p2']);
    },
  },
  {
    name: 'of who holds nothing and waits for nothing, nothing is remembered',
    async run(make) {
      const door = new Door(make({ ...PLAIN, places: 1 }));
      await door.ask('once', client({ party: 'p' }));
      await door.leave('once');
      await door.ask('first', client({ party: 'h' }));
      await door.ask('p', client({ party: 'p' }));
      await door.ask('q', client({ party: 'q' }));
      expect(await door.emptied()).toEqual(['once', 'first', 'p', 'q']);
    },
  },
  {
    name: 'a priority that rose while it waited counts, though nobody was told',
    async run(make) {
      const door = new Door(make({ ...PLAIN, places: 1 }));
      const late = changing({ priority: 'background' });
      await door.ask('first', client());
      await door.ask('job', job());
      await door.ask('joined', late.caller);
      await door.ask('client', client({ party: '192.0.2.9' }));
      late.raise(true);
      expect(await door.emptied()).toEqual(['first', 'client', 'joined', 'job']);
    },
  },
];

const callersOf: Readonly<Record<'index' | 'party' | 'connection', readonly [Caller, Caller]>> = {
  index: [client({ index: 'one' }), client({ index: 'two' })],
  party: [client({ party: 'one' }), client({ party: 'two' })],
  connection: [client({ connection: {} }), client({ connection: {} })],
};

const shares: readonly GateCase[] = [
  ...(['index', 'party', 'connection'] as const).map(
    (level): GateCase => ({
      name: `the share of one ${level} limits it where another waits, and only there`,
      async run(make) {
        const [one, two] = callersOf[level];
        const door = new Door(make({ ...PLAIN, places: 3, shares: { [level]: 2 } }));
        for (const name of ['one 1', 'one 2']) await door.ask(name, one);
        await door.ask('two 1', two);
        await door.ask('one 3', one);
        await door.ask('two 2', two);
        // In turn it would be the other's.
        await door.leave('two 1');
        expect(door.entered.at(-1)).toBe('two 2');
        await door.leave('two 2');
        expect(door.entered.at(-1)).toBe('one 3');
      },
    }),
  ),
  {
    name: 'who holds nothing is never beyond its share, however much it takes',
    async run(make) {
      const door = new Door(make({ ...PLAIN, places: 4, shares: { party: 1 } }));
      await door.ask('held', client({ party: 'one' }), 3);
      await door.ask('other', client({ party: 'two' }));
      await door.ask('more', client({ party: 'two' }));
      await door.ask('large', client({ party: 'three' }), 3);
      await door.leave('held');
      expect(door.entered).toEqual(['held', 'other', 'large']);
    },
  },
  {
    name: 'background work leaves the rest of the places free, and clients find them so',
    async run(make) {
      const gate = make({ ...PLAIN, places: 3, shares: { background: 2 } });
      const door = new Door(gate);
      for (const name of ['job 1', 'job 2', 'job 3']) await door.ask(name, job());
      expect(gate.usage).toEqual({ busy: 2, waiting: 1 });
      await door.ask('client', client());
      expect(door.entered).toEqual(['job 1', 'job 2', 'client']);
      await door.leave('client');
      expect(door.entered).toHaveLength(3);
      await door.leave('job 1');
      expect(door.entered.at(-1)).toBe('job 3');
    },
  },
  {
    name: 'work that a client joins takes a place that is kept from background work, at once',
    async run(make) {
      const door = new Door(make({ ...PLAIN, places: 2, shares: { background: 1 } }));
      const joined = changing({ priority: 'background' });
      await door.ask('job', job());
      await door.ask('joined', joined.caller);
      expect(door.entered).toEqual(['job']);
      joined.raise();
      await heard();
      expect(door.entered).toEqual(['job', 'joined']);
    },
  },
];

const costs: readonly GateCase[] = [
  {
    name: 'one that takes several places waits for all of them, and small ones do not overtake it',
    async run(make) {
      const gate = make({ ...PLAIN, places: 3 });
      const door = new Door(gate);
      await door.ask('a', client());
      await door.ask('b', client());
      await door.ask('large', client(), 3);
      await door.ask('small', client());
      await door.leave('a');
      expect(door.entered).toEqual(['a', 'b']);
      await door.leave('b');
      expect(door.entered).toEqual(['a', 'b', 'large']);
      expect(gate.usage).toEqual({ busy: 3, waiting: 1 });
      await door.leave('large');
      expect(gate.usage).toEqual({ busy: 1, waiting: 0 });
    },
  },
  {
    name: 'when one that waits for several places leaves, those behind it come in',
    async run(make) {
      const door = new Door(make({ ...PLAIN, places: 2 }));
      const large = changing();
      await door.ask('a', client());
      await door.ask('large', large.caller, 2);
      await door.ask('small', client());
      expect(door.entered).toEqual(['a']);
      large.leave();
      await heard();
      expect(door.entered).toEqual(['a', 'small']);
    },
  },
  {
    name: 'one that takes more places than there are takes all of them',
    async run(make) {
      const gate = make({ ...PLAIN, places: 2 });
      const leave = await gate.enter(client(), 5);
      expect(gate.usage.busy).toBe(2);
      leave();
      expect(gate.usage.busy).toBe(0);
    },
  },
];

const fullQueues: readonly GateCase[] = [
  {
    name: 'a full queue has room for a client: the newest background work makes it',
    async run(make) {
      const door = new Door(make({ full: FULL, places: 1, queue: 2 }));
      await door.ask('first', client());
      for (const name of ['job 1', 'job 2']) await door.ask(name, job());
      await door.ask('client', client());
      expect(door.refused.get('job 2')).toMatchObject(isBusy);
      expect(await door.emptied()).toEqual(['first', 'client', 'job 1']);
    },
  },
  {
    name: 'a full queue has room for who has little in it: who has most makes it',
    async run(make) {
      const door = new Door(make({ full: FULL, places: 1, queue: 3 }));
      for (const name of ['p1', 'p2', 'p3', 'p4']) await door.ask(name, client({ party: 'p' }));
      await door.ask('q1', client({ party: 'q' }));
      await door.ask('p5', client({ party: 'p' }));
      expect([...door.refused.keys()]).toEqual(['p4', 'p5']);
      expect(await door.emptied()).toEqual(['p1', 'q1', 'p2', 'p3']);
    },
  },
];

/** One step of a random day: who asks, or which of those inside or waiting does something. */
type Step =
  | { readonly do: 'ask'; readonly index: string; readonly party: string; readonly background: boolean }
  | { readonly do: 'leave' | 'give up' | 'raise' | 'pause'; readonly which: number };

const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof(
    { weight: 3, arbitrary: ask() },
    {
      weight: 4,
      arbitrary: fc.record({ do: fc.constantFrom('leave', 'give up', 'raise', 'pause'), which: fc.nat(9) }),
    },
  ),
  { maxLength: 60 },
);

function ask(): fc.Arbitrary<Step> {
  const [index, party] = [fc.constantFrom('A', 'B'), fc.constantFrom('p', 'q', 'r')];
  return fc.record({ do: fc.constant('ask' as const), index, party, background: fc.boolean() });
}

/** Every step is taken at once, before anything else has heard of the last one, unless it is a pause. */
async function live(gate: Gate, places: number, queue: number, day: readonly Step[]): Promise<void> {
  const waiting = new Set<ReturnType<typeof changing>>();
  const inside: (() => void)[] = [];
  const nth = <T>(all: Iterable<T>, which: number): T | undefined => {
    const list = [...all];
    return list[which % list.length];
  };
  const refusals: unknown[] = [];
  const begin = (over: Partial<Caller>) => {
    const one = changing(over);
    waiting.add(one);
    gate
      .enter(one.caller)
      .then(
        (leave) => inside.push(leave),
        (error: unknown) => refusals.push(error),
      )
      .finally(() => waiting.delete(one));
  };
  for (const step of day) {
    if (step.do === 'ask') {
      const { index, party, background } = step;
      begin({ index, party, priority: background ? 'background' : 'client' });
    } else if (step.do === 'leave') inside.splice(step.which % Math.max(1, inside.length), 1)[0]?.();
    else if (step.do === 'give up') nth(waiting, step.which)?.leave();
    else if (step.do === 'raise') nth(waiting, step.which)?.raise();
    else await heard();
    const { busy, waiting: queued } = gate.usage;
    expect(busy).toBeLessThanOrEqual(places);
    expect(queued).toBeLessThanOrEqual(queue);
    if (queued > 0) expect(busy).toBe(places);
  }
  await heard();
  expect(gate.usage).toEqual({ busy: inside.length, waiting: waiting.size });
  for (let leave = inside.pop(); leave !== undefined; leave = inside.pop()) {
    leave();
    await heard();
  }
  expect([waiting.size, gate.usage]).toEqual([0, { busy: 0, waiting: 0 }]);
  for (let n = 0; n < places; n++) begin({});
  await heard();
  expect(inside).toHaveLength(places);
  for (const error of refusals)
    if (!(error instanceof Error && error.message === 'left')) expect(error).toMatchObject(isBusy);
}

const anyDay: GateCase = {
  name: 'on no day, whatever comes in between, is a place lost, or given to nobody while somebody waits',
  async run(make) {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 0, max: 6 }), steps, (places, queue, day) =>
        live(make({ full: FULL, places, queue, shares: { party: 1 } }), places, queue, day),
      ),
      { numRuns: 300 },
    );
  },
};

export const GATE_CASES: readonly GateCase[] = [
  ...bounds,
  ...leaving,
  ...turns,
  ...shares,
  ...costs,
  ...fullQueues,
  anyDay,
];

/** What every gate has to do, on those that `make` makes. */
export function gateContract(name: string, make: MakeGate): void {
  describe(`a gate: ${name}`, () => {
    it.each(GATE_CASES)('$name', ({ run }) => run(make));
  });
}
