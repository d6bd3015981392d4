import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { explanationLines } from '../../src/app/explanation-text.ts';
import { statusLines } from '../../src/cli/status.ts';
import type { UnsignedIndexConfig } from '../../src/config/config.ts';
import { actsOf } from '../../src/mirror/operator/acts.ts';
import type { IndexFile } from '../../src/repository/index-pages.ts';
import { type IndexRig, OLD, startIndexRig } from '../rigs/index-rig.ts';
import { badGateway } from '../support/bad-days.ts';
import { client } from '../support/callers.ts';
import { DAY } from '../support/clock.ts';
import type { FakePypi, Line } from '../support/fake-pypi.ts';
import { tinyWheel, zip } from '../support/tiny-wheel.ts';
import type { Fault } from '../support/upstream.ts';

// Files whose page states no usable digest: believed at first sight where the operator lets it, then held to that for ever.

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const md5 = (bytes: Uint8Array) => createHash('md5').update(bytes).digest('hex');

const ALPHA = tinyWheel('alpha');
const OTHER = tinyWheel('alpha', '1.0', 'other bytes');
const NEWER = tinyWheel('alpha', '2.0');
const SDIST: IndexFile = { filename: 'alpha-1.0.tar.gz', bytes: gzipSync('as if it were a tar') };
const HERE = `/files/alpha/first-sight/${ALPHA.filename}`;
/** Longer than first sights of a page are gathered for. */
const GATHERED = 6;

/** Where the fake keeps a file under its plain name. */
const at = ({ filename }: IndexFile) => `plain/${filename}`;

function upload(pypi: FakePypi, file: IndexFile, says: Partial<Line> = {}): void {
  pypi.contents.set(at(file), file.bytes);
  pypi.upload('alpha', file, { url: `${pypi.files.url}${at(file)}`, hashes: {}, ...says });
  pypi.drop('alpha', file.filename, 'size');
}

