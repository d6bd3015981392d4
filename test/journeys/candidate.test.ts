import { afterEach, describe, expect, it } from 'vitest';
import { internalCaller } from '../../src/async/caller.ts';
import { instantText } from '../../src/bytes/instant.ts';
import { Refusal } from '../../src/bytes/refusal.ts';
import type { Origin } from '../../src/mirror/package-index.ts';
import { KEYS, type SignedRig, startSignedRig } from '../rigs/signed-rig.ts';
import { reasonOf } from '../support/client.ts';
import { HOUR } from '../support/clock.ts';
import { pep458Paths } from '../support/pep458-paths.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';

// A refresh that is looked at before it is believed, and one from another place than the index's own upstream.

const ALPHA = tinyWheel('alpha');
const NEWER = tinyWheel('alpha', '2.0');
const job = internalCaller('main', 'import');

let rig: SignedRig;
afterEach(() => rig.close());

const start = async () => {
  rig = await startSignedRig({ keys: KEYS, fill: (signed) => signed.upload('alpha', ALPHA) });
  expect(await rig.names('alpha')).toEqual([ALPHA.filename]);
};
const signed = () => rig.index().signed ?? expect.fail();
const timestampVersion = async () =>
  (await rig.index().status()).roles.find(({ role }) => role === 'timestamp')?.version;

