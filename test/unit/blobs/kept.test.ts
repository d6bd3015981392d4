import { expect, it } from 'vitest';
import { createUsageRecord } from '../../../src/disk/blob-storage.ts';
import type { BlobChange } from '../../../src/ports/peers.ts';
import { client } from '../../support/callers.ts';
import { createLeaseService } from '../../support/memory-lease.ts';
import { content, openStore, sha256, upstream, wanted, whole } from '../../support/volume-harness.ts';

const BYTES = content(1000);

/** The store of one process among several. */
async function openAmong(number: number) {
  const told: BlobChange[] = [];
  const store = await openStore({
    peers: {
      lease: createLeaseService().party('one'),
      number,
      leads: number === 1,
      tell: async (news) => void (news.kind === 'blobs' && told.push(...news.changes)),
    },
  });
  await store.blobs.fetch(wanted(BYTES), upstream(whole(BYTES)).download, client());
  const recorded = async () => Buffer.from((await createUsageRecord(store.volume).read()) ?? []).toString();
  return { ...store, told, recorded };
}

const KEPT = `k ${sha256(BYTES)} sync`;

it('what is kept is recorded soon, and not with the order of use', async () => {
  const { blobs, recorded } = await openAmong(1);
  await blobs.keep(sha256(BYTES), 'sync');
  await expect.poll(recorded, { timeout: 30_000 }).toContain(KEPT);
  await blobs.keep(sha256(BYTES), undefined);
  await expect.poll(recorded, { timeout: 30_000 }).not.toContain(KEPT);
});

it('what one process keeps the others keep, and the one that records does so soon', async () => {
  const [first, second] = [await openAmong(1), await openAmong(2)];
  await second.blobs.keep(sha256(BYTES), 'sync');
  await expect.poll(() => second.told).toContainEqual({ kind: 'kept', sha256: sha256(BYTES), by: 'sync' });
  first.blobs.follow(second.told);
  expect(first.blobs.usage().keptBytes).toBe(BYTES.byteLength);
  await expect.poll(first.recorded, { timeout: 30_000 }).toContain(KEPT);
});
