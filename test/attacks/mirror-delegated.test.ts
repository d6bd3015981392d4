import { afterEach, describe, expect, it } from 'vitest';
import { instantText } from '../../src/bytes/instant.ts';
import { createBins } from '../../src/repository/bins.ts';
import { rsaKey } from '../../src/repository/signing-keys.ts';
import { KEYS, type SignedRig, startSignedRig } from '../rigs/signed-rig.ts';
import { client } from '../support/callers.ts';
import { DAY } from '../support/clock.ts';
import { heldBy } from '../support/keys.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';

// What a delegated role in memory, or in the data directory, may still be used for after something around it has changed.

const ALPHA = tinyWheel('alpha');

let rig: SignedRig;
afterEach(() => rig.close());

/** A project whose page is signed by the same bin. */
function neighbourOf(project: string) {
  const bins = createBins('bin', 2);
  const binOf = (name: string) => bins.binOf(`simple/${name}/index.html`);
  for (let at = 0; ; at++) if (binOf(`beta${at}`) === binOf(project)) return tinyWheel(`beta${at}`);
}

/** The role that signs the page of alpha: one of PEP 458's bins. */
const bin = () => rig.signed.roleFor('alpha', rig.signed.pagePath('alpha'));

async function start(): Promise<void> {
  rig = await startSignedRig({ fill: (signed) => signed.upload('alpha', ALPHA) });
}

/** A minute later there is a new timestamp, over the snapshot that was there before. */
async function timestampOnly(): Promise<void> {
  const { repository } = rig.signed;
  repository.timestamp.version++;
  repository.timestamp.expires = instantText(rig.clock.now() + 30 * DAY);
  repository.write('timestamp');
  rig.clock.advance(60);
  await rig.refresh();
}

describe('a delegated role in memory', () => {
  it('that has expired is asked for again, for some upstreams sign anew without counting up', async () => {
    await start();
    const { repository } = rig.signed;
    const late = instantText(rig.clock.now() + 30 * DAY);
    await rig.publish({
      snapshot: (document) => {
        document.expires = late;
      },
      timestamp: (document) => {
        document.expires = late;
      },
    });
    expect(await rig.names('alpha')).toEqual([ALPHA.filename]);
    await rig.index().explain('alpha', client());
    rig.clock.advance(2 * DAY);
    repository.role(bin()).expires = instantText(rig.clock.now() + 10 * DAY);
    repository.write(bin());
    await timestampOnly();
    expect(await rig.names('alpha')).toEqual([ALPHA.filename]);
  });

  it('is no longer believed where its delegator lists the same key under another scheme', async () => {
    const neighbour = neighbourOf('alpha');
    rig = await startSignedRig({
      keys: { ...KEYS, online: heldBy([rsaKey()]) },
      fill: (signed) => {
        for (const file of [ALPHA, neighbour]) signed.upload(file.project, file);
      },
    });
    expect(await rig.names('alpha')).toEqual([ALPHA.filename]);
    const { repository } = rig.signed;
    const { delegations } = repository.role('bins');
    for (const [keyid, key] of delegations?.keys ?? [])
      delegations?.keys.set(keyid, { ...key, scheme: 'rsassa-pss-sha512' });
    repository.touch('bins');
    await rig.publish();
    expect(await rig.refused(`/simple/${neighbour.project}/`)).toBe('502 threshold');
  });
});

describe('a delegated role in the data directory', () => {
  it('is not sent under the version of another', async () => {
    await start();
    await rig.page('alpha');
    await rig.publish();
    rig.signed.upload('alpha', tinyWheel('alpha', '2.0'));
    await rig.publish();
    await rig.page('alpha');
    const [first, second] = [1, 2].map((version) => rig.published(`metadata/${version}.${bin()}.json`));
    const sent = async () => (await rig.get(`/tuf/metadata/1.${bin()}.json`)).body.equals(first ?? Buffer.of());
    expect(await sent()).toBe(true);
    // As well signed as the first, and not what was asked for.
    await rig.onTrust((trust) => trust.keepDelegated(bin(), 1, second ?? Buffer.of()));
    expect(await sent()).toBe(true);
  });
});

describe('the clock', () => {
  it('that went back keeps upstream from being asked: nothing could be judged', async () => {
    await start();
    await rig.page('alpha');
    const asked = rig.upstream.requests.length;
    rig.clock.advance(-DAY);
    await expect(rig.index().signed?.refresh()).rejects.toMatchObject({ reason: 'clock' });
    expect(rig.upstream.requests).toHaveLength(asked);
  });
});

describe('the page and the signed entry of a file', () => {
  it('must agree about its length', async () => {
    await start();
    const page = JSON.parse(Buffer.from(rig.signed.page('alpha')).toString());
    page.files[0].size += 1;
    rig.signPage('alpha', Buffer.from(JSON.stringify(page)));
    await rig.publish();
    expect(await rig.names('alpha')).toEqual([ALPHA.filename]);
    expect(await rig.refused(rig.path(ALPHA))).toBe('403 mix-and-match');
  });
});
