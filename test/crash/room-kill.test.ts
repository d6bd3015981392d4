import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, it, onTestFinished } from 'vitest';
import { decodePage } from '../../src/pypi/decode.ts';
import { createIndexState } from '../../src/state/index-state.ts';
import { party } from '../unit/disk/state/rig.ts';
import { pageFor, pinsFor } from './room-work.ts';

const CHILD = join(import.meta.dirname, 'room.child.ts');
const ROUNDS = 4;
const GENEROUS = 240_000;

/** Runs until so many pages were let go, and is killed; resolves to what it said was kept and gone. */
async function killedAfter(root: string, who: string, lettingGo: number) {
  const child = spawn(process.execPath, [CHILD, root, who], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'close');
  const said = { kept: new Set<string>(), gone: new Set<string>() };
  for await (const line of createInterface({ input: child.stdout })) {
    const [word, project = ''] = line.split(' ');
    if (word === 'kept' || word === 'gone') said[word].add(project);
    if (said.gone.size >= lettingGo) child.kill('SIGKILL');
  }
  await ended;
  return said;
}

it(
  'killed at any moment of letting pages go, every floor and every pin is there',
  async () => {
    const root = await mkdtemp(join(tmpdir(), 'verbatim-room-'));
    onTestFinished(() => rm(root, { recursive: true, force: true }));
    const kept = new Set<string>();
    const gone = new Set<string>();
    for (let round = 0; round < ROUNDS; round++) {
      // In the middle of another group each time.
      const said = await killedAfter(root, `round-${round}`, 10 + 13 * round);
      for (const project of said.kept) kept.add(project);
      for (const project of said.gone) gone.add(project);
      expect(said.gone.size).toBeGreaterThan(0);
      const { state: storage, close } = await party(root);
      expect((await storage.open('main')).damaged).toEqual([]);
      const state = createIndexState({ storage, index: 'main' });
      for (const project of kept) {
        const { bytes, letGo, ...page } = (await state.page(project).read())?.value.page ?? pageFor('none');
        const { bytes: whole, etag: _, ...before } = pageFor(project);
        expect(page).toMatchObject(before);
        expect(decodePage(bytes, project).files).toMatchObject(
          decodePage(whole, project).files.map(({ filename, digests, yanked }) => ({ filename, digests, yanked })),
        );
        if (letGo === undefined) expect(Buffer.compare(bytes, whole)).toBe(0);
        if (gone.has(project)) expect(letGo?.size).toBe(whole.byteLength);
        expect((await state.pins(project).read())?.value).toEqual(pinsFor(project));
      }
      await close();
    }
    expect(kept.size).toBeGreaterThan(50);
  },
  GENEROUS,
);
