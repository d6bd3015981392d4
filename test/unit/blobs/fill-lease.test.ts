import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { LeaseTimes } from '../../../src/blobs/under-lease.ts';
import type { Lease } from '../../../src/ports/lease.ts';
import { client, leavingClient } from '../../support/callers.ts';
import { createLeaseService, TERM } from '../../support/memory-lease.ts';
import {
  content,
  cut,
  expectedOf,
  held,
  MIB,
  openStore,
  refusalOf,
  scratch,
  sent,
  upstream,
  wanted,
  whole,
} from '../../support/volume-harness.ts';

// Two processes on one data directory, and a lease that tells them who downloads; whatever it says, what is served is proved.

const QUICK: Partial<LeaseTimes> = { answerMs: 20, lookMs: 5, leastMs: 1 };
/** For a lease that holds its word: who waits does so until it is told. */
const PATIENT: Partial<LeaseTimes> = { answerMs: 5000, lookMs: 60_000, leastMs: 1 };

async function processes(one: Lease, another: Lease, leaseTimes: Partial<LeaseTimes>) {
  const data = join(await scratch(), 'data');
  const first = await openStore({ data, lease: one, leaseTimes });
  const second = await openStore({ data, lease: another, leaseTimes, upkeep: false });
  return [first.blobs, second.blobs] as const;
}

function shared(leaseTimes = PATIENT) {
  const service = createLeaseService();
  const [one, another] = [service.party('one'), service.party('another')];
  return { service, one, another, stores: processes(one, another, leaseTimes) };
}

describe('two processes that want one file', () => {
  it('download it once: who waits finds it stored, by its sha256', async () => {
    const { stores } = shared();
    const [one, another] = await stores;
    const bytes = content(MIB);
    const slow = held(bytes);
    const [source, spare] = [upstream(slow.answer), upstream(whole(bytes))];
    const first = one.fetch(wanted(bytes), source.download, client());
    await slow.begun;
    const second = another.fetch(wanted(bytes), spare.download, client());
    slow.release();
    for (const blob of await Promise.all([first, second])) expect((await sent(blob)).equals(bytes)).toBe(true);
    expect([source.requests.length, spare.requests.length]).toEqual([1, 0]);
  });

  it('download it again where the one that was at it is gone', async () => {
    const { service, one: lease, stores } = shared();
    const [one, another] = await stores;
    const bytes = content(MIB);
    const stuck = held(bytes);
    const { caller, leave } = leavingClient();
    const first = one.fetch(wanted(bytes), upstream(stuck.answer).download, caller);
    await stuck.begun;
    const second = another.fetch(wanted(bytes), upstream(whole(bytes)).download, client());
    lease.die();
    service.pass(TERM + 1);
    expect((await sent(await second)).equals(bytes)).toBe(true);
    leave();
    await expect(first).rejects.toThrow('left');
    stuck.release();
  });

  it('download it again where the first one failed', async () => {
    const { stores } = shared();
    const [one, another] = await stores;
    const bytes = content(MIB);
    const begun = Promise.withResolvers<void>();
    const failing = upstream((request) => {
      begun.resolve();
      return cut(bytes, 1000)(request);
    });
    const first = refusalOf(one.fetch(wanted(bytes), failing.download, client()));
    await begun.promise;
    const second = another.fetch(wanted(bytes), upstream(whole(bytes)).download, client());
    expect((await first).reason).toBe('truncated');
    expect((await sent(await second)).equals(bytes)).toBe(true);
  });

  it('a client that leaves need not wait for the other’s download', async () => {
    const { one: lease, stores } = shared();
    const [, another] = await stores;
    const bytes = content(MIB);
    await lease.take(keyOf(bytes));
    const { caller, leave } = leavingClient();
    const source = upstream(whole(bytes));
    const second = another.fetch(wanted(bytes), source.download, caller);
    leave();
    await expect(second).rejects.toThrow('left');
    expect(source.requests).toEqual([]);
  });

  it('one that everybody has left is given up at once', async () => {
    const { another: lease, stores } = shared();
    const [one] = await stores;
    const bytes = content(MIB);
    const { caller, leave } = leavingClient();
    const begun = Promise.withResolvers<void>();
    const silent = upstream(() => {
      begun.resolve();
      return new Promise(() => undefined);
    });
    const first = one.fetch(wanted(bytes), silent.download, caller);
    await begun.promise;
    leave();
    await expect(first).rejects.toThrow('left');
    await lease.ended(keyOf(bytes), AbortSignal.timeout(60_000));
    expect(await lease.take(keyOf(bytes))).toMatchObject({ held: true });
  });
});

