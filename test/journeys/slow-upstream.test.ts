import { randomBytes } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import type { IndexFile } from '../../src/repository/index-pages.ts';
import { type IndexRig, type IndexRigOptions, startIndexRig } from '../rigs/index-rig.ts';
import { TIMEOUTS } from '../support/timeouts.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';

// What clients see of an upstream that is slow.

const ALPHA = tinyWheel('alpha');

const largeWheel = (): IndexFile => {
  const { filename } = tinyWheel('alpha', '2.0');
  return { filename, bytes: randomBytes(3_000_000) };
};

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

describe('a file from a slow line', () => {
  it('goes on where it was given up, by a Range, after the clients left and the mirror was started again', async () => {
    const file = largeWheel();
    await start({ index: { timeouts: { ...TIMEOUTS, fileSilence: 1 } } });
    rig.pypi.upload('alpha', file);
    const at = rig.pypi.storedAt(file);
    rig.pypi.files.fault(at, { kind: 'stall', at: 1_500_000 }, 1);
    rig.pypi.files.fault(at, { kind: 'stall', at: 100_000 }, 2);
    await rig.page('alpha');
    expect(await rig.refused(rig.path(file))).toBe('503 slow');
    await rig.restart();
    expect((await rig.get(rig.path(file))).body.equals(file.bytes)).toBe(true);
    expect(rig.pypi.files.asked(at).map(({ headers }) => headers.range)).toEqual([
      undefined,
      'bytes=1500000-',
      'bytes=1600000-',
      'bytes=1700000-',
    ]);
  });
});

describe('a file that stands still for ever after its half', () => {
  it('is refused after three silences, however long a connection may take to answer, and goes on when it moves again', async () => {
    const file = largeWheel();
    await start({ index: { timeouts: { ...TIMEOUTS, fileFirstByte: 3600, fileSilence: 1 } } });
    rig.pypi.upload('alpha', file);
    const at = rig.pypi.storedAt(file);
    rig.pypi.files.fault(at, { kind: 'stall', at: 1_500_000 }, 1);
    // From then on connections are taken, and nothing is answered on them.
    rig.pypi.files.fault(at, { kind: 'stall', at: 'headers' });
    await rig.page('alpha');
    expect(await rig.refused(rig.path(file))).toBe('503 slow');
    expect(rig.events.rejected.map(({ reason }) => reason)).toEqual(['slow']);
    rig.pypi.files.heal();
    await rig.restart();
    expect((await rig.get(rig.path(file))).body.equals(file.bytes)).toBe(true);
    const asked = rig.pypi.files.asked(at);
    expect(asked.map(({ headers }) => headers.range)).toEqual([undefined, ...Array(3).fill('bytes=1500000-')]);
    expect(new Set(asked.map(({ connection }) => connection)).size).toBe(4);
  });
});

describe('a file that comes without a length, cut in half', () => {
  it.each([
    ['whose size is listed', false],
    ['whose size nobody says', true],
  ])('%s is refused as that, and comes with the next request', async (_, plainHtml) => {
    const file = largeWheel();
    await start({ plainHtml });
    rig.pypi.upload('alpha', file);
    const at = rig.pypi.storedAt(file);
    rig.pypi.files.fault(at, { kind: 'truncate', at: 1000, framing: 'close' });
    await rig.page('alpha');
    expect(await rig.refused(rig.path(file))).toBe('503 truncated');
    expect(rig.events.rejected.map(({ reason }) => reason)).toEqual(['truncated']);
    rig.pypi.files.heal();
    expect((await rig.get(rig.path(file))).body.equals(file.bytes)).toBe(true);
  });
});

describe('a file that is larger than the whole cache', () => {
  it('and says no size is told as what it is to everybody, for one download', async () => {
    const file = largeWheel();
    await start({ maxBytes: 2_000_000, plainHtml: true });
    rig.pypi.upload('alpha', file);
    await rig.page('alpha');
    for (let asked = 0; asked < 3; asked++) expect(await rig.refused(rig.path(file))).toBe('502 limit');
    expect(rig.pypi.files.asked(rig.pypi.storedAt(file))).toHaveLength(1);
    expect(rig.events.rejected.some(({ message }) => message.includes('cache.max_bytes'))).toBe(true);
    expect((await rig.get(rig.path(ALPHA))).status).toBe(200);
  });

  it('and says its size is served to whoever asks', async () => {
    const file = largeWheel();
    await start({ maxBytes: 2_000_000 });
    rig.pypi.upload('alpha', file);
    await rig.page('alpha');
    for (let asked = 0; asked < 2; asked++) expect((await rig.get(rig.path(file))).body.equals(file.bytes)).toBe(true);
  });
});
