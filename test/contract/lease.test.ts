import { describe, expect, it } from 'vitest';
import { type Holder, Leases, TERM_MS } from '../../src/app/processes/leases.ts';
import type { ToSupervisor } from '../../src/app/processes/messages.ts';
import { WorkerLease } from '../../src/app/processes/worker-lease.ts';
import { LeaseInOrder, OwnLease } from '../../src/blobs/own-lease.ts';
import type { Lease } from '../../src/ports/lease.ts';
import { createLeaseService, TERM } from '../support/memory-lease.ts';
import { LEASE_CASES, type LeaseCase, leaseContract, SHARED_LEASE_CASES, type SharedLeaseRig } from './lease.ts';

function ownRig() {
  const lease = new OwnLease();
  return { lease, another: lease };
}

function sharedRig(): SharedLeaseRig {
  const service = createLeaseService();
  const [lease, another] = [service.party('one'), service.party('another')];
  return { lease, another, die: () => another.die(), term: TERM, ...service };
}

function inOrderRig(): SharedLeaseRig {
  const rig = sharedRig();
  const first = (far: Lease) => new LeaseInOrder(new OwnLease(), far);
  return { ...rig, lease: first(rig.lease), another: first(rig.another) };
}

/** Workers and their supervisor, in one process. */
function workersRig(): SharedLeaseRig {
  const everybody: Holder[] = [];
  const leases = new Leases((key) => {
    for (const each of everybody) each.send({ kind: 'free', key });
  });
  let isReachable = true;
  const party = () => {
    const holder = { silentFor: 0, send: (message: Parameters<WorkerLease['hear']>[0]) => worker.hear(message) };
    const worker = new WorkerLease((message) => {
      if (isReachable && isOfLeases(message)) leases.hear(holder, message);
      return isReachable;
    });
    everybody.push(holder);
    return { worker, holder };
  };
  const [one, another] = [party(), party()];
  let isDead = false;
  return {
    lease: one.worker,
    another: another.worker,
    die() {
      isDead = true;
    },
    pass(seconds) {
      if (isDead) another.holder.silentFor += seconds * 1000;
      leases.look();
    },
    term: TERM_MS / 1000,
    setReachable(reachable) {
      isReachable = reachable;
    },
  };
}

const isOfLeases = (message: ToSupervisor) =>
  message.kind === 'take' || message.kind === 'watch' || message.kind === 'release';

leaseContract('of one process', LEASE_CASES, ownRig);
leaseContract('workers of one supervisor', LEASE_CASES, workersRig);
leaseContract('workers of one supervisor', SHARED_LEASE_CASES, workersRig);
leaseContract('a service in memory', LEASE_CASES, sharedRig);
leaseContract('a service in memory', SHARED_LEASE_CASES, sharedRig);
leaseContract('a process, then a service in memory', [...LEASE_CASES, ...SHARED_LEASE_CASES], inOrderRig);

interface Misbehaviour {
  readonly does: string;
  readonly caughtBy: readonly string[];
  make(): SharedLeaseRig;
}

/** A service whose parties are others. */
function changed(change: (lease: Lease) => Partial<Lease>, over: Partial<SharedLeaseRig> = {}): SharedLeaseRig {
  const rig = sharedRig();
  const party = (lease: Lease): Lease => ({ take: lease.take, ended: lease.ended, ...change(lease) });
  return { ...rig, lease: party(rig.lease), another: party(rig.another), ...over };
}

const released: Lease['take'] = async () => ({ held: true, sure: true, release: async () => undefined });

