import { afterEach, describe, expect, it } from 'vitest';
import { type IndexRig, type IndexRigOptions, startIndexRig } from '../rigs/index-rig.ts';
import { TIMEOUTS } from '../support/timeouts.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';

// What clients see of an upstream that is slow.

const ALPHA = tinyWheel('alpha');

let rig: IndexRig;
afterEach(() => rig.close());

const start = async (options: IndexRigOptions = {}) => {
  rig = await startIndexRig({ fill: (pypi) => pypi.upload('alpha', ALPHA), ...options });
};

describe('an index whose waits are configured', () => {
  it('is given up after them, and the log names the setting', async () => {
    await start({ index: { timeouts: { ...TIMEOUTS, fileFirstByte: 1 } } });
    rig.pypi.files.fault(rig.pypi.storedAt(ALPHA), { kind: 'stall', at: 'headers' });
    await rig.page('alpha');
    expect(await rig.refused(rig.path(ALPHA))).toBe('503 slow');
    const [told] = rig.events.rejected.map(({ message }) => message);
    expect(told).toContain('within 1 seconds');
    expect(told).toContain('timeouts: first_byte, file_first_byte');
  });
});
