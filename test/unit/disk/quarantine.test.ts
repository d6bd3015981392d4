import { mkdir, readdir, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { QUARANTINED, QUARANTINED_BYTES } from '../../../src/disk/limits.ts';
import { createQuarantine } from '../../../src/disk/quarantine.ts';
import { openVolume } from '../../../src/disk/volume.ts';
import { scratch } from '../../support/volume-harness.ts';

async function start() {
  const data = join(await scratch(), 'data');
  const { durable } = await openVolume(data);
  const directory = join(data, 'quarantine');
  await mkdir(directory, { recursive: true });
  let now = 0;
  const quarantine = createQuarantine(durable, directory, () => now++);
  return {
    /** Sets aside a file of so many bytes, which takes no room where the system knows files with holes. */
    async take(name: string, bytes: number) {
      const path = join(data, name);
      await writeFile(path, '');
      await truncate(path, bytes);
      expect(await quarantine.take(path, name)).toBe(true);
    },
    kept: async () => (await readdir(directory)).map((name) => name.split('-').at(-1)).sort(),
  };
}

it('what was set aside is kept up to so many files, the newest', async () => {
  const { take, kept } = await start();
  const names = Array.from({ length: QUARANTINED + 2 }, (_, at) => `n${String(at).padStart(3, '0')}`);
  for (const name of names) await take(name, 1);
  expect(await kept()).toEqual(names.slice(-QUARANTINED));
});

it('what was set aside is kept up to so many bytes, the newest', async () => {
  const { take, kept } = await start();
  const third = Math.floor(QUARANTINED_BYTES / 3);
  for (const name of ['a', 'b', 'c', 'd']) await take(name, third);
  expect(await kept()).toEqual(['b', 'c', 'd']);
  await take('e', 2 * third);
  expect(await kept()).toEqual(['d', 'e']);
});

it('what is gone already is no failure', async () => {
  const data = join(await scratch(), 'data');
  const { durable } = await openVolume(data);
  const quarantine = createQuarantine(durable, join(data, 'quarantine'), () => 0);
  expect(await quarantine.take(join(data, 'nothing'), 'nothing')).toBe(true);
});
