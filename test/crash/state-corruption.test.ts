import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { Refusal } from '../../src/bytes/refusal.ts';
import type { ItemPath } from '../../src/ports/state-storage.ts';
import { fileOf, party, scratchDirectory } from '../unit/disk/state/rig.ts';
import { contentFor } from './state-work.ts';

const ITEMS = 12;
const VERSIONS = 6;
const itemOf = (at: number): ItemPath => ['main', 'pins', `project-${at}`];

/** The same numbers in every run, so that what fails once fails again. */
function createChance(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

type Chance = ReturnType<typeof createChance>;
const PAGE = 4096;

/** What a disk, or somebody at it, may do to a file. */
const HARMS: readonly ((file: Buffer, chance: Chance) => Buffer)[] = [
  (file, chance) => {
    const at = chance(file.length);
    file[at] = (file[at] ?? 0) ^ (1 << chance(8));
    return file;
  },
  (file, chance) => {
    // Most of what SQLite goes by lies at the beginning of a page.
    const at = Math.min(file.length - 1, chance(Math.ceil(file.length / PAGE)) * PAGE + chance(128));
    file[at] = chance(256);
    return file;
  },
  (file, chance) => {
    const at = chance(file.length);
    for (let each = at; each < Math.min(at + 64, file.length); each++) file[each] = chance(256);
    return file;
  },
  (file, chance) => file.fill(0, chance(Math.ceil(file.length / PAGE)) * PAGE).subarray(0, file.length),
  (file, chance) => {
    const at = chance(Math.ceil(file.length / PAGE)) * PAGE;
    return file.fill(0, at, at + PAGE);
  },
  (file, chance) => {
    const [from, to] = [chance(Math.ceil(file.length / PAGE)) * PAGE, chance(Math.ceil(file.length / PAGE)) * PAGE];
    file.copy(file, to, from, from + PAGE);
    return file;
  },
  (file, chance) => file.subarray(0, chance(file.length)),
  (file) => file,
];

/** A folder of state: as it is left by an orderly end, or by a kill, with changes in a log. */
async function original(withLog: boolean): Promise<{ readonly folder: string; readonly epoch: number }> {
  const root = await scratchDirectory();
  const folder = join(root, 'copy');
  let epoch = 0;
  const notes = {
    of: async () => 0,
    raise: async (_: string, reached: number) => {
      epoch = reached;
    },
  };
  const { state, close } = await party(root, { notes: [notes] });
  for (let version = 1; version <= VERSIONS; version++)
    await Promise.all(
      Array.from({ length: ITEMS }, (_, at) =>
        state.create(itemOf(at), version, contentFor(`project-${at}`, version, 'x')),
      ),
    );
  if (withLog) await cp(dirname(fileOf(root)), folder, { recursive: true });
  await close();
  if (!withLog) await cp(dirname(fileOf(root)), folder, { recursive: true });
  return { folder, epoch };
}

it.each([
  ['the database', false, 'state.db', 280],
  ['the log', true, 'state.db-wal', 140],
])(
  '%s with bits flipped, pages torn or an end cut off: the right value or a refusal, never another',
  async (_, withLog, name, times) => {
    const { folder, epoch } = await original(withLog);
    const whole = await readFile(join(folder, name));
    const outcomes = { right: 0, refused: 0 };
    const root = await scratchDirectory();
    for (let time = 0; time < times; time++) {
      const chance = createChance(time + 1);
      const place = join(root, String(time));
      await mkdir(join(place, 'indexes', 'main'), { recursive: true });
      await cp(folder, dirname(fileOf(place)), { recursive: true });
      // A process that is not there has left no shared memory.
      await rm(`${fileOf(place)}-shm`, { force: true });
      const harm = HARMS[time % HARMS.length];
      await writeFile(join(dirname(fileOf(place)), name), harm?.(Buffer.from(whole), chance) ?? whole);
      const notes = { of: async () => epoch, raise: async () => undefined };
      const { state, close } = await party(place, { notes: [notes] });
      for (let at = 0; at < ITEMS; at++)
        try {
          const found = await state.newest(itemOf(at), 0);
          expect(found?.version, `${time}: ${at}`).toBe(VERSIONS);
          expect(Buffer.compare(found?.value ?? new Uint8Array(), contentFor(`project-${at}`, VERSIONS, 'x'))).toBe(0);
          outcomes.right++;
        } catch (error) {
          if (!(error instanceof Refusal)) throw error;
          expect(error.reason, `${time}: ${error.message}`).toBe('state');
          outcomes.refused++;
        }
      await close();
      await rm(place, { recursive: true });
    }
    // What was not harmed is right, and most harm is noticed.
    expect(outcomes.right).toBeGreaterThanOrEqual(Math.floor(times / HARMS.length) * ITEMS);
    expect(outcomes.refused).toBeGreaterThan(times);
  },
  240_000,
);
