import { afterEach, describe, expect, it } from 'vitest';
import { digestHex } from '../../src/repository/digests.ts';
import { createPins } from '../../src/state/pins.ts';
import { type SignedRig, type SignedRigOptions, startSignedRig } from '../rigs/signed-rig.ts';
import { authority } from '../support/keys.ts';
import { withState } from '../support/state.ts';
import { type TinyWheel, tinyWheel } from '../support/tiny-wheel.ts';

// An attacker holds upstream's online keys. It can sign new files of unclaimed projects, and nothing else.

const ALPHA = tinyWheel('alpha');
const EVIL = tinyWheel('alpha', '1.0', 'evil');
const OWNED = tinyWheel('owned');

let rig: SignedRig;
afterEach(() => rig.close());

const start = async (options: SignedRigOptions = {}) => {
  rig = await startSignedRig({ fill: (signed) => signed.upload('alpha', ALPHA), ...options });
  await rig.page('alpha');
};

const startClaimed = async () => {
  await start({
    claims: true,
    fill: (signed) => {
      signed.upload('alpha', ALPHA);
      signed.upload('owned', OWNED);
      signed.claim('owned', authority(['developer of owned']));
    },
  });
  await rig.page('owned');
};

const ends = {
  'while it runs': async () => {},
  'after a restart': () => rig.restart(),
  'after it was killed': () => rig.kill(),
};

describe('a file already seen, swapped under its name', () => {
  it.each(Object.entries(ends))('is withheld from the page, and refused by name, %s', async (_, end) => {
    await start();
    expect((await rig.get(rig.path(ALPHA))).status).toBe(200);
    rig.signed.upload('alpha', EVIL, tinyWheel('alpha', '2.0'));
    await rig.publish();
    await end();
    expect((await rig.page('alpha')).files.map(({ filename }) => filename)).toEqual(['alpha-2.0-py3-none-any.whl']);
    expect(await rig.refused(rig.path(EVIL))).toBe('403 changed');
    expect(await rig.refused(rig.path(ALPHA))).toBe('403 changed');
    expect(await rig.refused(`${rig.path(EVIL)}.metadata`)).toBe('403 changed');
    expect(rig.events.rejected.some(({ reason, thing }) => reason === 'changed' && thing === EVIL.filename)).toBe(true);
  });

  it('stays withheld where it was removed first and listed again', async () => {
    await start();
    rig.signed.remove('alpha', ALPHA.filename);
    await rig.publish();
    expect((await rig.page('alpha')).files).toEqual([]);
    rig.signed.upload('alpha', EVIL);
    await rig.publish();
    expect((await rig.page('alpha')).files).toEqual([]);
    rig.signed.upload('alpha', ALPHA);
    await rig.publish();
    expect((await rig.page('alpha')).files).toHaveLength(1);
  });

  it('is withheld where the page names another kind of digest than the one pinned', async () => {
    await start();
    const { createHash } = await import('node:crypto');
    const hashes = { sha512: createHash('sha512').update(EVIL.bytes).digest('hex') };
    const files = [{ filename: EVIL.filename, url: `../..${rig.path(EVIL)}`, hashes }];
    rig.signPage('alpha', Buffer.from(JSON.stringify({ meta: { 'api-version': '1.0' }, name: 'alpha', files })));
    await rig.publish();
    expect((await rig.page('alpha')).files).toEqual([]);
    expect(await rig.refused(rig.path(EVIL))).toBe('403 changed');
  });

  it("is served within a minute of an operator's word, though nothing changed upstream", async () => {
    await start();
    rig.signed.upload('alpha', EVIL);
    await rig.publish();
    expect((await rig.page('alpha')).files).toEqual([]);
    const digests = new Map([['sha256', digestHex('sha256', EVIL.bytes)] as const]);
    await withState(rig.data(), (state) =>
      createPins(state).replace('alpha', EVIL.filename, { digests, seen: rig.clock.now() }),
    );
    rig.clock.advance(61);
    expect((await rig.page('alpha')).files.map(({ filename }) => filename)).toEqual([EVIL.filename]);
    expect((await rig.get(rig.path(EVIL))).body.equals(EVIL.bytes)).toBe(true);
  });

  it('is served where the index is declared to let names change their bytes', async () => {
    await start({ index: { reuploads: true } });
    rig.signed.upload('alpha', EVIL);
    await rig.publish();
    expect((await rig.get(rig.path(EVIL))).body.equals(EVIL.bytes)).toBe(true);
  });
});

describe('core metadata already seen, announced anew with other bytes', () => {
  it('is no longer announced; the file itself is served', async () => {
    await start();
    rig.signed.upload('alpha', { ...ALPHA, coreMetadata: Buffer.from('Metadata-Version: 2.1\nRequires-Dist: evil\n') });
    await rig.publish();
    const [file] = (await rig.page('alpha')).files;
    expect(file).toMatchObject({ filename: ALPHA.filename });
    expect(file?.['core-metadata']).toBeUndefined();
    expect(await rig.refused(`${rig.path(ALPHA)}.metadata`)).toBe('404 unlisted');
    expect((await rig.get(rig.path(ALPHA))).status).toBe(200);
    expect(rig.events.rejected.map(({ reason, subject }) => [reason, subject])).toContainEqual([
      'changed',
      'core-metadata',
    ]);
  });
});

