import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Holding, holdsInForce } from '../../../src/app/syncing/holds.ts';
import type { SyncWords } from '../../../src/config/sync.ts';
import { SyncHolds } from '../../../src/disk/bundles/sync-holds.ts';
import { nodeFileOps } from '../../../src/disk/file-ops.ts';
import { type IndexRig, startIndexRig } from '../../rigs/index-rig.ts';
import { client } from '../../support/callers.ts';
import { faultyOps, systemError } from '../../support/faults.ts';
import { tinyWheel } from '../../support/tiny-wheel.ts';
import { scratch, sha256 } from '../../support/volume-harness.ts';

// What a sync holds, as it is written down.

const [ALPHA, BETA] = [tinyWheel('alpha'), tinyWheel('beta')];
const DAY = 86_400;
const WORDS: SyncWords = {
  index: 'main',
  projects: ['alpha'],
  requirements: [],
  locks: [],
  sboms: [],
  listed: false,
  held: false,
  environments: [],
  excludePlatforms: [],
  blocklist: [],
  parallel: 4,
  largerThanRoom: false,
};

async function all<T>(each: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const one of each) found.push(one);
  return found;
}

async function heldIn(root: string, now = 0): Promise<readonly { name: string; files: number; digests: string[] }[]> {
  const holds = [];
  for await (const { name, files, digests } of holdsInForce({ ops: nodeFileOps, root }, { holdDays: 30, now }))
    holds.push({ name, files, digests: (await all(digests())).sort() });
  return holds;
}

describe('what a sync holds', () => {
  const placeIn = (root: string, now: number) => ({
    volume: { ops: nodeFileOps, root },
    storage: { alias: async () => undefined },
    relayed: { stored: async () => undefined },
    now: () => now,
  });
  const withRig = async (work: (rig: IndexRig, root: string) => Promise<void>) => {
    const rig = await startIndexRig({
      fill(pypi) {
        for (const wheel of [ALPHA, BETA]) pypi.upload(wheel.project, wheel);
      },
    });
    try {
      await work(rig, await scratch());
    } finally {
      await rig.close();
    }
  };
  const pickedOf = async (rig: IndexRig, { project, filename }: typeof ALPHA) => {
    const page = await rig.index().listing(project, client());
    const file = page.listing.files.get(filename);
    if (file === undefined) throw new TypeError('it is listed');
    return { page, file };
  };

  it('is its files and their core metadata, once each, for so many days, and in place of what it held before', async () => {
    await withRig(async (rig, root) => {
      const first = await Holding.begin(placeIn(root, 0), WORDS);
      for (const wheel of [ALPHA, BETA, ALPHA]) await first.add(await pickedOf(rig, wheel));
      expect(await heldIn(root)).toEqual([]);
      await first.end(true);
      const contents = ({ bytes, coreMetadata = Buffer.alloc(0) }: typeof ALPHA) => [
        sha256(bytes),
        sha256(coreMetadata),
      ];
      expect(await heldIn(root)).toEqual([
        { name: 'projects alpha', files: 2, digests: expect.arrayContaining([ALPHA, BETA].flatMap(contents)) },
      ]);
      expect(await heldIn(root, 30 * DAY - 1)).toHaveLength(1);
      expect(await heldIn(root, 30 * DAY)).toEqual([]);
      const faster = await Holding.begin(placeIn(root, DAY), { ...WORDS, parallel: 9 });
      await faster.add(await pickedOf(rig, BETA));
      await faster.end(true);
      expect(await heldIn(root)).toEqual([
        { name: 'projects alpha', files: 1, digests: expect.arrayContaining(contents(BETA)) },
      ]);
      expect((await heldIn(root))[0]?.digests).not.toContain(sha256(ALPHA.bytes));
      const another = await Holding.begin(placeIn(root, DAY), { ...WORDS, projects: ['beta'] });
      await another.end(true);
      expect((await heldIn(root)).map(({ name }) => name).sort()).toEqual(['projects alpha', 'projects beta']);
    });
  });

  it('is what was relayed of a file as well, where its page announces it', async () => {
    const rig = await startIndexRig({
      fill(pypi) {
        pypi.upload(ALPHA.project, ALPHA, { 'gpg-sig': true });
        pypi.upload(BETA.project, BETA, { provenance: `${pypi.url}integrity/beta/1.0/${BETA.filename}/provenance` });
      },
    });
    try {
      const root = await scratch();
      const asked: string[] = [];
      const relayed = {
        async stored({ kind, project }: { readonly kind: string; readonly project: string }) {
          asked.push(`${kind} of ${project}`);
          return { sha256: sha256(Buffer.from(`${kind} of ${project}`)), size: 1 };
        },
      };
      const hold = await Holding.begin({ ...placeIn(root, 0), relayed }, WORDS);
      for (const wheel of [ALPHA, BETA]) await hold.add(await pickedOf(rig, wheel));
      await hold.end(true);
      expect(asked).toEqual(['signature of alpha', 'provenance of beta']);
      expect((await heldIn(root))[0]?.digests).toEqual(
        expect.arrayContaining(asked.map((told) => sha256(Buffer.from(told)))),
      );
    } finally {
      await rig.close();
    }
  });

  it('is also what it held before, where not all of it could be had this time', async () => {
    await withRig(async (rig, root) => {
      const first = await Holding.begin(placeIn(root, 0), WORDS);
      await first.add(await pickedOf(rig, ALPHA));
      await first.end(true);
      const second = await Holding.begin(placeIn(root, DAY), WORDS);
      await second.add(await pickedOf(rig, BETA));
      await second.end(false);
      const [hold] = await heldIn(root);
      expect(hold?.digests).toEqual(expect.arrayContaining([sha256(ALPHA.bytes), sha256(BETA.bytes)]));
    });
  });
});