const MISBEHAVIOURS: readonly Misbehaviour[] = [
  {
    does: 'grants to everybody',
    caughtBy: [
      'a key has one holder; everybody else is told that it is held',
      'of many who take a key at once one gets it',
      'a holder that lives keeps its key for as long as it wants',
    ],
    make: () => changed(() => ({ take: released })),
  },
  {
    does: 'takes one key for another',
    caughtBy: ['a key is nobody’s matter but its own'],
    make: () => changed(({ take }) => ({ take: (key) => take(key.trim().toLowerCase()) })),
  },
  {
    does: 'releases nothing',
    caughtBy: [
      'a key that was released is free again',
      'who waits for a key hears when it is released, and at once of one that is free',
    ],
    make: () =>
      changed(({ take }) => ({
        async take(key) {
          const taken = await take(key);
          return taken.held ? { ...taken, release: async () => undefined } : taken;
        },
      })),
  },
  {
    does: 'releases whatever it is asked to',
    caughtBy: [
      'who released a key once does not release it of the next holder',
      'who lost its key does not release it of the next holder',
    ],
    make() {
      const service = createLeaseService();
      const latest = new Map<string, () => Promise<void>>();
      const another = service.party('another');
      const party = ({ take, ended }: Lease): Lease => ({
        ended,
        async take(key) {
          const taken = await take(key);
          if (!taken.held) return taken;
          latest.set(key, taken.release);
          return { held: true, sure: true, release: async () => latest.get(key)?.() };
        },
      });
      const rig = { lease: party(service.party('one')), another: party(another) };
      return { ...rig, die: () => another.die(), term: TERM, ...service };
    },
  },
  {
    does: 'does not hear who leaves',
    caughtBy: ['who waits for a key need not go on waiting'],
    make: () =>
      changed(({ ended }) => ({
        ended: (key, signal) =>
          signal.aborted ? Promise.reject(signal.reason) : ended(key, new AbortController().signal),
      })),
  },
  {
    does: 'says at once that a key is free',
    caughtBy: ['who waits for the key of a holder that is gone hears when it is free'],
    make: () => changed(() => ({ ended: async () => undefined })),
  },
  {
    does: 'knows no end of a holder that is gone',
    caughtBy: ['a holder that is gone loses its key after its term, and not before'],
    make: () => changed(() => ({}), { die: () => undefined }),
  },
  {
    does: 'is sure of what nobody could say',
    caughtBy: ['while its service is away every key is granted, and nobody is told that it is sure'],
    make: () =>
      changed(({ take }) => ({
        async take(key) {
          const taken = await take(key);
          return taken.held ? { ...taken, sure: true } : taken;
        },
      })),
  },
  {
    does: 'fails while its service is away',
    caughtBy: ['while its service is away every key is granted, and nobody is told that it is sure'],
    make() {
      const rig = sharedRig();
      let isAway = false;
      const party = ({ take, ended }: Lease): Lease => ({
        ended,
        take: (key) => (isAway ? Promise.reject(new Error('no connection')) : take(key)),
      });
      const setReachable = (reachable: boolean) => {
        isAway = !reachable;
        rig.setReachable(reachable);
      };
      return { ...rig, lease: party(rig.lease), another: party(rig.another), setReachable };
    },
  },
];

const CASES: readonly LeaseCase<SharedLeaseRig>[] = [...LEASE_CASES, ...SHARED_LEASE_CASES];

/** A case that waits for what never comes is one that noticed. */
const WAIT_MS = 1000;

describe('the contract of a lease notices one that', () => {
  it.each(MISBEHAVIOURS.flatMap(({ caughtBy, ...rest }) => caughtBy.map((name) => ({ ...rest, name }))))(
    '$does: $name',
    async ({ name, make }) => {
      const found = CASES.find((each) => each.name === name);
      if (found === undefined) throw new Error(`no case is called ${name}`);
      const late = new Promise((_, reject) => setTimeout(reject, WAIT_MS, new Error('nothing came')).unref());
      await expect(Promise.race([found.run(make()), late])).rejects.toThrow();
    },
  );

  it('every case of it catches something', () => {
    const caught = new Set(MISBEHAVIOURS.flatMap(({ caughtBy }) => caughtBy));
    expect(CASES.map(({ name }) => name).filter((name) => !caught.has(name))).toEqual([]);
  });
});
