import { afterEach, expect, it } from 'vitest';
import { type SignedRig, startSignedRig } from '../rigs/signed-rig.ts';
import { lookThrough } from '../support/look-through.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';

// A signed index is asked about as a whole.

const GOOD = tinyWheel('alpha');
const BAD = tinyWheel('alpha', '2.0');

let rig: SignedRig;
afterEach(() => rig.close());

it('a signed index that nobody has asked about for half a day is refreshed, so that what it no longer signs is gone', async () => {
  rig = await startSignedRig({ fill: (index) => index.upload('alpha', GOOD, BAD) });
  expect((await rig.get(rig.path(BAD))).status).toBe(200);
  const look = async () => {
    const { jobs, through } = lookThrough(rig);
    await through;
    await jobs?.close();
  };
  const before = rig.events.refreshed.length;
  await look();
  expect(rig.events.refreshed).toHaveLength(before);
  rig.signed.remove('alpha', BAD.filename);
  rig.signed.publish();
  rig.clock.advance(12 * 3600);
  await look();
  expect(rig.events.refreshed).toHaveLength(before + 1);
  expect(rig.events.lookedThrough).toMatchObject([{ index: 'main', asked: 1, failed: 0 }]);
  for (const path of [rig.path(BAD), `/tuf/targets/${rig.signed.filePath(BAD)}`])
    expect((await rig.get(path)).status).toBe(404);
});