describe('a file without a digest', () => {
  let rig: IndexRig;
  afterEach(() => rig.close());
  const start = async (fill: (pypi: FakePypi) => void, index: Partial<UnsignedIndexConfig> = {}) => {
    rig = await startIndexRig({ fill, index: { contentAddressed: false, ...index } });
  };
  const fault = (file: IndexFile, given: Fault, times?: number) => rig.pypi.files.fault(`/${at(file)}`, given, times);
  const downloads = (file: IndexFile) => rig.pypi.files.asked(`/${at(file)}`);
  const line = async (filename = ALPHA.filename) =>
    (await rig.page('alpha')).files.find((each) => each.filename === filename);

  it('is listed as upstream does until it was asked for; from the next drawing on with our sha256, at the same address', async () => {
    await start((pypi) => upload(pypi, ALPHA, { hashes: { md5: md5(ALPHA.bytes) } }));
    const before = await line();
    expect(before).toMatchObject({ hashes: { md5: md5(ALPHA.bytes) }, '_verbatim-evidence': 'first-sight' });
    expect(new URL(before?.url ?? '', `${rig.url()}/simple/alpha/`).pathname).toBe(HERE);
    const { status, body, headers } = await rig.get(HERE);
    expect([status, body]).toEqual([200, Buffer.from(ALPHA.bytes)]);
    expect(headers['verbatim-evidence']).toBe('first-sight');
    expect(headers['cache-control']).not.toContain('immutable');
    rig.clock.advance(GATHERED);
    expect(await line()).toEqual({ ...before, hashes: { sha256: sha256(ALPHA.bytes) } });
    const again = await rig.get(HERE);
    expect([again.status, again.headers['verbatim-evidence']]).toEqual([200, 'first-sight']);
    expect(again.headers['cache-control']).not.toContain('immutable');
    expect(rig.events.sighted.map(({ result, file }) => [result, file])).toEqual([['pinned', ALPHA.filename]]);
    expect(rig.events.served.filter(({ kind }) => kind === 'file')).toEqual([]);
  });

  it('is marked in HTML as well, and there with MD5 until there is better', async () => {
    await start((pypi) => upload(pypi, ALPHA, { hashes: { md5: md5(ALPHA.bytes) } }));
    const html = async () => String((await rig.get('/simple/alpha/', { headers: { accept: 'text/html' } })).body);
    expect(await html()).toMatch(new RegExp(`#md5=${md5(ALPHA.bytes)}".*data-verbatim-evidence="first-sight"`));
    await rig.get(HERE);
    rig.clock.advance(GATHERED);
    expect(await html()).toContain(`#sha256=${sha256(ALPHA.bytes)}"`);
  });

  it('is fetched twice, on two connections, and once for all who ask', async () => {
    await start((pypi) => upload(pypi, ALPHA));
    const answers = await Promise.all([1, 2, 3].map(() => rig.get(HERE)));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    const connections = downloads(ALPHA).map(({ connection }) => connection);
    expect(new Set(connections).size).toBe(2);
    expect(connections).toHaveLength(2);
  });

  it('is fetched once where it is larger than second_fetch_up_to, but always twice where it has no checksums of its own', async () => {
    const plain: IndexFile = { filename: 'alpha-1.0.tar.bz2', bytes: Buffer.from('anything') };
    await start((pypi) => [ALPHA, plain].forEach((file) => void upload(pypi, file)), { secondFetchUpTo: 1 });
    await rig.get(HERE);
    await rig.get(`/files/alpha/first-sight/${plain.filename}`);
    expect([downloads(ALPHA).length, downloads(plain).length]).toEqual([1, 2]);
  });

  it('one redraw shows what was gathered, not one for each file', async () => {
    await start((pypi) => [ALPHA, SDIST, NEWER].forEach((file) => void upload(pypi, file)));
    const etag = async () => (await rig.get('/simple/alpha/')).headers['etag'];
    const before = await etag();
    for (const { filename } of [ALPHA, SDIST, NEWER]) await rig.get(`/files/alpha/first-sight/${filename}`);
    expect(await etag()).toBe(before);
    rig.clock.advance(GATHERED);
    expect((await rig.page('alpha')).files.map(({ hashes }) => Object.keys(hashes))).toEqual([
      ['sha256'],
      ['sha256'],
      ['sha256'],
    ]);
    expect(rig.pypi.asked('alpha')).toHaveLength(1);
  });

  it('HEAD, a range and If-None-Match answer as for any other file', async () => {
    await start((pypi) => upload(pypi, ALPHA));
    const head = await rig.get(HERE, { method: 'HEAD' });
    expect([head.status, head.headers['content-length']]).toEqual([200, String(ALPHA.bytes.byteLength)]);
    const part = await rig.get(HERE, { headers: { range: 'bytes=2-5' } });
    expect([part.status, part.body]).toEqual([206, Buffer.from(ALPHA.bytes.subarray(2, 6))]);
    const tag = String(part.headers['etag']);
    expect((await rig.get(HERE, { headers: { 'if-none-match': tag } })).status).toBe(304);
  });

  it('has the core metadata that its page announces by a digest, and none that it does not', async () => {
    await start((pypi) => {
      pypi.contents.set(`${at(ALPHA)}.metadata`, ALPHA.coreMetadata);
      upload(pypi, ALPHA);
      upload(pypi, SDIST);
    });
    const { status, body, headers } = await rig.get(`${HERE}.metadata`);
    expect([status, body]).toEqual([200, Buffer.from(ALPHA.coreMetadata)]);
    expect(headers['verbatim-evidence']).toBe('index');
    expect(await rig.refused(`/files/alpha/first-sight/${SDIST.filename}.metadata`)).toBe('404 unlisted');
  });

  it.each(['in memory', 'on disk'])(
    'is held for ever: served past the end of its page, which is %s and does not state it',
    async (where) => {
      await start((pypi) => upload(pypi, ALPHA), { staleIfError: 1 });
      await line();
      expect((await rig.get(HERE)).status).toBe(200);
      rig.pypi.page('alpha', badGateway);
      if (where === 'on disk') await rig.restart();
      rig.clock.advance(DAY);
      expect(await rig.refused('/simple/alpha/')).toBe('503 unreachable');
      const { status, body, headers } = await rig.get(HERE);
      expect([status, body]).toEqual([200, Buffer.from(ALPHA.bytes)]);
      expect(headers['verbatim-evidence']).toBe('first-sight');
      expect(rig.events.stoodIn.map(({ kind }) => kind)).toContain('file');
      expect(downloads(ALPHA)).toHaveLength(2);
    },
  );

  it('is not served so where it was never asked for', async () => {
    await start((pypi) => upload(pypi, ALPHA), { staleIfError: 1 });
    await line();
    rig.pypi.page('alpha', badGateway);
    rig.clock.advance(DAY);
    expect(await rig.refused(HERE)).toBe('503 unreachable');
    expect(downloads(ALPHA)).toHaveLength(0);
  });

  it('keeps its bytes across a restart, and when upstream exchanges it', async () => {
    await start((pypi) => upload(pypi, ALPHA));
    await rig.get(HERE);
    await rig.restart();
    rig.pypi.contents.set(at(ALPHA), OTHER.bytes);
    expect((await line())?.hashes).toEqual({ sha256: sha256(ALPHA.bytes) });
    expect((await rig.get(HERE)).body).toEqual(Buffer.from(ALPHA.bytes));
    expect(downloads(ALPHA)).toHaveLength(2);
  });

  it('is refused where it lies here no more and upstream has exchanged it', async () => {
    await start((pypi) => upload(pypi, ALPHA));
    await rig.get(HERE);
    await rig.stop();
    await rig.onDisk(async ({ pins }) => {
      const pin = (await pins.of('alpha')).get(ALPHA.filename);
      expect(pin).toMatchObject({ firstSight: true, digests: new Map([['sha256', sha256(ALPHA.bytes)]]) });
      await pins.replace('alpha', ALPHA.filename, {
        ...pin,
        seen: 1,
        digests: new Map([['sha256', sha256(NEWER.bytes)]]),
      });
    });
    await rig.start();
    expect(await rig.refused(HERE)).toBe('403 digest');
  });

  it('is told of by explain and status as what it is', async () => {
    await start((pypi) => upload(pypi, ALPHA));
    const text = async (name: string) =>
      explanationLines(await rig.index().explain(name, client()), rig.clock.now()).join('\n');
    expect(await text(ALPHA.filename)).toMatch(/evidence: first-sight[\s\S]*not seen here yet/);
    await rig.get(HERE);
    rig.clock.advance(GATHERED);
    expect(await text(ALPHA.filename)).toMatch(/evidence: first-sight[\s\S]*first seen/i);
    expect(await text('alpha')).toMatch(/1 file, believed as they were .*evidence: first-sight/);
    expect(statusLines(await rig.index().status(), rig.clock.now()).join('\n')).toMatch(
      /first-sight - weaker than index: 1 file/,
    );
  });

  it('the newest alone, beside others that have one: listed, so that nobody gets an older version unawares', async () => {
    await start((pypi) => {
      pypi.upload('alpha', ALPHA);
      upload(pypi, NEWER);
    });
    expect((await rig.page('alpha')).files.map(({ filename, hashes }) => [filename, Object.keys(hashes)])).toEqual([
      [ALPHA.filename, ['sha256']],
      [NEWER.filename, []],
    ]);
    const explained = explanationLines(await rig.index().explain('alpha', client()), rig.clock.now()).join('\n');
    expect(explained).toMatch(/2 files, 1 proved .*evidence: index.*, 1 believed .*evidence: first-sight/);
    expect((await rig.get(rig.path(ALPHA))).headers['verbatim-evidence']).toBe('index');
    expect((await rig.get(`/files/alpha/first-sight/${NEWER.filename}`)).headers['verbatim-evidence']).toBe(
      'first-sight',
    );
  });

  it('that gets a digest from upstream later is proved by that, at both addresses', async () => {
    await start((pypi) => upload(pypi, ALPHA));
    await rig.get(HERE);
    rig.pypi.edit('alpha', ALPHA.filename, { hashes: { sha256: sha256(ALPHA.bytes) } });
    await rig.later('alpha');
    const own = `/files/alpha/${sha256(ALPHA.bytes)}/${ALPHA.filename}`;
    expect((await rig.get(own)).headers['verbatim-evidence']).toBe('index');
    expect((await rig.get(HERE)).status).toBe(200);
    rig.pypi.edit('alpha', ALPHA.filename, { hashes: { sha256: sha256(OTHER.bytes) } });
    await rig.later('alpha');
    expect(await rig.refused(HERE)).toMatch(/ changed$/);
  });

  it('whose MD5 becomes another takes a second look, and is written down; what was pinned stays', async () => {
    await start((pypi) => upload(pypi, ALPHA, { hashes: { md5: md5(ALPHA.bytes) } }));
    await rig.get(HERE);
    rig.pypi.contents.set(at(ALPHA), OTHER.bytes);
    rig.pypi.edit('alpha', ALPHA.filename, { hashes: { md5: md5(OTHER.bytes) } });
    const asked = rig.pypi.asked('alpha').length;
    expect((await rig.later('alpha'))[0]?.hashes).toEqual({ sha256: sha256(ALPHA.bytes) });
    expect(rig.pypi.asked('alpha').length - asked).toBe(2);
    expect((await rig.get(HERE)).body).toEqual(Buffer.from(ALPHA.bytes));
    expect((await rig.journal()).map(({ kind, before, after }) => [kind, before, after])).toEqual([
      ['changed', `md5:${md5(ALPHA.bytes)}`, `md5:${md5(OTHER.bytes)}`],
    ]);
  });

  it('on a host that is not allowed is refused, and that host never asked', async () => {
    await start((pypi) => upload(pypi, ALPHA));
    rig.pypi.edit('alpha', ALPHA.filename, { url: `http://127.0.0.1:1/${ALPHA.filename}` });
    await rig.restart();
    expect(await rig.refused(HERE)).toBe('403 foreign');
    expect(downloads(ALPHA)).toEqual([]);
  });

  it('on a host that is allowed only as any public one is refused, as nothing would prove what comes from there', async () => {
    await start((pypi) => upload(pypi, ALPHA), { fileHosts: ['any-public'] });
    rig.pypi.edit('alpha', ALPHA.filename, { url: `https://8.8.8.8/${ALPHA.filename}` });
    await rig.restart();
    expect(await rig.refused(HERE)).toBe('403 foreign');
    // Told when its page was read, with the word that lets it in.
    expect(rig.events.rejected.map(({ message }) => message).join()).toContain('--file-host 8.8.8.8');
  });

  it('is looked for anew on its page where its link leads nowhere any more', async () => {
    await start((pypi) => upload(pypi, ALPHA));
    await rig.page('alpha');
    rig.pypi.contents.set(`signed/${ALPHA.filename}`, ALPHA.bytes);
    rig.pypi.edit('alpha', ALPHA.filename, { url: `${rig.pypi.files.url}signed/${ALPHA.filename}` });
    fault(ALPHA, { kind: 'status', status: 403 });
    const { status, body } = await rig.get(HERE);
    expect([status, body]).toEqual([200, Buffer.from(ALPHA.bytes)]);
    expect(downloads(ALPHA)).toHaveLength(1);
  });

  it('keeps its address when an operator lets other bytes in', async () => {
    await start((pypi) => upload(pypi, ALPHA));
    await rig.get(HERE);
    rig.pypi.contents.set(at(ALPHA), OTHER.bytes);
    await rig.onDisk(async ({ state }) => {
      const change = { digest: `sha256:${sha256(OTHER.bytes)}` };
      for (const act of await actsOf({ state, now: 1 }, { project: 'alpha', file: ALPHA.filename, change }))
        await act.carryOut();
    });
    await rig.later('alpha');
    expect((await line())?.hashes).toEqual({ sha256: sha256(OTHER.bytes) });
    expect((await rig.get(HERE)).body).toEqual(Buffer.from(OTHER.bytes));
  });

  describe('is refused, with its reason, and not pinned', () => {
    const damagedMember = Uint8Array.from(ALPHA.bytes);
    const inside = Buffer.from(ALPHA.bytes).indexOf("VERSION = '1.0'");
    damagedMember[inside] = 0x76;
    const record = (digest: string) =>
      zip([
        ['alpha.py', Buffer.from('x = 1\n')],
        ['alpha-1.0.dist-info/RECORD', Buffer.from(`alpha.py,sha256=${digest},6\n`)],
      ]);
    const wheel = (bytes: Uint8Array): IndexFile => ({ filename: ALPHA.filename, bytes });
    const gzip = Uint8Array.from(SDIST.bytes);
    gzip[gzip.byteLength - 6] = (gzip.at(-6) ?? 0) ^ 1;

    it.each([
      ['a member whose CRC does not hold', wheel(damagedMember), 'digest'],
      ['a RECORD of other bytes', wheel(record('A'.repeat(43))), 'digest'],
      ['no zip at all', wheel(Buffer.from('<html>log in</html>')), 'format'],
      ['a zip that was cut', wheel(ALPHA.bytes.subarray(0, ALPHA.bytes.byteLength - 9)), 'format'],
      ['a gzip whose CRC does not hold', { ...SDIST, bytes: gzip }, 'digest'],
      ['a gzip that was cut', { ...SDIST, bytes: SDIST.bytes.subarray(0, 20) }, 'digest'],
    ])('%s', async (_, file, reason) => {
      await start((pypi) => upload(pypi, file));
      expect(await rig.refused(`/files/alpha/first-sight/${file.filename}`)).toBe(`403 ${reason}`);
      expect((await rig.pins('alpha')).size).toBe(0);
      expect(rig.events.sighted.map(({ result }) => result)).toEqual(['refused']);
      // What is wrong is not downloaded again for everybody who asks.
      const asked = downloads(file).length;
      await rig.get(`/files/alpha/first-sight/${file.filename}`);
      expect(downloads(file)).toHaveLength(asked);
    });

    it('what contradicts the MD5 of its page', async () => {
      await start((pypi) => upload(pypi, ALPHA, { hashes: { md5: md5(OTHER.bytes) } }));
      expect(await rig.refused(HERE)).toBe('403 digest');
    });

    it('a second fetch that brings other bytes, or more of them', async () => {
      await start((pypi) => upload(pypi, ALPHA));
      for (const second of [OTHER.bytes, Buffer.concat([ALPHA.bytes, Buffer.from('more')])]) {
        fault(ALPHA, { kind: 'replace', bytes: ALPHA.bytes }, 1);
        fault(ALPHA, { kind: 'replace', bytes: second }, 1);
        expect(await rig.refused(HERE)).toMatch(/ changed$/);
        rig.clock.advance(61);
      }
      rig.pypi.files.heal();
      expect((await rig.get(HERE)).status).toBe(200);
    });

    const endless = { kind: 'truncate', at: ALPHA.bytes.byteLength, how: 'fin', framing: 'close' } as const;
    it.each<readonly [string, Fault, RegExp]>([
      ['of which nothing tells the end but its connection', endless, / truncated$/],
      ['that never comes', { kind: 'reset' }, / unreachable$/],
    ])('a second fetch %s, three times over; once is no harm', async (_, second, refusal) => {
      await start((pypi) => upload(pypi, ALPHA));
      fault(ALPHA, { kind: 'replace', bytes: ALPHA.bytes }, 1);
      fault(ALPHA, second, 3);
      expect(await rig.refused(HERE)).toMatch(refusal);
      expect((await rig.pins('alpha')).size).toBe(0);
      rig.clock.advance(OLD);
      fault(ALPHA, { kind: 'replace', bytes: ALPHA.bytes }, 1);
      fault(ALPHA, second, 1);
      expect((await rig.get(HERE)).status).toBe(200);
      expect((await rig.pins('alpha')).size).toBe(1);
    });

    it('a body that nothing tells the end of but its connection', async () => {
      await start((pypi) => upload(pypi, ALPHA));
      fault(ALPHA, { kind: 'truncate', at: ALPHA.bytes.byteLength, how: 'fin', framing: 'close' });
      expect(await rig.refused(HERE)).toMatch(/ truncated$/);
      expect((await rig.pins('alpha')).size).toBe(0);
    });

    it('a chunked body that was cut; whole, it is believed, and never made of two halves', async () => {
      await start((pypi) => upload(pypi, ALPHA));
      fault(ALPHA, { kind: 'truncate', at: 100, how: 'fin', framing: 'chunked' }, 3);
      expect(await rig.refused(HERE)).toMatch(/ truncated$/);
      expect(downloads(ALPHA).every(({ headers }) => headers.range === undefined)).toBe(true);
      rig.clock.advance(OLD);
      fault(ALPHA, { kind: 'truncate', at: 100, how: 'fin' }, 1);
      expect((await rig.get(HERE)).status).toBe(200);
      expect(downloads(ALPHA).every(({ headers }) => headers.range === undefined)).toBe(true);
    });
  });

  it('two processes: the pin of whoever was quicker decides, and what contradicts it is refused and told of', async () => {
    await start((pypi) => upload(pypi, ALPHA));
    const twin = await rig.twin();
    await rig.page('alpha');
    await twin.page('alpha');
    expect((await twin.get(HERE)).status).toBe(200);
    // This process has drawn its page before, and asks for nothing that the other has pinned.
    rig.pypi.contents.set(at(ALPHA), OTHER.bytes);
    const { status, body } = await rig.get(HERE);
    expect([status, body]).toEqual([200, Buffer.from(ALPHA.bytes)]);
    expect(rig.events.sighted).toHaveLength(1);
  });

  it('two processes that look at the same time at different bytes: one is believed', async () => {
    await start((pypi) => upload(pypi, ALPHA));
    await rig.page('alpha');
    const gate = Promise.withResolvers<void>();
    fault(ALPHA, { kind: 'replace', bytes: ALPHA.bytes }, 1);
    fault(ALPHA, { kind: 'wait', until: gate.promise }, 1);
    const asked = rig.refused(HERE);
    await rig.pypi.files.reached(`/${at(ALPHA)}`, 2);
    await rig.onDisk(({ pins }) =>
      pins.add(
        'alpha',
        new Map([
          [
            ALPHA.filename,
            { digests: new Map([['sha256', sha256(OTHER.bytes)]]), seen: 1, proved: true, firstSight: true },
          ],
        ]),
      ),
    );
    gate.resolve();
    expect(await asked).toMatch(/ changed$/);
    expect(rig.alarms()).toContain('changed file');
  });

  it('is left out with undigested: withhold, with reuploads, and says what would let it in', async () => {
    for (const index of [{ undigested: 'withhold' }, { reuploads: true }] as const) {
      await start((pypi) => upload(pypi, ALPHA), index);
      expect(await rig.names('alpha')).toEqual([]);
      expect((await rig.index().tally()).leftOut).toEqual(new Map([['no-digest', 1]]));
      expect(await rig.refused(HERE)).toBe('404 unlisted');
      if ('undigested' in index) await rig.close();
    }
  });
});