describe('on the disk', () => {
  it('what was not finished is not seen, and nothing that cannot be read', async () => {
    const root = await scratch();
    const holds = new SyncHolds(nodeFileOps, root);
    expect(await heldIn(root)).toEqual([]);
    const given = await holds.begin('a'.repeat(32));
    await given.add('1'.repeat(64));
    await given.discard();
    await writeFile(join(root, 'syncs', 'b'.repeat(32)), 'x');
    await writeFile(join(root, 'syncs', 'c'.repeat(32)), Buffer.alloc(4096, ' '));
    await writeFile(join(root, 'syncs', 'd'.repeat(32)), `{"index":7}${' '.repeat(4096)}`);
    await writeFile(join(root, 'syncs', 'note.txt'), 'x');
    expect(await heldIn(root)).toEqual([]);
  });

  it('lines that are no digests are passed over', async () => {
    const root = await scratch();
    const given = await new SyncHolds(nodeFileOps, root).begin('a'.repeat(32));
    const many = Array.from({ length: 2500 }, (_, at) => at.toString(16).padStart(64, '0'));
    for (const each of [...many, 'G'.repeat(64)]) await given.add(each);
    await given.commit({ index: 'main', name: 'x'.repeat(3000), at: 0, files: 1, bytes: 1 });
    const [hold] = await heldIn(root);
    expect([hold?.digests.length, hold?.name.length]).toEqual([2500, 256]);
  });

  it('a disk that takes no more ends it, and what was held before is held', async () => {
    const root = await scratch();
    const before = await new SyncHolds(nodeFileOps, root).begin('a'.repeat(32));
    await before.commit({ index: 'main', name: 'before', at: 0, files: 0, bytes: 0 });
    const ops = faultyOps({
      before({ kind }) {
        if (kind === 'rename') throw systemError('ENOSPC');
      },
    });
    const given = await new SyncHolds(ops, root).begin('a'.repeat(32));
    await expect(given.commit({ index: 'main', name: 'after', at: 0, files: 0, bytes: 0 })).rejects.toThrow('ENOSPC');
    expect((await heldIn(root)).map(({ name }) => name)).toEqual(['before']);
    expect(await nodeFileOps.list(join(root, 'syncs'))).toEqual(['a'.repeat(32)]);
  });

  it('a folder that cannot be made is told', async () => {
    const ops = faultyOps({
      before({ kind }) {
        if (kind === 'make-directory') throw systemError('EACCES');
      },
    });
    await expect(new SyncHolds(ops, await scratch()).begin('a'.repeat(32))).rejects.toThrow('EACCES');
  });

  it('a file that cannot be opened is told, for nobody knows what it spares', async () => {
    const root = await scratch();
    const given = await new SyncHolds(nodeFileOps, root).begin('a'.repeat(32));
    await given.commit({ index: 'main', name: 'n', at: 0, files: 0, bytes: 0 });
    const ops = faultyOps({
      before({ kind }) {
        if (kind === 'open-read') throw systemError('EIO');
      },
    });
    await expect(all(new SyncHolds(ops, root).all())).rejects.toThrow('EIO');
  });
});
