import { afterEach, describe, expect, it } from 'vitest';
import { type IndexRig, startIndexRig } from '../rigs/index-rig.ts';
import { NOW } from '../rigs/mirror.ts';
import { type SignedRig, startSignedRig } from '../rigs/signed-rig.ts';
import { badGateway } from '../support/bad-days.ts';
import { client } from '../support/callers.ts';
import { createClock, DAY } from '../support/clock.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';

// A reference time is what expiry is judged as of. Time goes on all the same: nothing is waited for, aged or dated by it.

const ALPHA = tinyWheel('alpha');
const BETA = tinyWheel('alpha', '2.0');
/** While upstream's metadata is valid. */
const REFERENCE = NOW + 60;

let rig: SignedRig | IndexRig | undefined;
afterEach(async () => {
  await rig?.close();
  rig = undefined;
});

async function startSigned(): Promise<SignedRig> {
  const clock = createClock(NOW);
  clock.judgeAsOf(REFERENCE);
  const started = await startSignedRig({ clock, fill: (signed) => signed.upload('alpha', ALPHA) });
  rig = started;
  return started;
}

describe('a signed index with a reference time', () => {
  it('is proved as of then, however long ago that is', async () => {
    const mirror = await startSigned();
    await mirror.page('alpha');
    mirror.clock.advance(400 * DAY);
    await mirror.restart();
    expect(await mirror.names('alpha')).toEqual([ALPHA.filename]);
    expect((await mirror.get(mirror.path(ALPHA))).status).toBe(200);
    mirror.clock.judgeAsOf(undefined);
    expect(await mirror.refused('/simple/alpha/')).toBe('503 expired');
  });

  it('looks for new metadata as time goes on', async () => {
    const mirror = await startSigned();
    await mirror.page('alpha');
    mirror.signed.upload('alpha', BETA);
    mirror.signed.publish();
    mirror.clock.advance(61);
    await expect.poll(() => mirror.names('alpha'), { interval: 2 }).toEqual([ALPHA.filename, BETA.filename]);
  });

  it('recovers from a failure of a moment ago', async () => {
    const mirror = await startSigned();
    const timestamp = 'metadata/timestamp.json';
    mirror.instead(timestamp, undefined);
    expect(await mirror.refused('/simple/alpha/')).toMatch(/^50/);
    mirror.heal();
    // Right after it upstream is not asked again …
    expect(await mirror.refused('/simple/alpha/')).toMatch(/^50/);
    mirror.clock.advance(10);
    // … and later it is.
    expect(await mirror.names('alpha')).toEqual([ALPHA.filename]);
  });

  it('says when it was refreshed, and when that failed, by the time it was', async () => {
    const mirror = await startSigned();
    mirror.clock.advance(1000);
    await mirror.refresh();
    expect((await mirror.index().status()).lastRefresh).toBe(NOW + 1000);
    mirror.instead('metadata/timestamp.json', undefined);
    mirror.clock.advance(1000);
    await mirror.refresh();
    expect((await mirror.index().status()).lastError?.at).toBe(NOW + 2000);
  });

  it('is refused where that time is before what was accepted already', async () => {
    const mirror = await startSigned();
    mirror.clock.judgeAsOf(undefined);
    await mirror.page('alpha');
    mirror.clock.judgeAsOf(NOW - 61);
    expect(await mirror.refused('/simple/alpha/')).toBe('503 clock');
  });
});

describe('an index that signs nothing, with a reference time', () => {
  async function startUnsigned(): Promise<IndexRig> {
    const started = await startIndexRig({ fill: (pypi) => pypi.upload('alpha', ALPHA) });
    started.clock.judgeAsOf(REFERENCE);
    rig = started;
    return started;
  }

  it('has pages that age', async () => {
    const mirror = await startUnsigned();
    await mirror.page('alpha');
    mirror.pypi.upload('alpha', BETA);
    expect(await mirror.later('alpha')).toHaveLength(2);
  });

  it('asks again after upstream was away', async () => {
    const mirror = await startUnsigned();
    mirror.pypi.page('alpha', badGateway);
    expect(await mirror.refused('/simple/alpha/')).toMatch(/^50/);
    mirror.pypi.heal();
    mirror.clock.advance(10);
    expect(await mirror.names('alpha')).toEqual([ALPHA.filename]);
  });

  it('forgets after a minute that there is no such project', async () => {
    const mirror = await startUnsigned();
    await expect(mirror.index().page('beta', client())).rejects.toThrow('no project called beta');
    mirror.pypi.upload('beta', tinyWheel('beta'));
    await expect(mirror.index().page('beta', client())).rejects.toThrow('no project called beta');
    mirror.clock.advance(61);
    expect(await mirror.names('beta')).toHaveLength(1);
  });

  it('dates pins and events by the time it was', async () => {
    const mirror = await startUnsigned();
    mirror.clock.advance(1000);
    await mirror.page('alpha');
    expect((await mirror.pins('alpha')).get(ALPHA.filename)?.seen).toBe(NOW + 1000);
    mirror.pypi.remove('alpha', ALPHA.filename);
    mirror.pypi.upload('alpha', BETA);
    await mirror.later('alpha', 2000);
    const [entry] = await mirror.journal();
    expect(entry?.at).toBe(NOW + 3000);
  });
});
