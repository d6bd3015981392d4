import { randomBytes } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it, onTestFinished } from 'vitest';
import { actsOf } from '../../src/mirror/operator/acts.ts';
import { type IndexRig, startIndexRig } from '../rigs/index-rig.ts';
import { makeScratch } from '../rigs/mirror.ts';
import { asItIs, badGateway, emptied, withoutHeader } from '../support/bad-days.ts';
import { letAllGo } from '../support/let-go.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';

// A page that was let go to make room holds the next one to all that it said: what an attacker may do is the same as if it were there.

const ALPHA = tinyWheel('alpha');
const BETA = tinyWheel('alpha', '2.0');
const PROVENANCE = 'https://pypi.example/integrity/alpha/1.0/provenance';

let rig: IndexRig;
afterEach(() => rig.close());

/** A page of two files that came whole twice, one of which a client was sent; then it is let go, or it is not. */
async function start(isLetGo: boolean): Promise<void> {
  rig = await startIndexRig({
    fill(pypi) {
      pypi.upload('alpha', ALPHA, { provenance: PROVENANCE });
      pypi.upload('alpha', BETA, { yanked: 'broken' });
    },
  });
  await rig.page('alpha');
  expect((await rig.get(rig.path(ALPHA))).status).toBe(200);
  await rig.later('alpha');
  await rig.later('alpha');
  await letGo(isLetGo);
  rig.alarms();
}

/** What is in memory goes with it. */
async function letGo(isLetGo: boolean): Promise<void> {
  if (isLetGo) expect(await letAllGo(rig.data())).toBe(1);
  await rig.restart();
  rig.alarms();
}

/** The page a while later: what it lists, or why it is refused. */
async function later(seconds = 901): Promise<readonly string[] | string> {
  rig.clock.advance(seconds);
  const { status } = await rig.get('/simple/alpha/');
  if (status !== 200) return rig.refused('/simple/alpha/');
  return (await rig.page('alpha')).files.map(
    ({ filename, yanked, hashes }) => `${filename} ${yanked} ${hashes['sha256']}`,
  );
}

/** Without the name of a fetch, which is another each time. */
const kinds = async () =>
  (await rig.journal()).map(({ kind, file, before, after, reason }) => ({
    kind,
    file,
    before,
    after,
    reason: reason?.replace(/fetch [0-9a-f-]+/g, 'a fetch'),
  }));

/** The same with the page there and with the page let go: what is said, written down and pinned. */
async function bothWays(then: () => Promise<unknown>) {
  const outcomes: unknown[] = [];
  for (const isLetGo of [false, true]) {
    if (isLetGo) await rig.close();
    await start(isLetGo);
    const said = await then();
    const alarms = rig.alarms();
    const pins = [...(await rig.pins('alpha'))].map(([file, { digests, provisional, proved }]) => [
      file,
      [...digests],
      provisional,
      proved,
    ]);
    outcomes.push({ said, alarms, pins, journal: await kinds() });
  }
  const [there, gone] = outcomes;
  expect(gone).toEqual(there);
  return there;
}

const CHANGES: readonly { readonly what: string; readonly change: () => unknown }[] = [
  { what: 'nothing', change: () => undefined },
  { what: 'a new file', change: () => rig.pypi.upload('alpha', tinyWheel('alpha', '3.0')) },
  { what: 'a file that disappears', change: () => rig.pypi.remove('alpha', ALPHA.filename) },
  { what: 'another digest', change: () => rig.pypi.replace('alpha', tinyWheel('alpha', '1.0', 'other')) },
  {
    what: 'another digest of what was never sent',
    change: () => rig.pypi.replace('alpha', tinyWheel('alpha', '2.0', 'other')),
  },
  { what: 'a yank that is taken back', change: () => rig.pypi.edit('alpha', BETA.filename, { yanked: false }) },
  { what: 'a yank', change: () => rig.pypi.edit('alpha', ALPHA.filename, { yanked: 'broken, too' }) },
  { what: 'a lost time of upload', change: () => rig.pypi.drop('alpha', ALPHA.filename, 'upload-time') },
  { what: 'lost provenance', change: () => rig.pypi.drop('alpha', ALPHA.filename, 'provenance') },
  { what: 'lost core metadata', change: () => rig.pypi.drop('alpha', ALPHA.filename, 'core-metadata') },
  {
    what: 'other core metadata',
    change: () => rig.pypi.edit('alpha', ALPHA.filename, { 'core-metadata': { sha256: 'd'.repeat(64) } }),
  },
  { what: 'a bound on Python', change: () => rig.pypi.edit('alpha', ALPHA.filename, { 'requires-python': '>=99' }) },
  { what: 'quarantine', change: () => rig.pypi.quarantine('alpha', 'malware') },
  { what: 'a lost serial', change: () => rig.pypi.page('alpha', withoutHeader('x-pypi-last-serial')) },
];

