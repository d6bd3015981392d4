import { afterEach, describe, expect, it } from 'vitest';
import type { Face } from '../rigs/mirror.ts';
import { type SignedRig, startSignedRig } from '../rigs/signed-rig.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';

// Several processes on one data directory are the same program, and none takes the others back.

const ALPHA = tinyWheel('alpha');
/** More than what lies in the database of small files, which is written a moment later. */
const LARGE = { filename: 'alpha-1.5-py3-none-any.whl', bytes: Buffer.alloc(100_000, 'large') };

let rig: SignedRig;
afterEach(() => rig.close());

/** Two mirrors that both have the first publication, and no refresh under way. */
async function startTwo(): Promise<Face> {
  rig = await startSignedRig({ fill: (signed) => signed.upload('alpha', ALPHA, LARGE) });
  await rig.page('alpha');
  const twin = await rig.twin();
  await twin.page('alpha');
  // The page is served from what was stored, and a refresh runs behind it.
  await twin.refresh();
  return twin;
}

const versions = async (face: Face) => (await face.page('alpha')).versions;

describe('two mirrors on one data directory', () => {
  it('serve the same, and share at once what one of them fetched', async () => {
    const twin = await startTwo();
    for (const face of [rig, twin]) expect((await face.get(rig.path(LARGE))).body.equals(LARGE.bytes)).toBe(true);
    expect(rig.upstream.asked(rig.storedFile(LARGE))).toHaveLength(1);
  });

  it('share small files when they are written, at the latest when the one that fetched them ends', async () => {
    const twin = await startTwo();
    expect((await rig.get(rig.path(ALPHA))).body.equals(ALPHA.bytes)).toBe(true);
    await rig.stop();
    expect((await twin.get(rig.path(ALPHA))).body.equals(ALPHA.bytes)).toBe(true);
    expect(rig.upstream.asked(rig.storedFile(ALPHA))).toHaveLength(1);
  });

  it('that publish the same generation both have it', async () => {
    const twin = await startTwo();
    rig.signed.upload('alpha', tinyWheel('alpha', '2.0'));
    rig.signed.publish();
    rig.clock.advance(60);
    await Promise.all([rig.refresh(), twin.refresh()]);
    for (const each of [rig, twin]) expect(await versions(each)).toEqual(['1.0', '1.5', '2.0']);
    await rig.restart();
    expect(await versions(rig)).toEqual(['1.0', '1.5', '2.0']);
  });

  it('the one that is shown an older state goes on to what the other published', async () => {
    const twin = await startTwo();
    rig.signed.upload('alpha', tinyWheel('alpha', '2.0'));
    rig.signed.publish();
    const second = rig.save();
    rig.signed.upload('alpha', tinyWheel('alpha', '3.0'));
    await rig.publish();
    await rig.page('alpha');
    rig.replay(second);
    await twin.refresh();
    expect(await versions(twin)).toEqual(['1.0', '1.5', '2.0', '3.0']);
    await rig.restart();
    expect(await versions(rig)).toEqual(['1.0', '1.5', '2.0', '3.0']);
  });

  it('the one that is overtaken at each publication ends its refresh all the same', async () => {
    const twin = await startTwo();
    const timestamp = '/metadata/timestamp.json';
    let overtaken = 0;
    /** The next question for the timestamp is answered when upstream has published and the twin has followed. */
    const overtake = () => {
      const followed = Promise.withResolvers<void>();
      rig.upstream.fault(timestamp, { kind: 'wait', until: followed.promise }, 1);
      rig.upstream.reached(timestamp, rig.upstream.asked(timestamp).length + 1).then(async () => {
        overtaken++;
        rig.signed.upload('alpha', tinyWheel('alpha', `${overtaken + 1}.0`));
        rig.signed.publish();
        await twin.refresh();
        if (overtaken < 10) overtake();
        followed.resolve();
      });
    };
    overtake();
    await rig.refresh();
    expect(overtaken).toBe(4);
    const newest = rig.published('metadata/timestamp.json');
    for (const each of [rig, twin])
      expect((await each.get('/tuf/metadata/timestamp.json')).body.equals(newest)).toBe(true);
    expect(await versions(twin)).toEqual(['1.0', '1.5', '2.0', '3.0', '4.0', '5.0']);
  });

  it('hold each other to what either has seen first', async () => {
    const twin = await startTwo();
    rig.signed.upload('alpha', tinyWheel('alpha', '2.0'));
    await rig.publish();
    await rig.page('alpha');
    rig.signed.upload('alpha', tinyWheel('alpha', '2.0', 'evil'));
    rig.signed.publish();
    rig.clock.advance(60);
    await twin.refresh();
    expect(await versions(twin)).toEqual(['1.0', '1.5']);
  });

  it('follow the same rotation of keys', async () => {
    const twin = await startTwo();
    rig.signed.repository.publishRoot();
    rig.signed.upload('alpha', tinyWheel('alpha', '2.0'));
    await rig.publish();
    await twin.refresh();
    for (const each of [rig, twin])
      expect((await each.get('/tuf/metadata/2.root.json')).body.equals(rig.published('metadata/2.root.json'))).toBe(
        true,
      );
  });
});
