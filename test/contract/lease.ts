import { describe, expect, it } from 'vitest';
import type { Holding, Lease } from '../../src/ports/lease.ts';

export interface LeaseRig {
  readonly lease: Lease;
  /** Another who may take the same keys. */
  readonly another: Lease;
}

/** One whose parties are processes, which may end without a word, over a service, which may be away. */
export interface SharedLeaseRig extends LeaseRig {
  /** The other party ends without a word. */
  die(): void;
  pass(seconds: number): void | Promise<void>;
  /** Seconds. */
  readonly term: number;
  setReachable(reachable: boolean): void | Promise<void>;
}

export interface LeaseCase<R> {
  readonly name: string;
  run(rig: R): Promise<void>;
}

const never = new AbortController().signal;

async function held(lease: Lease, key: string): Promise<Holding> {
  const taken = await lease.take(key);
  if (!taken.held) throw new Error(`${key} is held by ${taken.heldBy}`);
  return taken;
}

const isFree = async (lease: Lease, key: string): Promise<boolean> => {
  const taken = await lease.take(key);
  if (taken.held) await taken.release();
  return taken.held;
};

/** Whether it has come to an end when everything that is under way had its turn. */
async function isSettled(work: Promise<unknown>): Promise<boolean> {
  let settled = false;
  const done = () => {
    settled = true;
  };
  work.then(done, done);
  await new Promise((resolve) => setImmediate(resolve));
  return settled;
}

export const LEASE_CASES: readonly LeaseCase<LeaseRig>[] = [
  {
    name: 'a key has one holder; everybody else is told that it is held',
    async run({ lease, another }) {
      expect((await held(lease, 'a')).sure).toBe(true);
      for (const party of [another, lease]) expect(await party.take('a')).toMatchObject({ held: false });
    },
  },
  {
    name: 'of many who take a key at once one gets it',
    async run({ lease, another }) {
      const taken = await Promise.all(Array.from({ length: 20 }, (_, at) => (at % 2 ? lease : another).take('a')));
      expect(taken.filter((each) => each.held)).toHaveLength(1);
    },
  },
  {
    name: 'a key is nobody’s matter but its own',
    async run({ lease, another }) {
      await held(lease, 'a');
      for (const key of ['b', 'A', 'a ', '', 'aa']) expect(await isFree(another, key)).toBe(true);
    },
  },
  {
    name: 'a key that was released is free again',
    async run({ lease, another }) {
      const holding = await held(lease, 'a');
      await holding.release();
      expect(await isFree(another, 'a')).toBe(true);
      expect(await isFree(lease, 'a')).toBe(true);
    },
  },
  {
    name: 'who released a key once does not release it of the next holder',
    async run({ lease, another }) {
      const holding = await held(lease, 'a');
      await holding.release();
      await held(another, 'a');
      await holding.release();
      expect(await isFree(lease, 'a')).toBe(false);
    },
  },
  {
    name: 'who waits for a key hears when it is released, and at once of one that is free',
    async run({ lease, another }) {
      const holding = await held(lease, 'a');
      const waits = [another.ended('a', never), lease.ended('a', never)];
      expect(await isSettled(Promise.race(waits))).toBe(false);
      await another.ended('b', never);
      await holding.release();
      await Promise.all(waits);
    },
  },
  {
    name: 'who waits for a key need not go on waiting',
    async run({ lease, another }) {
      await held(lease, 'a');
      const leaving = new AbortController();
      const waits = another.ended('a', leaving.signal);
      leaving.abort(new Error('left'));
      await waits;
      await another.ended('a', leaving.signal);
    },
  },
];

export const SHARED_LEASE_CASES: readonly LeaseCase<SharedLeaseRig>[] = [
  {
    name: 'a holder that lives keeps its key for as long as it wants',
    async run({ lease, another, pass, term }) {
      await held(lease, 'a');
      await pass(10 * term);
      expect(await isFree(another, 'a')).toBe(false);
    },
  },
  {
    name: 'a holder that is gone loses its key after its term, and not before',
    async run({ lease, another, die, pass, term }) {
      await held(another, 'a');
      die();
      await pass(term - 1);
      expect(await isFree(lease, 'a')).toBe(false);
      await pass(2);
      expect(await isFree(lease, 'a')).toBe(true);
    },
  },
  {
    name: 'who waits for the key of a holder that is gone hears when it is free',
    async run({ lease, another, die, pass, term }) {
      await held(another, 'a');
      die();
      const waits = lease.ended('a', never);
      await pass(term - 1);
      expect(await isSettled(waits)).toBe(false);
      await pass(2);
      await waits;
    },
  },
  {
    name: 'who lost its key does not release it of the next holder',
    async run({ lease, another, die, pass, term }) {
      const lost = await held(another, 'a');
      die();
      await pass(term + 1);
      await held(lease, 'a');
      await lost.release();
      expect(await isFree(lease, 'a')).toBe(false);
    },
  },
  {
    name: 'while its service is away every key is granted, and nobody is told that it is sure',
    async run({ lease, another, setReachable }) {
      await held(lease, 'a');
      await setReachable(false);
      const granted = await held(another, 'a');
      expect(granted.sure).toBe(false);
      await granted.release();
      await setReachable(true);
      expect(await isFree(another, 'a')).toBe(false);
    },
  },
];

export function leaseContract<R extends LeaseRig>(
  name: string,
  cases: readonly LeaseCase<R>[],
  make: () => R | Promise<R>,
): void {
  describe(`lease: ${name}`, () => {
    it.each(cases)('$name', async ({ run }) => run(await make()));
  });
}
