import { afterEach, describe, expect, it } from 'vitest';
import { internalCaller } from '../../src/async/caller.ts';
import { createUpstream, type HttpUpstream } from '../../src/upstream/client.ts';
import { createMetadataSource } from '../../src/upstream/metadata-source.ts';
import { type MirrorRig, startMirrorRig } from '../rigs/mirror-rig.ts';
import { type SignedRig, type SignedRigOptions, startSignedRig } from '../rigs/signed-rig.ts';
import { createClient, reasonOf } from '../support/client.ts';
import { DAY, HOUR } from '../support/clock.ts';
import { authority } from '../support/keys.ts';
import { fileName, type Simulator } from '../support/simulator.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';
import { startUpstream } from '../support/upstream.ts';

// J3: a TUF client behind the mirror verifies upstream's own signatures, byte for byte.

const [ALPHA, OWNED] = [tinyWheel('alpha'), tinyWheel('owned')];

let rig: SignedRig;
const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
  await rig.close();
});

const start = async (options: SignedRigOptions = {}) => {
  rig = await startSignedRig({
    fill: (signed) => {
      signed.upload('alpha', ALPHA);
      signed.upload('owned', OWNED);
      if (options.claims) signed.claim('owned', authority(['developer of owned']));
    },
    ...options,
  });
};

/** A client that knows the pinned root and the mirror's URL, and what it was answered. */
function client(mirror: MirrorRig = rig) {
  const answers = new Map<string, Uint8Array>();
  const metadata = `${mirror.url()}/tuf/metadata/`;
  const files = `${mirror.url()}/tuf/targets/`;
  const upstream: HttpUpstream = createUpstream({ bases: [metadata, files], retries: 0 });
  closers.push(() => upstream.close());
  const over = createMetadataSource(upstream, { name: 'client', metadata, files: { base: files, prefix: true } })(
    internalCaller('main'),
  );
  const source: Simulator['source'] = {
    async read({ role, version, limit }) {
      const bytes = await over.read({ role, version, limit });
      if (bytes !== undefined) answers.set(fileName(role, version), bytes);
      return bytes;
    },
  };
  return {
    ...createClient({ source, clock: rig.clock }, rig.published('metadata/1.root.json')),
    answers,
  };
}

const everyTarget = () => [...rig.signed.repository.roles.values()].flatMap(({ targets }) => [...targets.keys()]);
const version = (bytes: Uint8Array | undefined): number =>
  JSON.parse(Buffer.from(bytes ?? []).toString()).signed.version;

describe.each([
  { binKind: 'prefixes', claims: false },
  { binKind: 'succinct', claims: false },
  { binKind: 'prefixes', claims: true },
  { binKind: 'prefixes', claims: false, metaHashes: ['sha256', 'sha512'], targetHashes: ['blake2b-256'] },
] as const)('a client behind the mirror: %o', (options) => {
  it('finds every target, and every byte of metadata as upstream signed it', async () => {
    await start(options);
    const behind = client();
    await behind.refresh();
    for (const path of everyTarget()) {
      const { target } = await behind.find(path);
      const [hash] = target?.digests.values() ?? [];
      const slash = path.lastIndexOf('/') + 1;
      const { status, body } = await rig.get(`/tuf/targets/${path.slice(0, slash)}${hash}.${path.slice(slash)}`);
      expect([path, status]).toEqual([path, 200]);
      expect(body.equals(rig.published(`${path.slice(0, slash)}${hash}.${path.slice(slash)}`))).toBe(true);
    }
    expect(behind.answers.size).toBeGreaterThan(5);
    for (const [name, bytes] of behind.answers)
      expect(Buffer.from(bytes).equals(rig.published(`metadata/${name}`)), name).toBe(true);
  });
});

