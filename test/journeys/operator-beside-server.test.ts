import { afterEach, describe, expect, it } from 'vitest';
import { actsOf, type ChangeFlags } from '../../src/mirror/operator/acts.ts';
import { type IndexRig, startIndexRig } from '../rigs/index-rig.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';

// An operator decides beside a server that has a page of the same project on its way.

const ALPHA = tinyWheel('alpha');
const BETA = tinyWheel('alpha', '2.0');

let rig: IndexRig;
afterEach(() => rig.close());

const start = async () => {
  rig = await startIndexRig({
    fill: (pypi) => {
      pypi.upload('alpha', ALPHA);
      pypi.upload('alpha', BETA);
    },
  });
  await rig.page('alpha');
};

const stored = () => rig.onDisk(({ pages }) => pages.load('alpha'));

const decide = (change: ChangeFlags, file?: string) =>
  rig.onDisk(async ({ state }) => {
    const acts = await actsOf({ state, now: rig.clock.now() }, { project: 'alpha', file, change });
    expect(acts).toHaveLength(1);
    for (const act of acts) await act.carryOut();
  });

/** What is decided while the next answer of upstream is on its way; resolves to what the client then gets. */
async function during(decision: () => Promise<unknown>): Promise<readonly string[]> {
  const arrived = Promise.withResolvers<void>();
  rig.pypi.index.fault('/simple/alpha/', { kind: 'wait', until: arrived.promise }, 1);
  const before = rig.pypi.asked('alpha').length;
  const answered = rig.later('alpha');
  await expect.poll(() => rig.pypi.asked('alpha').length, { interval: 2 }).toBe(before + 1);
  await decision();
  arrived.resolve();
  return (await answered).map(({ filename }) => filename);
}

describe('an operator who decides while a page is on its way', () => {
  it('is not written over by what the server saves: the floor it lowered stays lowered', async () => {
    await start();
    const { serial, seenSerial } = (await stored()) ?? {};
    expect(Math.max(serial ?? 0, seenSerial ?? 0)).toBeGreaterThan(3);
    expect(await during(() => decide({ serial: '3' }))).toEqual([ALPHA.filename, BETA.filename]);
    expect((await stored())?.serial).toBe(3);
  });

  it('is followed by the very refresh that was under way', async () => {
    await start();
    rig.pypi.remove('alpha', BETA.filename);
    rig.alarms();
    expect(await during(() => decide({ removed: true }, BETA.filename))).toEqual([ALPHA.filename]);
    // The first look lacked the file before anybody accepted that; what was stored then was the operator's word.
    expect((await stored())?.accepted ?? []).toEqual([]);
    expect((await rig.journal()).map(({ kind }) => kind)).toEqual(['removed']);
  });
});