/** Everything upstream has now, as a bundle would carry it; upstream itself is not asked. */
function bundle(): Origin & { readonly asked: string[] } {
  const files = pep458Paths(rig.save());
  const asked: string[] = [];
  const read = (path: string) => {
    asked.push(path);
    return files.get(path);
  };
  const pathOf = (url: string) => decodeURIComponent(new URL(url).pathname.slice(1));
  return {
    asked,
    metadata: () => ({
      read: async ({ role, version }) => read(`metadata/${version === undefined ? '' : `${version}.`}${role}.json`),
    }),
    upstream: {
      async document({ url }) {
        const bytes = read(pathOf(url));
        if (bytes === undefined) return { kind: 'absent' };
        return { kind: 'document', url, bytes, contentType: '', etag: undefined, serial: undefined, maxAge: undefined };
      },
      download:
        ({ urls: [url = ''] }) =>
        async ({ offset }) => {
          const bytes = read(pathOf(url));
          if (bytes === undefined) throw new Refusal('unlisted', 'not in the bundle');
          return { start: offset, bytes: once(bytes.subarray(offset)) };
        },
      mayFetch: () => true,
    },
  };
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

describe('a candidate', () => {
  it('is looked into before anybody is served from it', async () => {
    await start();
    rig.signed.upload('alpha', NEWER);
    rig.signed.publish();
    // Not so late that a client's request has upstream asked as well.
    rig.clock.advance(30);
    let seen: readonly string[] = [];
    let servedMeanwhile: readonly string[] = [];
    await signed().refresh({
      async beforePublish(candidate) {
        const page = await candidate.listing('alpha', job);
        seen = [...page.listing.files.keys()];
        const blob = await candidate.open(page, NEWER.filename, job);
        expect(Buffer.from(await blob.bytes(1e6)).equals(NEWER.bytes)).toBe(true);
        servedMeanwhile = await rig.names('alpha');
      },
    });
    expect(seen).toEqual([ALPHA.filename, NEWER.filename]);
    expect(servedMeanwhile).toEqual([ALPHA.filename]);
    expect(await rig.names('alpha')).toEqual([ALPHA.filename, NEWER.filename]);
  });

  it('that is turned down is not published, and its timestamp is a floor all the same', async () => {
    await start();
    const before = rig.save();
    rig.signed.upload('alpha', NEWER);
    rig.signed.publish();
    rig.clock.advance(60);
    const why = new Refusal('policy', 'A file of it was not liked.');
    const turnDown = async () => {
      throw why;
    };
    await expect(signed().refresh({ beforePublish: turnDown })).rejects.toBe(why);
    expect(await timestampVersion()).toBe(1);
    expect(await rig.names('alpha')).toEqual([ALPHA.filename]);
    rig.replay(before);
    expect(await reasonOf(signed().refresh())).toBe('rollback');
  });

  it('whose delegated role has expired, or is one that nobody delegates to, says so of the role, and nothing else', async () => {
    await start();
    const [role = ''] = rig.signed.bins.names;
    rig.signed.repository.touch(role);
    const expires = instantText(rig.clock.now() + 40);
    rig.signed.publish({
      roles: {
        [role](document) {
          document.expires = expires;
        },
      },
    });
    rig.clock.advance(60);
    const from = bundle();
    const kept: unknown[] = [];
    await signed().refresh({
      from,
      async beforePublish({ roles }) {
        for (const name of [role, 'nobody']) kept.push(await roles?.keep(name, job));
      },
    });
    expect(kept).toEqual([false, false]);
  });

  it('that is turned down pins nothing of what it listed', async () => {
    await start();
    rig.signed.upload('alpha', NEWER);
    rig.signed.publish();
    rig.clock.advance(60);
    const refused = signed().refresh({
      async beforePublish(candidate) {
        await candidate.listing('alpha', job);
        throw new Refusal('policy', 'A file of it was not liked.');
      },
    });
    expect(await reasonOf(refused)).toBe('policy');
    rig.signed.upload('alpha', tinyWheel('alpha', '2.0', 'other bytes'));
    await rig.publish();
    expect(await rig.names('alpha')).toEqual([ALPHA.filename, NEWER.filename]);
  });

  it('is not so much as asked for while the clock is wrong', async () => {
    await start();
    rig.signed.upload('alpha', NEWER);
    rig.signed.publish();
    rig.clock.advance(-HOUR / 2);
    const asked = rig.upstream.requests.length;
    let looks = 0;
    const looked = async () => void looks++;
    expect(await reasonOf(signed().refresh({ beforePublish: looked }))).toBe('clock');
    expect(await reasonOf(signed().refresh({ from: bundle(), beforePublish: looked }))).toBe('clock');
    expect(looks).toBe(0);
    expect(rig.upstream.requests).toHaveLength(asked);
  });

  it('that another refresh overtook is looked into once more, as what comes after that', async () => {
    await start();
    rig.signed.upload('alpha', NEWER);
    rig.signed.publish();
    rig.clock.advance(60);
    const seen: number[] = [];
    await signed().refresh({
      async beforePublish(candidate) {
        seen.push((await candidate.listing('alpha', job)).listing.files.size);
        if (seen.length > 1) return;
        rig.signed.upload('alpha', tinyWheel('alpha', '3.0'));
        await rig.publish();
        expect(await rig.names('alpha')).toHaveLength(3);
      },
    });
    expect(seen).toEqual([2, 3]);
    expect(await rig.names('alpha')).toHaveLength(3);
  });
});

describe('a refresh from a bundle', () => {
  it('is judged by what this mirror trusts, and asks nothing of upstream', async () => {
    await start();
    rig.signed.upload('alpha', NEWER);
    rig.signed.publish();
    const from = bundle();
    rig.clock.advance(30);
    const asked = rig.upstream.requests.length;
    await signed().refresh({
      from,
      async beforePublish(candidate) {
        const page = await candidate.listing('alpha', job);
        for (const name of page.listing.files.keys()) await candidate.open(page, name, job);
      },
    });
    expect(rig.upstream.requests).toHaveLength(asked);
    expect(from.asked).toContain('metadata/timestamp.json');
    rig.upstream.fault('*', { kind: 'reset' });
    expect(await rig.names('alpha')).toEqual([ALPHA.filename, NEWER.filename]);
    expect((await rig.get(rig.path(NEWER))).body.equals(NEWER.bytes)).toBe(true);
  });

  it('that is older than what is trusted is refused', async () => {
    await start();
    const from = bundle();
    rig.signed.upload('alpha', NEWER);
    await rig.publish();
    expect(await reasonOf(signed().refresh({ from }))).toBe('rollback');
    expect(await rig.names('alpha')).toEqual([ALPHA.filename, NEWER.filename]);
  });
});
