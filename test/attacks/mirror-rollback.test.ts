import { afterEach, describe, expect, it } from 'vitest';
import type { Edits } from '../../src/repository/repository.ts';
import { KEYS, type SignedRig, startSignedRig } from '../rigs/signed-rig.ts';
import { DAY } from '../support/clock.ts';
import { authority } from '../support/keys.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';
import type { Fault } from '../support/upstream.ts';

// Every floor is the pair (root that last changed those keys, version), and it survives every kind of end.

const [OLD, NEW] = [tinyWheel('alpha', '1.0'), tinyWheel('alpha', '2.0')];

let rig: SignedRig;
afterEach(() => rig.close());

/** A mirror that has seen two publications, and the first of them to replay. */
async function startSeenTwo() {
  rig = await startSignedRig({ fill: (signed) => signed.upload('alpha', OLD) });
  await rig.refresh();
  await rig.page('alpha');
  const first = rig.save();
  rig.signed.upload('alpha', NEW);
  await rig.publish();
  await rig.page('alpha');
  return first;
}

async function lastReason(): Promise<string | undefined> {
  rig.clock.advance(60);
  await rig.refresh();
  return (await rig.index().status()).lastError?.reason;
}

const versionsOnPage = async () => (await rig.page('alpha')).versions;
const timestamp = async () => (await rig.get('/tuf/metadata/timestamp.json')).body;

const ends = {
  'while it runs': async () => {},
  'after a restart': () => rig.restart(),
  'after it was killed': () => rig.kill(),
};

it.each(Object.entries(ends))(
  'a timestamp once accepted is a floor %s, though nothing it announces ever came',
  async (_, end) => {
    await startSeenTwo();
    const second = rig.save();
    rig.signed.upload('alpha', tinyWheel('alpha', '3.0'));
    rig.signed.publish();
    rig.instead('metadata/3.snapshot.json', rig.published('metadata/2.snapshot.json'));
    expect(await lastReason()).toBe('mix-and-match');
    await end();
    rig.replay(second);
    expect(await lastReason()).toBe('rollback');
    rig.heal();
    expect(await lastReason()).toBeUndefined();
    expect((await rig.page('alpha')).versions).toEqual(['1.0', '2.0', '3.0']);
  },
);

it('a timestamp accepted before anything was ever published is a floor after a kill', async () => {
  rig = await startSignedRig({ fill: (signed) => signed.upload('alpha', OLD) });
  const first = rig.save();
  rig.signed.upload('alpha', tinyWheel('alpha', '2.0'));
  rig.signed.publish();
  rig.instead('metadata/2.snapshot.json', rig.published('metadata/1.snapshot.json'));
  expect(await lastReason()).toBe('mix-and-match');
  await rig.kill();
  rig.replay(first);
  expect(await lastReason()).toBe('rollback');
});

describe.each(Object.entries(ends))('a replay %s', (_, end) => {
  it('of everything: the newer page and timestamp stay', async () => {
    const first = await startSeenTwo();
    const newest = await timestamp();
    rig.replay(first);
    await end();
    expect(await lastReason()).toBe('rollback');
    expect(await versionsOnPage()).toEqual(['1.0', '2.0']);
    expect((await timestamp()).equals(newest)).toBe(true);
  });

  it('of the snapshot under a newer timestamp: refused as mixed', async () => {
    await startSeenTwo();
    rig.signed.upload('alpha', tinyWheel('alpha', '3.0'));
    rig.signed.publish();
    rig.instead('metadata/3.snapshot.json', rig.published('metadata/2.snapshot.json'));
    await end();
    expect(await lastReason()).toBe('mix-and-match');
    expect(await versionsOnPage()).toEqual(['1.0', '2.0']);
  });

  it('of the targets under a newer snapshot: refused as mixed', async () => {
    await startSeenTwo();
    rig.signed.repository.touch('targets');
    rig.signed.publish();
    rig.instead('metadata/2.targets.json', rig.published('metadata/1.targets.json'));
    await end();
    expect(await lastReason()).toBe('mix-and-match');
    expect(await versionsOnPage()).toEqual(['1.0', '2.0']);
  });

  it('by the online keys, of a snapshot version: refused', async () => {
    await startSeenTwo();
    rig.signed.publish({ timestamp: ({ meta }) => meta.set('snapshot.json', { version: 1 }) });
    await end();
    expect(await lastReason()).toBe('rollback');
  });

  it.each(['lowers', 'drops'])('by the online keys, of a snapshot that %s a bin: refused', async (how) => {
    await startSeenTwo();
    const bin = rig.signed.roleFor('alpha', rig.signed.pagePath('alpha'));
    rig.signed.publish({
      snapshot: ({ meta }) => {
        if (how === 'drops') meta.delete(`${bin}.json`);
        else meta.set(`${bin}.json`, { version: 1 });
      },
    });
    await end();
    expect(await lastReason()).toBe('rollback');
    expect(await versionsOnPage()).toEqual(['1.0', '2.0']);
  });
});

