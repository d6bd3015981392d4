import { describe, expect, it, vi } from 'vitest';
import { NEWS_EVERY_MS, NEWS_MOST } from '../../../src/blobs/limits.ts';
import { Bulletin } from '../../../src/blobs/peers/bulletin.ts';
import type { BlobChange, News } from '../../../src/ports/peers.ts';
import { createLeaseService } from '../../support/memory-lease.ts';

const added = (sha256: string): BlobChange => ({ kind: 'added', sha256, size: 1, index: 'main' });
const used = (sha256: string): BlobChange => ({ kind: 'used', sha256, size: 1, index: 'main' });
const removed = (sha256: string): BlobChange => ({ kind: 'removed', sha256 });

function createTold(lease = createLeaseService().party('one')) {
  const told: (readonly BlobChange[])[] = [];
  const tell = async (news: News) => {
    if (news.kind === 'blobs') told.push(news.changes);
  };
  return { told, bulletin: new Bulletin({ lease, tell }) };
}

describe('what other processes are told of blobs', () => {
  it('is the last of each, in the order of use, and that it is new to them', async () => {
    const { told, bulletin } = createTold();
    for (const change of [added('a'), used('b'), used('c'), used('b'), used('a'), removed('c')]) bulletin.add(change);
    await bulletin.flush();
    await bulletin.flush();
    expect(told).toEqual([[used('b'), added('a'), removed('c')]]);
  });

  it('is that one is kept, after that it is there', async () => {
    const { told, bulletin } = createTold();
    const kept: BlobChange = { kind: 'kept', sha256: 'a', by: 'sync' };
    for (const change of [added('a'), kept, used('a')]) bulletin.add(change);
    await bulletin.flush();
    expect(told).toEqual([[added('a'), kept]]);
  });

  it('is told a moment later, or at once where there is much of it', () => {
    vi.useFakeTimers();
    try {
      const { told, bulletin } = createTold();
      bulletin.add(added('a'));
      vi.advanceTimersByTime(NEWS_EVERY_MS - 1);
      expect(told).toHaveLength(0);
      vi.advanceTimersByTime(1);
      expect(told).toHaveLength(1);
      for (let at = 0; at < NEWS_MOST; at++) bulletin.add(used(String(at)));
      expect(told).toHaveLength(2);
    } finally {
      vi.useRealTimers();
    }
  });

  it('is nothing where there are none', async () => {
    const bulletin = new Bulletin(undefined);
    bulletin.add(added('a'));
    await bulletin.flush();
    let runs = 0;
    await bulletin.alone(async () => void runs++);
    expect(runs).toBe(1);
  });

  it('is known to them before another process evicts', async () => {
    const service = createLeaseService();
    const order: string[] = [];
    const one = new Bulletin({
      lease: service.party('one'),
      tell: async () => void order.push('told'),
    });
    const other = createTold(service.party('other')).bulletin;
    const begun = Promise.withResolvers<void>();
    const end = Promise.withResolvers<void>();
    const first = one.alone(async () => {
      begun.resolve();
      await end.promise;
      one.add(removed('a'));
    });
    await begun.promise;
    const second = other.alone(async () => void order.push('evicted'));
    end.resolve();
    await Promise.all([first, second]);
    expect(order).toEqual(['told', 'evicted']);
  });
});
