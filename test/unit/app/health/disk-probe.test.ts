import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { Availability } from '../../../../src/app/health/availability.ts';
import { DiskProbe } from '../../../../src/app/health/disk-probe.ts';
import { nodeFileOps } from '../../../../src/disk/file-ops.ts';
import { openVolume } from '../../../../src/disk/volume.ts';

class Broken extends Error {
  readonly code: string;

  constructor(code: string) {
    super(code);
    this.code = code;
  }
}

it('a disk that cannot be written to is told once, and once more when it can again', async () => {
  let code: string | undefined = 'EROFS';
  const seen: (string | undefined)[] = [];
  const probe: DiskProbe = new DiskProbe({
    write: async () => {
      if (code !== undefined) throw new Broken(code);
    },
    onChange: () => void seen.push(probe.trouble),
  });
  const availability = new Availability(probe);
  expect(availability.reasons).toEqual([]);
  await probe.look();
  await probe.look();
  expect(availability.reasons.map(({ reason }) => reason)).toEqual(['disk']);
  code = undefined;
  await probe.look();
  await probe.look();
  expect(seen).toEqual(['EROFS', undefined]);
  expect(availability.reasons).toEqual([]);
  availability.leave();
  expect(availability.reasons.map(({ reason }) => reason)).toEqual(['draining']);
});

it('a disk that stands still is asked once, counts as one that cannot be written to, and holds no stop up', async () => {
  const standing = Promise.withResolvers<void>();
  let asked = 0;
  const probe = new DiskProbe({
    write: () => {
      asked++;
      return standing.promise;
    },
    onChange: () => undefined,
    lateMs: 1,
  });
  const looking = probe.look();
  void probe.look();
  await expect.poll(() => probe.trouble).toMatch(/few bytes/);
  expect(asked).toBe(1);
  await probe.close();
  standing.resolve();
  await looking;
  expect(probe.trouble).toBeUndefined();
});

it('looks by itself until it is closed', async () => {
  let asked = 0;
  const probe = new DiskProbe({ write: async () => void asked++, onChange: () => undefined, everyMs: 1 });
  probe.start();
  await expect.poll(() => asked).toBeGreaterThan(2);
  await probe.close();
  const before = asked;
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(asked).toBe(before);
});

it('a probe of a volume is written for real, synced, and leaves nothing', async () => {
  const root = await mkdtemp(join(tmpdir(), 'verbatim-probe-'));
  onTestFinished(() => rm(root, { recursive: true, force: true }));
  const synced: string[] = [];
  let broken = false;
  const volume = await openVolume(join(root, 'data'), {
    ops: {
      ...nodeFileOps,
      openNew: async (path, mode) => {
        if (broken) throw new Broken('ENOSPC');
        const file = await nodeFileOps.openNew(path, mode);
        return { ...file, sync: () => file.sync().then(() => void synced.push(path)) };
      },
    },
  });
  synced.length = 0;
  await volume.probe();
  const [written = ''] = synced;
  expect(synced).toHaveLength(1);
  expect(await nodeFileOps.facts(written)).toBeUndefined();
  broken = true;
  await expect(volume.probe()).rejects.toMatchObject({ code: 'ENOSPC' });
  await volume.close();
});