describe('mix and match', () => {
  it('bins of two publications never meet on one page', async () => {
    rig = await startSignedRig({
      metaHashes: ['sha256'],
      fill: (signed) => signed.upload('alpha', OLD),
    });
    await rig.refresh();
    const bin = rig.signed.roleFor('alpha', rig.signed.pagePath('alpha'));
    const old = rig.published(`metadata/1.${bin}.json`);
    rig.signed.upload('alpha', NEW);
    await rig.publish();
    rig.instead(`metadata/2.${bin}.json`, old);
    expect(await rig.refused('/simple/alpha/')).toMatch(/^502 (digest|length|mix-and-match)$/);
    rig.heal();
    expect(await versionsOnPage()).toEqual(['1.0', '2.0']);
  });

  it('other bytes under a version of a bin already held: the ones the snapshot names count', async () => {
    rig = await startSignedRig({ metaHashes: ['sha256'], fill: (signed) => signed.upload('alpha', OLD) });
    await rig.page('alpha');
    for (const name of rig.signed.bins.names) rig.signed.repository.role(name).version = 0;
    rig.signed.upload('alpha', NEW);
    await rig.publish();
    expect(await versionsOnPage()).toEqual(['1.0', '2.0']);
  });

  it('other bytes under a timestamp version already held: the held one stays', async () => {
    await startSeenTwo();
    const held = await timestamp();
    const { repository } = rig.signed;
    repository.timestamp.expires = '2099-01-01T00:00:00Z';
    repository.write('timestamp');
    rig.clock.advance(60);
    await rig.refresh();
    expect((await timestamp()).equals(held)).toBe(true);
    expect(rig.events.noted).toHaveLength(1);
  });
});

