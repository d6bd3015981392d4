import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { type IndexRig, type IndexRigOptions, startIndexRig } from '../rigs/index-rig.ts';
import { answering, cut, forged, loginPage, rewritten, type Send, withHeaders } from '../support/bad-days.ts';
import { client } from '../support/callers.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';
import { startUpstream } from '../support/upstream.ts';

// What may come from an index, a CDN edge or whoever sits between, instead of a page.

const ALPHA = tinyWheel('alpha');
const ZETA = tinyWheel('zeta');
const PAGE = '/simple/alpha/';

let rig: IndexRig;
afterEach(() => rig.close());

const start = async (options: IndexRigOptions = {}) => {
  rig = await startIndexRig({ fill: (pypi) => pypi.upload('alpha', ALPHA), ...options });
};
const json = (document: object) => forged(JSON.stringify(document));
const HEAD = { meta: { 'api-version': '1.1' }, name: 'alpha' };

const BOMB = gzipSync(Buffer.alloc(50_000_000), { level: 1 });

/** What is no page of alpha, and why. */
const NO_PAGES: readonly (readonly [string, Send, string])[] = [
  ['a log-in page with status 200', loginPage, '502 format'],
  ['a page of another project', json({ ...HEAD, name: 'zeta', files: [] }), '502 foreign'],
  [
    'a page that lists only files of another project',
    rewritten((page) => ({
      ...page,
      files: [{ ...page.files[0], filename: ZETA.filename, url: `../../x/${ZETA.filename}` }],
    })),
    '502 foreign',
  ],
  [
    'an HTML page of another project',
    () =>
      answering(
        200,
        `<meta name="pypi:repository-version" content="1.0"><a href="../../x/${ZETA.filename}#sha256=${'a'.repeat(64)}">${ZETA.filename}</a>`,
      ),
    '502 foreign',
  ],
  ['JSON without files', json(HEAD), '502 format'],
  ['a JSON error with status 200', json({ message: 'Internal error' }), '502 format'],
  ['an api-version of tomorrow', json({ ...HEAD, meta: { 'api-version': '2.0' }, files: [] }), '502 format'],
  ['neither JSON nor HTML', forged('Bad gateway'), '502 format'],
  ['nothing at all', forged(''), '502 format'],
  ['JSON a thousand deep', forged(`${'{"a":'.repeat(1000)}1${'}'.repeat(1000)}`), '502 limit'],
  ['a gzip bomb', (answer) => withHeaders({ 'content-encoding': 'gzip' })(forged(BOMB)(answer, 1), 1), '502 limit'],
  ['33 MiB', forged(Buffer.alloc(33 * 1024 * 1024, ' ')), '502 limit'],
  [
    'a redirect to another host',
    () => answering(302, '', { location: 'https://elsewhere.example/simple/alpha/' }),
    '502 redirect',
  ],
  [
    'a redirect to an address of the cloud',
    () => answering(302, '', { location: 'http://169.254.169.254/' }),
    '502 redirect',
  ],
  ['a redirect to a file', () => answering(302, '', { location: 'file:///etc/passwd' }), '502 redirect'],
  ['a 206', () => answering(206, '{}'), '502 format'],
  ['cut short by FIN', cut(40, 'length'), '502 truncated'],
  ['cut short by RST', cut(40, 'length', 'rst'), '502 truncated'],
  ['cut short between chunks', cut(40, 'chunked'), '502 truncated'],
  ['cut short where its end is told by FIN', cut(40, 'close'), '502 truncated'],
];

describe.each(NO_PAGES)('%s', (_, send, answer) => {
  it('is no page of a project never seen', async () => {
    await start();
    rig.pypi.page('alpha', send);
    expect(await rig.refused(PAGE)).toBe(answer);
    expect(rig.alarms()).toEqual([`${answer.slice(4)} page`]);
    expect((await rig.pins('alpha')).size).toBe(0);
    rig.pypi.heal();
    expect(await rig.names('alpha')).toEqual([ALPHA.filename]);
  });

  it('takes nothing from a page that was believed', async () => {
    await start();
    const before = await rig.page('alpha');
    rig.pypi.page('alpha', send);
    expect(await rig.later('alpha')).toEqual(before.files);
    await rig.restart();
    expect((await rig.page('alpha')).files).toEqual(before.files);
    expect(await rig.journal()).toEqual([]);
  });
});