describe('what had a digest and loses it', () => {
  let rig: IndexRig;
  afterEach(() => rig.close());
  const start = async () => {
    rig = await startIndexRig({ fill: (pypi) => pypi.upload('alpha', ALPHA), index: { contentAddressed: false } });
    await rig.page('alpha');
  };
  const lose = () => rig.pypi.edit('alpha', ALPHA.filename, { hashes: { md5: md5(OTHER.bytes) } });

  it('a file keeps the digest that is pinned, after a second look that is written down', async () => {
    await start();
    const before = await rig.page('alpha');
    lose();
    const [file] = await rig.later('alpha');
    expect(file).toEqual(before.files[0]);
    expect(rig.alarms()).toContain('changed page');
    expect((await rig.journal()).map(({ kind, file: name, after }) => [kind, name, after])).toEqual([
      ['changed', ALPHA.filename, `md5:${md5(OTHER.bytes)}`],
    ]);
    rig.pypi.contents.set(
      rig.path(ALPHA).slice(1),
      Uint8Array.from(ALPHA.bytes, (byte) => byte ^ 1),
    );
    expect(await rig.refused(rig.path(ALPHA))).toBe('403 digest');
  });

  it('a project: a new file of it gets no first sight, and is told of', async () => {
    await start();
    lose();
    upload(rig.pypi, NEWER);
    expect((await rig.later('alpha')).map(({ filename }) => filename)).toEqual([ALPHA.filename]);
    expect((await rig.index().tally()).leftOut).toEqual(new Map([['lost-digest', 1]]));
    expect(await rig.refused(`/files/alpha/first-sight/${NEWER.filename}`)).toBe('404 unlisted');
  });
});