describe('fast-forward, and recovery by rotation', () => {
  /** The thief of the online keys pushes the floors out of reach. */
  async function startFastForwarded() {
    await startSeenTwo();
    rig.signed.publish({
      timestamp: (document) => {
        document.version = 1_000_000;
      },
      snapshot: (document) => {
        document.version = 1_000_000;
      },
    });
    expect(await lastReason()).toBeUndefined();
  }

  function recover() {
    const { repository } = rig.signed;
    repository.rotate('timestamp', authority(['online 2']));
    repository.rotate('snapshot', authority(['online 2']));
    repository.snapshot.version = 10;
    repository.timestamp.version = 10;
    rig.signed.upload('alpha', tinyWheel('alpha', '3.0'));
    rig.signed.publish();
  }

  it.each(Object.entries(ends))('a new root with new keys gives back low versions, %s', async (_, end) => {
    await startFastForwarded();
    recover();
    await end();
    expect(await lastReason()).toBeUndefined();
    expect(JSON.parse((await timestamp()).toString()).signed.version).toBe(11);
    expect(await versionsOnPage()).toEqual(['1.0', '2.0', '3.0']);
    await end();
    expect(await lastReason()).toBeUndefined();
    expect(await versionsOnPage()).toEqual(['1.0', '2.0', '3.0']);
    // What the thief's keys signed is no longer passed on.
    expect(await rig.refused('/tuf/metadata/1000000.snapshot.json')).toBe('404 unlisted');
  });

  it.each(Object.entries(ends))('a new root that keeps those keys forgets nothing, %s', async (_, end) => {
    const first = await startSeenTwo();
    rig.signed.repository.rotate('targets', authority(['targets 3']));
    rig.signed.publish();
    const replayed = new Map(first);
    replayed.set('metadata/2.root.json', rig.published('metadata/2.root.json'));
    rig.replay(replayed);
    await end();
    expect(await lastReason()).toBe('rollback');
    expect(await versionsOnPage()).toEqual(['1.0', '2.0']);
  });

  it.each(Object.entries(ends))('a refresh that breaks off behind the new root goes on from it, %s', async (_, end) => {
    await startFastForwarded();
    recover();
    rig.upstream.fault('/metadata/timestamp.json', { kind: 'status', status: 500 });
    expect(await lastReason()).toBe('unreachable');
    // What was proved before is served meanwhile.
    expect(await versionsOnPage()).toEqual(['1.0', '2.0']);
    await end();
    rig.heal();
    expect(await lastReason()).toBeUndefined();
    expect(await versionsOnPage()).toEqual(['1.0', '2.0', '3.0']);
  });

  it('killed between the new root and what it signs, it still trusts the new root', async () => {
    const first = await startSeenTwo();
    recover();
    rig.upstream.fault('/metadata/timestamp.json', { kind: 'status', status: 500 });
    expect(await lastReason()).toBe('unreachable');
    await rig.kill();
    // The thief withholds the new root and signs on with the old keys.
    rig.upstream.heal();
    rig.replay(first);
    expect(await lastReason()).toBe('threshold');
    expect((await rig.get('/tuf/metadata/2.root.json')).body.equals(rig.published('metadata/2.root.json'))).toBe(true);
  });

  it('killed between the first new root and the first publish, it still trusts the new root', async () => {
    rig = await startSignedRig({ fill: (signed) => signed.upload('alpha', OLD) });
    const first = rig.save();
    recover();
    rig.upstream.fault('/metadata/timestamp.json', { kind: 'status', status: 500 });
    expect(await lastReason()).toBe('unreachable');
    await rig.kill();
    rig.upstream.heal();
    rig.replay(first);
    expect(await lastReason()).toBe('threshold');
    expect(await rig.refused('/simple/alpha/')).toBe('502 threshold');
  });
});

describe('the root', () => {
  it.each(Object.entries(ends))('of one version less is never asked for again, %s', async (_, end) => {
    rig = await startSignedRig({ fill: (signed) => signed.upload('alpha', OLD) });
    rig.signed.repository.rotate('root', authority(['root 3', 'root 4']));
    rig.signed.publish();
    await rig.refresh();
    await end();
    // Root 3 signed by the keys that root 2 retired.
    rig.signed.repository.signers.set('root', KEYS.root.keys);
    rig.signed.repository.publishRoot();
    expect(await lastReason()).toBe('threshold');
    expect(JSON.parse((await rig.get('/tuf/metadata/root.json')).body.toString()).signed.version).toBe(2);
  });

  it.each([404, 403, 410])('answered %i: the one held is the newest', async (status) => {
    await startSeenTwo();
    rig.signed.repository.publishRoot();
    rig.signed.publish();
    rig.upstream.fault('/metadata/2.root.json', { kind: 'status', status });
    expect(await lastReason()).toBeUndefined();
  });

  it.each<Fault>([
    { kind: 'status', status: 500 },
    { kind: 'reset' },
    { kind: 'redirect', to: 'https://elsewhere.example/2.root.json' },
  ])('not to be had (%o): the refresh has failed, and nothing newer is believed', async (fault) => {
    await startSeenTwo();
    rig.signed.upload('alpha', tinyWheel('alpha', '3.0'));
    rig.signed.publish();
    rig.upstream.fault('/metadata/2.root.json', fault);
    expect(await lastReason()).toMatch(/^(unreachable|redirect)$/);
    expect(await versionsOnPage()).toEqual(['1.0', '2.0']);
  });

  it('that expired at the end of the chain is refused; one in the middle is not', async () => {
    rig = await startSignedRig({ fill: (signed) => signed.upload('alpha', OLD) });
    const past: Edits = {
      root: (document) => {
        document.expires = '2026-01-01T00:00:00Z';
      },
    };
    rig.signed.repository.publishRoot(past);
    rig.signed.repository.publishRoot();
    rig.signed.publish();
    await rig.refresh();
    expect(await versionsOnPage()).toEqual(['1.0']);
    rig.signed.repository.publishRoot(past);
    rig.signed.publish();
    rig.clock.advance(DAY / 2);
    expect(await lastReason()).toBe('expired');
  });
});
