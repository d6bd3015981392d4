import { afterEach, describe, expect, it } from 'vitest';
import type { Jobs } from '../../src/app/scrubbing/jobs.ts';
import type { SignedIndexConfig } from '../../src/config/config.ts';
import { type SignedRig, startSignedRig } from '../rigs/signed-rig.ts';
import { lookThrough } from '../support/look-through.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';

// What a signed index offers no longer is gone here as well: out of pages, by its address and as a target, in a bounded time, and that is told.

const GOOD = tinyWheel('alpha');
const BAD = tinyWheel('alpha', '2.0');
const BETA = tinyWheel('beta');
const REFRESH = 600;
/** What the index signed last is served for five minutes more while it is asked behind. */
const BOUND = REFRESH + 300;
const HOUR = 3600;
const SHORT = { index: { refresh: REFRESH } } as const;

let rig: SignedRig;
const running: (Jobs | undefined)[] = [];
afterEach(async () => {
  for (const jobs of running.splice(0)) await jobs?.close();
  await rig.close();
});

async function holding(index: Partial<SignedIndexConfig> = SHORT.index): Promise<void> {
  rig = await startSignedRig({
    fill(signed) {
      signed.upload('alpha', GOOD, BAD);
      signed.upload('beta', BETA);
    },
    index,
  });
  for (const file of [GOOD, BAD, BETA]) expect(await status(rig.path(file))).toBe(200);
}

const status = async (path: string) => (await rig.get(path)).status;
const target = (file: typeof BAD) => `/tuf/targets/${rig.signed.filePath(file)}`;

function removeFile(): void {
  rig.signed.remove('alpha', BAD.filename);
  rig.signed.publish();
}

function removeProject(): void {
  for (const { filename } of [GOOD, BAD]) rig.signed.remove('alpha', filename);
  rig.signed.publish();
  const path = rig.signed.pagePath('alpha');
  rig.signed.repository.removeTarget(rig.signed.roleFor('alpha', path), path);
  rig.signed.repository.publish();
}

function quarantine(): void {
  const page = { ...JSON.parse(Buffer.from(rig.signed.page('alpha')).toString()), 'project-status': MALWARE };
  rig.signPage('alpha', Buffer.from(JSON.stringify(page)));
  rig.signed.publish();
}

const MALWARE = { status: 'quarantined', reason: 'malware' };

const WAYS: readonly (readonly [string, () => void, string, number, number])[] = [
  ['a release of a project that stays', removeFile, 'files', 1, 404],
  ['a project', removeProject, 'project', 0, 404],
  ['a project that is quarantined', quarantine, 'quarantined', 0, 403],
];

describe.each(WAYS)('%s', (_, takeAway, kind, files, refused) => {
  it('is gone by its address and as a target at the bound, though nobody asked for anything since', async () => {
    await holding();
    takeAway();
    rig.clock.advance(BOUND);
    expect(await status(rig.path(BAD))).toBe(refused);
    expect(await status(target(BAD))).toBe(refused);
    expect(rig.events.gone).toMatchObject([
      { index: 'main', project: 'alpha', kind, files, seconds: BOUND, servedOn: false },
    ]);
    expect(await status(rig.path(BETA))).toBe(200);
  });

  it('is told once, whatever is asked for afterwards, and after a restart', async () => {
    await holding();
    takeAway();
    rig.clock.advance(BOUND);
    for (let time = 0; time < 2; time++) {
      for (const file of [GOOD, BAD]) await rig.get(rig.path(file));
      await rig.get('/simple/alpha/');
      expect(rig.events.gone).toHaveLength(1);
      await rig.restart();
    }
  });

  it('is gone within a day where nobody asks for it at all', async () => {
    await holding();
    takeAway();
    rig.clock.advance(12 * HOUR);
    await look();
    expect(rig.events.gone).toMatchObject([{ project: 'alpha', kind, seconds: 12 * HOUR }]);
    expect(rig.events.lookedThrough).toMatchObject([{ index: 'main', asked: 3, failed: 0 }]);
  });

  it('is told of after a restart as well, and then at most so long after its newest file was seen', async () => {
    await holding();
    takeAway();
    rig.clock.advance(2 * HOUR);
    await rig.restart();
    expect(await status(rig.path(BAD))).toBe(refused);
    expect(rig.events.gone).toMatchObject([{ project: 'alpha', kind, seconds: 2 * HOUR }]);
  });
});

it('what is offered again is served again, which the journal says, and is told of when it goes again', async () => {
  await holding();
  removeFile();
  rig.clock.advance(BOUND);
  expect(await status(rig.path(BAD))).toBe(404);
  rig.signed.upload('alpha', BAD);
  rig.signed.publish();
  rig.clock.advance(BOUND);
  expect(await status(rig.path(BAD))).toBe(200);
  expect(rig.events.changed.filter(({ kind }) => kind === 'returned')).toHaveLength(1);
  removeFile();
  rig.clock.advance(BOUND);
  expect(await status(rig.path(BAD))).toBe(404);
  expect(rig.events.gone).toHaveLength(2);
});

it('where the operator keeps what is removed, its address is served on and its target is not, and that is what is told', async () => {
  await holding({ ...SHORT.index, removed: 'serve' });
  removeFile();
  rig.clock.advance(BOUND);
  expect(await status(rig.path(BAD))).toBe(200);
  expect(await status(target(BAD))).toBe(404);
  expect(rig.events.gone).toMatchObject([{ kind: 'files', servedOn: true }]);
});

it('an index that is away takes nothing away: what it signed is served until that expires, and what it took is told when it is back', async () => {
  await holding();
  removeFile();
  rig.upstream.fault('*', { kind: 'status', status: 503 });
  rig.clock.advance(12 * HOUR);
  await look();
  expect(rig.events.lookedThrough).toMatchObject([{ failed: 1 }]);
  expect(await status(rig.path(BAD))).toBe(200);
  expect(rig.events.gone).toEqual([]);
  rig.upstream.heal();
  rig.clock.advance(HOUR);
  expect(await status(rig.path(BAD))).toBe(404);
  expect(rig.events.gone).toMatchObject([{ kind: 'files', files: 1 }]);
});

describe('the slow look at what is held', () => {
  it('refreshes an index that nobody has asked about for half a day, and asks for no page that has not changed', async () => {
    await holding();
    await look();
    const before = rig.events.refreshed.length;
    rig.clock.advance(12 * HOUR);
    const pages = () => rig.upstream.requests.filter(({ url }) => url.includes('simple')).length;
    const asked = pages();
    await look();
    expect(rig.events.refreshed).toHaveLength(before + 1);
    expect(pages()).toBe(asked);
    expect(rig.events.gone).toEqual([]);
  });
});

/** Begins it; resolves when its first round is through. */
async function look(): Promise<void> {
  const { jobs, through } = lookThrough(rig);
  running.push(jobs);
  await through;
}
