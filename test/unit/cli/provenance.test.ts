import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { pinsText } from '../../../src/bundle/format/publishers.ts';
import { createProgram } from '../../../src/cli/program.ts';
import { withState } from '../../support/state.ts';

// `verbatim provenance --export` and `--import`, as they are written.

let scratch: string;
let failed: number;
beforeEach(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'verbatim-cli-provenance-'));
  failed = 0;
  vi.spyOn(process.stdout, 'write').mockReturnValue(true);
});
afterEach(async () => {
  vi.restoreAllMocks();
  await rm(scratch, { recursive: true });
});

const run = (...args: readonly string[]) =>
  createProgram(() => void failed++).parseAsync(['provenance', '--data', join(scratch, 'data'), ...args], {
    from: 'user',
  });

it.each([
  ['an import without a reason', ['--import', 'x']],
  ['an import of one project', ['mill', '--import', 'x', '--reason', 'y']],
  ['a reason without an import', ['mill', '--reason', 'y']],
  ['a rehearsal of nothing', ['mill', '--dry-run']],
  ['nothing', []],
])('takes no %s', async (_, args) => {
  await expect(run(...args)).rejects.toThrow(/are of --import|An import takes|Say of which/);
});

it('an import that meets somebody else fails, and one that does not succeeds', async () => {
  const publisher = { kind: 'GitHub', name: 'octo/mill', id: 'github 4711', workflow: 'release.yml' };
  const known = { ...publisher, environment: undefined, since: 1, by: 'first-sight' } as const;
  await withState(join(scratch, 'data'), async (state, { databases }) => {
    await databases.open('main');
    await state.facts.change(() => ({ evidence: 'index', createdAt: 1, audit: [] }));
    const kept = { since: 1, publishers: [known], accepted: [], files: new Map() };
    await state.provenance('mill').change(() => kept);
  });
  const file = join(scratch, 'pins.json');
  const imported = async (id: string) => {
    await writeFile(file, pinsText('main', [{ project: 'mill', publishers: [{ ...publisher, id }] }]));
    await run('--import', file, '--reason', 'why', '--upstream', 'https://index.example/simple/');
    return failed;
  };
  expect(await imported('github 4711')).toBe(0);
  expect(await imported('github 666')).toBe(1);
});