describe('in the middle of a publication', () => {
  it('a walk that began before ends well, up to an hour later; bins nobody asked for before are among it', async () => {
    await start();
    const before = client();
    const { snapshot } = await before.refresh();
    expect(snapshot.signed.version).toBe(1);
    for (const name of rig.signed.bins.names) rig.signed.repository.touch(name);
    rig.signed.repository.touch('targets');
    rig.signed.upload('alpha', tinyWheel('alpha', '2.0'));
    await rig.publish();
    expect((await rig.page('alpha')).versions).toEqual(['1.0', '2.0']);
    // The walk goes on by the names of the snapshot it holds.
    expect((await before.find(rig.signed.pagePath('alpha'))).target).toBeDefined();
    for (const path of everyTarget()) await before.find(path);
    rig.clock.advance(HOUR - 61);
    await rig.refresh();
    for (const name of ['1.snapshot.json', '1.targets.json'])
      expect((await rig.get(`/tuf/metadata/${name}`)).body.equals(rig.published(`metadata/${name}`)), name).toBe(true);
  });

  it('every timestamp names a snapshot that is there, and none is lower than one before', async () => {
    await start();
    let publishing = true;
    const readers = Array.from({ length: 2 }, async () => {
      const seen: number[] = [];
      while (publishing) {
        const reader = client();
        await reader.refresh();
        for (const path of [rig.signed.pagePath('alpha'), rig.signed.pagePath('owned')])
          expect((await reader.find(path)).target).toBeDefined();
        seen.push(version(reader.answers.get('timestamp.json')));
      }
      return seen;
    });
    for (let i = 2; i <= 6; i++) {
      rig.signed.upload('alpha', tinyWheel('alpha', `${i}.0`));
      await rig.publish();
    }
    publishing = false;
    for (const seen of await Promise.all(readers)) {
      expect(new Set(seen).size).toBeGreaterThan(1);
      expect(seen).toEqual(seen.toSorted((a, b) => a - b));
    }
    expect(version((await rig.get('/tuf/metadata/timestamp.json')).body)).toBe(6);
  });

  it('a role that upstream lost for its successor is answered 404, and its successor is there', async () => {
    await start();
    await rig.refresh();
    const bin = rig.signed.roleFor('alpha', rig.signed.pagePath('alpha'));
    rig.signed.upload('alpha', tinyWheel('alpha', '2.0'));
    rig.signed.publish();
    rig.instead(`metadata/1.${bin}.json`, undefined);
    expect(await rig.refused(`/tuf/metadata/1.${bin}.json`)).toBe('404 unlisted');
    expect((await rig.get(`/tuf/metadata/2.${bin}.json`)).body.equals(rig.published(`metadata/2.${bin}.json`))).toBe(
      true,
    );
    expect(version((await rig.get('/tuf/metadata/timestamp.json')).body)).toBe(2);
  });
});

describe('delegated roles by name', () => {
  const NAMES = ['owned-releases', 'a/b', '1.x', 'ü!*', '%2e', 'timestampish'];

  const startNested = async () => {
    await start({ claims: true });
    const { repository } = rig.signed;
    for (const [at, name] of NAMES.entries()) {
      const from = at === 0 ? 'project-owned' : (NAMES[at - 1] ?? '');
      repository.delegate(from, { name, authority: authority([`key of ${name}`]), paths: ['*/*', '*/*/*'] });
    }
    repository.addTarget('timestampish', 'deep/down/target', Buffer.from('found'));
    rig.signed.publish();
  };

  it.each(['as they come', 'after a restart'])('nested ones, whatever they are called, %s', async (when) => {
    await startNested();
    await rig.refresh();
    if (when === 'after a restart') await rig.restart();
    for (const name of ['project-owned', ...NAMES]) {
      const file = fileName(name, rig.signed.repository.role(name).version);
      const { status, body } = await rig.get(`/tuf/metadata/${file}`);
      expect([name, status]).toEqual([name, 200]);
      expect(body.equals(rig.published(`metadata/${file}`)), name).toBe(true);
    }
  });

  it('the deepest one first, by a mirror that has just started', async () => {
    await startNested();
    const file = fileName('timestampish', rig.signed.repository.role('timestampish').version);
    expect((await rig.get(`/tuf/metadata/${file}`)).body.equals(rig.published(`metadata/${file}`))).toBe(true);
  });
});