/** As the store names the download of `wanted(bytes)`. */
function keyOf(bytes: Uint8Array): string {
  const { origin } = wanted(bytes);
  return JSON.stringify([origin, bytes.byteLength, [`sha256:${expectedOf(bytes).digests.get('sha256')}`]]);
}

const never = () => new Promise<never>(() => undefined);
const granting: Lease['take'] = async () => ({ held: true, sure: true, release: async () => undefined });
const refusing: Lease['take'] = async () => ({ held: false, heldBy: 'nobody' });
const lying = (over: Partial<Lease>): Lease => ({ take: granting, ended: async () => undefined, ...over });
function throwing(): never {
  throw new Error('no connection');
}

/** By what it does: how long its user is patient with it, and downloads of the file by two processes at most. */
const LIARS: readonly (readonly [string, Lease, number])[] = [
  ['never answers', lying({ take: never, ended: never }), 60_000],
  ['grants to both', lying({}), 60_000],
  ['fails', lying({ take: () => Promise.reject(new Error('no connection')) }), 60_000],
  ['throws', lying({ take: throwing, ended: throwing }), 60_000],
  ['says that another holds it, for ever', lying({ take: refusing, ended: never }), 60],
  ['says at once that another’s is over, for ever', lying({ take: refusing }), 60],
  [
    'fails to say when another’s is over',
    lying({ take: refusing, ended: () => Promise.reject(new Error('lost')) }),
    60,
  ],
  [
    'fails to give a key up',
    lying({ take: async () => ({ held: true, sure: true, release: () => Promise.reject(new Error('lost')) }) }),
    60_000,
  ],
  [
    'throws at a key that is given up',
    lying({ take: async () => ({ held: true, sure: true, release: throwing }) }),
    60_000,
  ],
];

describe('a lease that', () => {
  it.each(LIARS)('%s costs a second download and nothing else', async (_, lease, patienceMs) => {
    const [one, another] = await processes(lease, lease, { ...QUICK, patienceMs });
    const bytes = content(MIB);
    const source = upstream(whole(bytes));
    const blobs = await Promise.all(
      [one, another, one, another].map((store) => store.fetch(wanted(bytes), source.download, client())),
    );
    for (const blob of blobs) expect((await sent(blob)).equals(bytes)).toBe(true);
    expect(source.requests.length).toBeLessThanOrEqual(2);
    // What is wrong is refused, whoever holds what.
    const wrong = upstream(whole(content(MIB)));
    const other = wanted(content(MIB), { origin: 'main https://upstream.invalid/g' });
    expect((await refusalOf(one.fetch(other, wrong.download, client()))).reason).toBe('digest');
  });

  it('grants a key too late has it back', async () => {
    const released = Promise.withResolvers<void>();
    const late = lying({
      take: async () => {
        await new Promise((resolve) => setTimeout(resolve, 60));
        return { held: true, sure: true, release: async () => released.resolve() };
      },
    });
    const [one] = await processes(late, late, { ...QUICK, answerMs: 5 });
    const bytes = content(1000);
    const blob = await one.fetch(wanted(bytes), upstream(whole(bytes)).download, client());
    expect((await sent(blob)).equals(bytes)).toBe(true);
    await released.promise;
  });
});

it('who waits for another’s download holds no place', async () => {
  const { one: lease, stores } = shared();
  const [, another] = await stores;
  const waitedFor = content(1000);
  await lease.take(keyOf(waitedFor));
  const source = upstream(whole(waitedFor));
  const leaving = leavingClient();
  const waits = another.fetch(wanted(waitedFor), source.download, leaving.caller);
  const bytes = Array.from({ length: 200 }, () => content(100));
  const others = bytes.map((each, at) =>
    another.fetch(wanted(each, { origin: `main ${at}` }), upstream(whole(each)).download, client()),
  );
  expect(await Promise.all(others)).toHaveLength(200);
  leaving.leave();
  await expect(waits).rejects.toThrow('left');
});
