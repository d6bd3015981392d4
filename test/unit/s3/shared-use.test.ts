import { expect, it, onTestFinished } from 'vitest';
import { OwnLease } from '../../../src/blobs/own-lease.ts';
import type { UsageRecord } from '../../../src/ports/blob-storage.ts';
import { type Leader, LeaderByLease } from '../../../src/s3/leader.ts';
import { SharedUse } from '../../../src/s3/shared-use.ts';
import { s3Blobs } from '../../support/s3-blobs.ts';
import { startS3Server } from '../../support/s3-server.ts';
import { content, sha256 } from '../../support/volume-harness.ts';

const [KEPT, OLD, YOUNG] = ['a'.repeat(64), 'b'.repeat(64), 'c'.repeat(64)];
const HOUR = 3_600_000;
const NO_RECORD: UsageRecord = { read: async () => undefined, write: async () => undefined };

async function rig() {
  const server = await startS3Server();
  onTestFinished(() => server.close());
  const replica = async (name: string, leader?: Leader) => {
    const { storage, store } = await s3Blobs({ url: server.url });
    const onTrouble = (error: unknown) => expect.unreachable(String(error));
    const shared = new SharedUse({ storage, store, replica: name, leader: () => leader, onTrouble });
    return Object.assign(shared, { storage });
  };
  const lies = (sha256: string, ageMs: number) =>
    server.objects.set(`blobs/sha256/${sha256.slice(0, 2)}/${sha256}`, {
      bytes: Buffer.from('x'),
      changed: new Date(Date.now() - ageMs),
    });
  const ageRecords = (name: string, text: string, ageMs: number) =>
    server.objects.set(`used/${name}`, { bytes: Buffer.from(text), changed: new Date(Date.now() - ageMs) });
  return { replica, lies, ageRecords };
}

it('what was written within the hour, and what another replica keeps, stays in the bucket', async () => {
  const { replica, lies } = await rig();
  for (const sha256 of [KEPT, OLD]) lies(sha256, 2 * HOUR);
  lies(YOUNG, HOUR / 2);
  await (await replica('other')).told(NO_RECORD).write(Buffer.from(`i main\nk ${KEPT} sync\np ${OLD}\n`));
  const leader = await replica('leader', new LeaderByLease(new OwnLease()));
  expect(await Promise.all([KEPT, OLD, YOUNG].map((sha256) => leader.spares(sha256)))).toEqual([true, false, true]);
});

it('what a process used that records no order of use stays in the bucket', async () => {
  const { replica, lies } = await rig();
  const bytes = content(10);
  const used = sha256(bytes);
  const second = await replica('machine-2');
  const writer = await second.storage.begin();
  await writer.write(bytes, 0);
  await writer.commit(used);
  await second.storage.sync(used);
  lies(used, 2 * HOUR);
  await second.tellUse();
  const first = await replica('machine', new LeaderByLease(new OwnLease()));
  expect(await first.spares(used)).toBe(true);
});

it('what a replica kept stays for a month after it was last heard of, what it used for a day', async () => {
  const { replica, lies, ageRecords } = await rig();
  for (const sha256 of [KEPT, OLD]) lies(sha256, 2 * HOUR);
  ageRecords('other', `k ${KEPT}\n${OLD}\n`, 20 * HOUR);
  const spared = async (name: string) => {
    const leader = await replica(name);
    return Promise.all([KEPT, OLD].map((sha256) => leader.spares(sha256)));
  };
  expect(await spared('one')).toEqual([true, true]);
  ageRecords('other', `k ${KEPT}\n${OLD}\n`, 29 * 24 * HOUR);
  expect(await spared('two')).toEqual([true, false]);
  ageRecords('other', `k ${KEPT}\n${OLD}\n`, 31 * 24 * HOUR);
  expect(await spared('three')).toEqual([false, false]);
});

it('one replica alone evicts, and none where nobody leads', async () => {
  const { replica } = await rig();
  const lease = new LeaderByLease(new OwnLease());
  const [one, two, lone] = [await replica('one', lease), await replica('two', lease), await replica('lone')];
  const evicted: string[] = [];
  await one.alone(async () => {
    evicted.push('one');
    await two.alone(async () => void evicted.push('two'));
  });
  await lone.alone(async () => void evicted.push('lone'));
  expect(evicted).toEqual(['one']);
});