describe('what is not there', () => {
  it.each([
    '2.root.json',
    '99.root.json',
    '1.timestamp.json',
    '2.snapshot.json',
    'snapshot.json',
    'nobody.json',
    '1.nobody.json',
    '7.bin-0.json',
    '0.root.json',
    '01.root.json',
    '1.root',
    'root',
    '.json',
    '1..json',
    '9007199254740993.root.json',
    '..%2fpins.json',
  ])('%s is a plain 404', async (name) => {
    await start();
    await rig.refresh();
    expect(await rig.refused(`/tuf/metadata/${name}`)).toMatch(/^404 /);
  });

  it('a root below the pinned one is a plain 404, because nothing proves it; from the oldest pinned on, all are there', async () => {
    await start();
    for (let version = 2; version <= 3; version++) {
      rig.signed.repository.publishRoot();
      await rig.publish();
    }
    for (const name of ['1.root.json', '2.root.json', '3.root.json'])
      expect((await rig.get(`/tuf/metadata/${name}`)).body).toEqual(rig.published(`metadata/${name}`));
    await rig.stop();
    await rig.start({ root: rig.published('metadata/3.root.json') });
    for (const name of ['1.root.json', '2.root.json'])
      expect(await rig.refused(`/tuf/metadata/${name}`)).toBe('404 unlisted');
    expect((await rig.get('/tuf/metadata/3.root.json')).body).toEqual(rig.published('metadata/3.root.json'));
  });

  it('a target under a digest that is not its own is a plain 404', async () => {
    await start();
    const path = rig.signed.pagePath('alpha');
    const [other] =
      rig.signed.repository
        .role(rig.signed.roleFor('owned', rig.signed.pagePath('owned')))
        .targets.get(rig.signed.pagePath('owned'))
        ?.hashes.values() ?? [];
    const slash = path.lastIndexOf('/') + 1;
    for (const hash of [other, '0'.repeat(64)]) {
      expect(await rig.refused(`/tuf/targets/${path.slice(0, slash)}${hash}.${path.slice(slash)}`)).toBe(
        '404 unlisted',
      );
      expect(await rig.refused(`/tuf/targets/${hash}.${path}`)).toBe('404 unlisted');
    }
  });

  it('a role named like a version of another is not taken for immutable', async () => {
    await start();
    rig.signed.repository.delegate('targets', { name: '1.x', authority: authority(['x']), paths: ['x/*'] });
    await rig.publish();
    const unversioned = await rig.get('/tuf/metadata/1.x.json');
    expect(unversioned.headers['cache-control'] ?? '').not.toContain('immutable');
    expect((await rig.get('/tuf/metadata/1.1.x.json')).headers['cache-control']).toContain('immutable');
  });
});

describe('a second Verbatim behind the first', () => {
  const startSecond = async (first: string) => {
    const second = await startMirrorRig({
      files: undefined,
      clock: rig.clock,
      root: rig.published('metadata/1.root.json'),
      index: {
        upstream: `${first}/`,
        metadataUrl: `${first}/tuf/metadata/`,
        pagesUrl: `${first}/tuf/targets/`,
        filesUrl: `${first}/tuf/targets/`,
      },
    });
    closers.push(() => second.close());
    return second;
  };

  it('proves the same chain, and hands on the same bytes', async () => {
    await start({ claims: true });
    const second = await startSecond(rig.url());
    expect(await second.page('owned')).toEqual(await rig.page('owned'));
    expect((await second.get(rig.path(OWNED))).body.equals(OWNED.bytes)).toBe(true);
    const behind = client(second);
    await behind.refresh();
    for (const path of everyTarget()) expect((await behind.find(path)).target).toBeDefined();
    for (const [name, bytes] of behind.answers)
      expect(Buffer.from(bytes).equals(rig.published(`metadata/${name}`)), name).toBe(true);
  });

  it.each(['metadata', 'targets'])('refuses what a proxy between them changed in the %s', async (which) => {
    await start();
    const proxy = await startUpstream({
      handler: async (request, response) => {
        const { status, body } = await rig.get(request.url ?? '/');
        if (request.url?.includes(`/tuf/${which}/`) && body.byteLength > 40) body[40] = (body[40] ?? 0) ^ 1;
        response.writeHead(status).end(body);
      },
    });
    closers.push(() => proxy.close());
    const second = await startSecond(proxy.url.slice(0, -1));
    expect(await second.refused('/simple/alpha/')).toMatch(
      which === 'targets' ? /^502 digest$/ : /^502 (format|threshold)$/,
    );
    expect(await second.refused(rig.path(ALPHA))).toMatch(/^(403|503) (digest|format|threshold)$/);
  });

  it('sees that the first is frozen, once what it holds has expired', async () => {
    await start();
    const second = await startSecond(rig.url());
    await second.page('alpha');
    rig.clock.advance(DAY);
    expect(await second.refused('/simple/alpha/')).toBe('503 expired');
    expect(await reasonOf(client(second).refresh())).toBe('expired');
  });
});
