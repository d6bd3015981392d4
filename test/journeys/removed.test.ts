import { afterEach, describe, expect, it } from 'vitest';
import type { Jobs } from '../../src/app/scrubbing/jobs.ts';
import { type IndexRig, startIndexRig } from '../rigs/index-rig.ts';
import type { FakePypi } from '../support/fake-pypi.ts';
import { lookThrough } from '../support/look-through.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';

// What upstream takes away is gone here: out of pages and by its address, in a bounded time, and that is told.

const GOOD = tinyWheel('alpha');
const BAD = tinyWheel('alpha', '2.0');
const BETA = tinyWheel('beta');
const MAX_AGE = 600;
/** A page is served for five minutes more while upstream is asked behind. */
const BOUND = MAX_AGE + 300;
const HOUR = 3600;

let rig: IndexRig;
const running: (Jobs | undefined)[] = [];
afterEach(async () => {
  for (const jobs of running.splice(0)) await jobs?.close();
  await rig.close();
});

async function holding(): Promise<void> {
  rig = await startIndexRig({
    fill: (pypi) => {
      pypi.upload('alpha', GOOD);
      pypi.upload('alpha', BAD);
      pypi.upload('beta', BETA);
    },
    index: { maxAge: MAX_AGE },
  });
  for (const file of [GOOD, BAD, BETA]) expect(await status(file)).toBe(200);
}

const status = async (file: typeof GOOD) => (await rig.get(rig.path(file))).status;

const WAYS: readonly (readonly [string, (pypi: FakePypi) => void, string, number])[] = [
  ['a release of a project that stays active', (pypi) => pypi.remove('alpha', BAD.filename), 'files', 404],
  ['a project', (pypi) => pypi.removeProject('alpha'), 'project', 404],
  ['a project that is quarantined', (pypi) => pypi.quarantine('alpha', 'malware'), 'quarantined', 403],
];

describe.each(WAYS)('%s', (_, takeAway, kind, refused) => {
  it('is gone by its address at the bound, though nobody asked for anything since', async () => {
    await holding();
    takeAway(rig.pypi);
    rig.clock.advance(BOUND);
    expect(await status(BAD)).toBe(refused);
    expect(rig.events.gone).toMatchObject([{ index: 'main', project: 'alpha', kind, seconds: BOUND }]);
    expect(await status(BETA)).toBe(200);
  });

  it('is gone before that where only file addresses are asked for', async () => {
    await holding();
    takeAway(rig.pypi);
    rig.clock.advance(MAX_AGE + 1);
    // Served once more, and upstream is asked behind it.
    await status(GOOD);
    await expect.poll(() => status(BAD), { timeout: 60_000 }).toBe(refused);
    expect(rig.events.gone).toMatchObject([{ project: 'alpha', kind, seconds: MAX_AGE + 1 }]);
  });

  it('is gone within a day where nobody asks for it at all', async () => {
    await holding();
    takeAway(rig.pypi);
    rig.clock.advance(12 * HOUR);
    look();
    await expect.poll(() => rig.events.gone.length, { timeout: 60_000 }).toBe(1);
    await rig.restart();
    await rig.goOffline();
    expect(await status(BAD)).not.toBe(200);
    expect(await status(BETA)).toBe(200);
  });
});

describe('an upstream that is away', () => {
  it('takes nothing away: what is held is served, which is told, and what it took meanwhile is gone when it is back', async () => {
    await holding();
    rig.pypi.remove('alpha', BAD.filename);
    rig.pypi.page('alpha', () => ({ status: 503, headers: {}, body: Buffer.from('') }));
    rig.clock.advance(12 * HOUR);
    expect(await status(BAD)).toBe(200);
    expect(rig.events.stale).toMatchObject([{ state: 'away', thing: 'alpha' }]);
    expect(rig.events.gone).toEqual([]);
    look();
    await expect.poll(() => rig.events.lookedThrough, { timeout: 60_000 }).toMatchObject([{ asked: 2, failed: 1 }]);
    rig.pypi.heal();
    rig.clock.advance(HOUR);
    expect(await status(BAD)).toBe(404);
    expect(rig.events.gone).toMatchObject([{ project: 'alpha', kind: 'files', files: 1, seconds: 13 * HOUR }]);
  });
});

describe('the slow look at what is held', () => {
  it('asks about each page once in a round, and of what was asked for lately not at all', async () => {
    await holding();
    rig.clock.advance(12 * HOUR);
    await rig.page('beta');
    const asked = () => [rig.pypi.asked('alpha').length, rig.pypi.asked('beta').length];
    const before = asked();
    const ended = look();
    await ended;
    expect(asked()).toEqual([(before[0] ?? 0) + 1, before[1]]);
    expect(rig.events.lookedThrough).toMatchObject([{ index: 'main', asked: 1, failed: 0 }]);
  });
});

/** Begins it; resolves when its first round is through. */
function look(): Promise<void> {
  const { jobs, through } = lookThrough(rig);
  running.push(jobs);
  return through;
}