describe('upstream comes with the same after a page was let go as if it were there', () => {
  it.each(CHANGES)('$what: believed, alarmed, pinned and written down alike', async ({ change }) => {
    await bothWays(async () => {
      change();
      return [await later(), await later()];
    });
  });

  it('one look that lacks everything, and a second that does not: alike', async () => {
    await bothWays(async () => {
      rig.pypi.upload('alpha', tinyWheel('alpha', '3.0'));
      rig.pypi.page('alpha', emptied, 1);
      return later();
    });
  });

  it('a project that disappears, and comes back as it was long ago: refused alike', async () => {
    await bothWays(async () => {
      const before = rig.pypi.remember('alpha');
      rig.pypi.upload('alpha', tinyWheel('alpha', '3.0'));
      const grown = [await later(), await later(), await later()];
      rig.pypi.removeProject('alpha');
      const gone = await later();
      rig.pypi.recall('alpha', before);
      return { grown, gone, back: await later() };
    });
  });
});

describe('a page that was let go', () => {
  it('does not come back below its serial', async () => {
    await start(true);
    rig.pypi.setSerial('alpha', 5);
    expect(await later()).toBe('502 regressed');
    expect(rig.alarms()).toContain('regressed page');
    await rig.restart();
    expect(await later()).toBe('502 regressed');
    rig.pypi.setSerial('alpha', 5000);
    expect(await later(5)).toHaveLength(2);
  });

  it('is refused where two looks at what lacks something disagree', async () => {
    await start(true);
    rig.pypi.page('alpha', emptied, 1);
    rig.pypi.page('alpha', badGateway, 3);
    expect(await later()).not.toBeInstanceOf(Array);
    rig.clock.advance(10);
    expect(await later()).toHaveLength(2);
  });

  it('still withholds a file with another digest than the one that was sent', async () => {
    await start(true);
    rig.pypi.replace('alpha', tinyWheel('alpha', '1.0', 'other'));
    expect(await later()).toEqual([expect.stringContaining(BETA.filename)]);
    expect(await rig.refused(rig.path(ALPHA))).toBe('403 changed');
  });

  it('is never served, and is whole again with the same bytes', async () => {
    await start(true);
    rig.pypi.page('alpha', badGateway, 9);
    expect(await rig.refused('/simple/alpha/')).toMatch(/^50[234] /);
    rig.pypi.heal();
    // Whole, whatever tag it is asked for with.
    rig.pypi.page('alpha', asItIs);
    rig.clock.advance(10);
    expect(await later()).toHaveLength(2);
    await rig.onDisk(async ({ pages }) => {
      expect(await pages.left('alpha')).toBeUndefined();
      // Twice before, and twice still.
      expect(await pages.load('alpha')).toMatchObject({ twice: true, project: 'alpha' });
    });
    expect(await letAllGo(rig.data())).toBe(1);
    expect(await letAllGo(rig.data())).toBe(0);
  });

  it('is an answer to an operator as one that is there is', async () => {
    await start(true);
    rig.pypi.setSerial('alpha', 5);
    await rig.onDisk(async ({ state }) => {
      const place = { state, now: rig.clock.now() };
      for (const act of await actsOf(place, { project: 'alpha', file: undefined, change: { serial: '5' } }))
        await act.carryOut();
    });
    expect(await later()).toHaveLength(2);
  });

  it('may be let go while a server has it in memory, which goes on serving and asking', async () => {
    await start(false);
    expect(await later()).toHaveLength(2);
    expect(await letAllGo(rig.data())).toBe(1);
    expect((await rig.page('alpha')).files).toHaveLength(2);
    rig.pypi.upload('alpha', tinyWheel('alpha', '3.0'));
    expect(await later()).toHaveLength(3);
    rig.pypi.setSerial('alpha', 5);
    expect(await later()).toHaveLength(3);
    expect(rig.alarms()).toContain('regressed page');
  });

  it('keeps its floor under a seal', async () => {
    const scratch = await makeScratch();
    onTestFinished(() => rm(scratch, { recursive: true, force: true }));
    const sealKey = randomBytes(32);
    const seal = { key: join(scratch, 'key'), epoch: join(scratch, 'epoch') };
    await writeFile(seal.key, sealKey, { mode: 0o600 });
    rig = await startIndexRig({ fill: (pypi) => pypi.upload('alpha', ALPHA), seal });
    await rig.page('alpha');
    await rig.later('alpha');
    await rig.later('alpha');
    expect(await letAllGo(rig.data(), { sealKey, sealEpochFile: seal.epoch })).toBe(1);
    await rig.restart();
    rig.pypi.setSerial('alpha', 5);
    expect(await later()).toBe('502 regressed');
  });
});
