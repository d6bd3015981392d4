import { afterEach, describe, expect, it } from 'vitest';
import { noEvents } from '../../src/app/no-events.ts';
import { sha256Hex } from '../../src/bytes/digest.ts';
import { makeExpected } from '../../src/bytes/expected.ts';
import { CoreMetadata } from '../../src/mirror/files/core-metadata.ts';
import { createReports } from '../../src/mirror/projects/reports.ts';
import { makeBlob } from '../../src/ports/blob.ts';
import { type SignedRig, startSignedRig } from '../rigs/signed-rig.ts';
import { client } from '../support/callers.ts';
import { reasonOf } from '../support/client.ts';
import { tinyWheel, zip } from '../support/tiny-wheel.ts';

// Only what upstream announced is announced; once the wheel is held, it must be what is inside.

const ALPHA = tinyWheel('alpha');
const LIE = {
  ...ALPHA,
  coreMetadata: Buffer.from('Metadata-Version: 2.1\nName: alpha\nVersion: 1.0\nRequires-Dist: evil\n'),
};

let rig: SignedRig;
afterEach(() => rig.close());

const start = async (file = ALPHA) => {
  rig = await startSignedRig({ fill: (signed) => signed.upload('alpha', file) });
  await rig.page('alpha');
};
const metadata = () => `${rig.path(ALPHA)}.metadata`;
const stored = () => rig.storedFile({ ...ALPHA, filename: `${ALPHA.filename}.metadata` });

describe('core metadata', () => {
  it('comes from upstream, without the wheel', async () => {
    await start();
    const { body } = await rig.get(metadata());
    expect(body.equals(ALPHA.coreMetadata)).toBe(true);
    expect(rig.upstream.asked(rig.storedFile(ALPHA))).toHaveLength(0);
  });

  it('announced and missing upstream: taken from the wheel, and proved', async () => {
    await start();
    rig.instead(stored().slice(1), undefined);
    const { status, body } = await rig.get(metadata());
    expect(status).toBe(200);
    expect(body.equals(ALPHA.coreMetadata)).toBe(true);
    expect(rig.upstream.asked(rig.storedFile(ALPHA))).toHaveLength(1);
  });

  it('of more wheels than may be downloaded at once, all missing upstream: none waits for itself', async () => {
    const wheels = Array.from({ length: 40 }, (_, at) => tinyWheel('alpha', `${at + 1}.0`));
    rig = await startSignedRig({
      fill: (signed) => {
        for (const wheel of wheels) signed.upload('alpha', wheel);
      },
    });
    await rig.page('alpha');
    for (const wheel of wheels)
      rig.instead(rig.storedFile({ ...wheel, filename: `${wheel.filename}.metadata` }).slice(1), undefined);
    const answers = await Promise.all(wheels.map((wheel) => rig.get(`${rig.path(wheel)}.metadata`)));
    expect(answers.map(({ status }) => status)).toEqual(wheels.map(() => 200));
  });

  it('announced, missing upstream, and not what the wheel contains: refused', async () => {
    await start(LIE);
    rig.instead(stored().slice(1), undefined);
    expect(await rig.refused(metadata())).toBe('403 mix-and-match');
  });

  it('announced, missing upstream, and of a wheel that holds none: refused', async () => {
    const bare = { ...ALPHA, bytes: zip([['alpha.py', Buffer.from('')]]) };
    await start(bare);
    rig.instead(rig.storedFile({ ...bare, filename: `${bare.filename}.metadata` }).slice(1), undefined);
    expect(await rig.refused(`${rig.path(bare)}.metadata`)).toBe('403 mix-and-match');
    expect(rig.upstream.asked(rig.storedFile(bare))).toHaveLength(1);
  });

  it('that its wheel belies is refused once the wheel is held, and the wheel is not', async () => {
    await start(LIE);
    expect((await rig.get(metadata())).status).toBe(200);
    expect((await rig.get(rig.path(ALPHA))).body.equals(ALPHA.bytes)).toBe(true);
    expect(await rig.refused(metadata())).toBe('403 mix-and-match');
    // Neither its headers alone nor what a sync reads is had without it.
    expect((await rig.get(metadata(), { method: 'HEAD' })).status).toBe(403);
    const index = rig.index();
    const inside = index.coreMetadata(await index.listing('alpha', client()), ALPHA.filename, client());
    expect(await reasonOf(inside)).toBe('mix-and-match');
    await rig.restart();
    expect(await rig.refused(metadata())).toBe('403 mix-and-match');
    expect((await rig.get(rig.path(ALPHA))).status).toBe(200);
  });

  it('that is announced of a wheel whose own is larger than any may be: refused, and the wheel is not', async () => {
    const inside = Buffer.alloc(5 * 1024 * 1024, 'Metadata-Version: 2.1\n');
    const large = { ...ALPHA, bytes: zip([['alpha-1.0.dist-info/METADATA', inside]]) };
    await start(large);
    expect((await rig.get(rig.path(large))).body.equals(large.bytes)).toBe(true);
    expect(await rig.refused(`${rig.path(large)}.metadata`)).toBe('403 mix-and-match');
  });

  it('of a file that announces none is not there', async () => {
    const { coreMetadata: _, ...bare } = ALPHA;
    rig = await startSignedRig({ fill: (signed) => signed.upload('alpha', bare) });
    expect(await rig.refused(metadata())).toBe('404 unlisted');
  });

  it('announced without a digest is not announced here', async () => {
    await start();
    const files = [
      {
        filename: ALPHA.filename,
        url: `../..${rig.path(ALPHA)}`,
        hashes: (await rig.page('alpha')).files[0]?.hashes,
        'core-metadata': true,
      },
    ];
    rig.signPage('alpha', Buffer.from(JSON.stringify({ meta: { 'api-version': '1.0' }, name: 'alpha', files })));
    await rig.publish();
    const [file] = (await rig.page('alpha')).files;
    expect(file?.filename).toBe(ALPHA.filename);
    expect(file?.['core-metadata']).toBeUndefined();
  });
});

