import { afterEach, describe, expect, it } from 'vitest';
import { type SignedRig, startSignedRig } from '../rigs/signed-rig.ts';
import { client, PLAIN } from '../support/callers.ts';
import { DAY } from '../support/clock.ts';
import { authority } from '../support/keys.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';

// PEP 458: targets → bins → bin-n. PEP 480: claimed, recently-claimed, unclaimed, with developers' own roles.

const [CLAIMED, RECENT, FREE] = [tinyWheel('claimed-one'), tinyWheel('recent-one'), tinyWheel('free-one')];

let rig: SignedRig;
afterEach(() => rig.close());

describe.each(['prefixes', 'succinct'] as const)('an index signed as PEP 480 says, with bins by %s', (binKind) => {
  const start = async () => {
    rig = await startSignedRig({
      claims: true,
      binKind,
      fill(signed) {
        for (const file of [CLAIMED, RECENT, FREE]) signed.upload(file.project, file);
        signed.claim('claimed-one', authority(['developer']));
        signed.claim('recent-one', authority(['another developer']), true);
      },
    });
    await rig.refresh();
  };

  it('serves projects of every kind, page, file and core metadata', async () => {
    await start();
    for (const file of [CLAIMED, RECENT, FREE]) {
      expect((await rig.page(file.project)).files.map(({ filename }) => filename)).toEqual([file.filename]);
      expect((await rig.get(rig.path(file))).body.equals(file.bytes)).toBe(true);
      expect((await rig.get(`${rig.path(file)}.metadata`)).body.equals(file.coreMetadata)).toBe(true);
    }
    expect(await rig.refused('/simple/nobodys-one/')).toBe('404 unlisted');
  });

  it('finds a bin by its name behind more claimed projects than one search may look into', async () => {
    const projects = Array.from({ length: 40 }, (_, i) => tinyWheel(`claimed-${i}`));
    rig = await startSignedRig({
      claims: true,
      binKind,
      fill(signed) {
        for (const file of [...projects, FREE]) signed.upload(file.project, file);
        for (const { project } of projects) signed.claim(project, authority([project]));
      },
    });
    const bin = rig.signed.roleFor('free-one', rig.signed.pagePath('free-one'));
    expect((await rig.get(`/tuf/metadata/1.${bin}.json`)).status).toBe(200);
    expect(rig.upstream.asked('/metadata/1.project-claimed-0.json')).toHaveLength(0);
  });

  it('fetches the roles on the way and no others', async () => {
    await start();
    await rig.page('claimed-one');
    const asked = rig.upstream.requests.map(({ url }) => url).filter((url) => /metadata\/1\.[^.]+\.json/.test(url));
    expect(asked.toSorted()).toEqual(
      ['1.claimed.json', '1.project-claimed-one.json', '1.snapshot.json', '1.targets.json'].map(
        (name) => `/metadata/${name}`,
      ),
    );
  });

  it('moves a project from the bins to its developer, and says who vouches', async () => {
    await start();
    const before = await rig.index().explain('free-one', client());
    expect(before.chain.map(({ role }) => role)).toEqual([
      'root',
      'targets',
      'unclaimed',
      expect.stringMatching(/^bin-/),
    ]);
    expect(before.forgeableOnline.length).toBeGreaterThan(0);
    rig.signed.claim('free-one', authority(['its developer']));
    await rig.publish();
    const after = await rig.index().explain('free-one', client());
    expect(after.chain.map(({ role }) => role)).toEqual(['root', 'targets', 'claimed', 'project-free-one']);
    expect(after.forgeableOnline).toEqual([]);
    expect((await rig.get(rig.path(FREE))).body.equals(FREE.bytes)).toBe(true);
  });
});

describe('a swap of generations', () => {
  it('leaves a page warm whose roles are the same, and redraws one whose role changed', async () => {
    rig = await startSignedRig({
      binBits: 8,
      fill(signed) {
        for (const file of [CLAIMED, FREE]) signed.upload(file.project, file);
      },
    });
    const project = (file: typeof FREE) => rig.signed.roleFor(file.project, rig.signed.pagePath(file.project));
    expect(project(CLAIMED)).not.toBe(project(FREE));
    for (const file of [CLAIMED, FREE]) await rig.page(file.project);
    rig.signed.upload('free-one', tinyWheel('free-one', '2.0'));
    await rig.publish();
    expect(rig.index().warmPage('claimed-one', PLAIN)).toBeDefined();
    expect(rig.index().warmPage('free-one', PLAIN)).toBeUndefined();
    expect((await rig.page('free-one')).versions).toEqual(['1.0', '2.0']);
    // A new root is a new chain, whatever it changed.
    rig.signed.repository.publishRoot();
    await rig.publish();
    expect(rig.index().warmPage('claimed-one', PLAIN)).toBeUndefined();
    expect((await rig.page('claimed-one')).versions).toEqual(['1.0']);
  });

  it('never mixes: each page is one publication, and none is older than the one before', async () => {
    rig = await startSignedRig({ fill: (signed) => signed.upload('free-one', tinyWheel('free-one', '1.0')) });
    let publishing = true;
    const readers = Array.from({ length: 8 }, async () => {
      let most = 0;
      while (publishing) {
        const { files, versions } = await rig.page('free-one');
        expect(versions).toEqual(Array.from({ length: files.length }, (_, i) => `${i + 1}.0`));
        expect(files.length).toBeGreaterThanOrEqual(most);
        most = files.length;
      }
    });
    for (let i = 2; i <= 8; i++) {
      rig.signed.upload('free-one', tinyWheel('free-one', `${i}.0`));
      await rig.publish();
    }
    publishing = false;
    await Promise.all(readers);
    expect((await rig.page('free-one')).files).toHaveLength(8);
  });

  it('goes on behind the answers: nobody waits for a refresh while a generation is valid', async () => {
    rig = await startSignedRig({ fill: (signed) => signed.upload('free-one', FREE) });
    await rig.page('free-one');
    const before = rig.upstream.asked('/metadata/timestamp.json').length;
    rig.upstream.fault('/metadata/timestamp.json', { kind: 'stall', at: 'headers' });
    rig.clock.advance(DAY / 2);
    const answers = await Promise.all(Array.from({ length: 50 }, () => rig.get('/simple/free-one/')));
    expect(answers.every(({ status }) => status === 200)).toBe(true);
    await rig.upstream.reached('/metadata/timestamp.json', before + 1);
    expect(rig.upstream.asked('/metadata/timestamp.json')).toHaveLength(before + 1);
  });
});
