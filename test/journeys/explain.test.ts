import { afterEach, expect, it } from 'vitest';
import { explanationText } from '../../src/cli/explain.ts';
import { type SignedRig, startSignedRig } from '../rigs/signed-rig.ts';
import { client } from '../support/callers.ts';
import { reasonOf } from '../support/client.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';

// What `explain` says must be true of this mirror as it is configured, at this moment.

const ALPHA = tinyWheel('alpha');

let rig: SignedRig;
afterEach(() => rig.close());

it.each([true, false])('a pin is claimed only where files are held to it (reuploads: %s)', async (reuploads) => {
  rig = await startSignedRig({ fill: (signed) => signed.upload('alpha', ALPHA), index: { reuploads } });
  for (const name of ['alpha', ALPHA.filename]) {
    const explanation = await rig.index().explain(name, client());
    expect(explanation.reuploads).toBe(reuploads);
    expect(/pinned here/i.test(explanationText(explanation, rig.clock.now()))).toBe(!reuploads);
  }
});

it('a file whose page cannot be had is not said to be unlisted', async () => {
  rig = await startSignedRig({ fill: (signed) => signed.upload('alpha', ALPHA) });
  expect(await reasonOf(rig.index().explain('beta-1.0-py3-none-any.whl', client()))).toBe('unlisted');
  rig.upstream.fault(rig.storedPage('alpha'), { kind: 'status', status: 500 });
  expect(await reasonOf(rig.index().explain(ALPHA.filename, client()))).toBe('unreachable');
});
