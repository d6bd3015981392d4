import { expect, it, onTestFinished } from 'vitest';
import { LeaderByLease, LeaderByTerms } from '../../../src/s3/leader.ts';
import { createLeaseService } from '../../support/memory-lease.ts';
import { s3Store } from '../../support/s3.ts';
import { error, startS3Server } from '../../support/s3-server.ts';

const TERM = 'leader/000000000001';
const DAY = 86_400_000;

async function bucket({ termMs = 60_000, slackMs = 5_000 } = {}) {
  const server = await startS3Server();
  onTestFinished(() => server.close());
  const replica = (name: string) => {
    const { client, store } = s3Store(server.url, { limits: { pauseMs: 1, attempts: 2, hedgeMs: 10_000 } });
    onTestFinished(() => client.close());
    return new LeaderByTerms({ store, replica: name, termMs, slackMs });
  };
  /** As if the last term had been created so long ago. */
  const ageBy = (milliseconds: number) => {
    for (const [key, object] of server.objects)
      server.objects.set(key, { ...object, changed: new Date(object.changed.getTime() - milliseconds) });
  };
  return { server, replica, ageBy };
}

const idle = async () => undefined;

it('one replica leads for a term, whoever else asks', async () => {
  const { server, replica } = await bucket();
  const [one, two] = [replica('one'), replica('two')];
  expect([await one.lead(idle), await two.lead(idle), await one.lead(idle), await two.lead(idle)]).toEqual([
    true,
    false,
    true,
    false,
  ]);
  expect([...server.objects.keys()]).toEqual([TERM]);
});

it('of many that ask at once for the first term one leads', async () => {
  const { replica } = await bucket();
  const led = await Promise.all(Array.from({ length: 20 }, (_, at) => replica(`r${at}`).lead(idle)));
  expect(led.filter(Boolean)).toHaveLength(1);
});

it('another leads once the term is over by the store’s own clock, and not before', async () => {
  const { replica, ageBy } = await bucket();
  const [one, two] = [replica('one'), replica('two')];
  await one.lead(idle);
  ageBy(60_000 + 3_000);
  expect(await two.lead(idle)).toBe(false);
  ageBy(5_000);
  expect(await two.lead(idle)).toBe(true);
});

it('who leads is told when its term is over, and asks anew', async () => {
  const { replica, ageBy } = await bucket({ termMs: 30 });
  const [one, two] = [replica('one'), replica('two')];
  await one.lead(async (still) => {
    expect(still()).toBe(true);
    await expect.poll(still).toBe(false);
    ageBy(10_000);
    expect(await two.lead(idle)).toBe(true);
  });
  expect(await one.lead(idle)).toBe(false);
});

it('who creates a number that was long ago does not lead by it', async () => {
  const { server, replica } = await bucket();
  await replica('one').lead(idle);
  const late = replica('late');
  // An old list: without the term that is held.
  let isOld = true;
  server.misbehave(({ key, query }, response) => {
    if (key !== '' || !query.has('list-type') || !isOld) return false;
    isOld = false;
    server.objects.set('leader/000000000002', { bytes: Buffer.from('x'), changed: new Date() });
    server.objects.delete(TERM);
    response.writeHead(200).end('<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>');
    return true;
  });
  expect(await late.lead(idle)).toBe(false);
});

it('terms that ended a day ago are tidied, and the last one never', async () => {
  const { server, replica, ageBy } = await bucket();
  for (const name of ['one', 'two', 'three']) {
    expect(await replica(name).lead(idle)).toBe(true);
    ageBy(2 * DAY);
  }
  expect(await replica('four').lead(idle)).toBe(true);
  expect([...server.objects.keys()]).toEqual(['leader/000000000004']);
});

it('nobody leads while the bucket cannot be had', async () => {
  const { server, replica } = await bucket();
  const leader = replica('one');
  server.misbehave((_, response) => {
    error(response, 503, 'SlowDown');
    return true;
  });
  await expect(leader.lead(() => expect.unreachable())).rejects.toMatchObject({ name: 'ObjectStoreError' });
});

it('a lease that nobody was asked about leads nothing, and is given up', async () => {
  const service = createLeaseService();
  const [one, two] = [service.party('one'), service.party('two')].map((party) => new LeaderByLease(party));
  service.setReachable(false);
  expect(await one?.lead(() => expect.unreachable())).toBe(false);
  service.setReachable(true);
  expect(
    await one?.lead(async () => {
      expect(await two?.lead(() => expect.unreachable())).toBe(false);
    }),
  ).toBe(true);
  expect(await two?.lead(idle)).toBe(true);
});