const reports = createReports({
  index: 'main',
  emit: noEvents,
  journal: { note() {} },
  clock: { now: () => 0, judged: () => 0 },
});
const blobOf = (bytes: Uint8Array) =>
  makeBlob('0'.repeat(64), bytes.byteLength, {
    send: ({ start: from, end }, write) => write(bytes.subarray(from, end)),
    bytes: async () => bytes,
  });

it('only what a wheel was found to hold stands where nothing but the wheel can vouch for it', async () => {
  const bare = zip([['alpha.py', Buffer.from('')]]);
  const coreMetadata = new CoreMetadata({ blobs: { open: async () => undefined }, reports });
  const announcing = (path: string, sha256: string) => {
    const entry = {
      filename: ALPHA.filename,
      url: '',
      digests: new Map(),
      coreMetadata: new Map([['sha256' as const, sha256]]),
    };
    return { path, href: path, upstream: '', entry } as const;
  };
  const told = sha256Hex(ALPHA.coreMetadata);
  const unlessInside = (path: string, sha256: string, wheel: Uint8Array) =>
    coreMetadata.refuseUnlessInside(announcing(path, sha256), blobOf(wheel), client());
  await unlessInside('a', told, ALPHA.bytes);
  expect(await reasonOf(unlessInside('b', told, bare))).toBe('mix-and-match');
  expect(await reasonOf(unlessInside('c', 'f'.repeat(64), ALPHA.bytes))).toBe('mix-and-match');
});

it('ten thousand lies do not make room for one more', async () => {
  const wheel = blobOf(ALPHA.bytes);
  const coreMetadata = new CoreMetadata({ blobs: { open: async () => wheel }, reports });
  const digests = new Map([['sha256' as const, 'f'.repeat(64)]]);
  const liar = (number: number) => {
    const path = `packages/${number}/${ALPHA.filename}`;
    const entry = { filename: ALPHA.filename, url: '', digests, coreMetadata: digests };
    return { path, href: path, upstream: '', entry };
  };
  const LIARS = 10_005;
  for (let number = 0; number < LIARS; number++) await coreMetadata.compare(liar(number), wheel, client());
  const found = async (number: number) => {
    await coreMetadata.compareStored(liar(number), makeExpected({ digests }), client());
    coreMetadata.refuseBelied(liar(number));
  };
  for (const number of [0, LIARS - 1]) expect(await reasonOf(found(number))).toBe('mix-and-match');
});
