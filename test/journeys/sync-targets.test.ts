import { afterEach, beforeEach, expect, it } from 'vitest';
import { internalCaller } from '../../src/async/caller.ts';
import { filtersOf } from '../../src/sync/filters.ts';
import { newReport } from '../../src/sync/report.ts';
import { runTargets } from '../../src/sync/targets.ts';
import { NOW } from '../rigs/mirror.ts';
import { type MirrorRig, startMirrorRig } from '../rigs/mirror-rig.ts';
import { createClock } from '../support/clock.ts';
import { authority } from '../support/keys.ts';
import { createSimulator } from '../support/simulator.ts';
import { inShort, syncing } from '../support/syncing.ts';

// What signed roles list, of an index of which no target is a page.

const clock = createClock(NOW);
const { repository, bytes } = createSimulator({
  clock,
  fill(filled) {
    filled.delegate('targets', { name: 'small', authority: authority(['small']), paths: ['small/*'] });
    filled.addTarget('targets', 'top', Buffer.from('top'));
    filled.addTarget('targets', 'large', Buffer.alloc(2000));
    filled.addTarget('small', 'small/a', Buffer.from('a'));
    filled.addTarget('small', 'small/b', Buffer.from('b'));
  },
});

let rig: MirrorRig;
/** What upstream has, and what happens when it is asked. */
let served: (path: string) => Uint8Array | undefined;
beforeEach(async () => {
  served = (path) => repository.files.get(path);
  rig = await startMirrorRig({
    files: { get: (path) => served(path) },
    root: bytes('1.root.json'),
    clock,
    index: (upstream) => ({ layout: 'plain', filesUrl: `${upstream}targets/` }),
  });
});
afterEach(() => rig.close());

it('is held whole, but for what filters leave out', async () => {
  const filters = { largestFile: 1000 };
  const { report } = await syncing(rig.index(), { listed: true, filters });
  expect(inShort(report)).toEqual({
    fetched: ['small/a', 'small/b', 'top'],
    held: 0,
    leftOut: { 'larger than 1000 bytes': 1 },
  });
  expect(inShort((await syncing(rig.index(), { listed: true, filters })).report)).toMatchObject({
    fetched: [],
    held: 3,
  });
});

it('what was tampered with is refused by name, and everything else is held', async () => {
  served = (path) => (path.endsWith('.top') ? Buffer.from('TOP') : repository.files.get(path));
  const { report } = await syncing(rig.index(), { listed: true });
  expect(inShort(report)).toEqual({ fetched: ['large', 'small/a', 'small/b'], held: 0, refused: ['top: digest'] });
});

it('a role that cannot be had is refused by name, and what others list is held', async () => {
  served = (path) => (path.endsWith('1.small.json') ? undefined : repository.files.get(path));
  const { report } = await syncing(rig.index(), { listed: true });
  expect(inShort(report)).toEqual({ fetched: ['large', 'top'], held: 0, refused: ['small: mix-and-match'] });
});

it('one that is interrupted is told as no refusal', async () => {
  const leaving = new AbortController();
  served = (path) => {
    if (path.startsWith('targets/')) leaving.abort(new Error('the command was interrupted'));
    return repository.files.get(path);
  };
  const report = newReport();
  await rig.index().signed?.refresh();
  await runTargets({
    index: rig.index(),
    wanted: { listed: true, held: false },
    filters: filtersOf({}),
    caller: { ...internalCaller('main', 'sync'), signal: leaving.signal },
    attempt: (work) => work(),
    parallel: 1,
    report,
    fetches: true,
  });
  expect(leaving.signal.aborted).toBe(true);
  expect(inShort(report).refused).toBeUndefined();
  expect(report.progress.failed).toBe(0);
});
