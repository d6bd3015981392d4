import { afterEach, expect, it } from 'vitest';
import type { Jobs } from '../../../src/app/scrubbing/jobs.ts';
import { type ImportRig, startImportRig } from '../../rigs/import-rig.ts';
import { DAY } from '../../support/clock.ts';
import { lookThrough } from '../../support/look-through.ts';
import { tinyWheel } from '../../support/tiny-wheel.ts';

// What a bundle says that an index has no longer is gone here, and that is told, as where upstream is asked.

const ALPHA = tinyWheel('alpha');
const ALPHA2 = tinyWheel('alpha', '2.0');
const BETA = tinyWheel('beta');

const open: ImportRig[] = [];
const running: (Jobs | undefined)[] = [];
afterEach(async () => {
  for (const jobs of running.splice(0)) await jobs?.close();
  for (const rig of open.splice(0)) await rig.close();
});

/** An index that took one bundle, of which everything was asked for. */
async function holding(): Promise<ImportRig> {
  const rig = await startImportRig();
  open.push(rig);
  rig.sender.put('alpha', ALPHA, ALPHA2);
  rig.sender.put('beta', BETA);
  rig.sender.list('alpha', 'beta');
  await bring(rig);
  expect(await rig.names('alpha')).toHaveLength(2);
  expect(await rig.names('beta')).toHaveLength(1);
  return rig;
}

async function bring(rig: ImportRig): Promise<void> {
  await rig.take([(await rig.sender.bundle()).whole]);
}

it('a file that its page lacks is told of once, whoever asks, and after a restart', async () => {
  const rig = await holding();
  rig.sender.put('alpha', ALPHA);
  await bring(rig);
  for (let time = 0; time < 2; time++) {
    expect(await rig.names('alpha')).toEqual([ALPHA.filename]);
    expect(rig.events.gone).toMatchObject([
      // Upstream stood by the first bundle ten days before it was imported.
      { index: 'main', project: 'alpha', kind: 'files', files: 1, seconds: 10 * DAY, servedOn: false },
    ]);
    expect(rig.events.changed).toMatchObject([{ kind: 'removed', project: 'alpha' }]);
    await rig.restart();
  }
});

it('a file that is back is told of, and again when it goes again', async () => {
  const rig = await holding();
  for (const wheels of [[ALPHA], [ALPHA, ALPHA2], [ALPHA]]) {
    rig.sender.put('alpha', ...wheels);
    await bring(rig);
    expect(await rig.names('alpha')).toHaveLength(wheels.length);
  }
  expect(rig.events.changed.map(({ kind }) => kind)).toEqual(['removed', 'returned', 'removed']);
  expect(rig.events.gone.map(({ seconds }) => seconds)).toEqual([10 * DAY, 8 * DAY]);
});

it('a project that the list lacks is told of; one that was only not carried is not', async () => {
  const rig = await holding();
  rig.sender.put('alpha');
  rig.sender.put('beta');
  rig.sender.list('beta');
  rig.sender.put('gamma', tinyWheel('gamma'));
  await bring(rig);
  expect(await rig.refused('/simple/alpha/')).toMatch(/^404/);
  expect(await rig.refused('/simple/beta/')).toBe('503 offline');
  expect(rig.events.gone).toMatchObject([{ project: 'alpha', kind: 'project', files: 0, seconds: 10 * DAY }]);
});

it('is told where nobody asks, and also after a restart, without a round that failed', async () => {
  const rig = await holding();
  rig.sender.put('alpha', ALPHA);
  rig.sender.put('beta');
  await bring(rig);
  await rig.restart();
  expect(rig.events.gone).toEqual([]);
  const { jobs, through } = lookThrough(rig);
  running.push(jobs);
  await through;
  expect(rig.events.gone).toMatchObject([{ project: 'alpha', kind: 'files', seconds: 10 * DAY }]);
  expect(rig.events.lookedThrough).toEqual([]);
});
