import { afterEach, describe, expect, it } from 'vitest';
import { Repository } from '../../src/repository/repository.ts';
import { KEYS, type SignedRig, type SignedRigOptions, startSignedRig } from '../rigs/signed-rig.ts';
import { reasonOf } from '../support/client.ts';
import { authority } from '../support/keys.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';

// What a start, and a relay, make of trust that is stored as it should be and does not prove what it says.

const ALPHA = tinyWheel('alpha');

let rig: SignedRig;
afterEach(() => rig.close());

const start = async (options: SignedRigOptions = {}) => {
  rig = await startSignedRig({ fill: (signed) => signed.upload('alpha', ALPHA), ...options });
  await rig.page('alpha');
};

/** A document of the same name, signed by somebody else's keys or by some of the true ones. */
function signedBy(names: Partial<typeof KEYS>, name: string, version = 1): Uint8Array {
  const thief = authority(['thief']);
  const keys = { root: thief, targets: thief, online: thief, ...names };
  const repository = new Repository({
    authorities: { root: keys.root, targets: keys.targets, snapshot: keys.online, timestamp: keys.online },
    now: rig.clock.now,
  });
  repository.timestamp.version = version;
  repository.publish();
  return repository.files.get(`metadata/${name}`) ?? new Uint8Array();
}

/** Upstream has another key for the timestamp; of all it publishes then, the mirror got the new root, and pins it. */
async function rotateAndPin(): Promise<void> {
  rig.signed.repository.rotate('timestamp', authority(['another timestamp']));
  await rig.publish();
  await rig.stop();
  rig.heal();
  await rig.start({ root: rig.published('metadata/2.root.json') });
}

describe('a start from trust that is whole on disk', () => {
  it.each(['timestamp', 'snapshot', 'targets'] as const)('is refused where strangers signed its %s', async (role) => {
    await start();
    await rig.stop();
    await rig.onTrust(async (trust) => {
      const stored = await trust.load();
      if (stored === undefined) throw new Error('nothing was published');
      const planted = signedBy({}, role === 'timestamp' ? 'timestamp.json' : `1.${role}.json`);
      const { current, roots: _, ...rest } = { ...stored, publishedAt: stored.acceptedAt };
      await trust.publish({ ...rest, snapshotVersion: 1, targetsVersion: 1, [role]: planted }, current);
    });
    expect(await reasonOf(rig.start())).toBe('state');
  });

  it('is refused where a root that it rests on is nowhere', async () => {
    await start();
    await rig.stop();
    await rig.onTrust(async (trust) => {
      const stored = await trust.load();
      if (stored === undefined) throw new Error('nothing was published');
      const { current, roots: _, ...rest } = { ...stored, publishedAt: stored.acceptedAt };
      await trust.publish({ ...rest, rootVersion: 2, snapshotVersion: 1, targetsVersion: 1 }, current);
    });
    expect(await reasonOf(rig.start())).toBe('state');
  });

  it('is refused where strangers signed the newest timestamp it remembers', async () => {
    await start();
    await rig.stop();
    const bytes = signedBy({}, 'timestamp.json', 9);
    await rig.onTrust((trust) => trust.keepTimestamp({ rootVersion: 1, version: 9, bytes }));
    expect(await reasonOf(rig.start())).toBe('state');
  });

  it('goes on where all it remembers is a timestamp of keys that a later root, pinned now, has rotated', async () => {
    rig = await startSignedRig({ fill: (signed) => signed.upload('alpha', ALPHA) });
    rig.upstream.fault('/metadata/1.snapshot.json', { kind: 'status', status: 500 });
    await rig.refresh();
    rig.upstream.fault('/metadata/timestamp.json', { kind: 'status', status: 500 });
    await rotateAndPin();
    expect(await rig.names('alpha')).toEqual([ALPHA.filename]);
  });

  // Refused today: what was published is judged by the root that is pinned, and not by the one it was published under.
  it.fails('goes on where what it published is of keys that a later root, pinned now, has rotated', async () => {
    await start();
    rig.upstream.fault('/metadata/timestamp.json', { kind: 'status', status: 500 });
    await rotateAndPin();
    expect(await rig.names('alpha')).toEqual([ALPHA.filename]);
  });

  it('holds to its newest timestamp where the keys are still the same', async () => {
    await start();
    await rig.stop();
    const bytes = signedBy(KEYS, 'timestamp.json', 9);
    await rig.onTrust((trust) => trust.keepTimestamp({ rootVersion: 1, version: 9, bytes }));
    await rig.start();
    await expect(rig.index().signed?.refresh()).rejects.toMatchObject({ reason: 'rollback', subject: 'timestamp' });
  });
});

describe('a role that the snapshot lists and nobody delegates to', () => {
  const list = () =>
    rig.publish({
      snapshot: ({ meta }) => {
        meta.set('stranger.json', { version: 1 });
      },
    });

  it('is absent where all that could delegate to it were looked through', async () => {
    await start();
    await list();
    expect(await rig.refused('/tuf/metadata/1.stranger.json')).toBe('404 unlisted');
  });

  it('is looked for within a limit, and beyond that not called absent', async () => {
    await start({ binBits: 6 });
    await list();
    const before = rig.upstream.requests.length;
    expect(await rig.refused('/tuf/metadata/1.stranger.json')).toBe('502 delegation');
    expect(rig.upstream.requests.length - before).toBeLessThanOrEqual(32);
  });
});