describe('a page with', () => {
  it("another project's file among its own: the line is left out and counted", async () => {
    await start();
    rig.pypi.page(
      'alpha',
      rewritten((page) => ({ ...page, files: [...page.files, { ...page.files[0], filename: ZETA.filename }] })),
    );
    expect(await rig.names('alpha')).toEqual([ALPHA.filename]);
    expect((await rig.index().status()).leftOut.get('foreign')).toBe(1);
    expect((await rig.pins('alpha')).has(ZETA.filename)).toBe(false);
  });

  it('a file on a host that is not allowed: listed, refused, and that host never asked', async () => {
    const elsewhere = await startUpstream({ files: new Map([[rigPath(), ALPHA.bytes]]) });
    try {
      await start();
      rig.pypi.edit('alpha', ALPHA.filename, { url: `http://127.0.0.1:${elsewhere.port}${rig.path(ALPHA)}` });
      await rig.page('alpha');
      expect(await rig.refused(rig.path(ALPHA))).toBe('403 foreign');
      expect(elsewhere.requests).toEqual([]);
    } finally {
      await elsewhere.close();
    }
  });

  it.each(['http://169.254.169.254/', 'file:///etc/', 'javascript:alert(1)//', 'https://user:pw@pypi.example/'])(
    'links to %s: nothing is fetched there',
    async (base) => {
      await start();
      rig.pypi.edit('alpha', ALPHA.filename, { url: `${base}${ALPHA.filename}` });
      const [file] = (await rig.page('alpha')).files;
      if (file !== undefined)
        expect(await rig.refused(new URL(file.url, `${rig.url()}/simple/alpha/`).pathname)).toBe('403 foreign');
      expect(rig.pypi.files.requests).toEqual([]);
    },
  );
});

describe('a file', () => {
  it.each(['Alpha', 'al.pha', '%3F', '%23', '%252e%252e', 'x%20y', 'a'.repeat(201)])(
    'of a project spelled %s is not there, and upstream is not asked for whatever that would mean to it',
    async (spelled) => {
      await start();
      expect(await rig.refused(`/files/${spelled}/${'0'.repeat(64)}/${ALPHA.filename}`)).toBe('404 unlisted');
      expect(rig.pypi.requests).toEqual([]);
    },
  );

  it('that the file host redirects elsewhere is refused', async () => {
    await start();
    await rig.page('alpha');
    rig.pypi.files.fault(rig.path(ALPHA), { kind: 'redirect', to: 'https://elsewhere.example/x.whl' });
    expect(await rig.refused(rig.path(ALPHA))).toBe('403 redirect');
  });

  it('whose page gives another digest than that of the bytes is refused', async () => {
    await start();
    rig.pypi.edit('alpha', ALPHA.filename, { hashes: { sha256: 'f'.repeat(64) } });
    expect(await rig.refused(rig.path(ALPHA))).toBe('403 digest');
  });

  it('that is what the page says, under the content path of another: refused (`content_addressed`)', async () => {
    await start({ fill: (pypi) => pypi.upload('alpha', { ...ALPHA, bytes: lied }) });
    rig.pypi.contents.set(rig.path(ALPHA).slice(1), lied);
    rig.pypi.edit('alpha', ALPHA.filename, { url: rig.pypi.files.url + rig.path(ALPHA).slice(1) });
    await rig.page('alpha');
    expect(await rig.refused(rig.path(ALPHA))).toBe('403 digest');
  });

  it('the same, where content_addressed is off: the digest of the page alone decides', async () => {
    await start({
      index: { contentAddressed: false },
      fill: (pypi) => pypi.upload('alpha', { ...ALPHA, bytes: lied }),
    });
    rig.pypi.contents.set(rig.path(ALPHA).slice(1), lied);
    rig.pypi.edit('alpha', ALPHA.filename, { url: rig.pypi.files.url + rig.path(ALPHA).slice(1) });
    await rig.page('alpha');
    expect((await rig.get(rig.path(ALPHA))).body.equals(lied)).toBe(true);
  });

  it('with one byte changed by an edge is fetched again, and only the right bytes are sent', async () => {
    await start();
    rig.pypi.files.fault(rig.path(ALPHA), { kind: 'flip', at: 30 }, 1);
    expect((await rig.get(rig.path(ALPHA))).body.equals(ALPHA.bytes)).toBe(true);
    expect(rig.pypi.files.asked(rig.path(ALPHA))).toHaveLength(2);
  });

  it('with one byte changed by all is refused, and its pin is not proved', async () => {
    await start();
    rig.pypi.files.fault(rig.path(ALPHA), { kind: 'flip', at: 30 });
    expect(await rig.refused(rig.path(ALPHA))).toBe('403 digest');
    expect((await rig.pins('alpha')).get(ALPHA.filename)?.proved).toBeUndefined();
  });
});