describe('the page and the target entry of a file', () => {
  const signEntry = (file: TinyWheel, instead: TinyWheel) => {
    const path = rig.signed.filePath(file);
    rig.signed.repository.addTarget(rig.signed.roleFor(file.project, path), path, instead.bytes);
  };

  it('disagree: refused, whichever of the two the bytes would fit', async () => {
    await start();
    signEntry(ALPHA, EVIL);
    await rig.publish();
    expect(await rig.refused(rig.path(ALPHA))).toBe('403 mix-and-match');
    rig.instead(rig.path(ALPHA).slice(1), EVIL.bytes);
    expect(await rig.refused(rig.path(ALPHA))).toBe('403 mix-and-match');
    expect(rig.events.rejected.map(({ reason }) => reason)).toContain('mix-and-match');
  });

  it('disagree about core metadata: refused', async () => {
    await start();
    const path = `${rig.signed.filePath(ALPHA)}.metadata`;
    rig.signed.repository.addTarget(rig.signed.roleFor('alpha', path), path, Buffer.from('Name: other\n'));
    await rig.publish();
    expect(await rig.refused(`${rig.path(ALPHA)}.metadata`)).toBe('403 mix-and-match');
  });

  it('an entry that no page lists does not count', async () => {
    await start();
    const unlisted = tinyWheel('alpha', '6.6.6');
    const path = rig.signed.filePath(unlisted);
    rig.signed.repository.addTarget(rig.signed.roleFor('alpha', path), path, unlisted.bytes);
    await rig.publish();
    expect(await rig.refused(rig.path(unlisted))).toBe('404 unlisted');
    // A TUF client sees what upstream signed, all the same.
    expect((await rig.get(`/tuf/targets/${path}`)).body.equals(unlisted.bytes)).toBe(true);
  });

  it('a file of another project on a page is not a file of this one', async () => {
    await start();
    const files = [
      { filename: OWNED.filename, url: `../..${rig.path(OWNED)}`, hashes: { sha256: 'b'.repeat(64) } },
      { filename: ALPHA.filename, url: `../..${rig.path(ALPHA)}`, hashes: {} },
    ];
    rig.signPage('alpha', Buffer.from(JSON.stringify({ meta: { 'api-version': '1.0' }, name: 'alpha', files })));
    await rig.publish();
    expect((await rig.page('alpha')).files).toEqual([]);
    expect(await rig.refused(rig.path(OWNED))).toBe('404 unlisted');
  });
});

describe('a claimed project (PEP 480)', () => {
  const evil = tinyWheel('owned', '2.0', 'evil');

  /** What a thief of the online keys can sign: every bin, and recently-claimed. */
  const forge = (role: string) => {
    const page = JSON.stringify({
      meta: { 'api-version': '1.0' },
      name: 'owned',
      files: [{ filename: evil.filename, url: `../..${rig.path(evil)}`, hashes: {} }],
    });
    const { repository } = rig.signed;
    repository.addTarget(role, rig.signed.pagePath('owned'), Buffer.from(page));
    repository.addTarget(role, rig.signed.filePath(evil), evil.bytes);
  };

  it.each(['bins', 'recently-claimed'])('is out of reach for keys that sign %s', async (which) => {
    await startClaimed();
    const genuine = await rig.page('owned');
    const path = rig.signed.pagePath('owned');
    for (const role of which === 'bins' ? rig.signed.bins.names : ['recently-claimed']) forge(role);
    await rig.publish();
    await rig.restart();
    expect(await rig.page('owned')).toEqual(genuine);
    expect(await rig.refused(rig.path(evil))).toBe('404 unlisted');
    expect(await rig.refused(`/tuf/targets/${rig.signed.filePath(evil)}`)).toBe('404 unlisted');
    expect((await rig.get(`/tuf/targets/${path}`)).body.equals(Buffer.from(rig.signed.page('owned')))).toBe(true);
  });

  it("signed by the online keys in the developer's place: refused, the proved page stays", async () => {
    await startClaimed();
    const genuine = await rig.page('owned');
    rig.signed.repository.signers.set('project-owned', authority(['online']).keys);
    rig.signed.upload('owned', evil);
    await rig.publish();
    expect(await rig.page('owned')).toEqual(genuine);
    // The page that stands in was proved under the generation before, and so are its files.
    expect((await rig.get(rig.path(OWNED))).body.equals(OWNED.bytes)).toBe(true);
    await rig.restart();
    expect(await rig.refused('/simple/owned/')).toBe('502 threshold');
    expect(await rig.refused(rig.path(evil))).toBe('403 threshold');
    expect((await rig.page('alpha')).files).toHaveLength(1);
  });

  it('is signed by its developer, and by nobody else', async () => {
    await startClaimed();
    rig.signed.upload('owned', tinyWheel('owned', '2.0'));
    await rig.publish();
    expect((await rig.page('owned')).versions).toEqual(['1.0', '2.0']);
  });
});