describe('a quarantined project (PEP 792)', () => {
  it('has an empty page, and no file of it is sent, not even one that is held', async () => {
    await start();
    expect((await rig.get(rig.path(ALPHA))).status).toBe(200);
    rig.pypi.quarantine('alpha', 'malware');
    expect(await rig.later('alpha')).toEqual([]);
    expect((await rig.page('alpha')) as object).toMatchObject({
      'project-status': { status: 'quarantined', reason: 'malware' },
    });
    expect(await rig.refused(rig.path(ALPHA))).toBe('403 policy');
    expect(await rig.refused(`${rig.path(ALPHA)}.metadata`)).toBe('403 policy');
    await rig.restart();
    expect(await rig.refused(rig.path(ALPHA))).toBe('403 policy');
    expect(await rig.journal()).toContainEqual(
      expect.objectContaining({ kind: 'quarantined', project: 'alpha', reason: 'malware' }),
    );
  });

  it('is as empty where upstream goes on listing its files', async () => {
    await start();
    rig.pypi.restatus('alpha', { status: 'quarantined' });
    expect((await rig.page('alpha')).files).toEqual([]);
    expect(await rig.refused(rig.path(ALPHA))).toBe('403 policy');
    expect(await rig.refused(`${rig.path(ALPHA)}.asc`)).toBe('404 unlisted');
    const document = await rig.index().unverified?.legacyJson('alpha', undefined, 'https://mirror.example/', client());
    expect(JSON.parse(String(document?.bytes)).urls).toEqual([]);
  });

  it.each(['archived', 'deprecated'])('that is only %s is served as ever, and says so', async (status) => {
    await start();
    await rig.page('alpha');
    rig.pypi.restatus('alpha', { status, reason: 'done' });
    expect(await rig.later('alpha')).toHaveLength(1);
    expect(await rig.page('alpha')).toMatchObject({ 'project-status': { status, reason: 'done' } });
    expect(rig.alarms()).toEqual([]);
  });

  it('that is released is there again once two looks agree, and it is written down', async () => {
    await start();
    rig.pypi.restatus('alpha', { status: 'quarantined' });
    await rig.page('alpha');
    rig.pypi.restatus('alpha', undefined);
    expect(await rig.later('alpha')).toHaveLength(1);
    expect((await rig.get(rig.path(ALPHA))).status).toBe(200);
    expect((await rig.journal()).map(({ kind }) => kind)).toEqual(['returned']);
  });

  it('is not released by one look', async () => {
    await start();
    const free = rig.pypi.pageOf('alpha');
    rig.pypi.restatus('alpha', { status: 'quarantined' });
    await rig.page('alpha');
    rig.pypi.page('alpha', forged(free), 1);
    expect(await rig.later('alpha')).toEqual([]);
  });
});

const lied = tinyWheel('alpha', '1.0', 'other').bytes;

function rigPath(): string {
  return `/${ALPHA.filename}`;
}
