import { afterEach, describe, expect, it } from 'vitest';
import { internalCaller } from '../../src/async/caller.ts';
import type { UnsignedIndexConfig } from '../../src/config/config.ts';
import { digestHex } from '../../src/repository/digests.ts';
import { JSON_PAGE, type Mirror, makeScratch, NOW, startMirror, unsignedConfig } from '../rigs/mirror.ts';
import { createClock } from '../support/clock.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';
import { startUpstream, type TestUpstream } from '../support/upstream.ts';

// Where an index has its pages is what its operators say to pip: with simple/ or without, at the root or below, in one page or many.

const ALPHA = tinyWheel('alpha');
const BETA = tinyWheel('beta');
const open: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

const anchor = (file: { readonly filename: string; readonly bytes: Uint8Array }, folder = '') =>
  `<a href="${folder}${file.filename}#sha256=${digestHex('sha256', file.bytes)}">${file.filename}</a>`;
const html = (...lines: readonly string[]) =>
  Buffer.from(`<!DOCTYPE html><html><body>${lines.join('\n')}</body></html>`);
const json = (...files: readonly (typeof ALPHA)[]) =>
  Buffer.from(
    JSON.stringify({
      meta: { 'api-version': '1.1' },
      name: files[0]?.project,
      files: files.map((file) => ({
        filename: file.filename,
        url: `/files/${file.filename}`,
        hashes: { sha256: digestHex('sha256', file.bytes) },
        size: file.bytes.byteLength,
        'upload-time': '2026-01-01T00:00:00Z',
      })),
      versions: ['1.0'],
    }),
  );

interface Start {
  readonly at: string;
  readonly files: Readonly<Record<string, Uint8Array>>;
  readonly index?: Partial<UnsignedIndexConfig>;
}

async function start({ at, files, index }: Start): Promise<Mirror & { readonly server: TestUpstream }> {
  const server = await startUpstream({ files: new Map(Object.entries(files)) });
  open.push(server.close);
  const config = () => [unsignedConfig({ upstream: `${server.url}${at}`, contentAddressed: false, ...index })];
  const mirror = await startMirror({ scratch: await makeScratch(), clock: createClock(NOW), indexes: config });
  open.push(mirror.close);
  return { ...mirror, server };
}

/** The bytes of alpha's only file, as the mirror has it. */
async function alpha(mirror: Mirror): Promise<Buffer> {
  const [file] = (await mirror.page('alpha')).files;
  return (await mirror.get(new URL(file?.url ?? '', 'http://x/simple/alpha/').pathname)).body;
}

describe('an index is taken at the address that was given', () => {
  it.each([
    ['at the root of its host', '', '/alpha/', `/alpha/${ALPHA.filename}`, undefined],
    ['at the root of its host, which has simple/', '', '/simple/alpha/', `/simple/alpha/${ALPHA.filename}`, undefined],
    ['below a path', 'whl/cpu/', '/whl/cpu/alpha/', `/whl/cpu/alpha/${ALPHA.filename}`, undefined],
    [
      'below a path, which has simple/',
      'repo/',
      '/repo/simple/alpha/',
      `/repo/simple/alpha/${ALPHA.filename}`,
      undefined,
    ],
    [
      'of devpi, without its +simple/',
      'me/dev/',
      '/me/dev/+simple/alpha/',
      `/me/dev/+simple/alpha/${ALPHA.filename}`,
      undefined,
    ],
    ['of a kind that is at the root', '', '/alpha/', `/alpha/${ALPHA.filename}`, 'nvidia'],
    [
      'of a kind that has +simple/',
      'me/dev/',
      '/me/dev/+simple/alpha/',
      `/me/dev/+simple/alpha/${ALPHA.filename}`,
      'devpi',
    ],
  ] as const)('%s', async (_, at, page, file, kind) => {
    const mirror = await start({ at, files: { [page]: html(anchor(ALPHA)), [file]: ALPHA.bytes }, index: { kind } });
    expect(await mirror.refused('/simple/absent/')).toBe('404 unlisted');
    expect((await alpha(mirror)).equals(ALPHA.bytes)).toBe(true);
    // Once it is found nobody looks elsewhere; after a restart what was seen is served from where it was.
    expect(await mirror.refused('/simple/none/')).toBe('404 unlisted');
    expect(mirror.server.requests.filter(({ url }) => url.endsWith('/none/'))).toHaveLength(1);
    mirror.clock.advance(1000);
    await mirror.restart();
    expect((await alpha(mirror)).equals(ALPHA.bytes)).toBe(true);
  });

  it('that has pages in JSON only', async () => {
    const mirror = await start({
      at: 'simple/',
      files: { '/simple/alpha/': json(ALPHA), [`/files/${ALPHA.filename}`]: ALPHA.bytes },
    });
    expect((await alpha(mirror)).equals(ALPHA.bytes)).toBe(true);
  });

  it('and at no other while the first is away: what is there might be another index', async () => {
    const files = { '/simple/alpha/': html(anchor(ALPHA)), '/alpha/': html(anchor(BETA)) };
    const mirror = await start({ at: '', files });
    mirror.server.fault('/simple/alpha/', { kind: 'reset' });
    expect(await mirror.refused('/simple/alpha/')).toBe('503 unreachable');
    expect(mirror.server.asked('/simple/alpha/')).not.toEqual([]);
    expect(mirror.server.asked('/alpha/')).toEqual([]);
    mirror.server.heal();
    mirror.clock.advance(60);
    expect((await mirror.page('alpha')).files.map(({ filename }) => filename)).toEqual([ALPHA.filename]);
  });

  it('and not where something else answers than a page', async () => {
    const shell = Buffer.from('<!DOCTYPE html><html><body>Welcome. <a href="/login">log in</a></body></html>');
    const mirror = await start({
      at: 'me/dev/',
      files: {
        '/me/dev/alpha/': shell,
        '/me/dev/+simple/alpha/': html(anchor(ALPHA)),
        [`/me/dev/+simple/alpha/${ALPHA.filename}`]: ALPHA.bytes,
      },
    });
    expect((await alpha(mirror)).equals(ALPHA.bytes)).toBe(true);
  });

  it('whose every place shuts us out has no project absent', async () => {
    const mirror = await start({ at: '', files: {} });
    mirror.server.fault('/simple/absent/', { kind: 'status', status: 403 });
    expect(await mirror.refused('/simple/absent/')).toBe('502 forbidden');
  });
});

describe('one page with the files of all projects', () => {
  const files = {
    '/links/all.html': html(anchor(ALPHA, 'files/'), anchor(BETA, 'files/')),
    [`/links/files/${ALPHA.filename}`]: ALPHA.bytes,
  };

  it.each([
    ['links/all.html/', 'flat'],
    ['links/all.html/', undefined],
  ] as const)('is one page a project here (%s, %s)', async (at, kind) => {
    const mirror = await start({ at, files, index: { kind } });
    expect((await alpha(mirror)).equals(ALPHA.bytes)).toBe(true);
    expect(await mirror.names('beta')).toEqual([BETA.filename]);
    expect(await mirror.refused('/simple/gamma/')).toBe('404 unlisted');
    const list = await mirror.get('/simple/', { headers: { accept: JSON_PAGE } });
    expect(JSON.parse(String(list.body)).projects).toEqual([{ name: 'alpha' }, { name: 'beta' }]);
    // Asked for by its tag.
    expect(mirror.server.requests.filter(({ headers }) => headers['if-none-match'] !== undefined)).not.toEqual([]);
  });

  it.each(['links/', ''])('is found out where no other page is (%j)', async (at) => {
    const folder = {
      [`/${at}`]: html(anchor(ALPHA), anchor(BETA), '<a href="../">up</a>'),
      [`/${at}${ALPHA.filename}`]: ALPHA.bytes,
    };
    const mirror = await start({ at, files: folder });
    expect((await alpha(mirror)).equals(ALPHA.bytes)).toBe(true);
    expect(await mirror.refused('/simple/gamma/')).toBe('404 unlisted');
    mirror.clock.advance(1000);
    await mirror.restart();
    expect((await alpha(mirror)).equals(ALPHA.bytes)).toBe(true);
  });

  it('is not taken for good of a front page that links to a file', async () => {
    const mirror = await start({
      at: '',
      files: {
        '/': html(anchor(BETA)),
        '/simple/alpha/': html(anchor(ALPHA)),
        [`/simple/alpha/${ALPHA.filename}`]: ALPHA.bytes,
      },
    });
    expect(await mirror.names('beta')).toEqual([BETA.filename]);
    expect(await mirror.refused('/simple/gamma/')).toBe('404 unlisted');
    expect((await alpha(mirror)).equals(ALPHA.bytes)).toBe(true);
  });

  it('that cannot be read for the moment makes no project absent', async () => {
    const mirror = await start({ at: 'links/', files: {} });
    mirror.server.fault('/links/', { kind: 'status', status: 500 });
    expect(await mirror.refused('/simple/alpha/')).toBe('503 unreachable');
  });

  it('that is gone says nothing of any project', async () => {
    const mirror = await start({ at: 'links/all.html/', files: {} });
    expect(await mirror.refused('/simple/alpha/')).toBe('503 unreachable');
  });
});

describe('links to files', () => {
  it.each([1, 3000])(
    'are absolute where that was asked for, in JSON and HTML, also of a page of %i files',
    async (count) => {
      const server = await startUpstream({
        files: new Map([
          [
            '/simple/alpha/',
            html(
              ...Array.from({ length: count }, (_, at) =>
                anchor({ ...ALPHA, filename: `alpha-${at}-py3-none-any.whl` }),
              ),
            ),
          ],
        ]),
      });
      open.push(server.close);
      const index = (name: string) =>
        unsignedConfig({ name, upstream: `${server.url}simple/`, contentAddressed: false });
      const mirror = await startMirror({
        scratch: await makeScratch(),
        clock: createClock(NOW),
        indexes: () => [index('main'), index('team')],
        linksBelow: 'https://packages.example/mirror/',
      });
      open.push(mirror.close);
      for (const [prefix, base] of [
        ['', 'https://packages.example/mirror/'],
        ['/main', 'https://packages.example/mirror/'],
        ['/team', 'https://packages.example/mirror/team/'],
      ] as const) {
        const at = `${base}files/alpha/${digestHex('sha256', ALPHA.bytes)}/alpha-0-py3-none-any.whl`;
        const asked = (accept: string) => mirror.get(`${prefix}/simple/alpha/`, { headers: { accept } });
        expect(JSON.parse(String((await asked(JSON_PAGE)).body)).files[0].url).toBe(at);
        expect(String((await asked('text/html')).body)).toContain(`href="${at}#sha256=`);
      }
    },
  );
});

describe('a list of all projects', () => {
  it('is asked for in HTML where there is none in JSON', async () => {
    const mirror = await start({ at: 'simple/', files: { '/simple/': html('<a href="alpha/">alpha</a>') } });
    mirror.server.fault('/simple/', { kind: 'status', status: 406 }, 1);
    const { status, body } = await mirror.get('/simple/', { headers: { accept: JSON_PAGE } });
    expect([status, JSON.parse(String(body)).projects]).toEqual([200, [{ name: 'alpha' }]]);
    expect(mirror.server.requests.at(-1)?.headers.accept).toBe('text/html');
  });

  it('that upstream does not have is 501, and no outage', async () => {
    const mirror = await start({ at: 'simple/', files: {} });
    expect((await mirror.get('/simple/')).status).toBe(501);
  });

  it('that upstream does not have any more stands in', async () => {
    const mirror = await start({ at: 'simple/', files: { '/simple/': html('<a href="alpha/">alpha</a>') } });
    expect((await mirror.get('/simple/')).status).toBe(200);
    mirror.server.fault('/simple/', { kind: 'status', status: 404 });
    mirror.clock.advance(1000);
    expect((await mirror.get('/simple/')).status).toBe(200);
  });
});

describe('at the start', () => {
  const introduced = async (given: Start) => {
    const mirror = await start(given);
    await mirror.index().introduce(internalCaller('main'));
    return { mirror, said: mirror.events.noted.map(({ message, detail }) => ({ message, ...detail })) };
  };

  it('what was found is said: form, version, what files state, list, hosts', async () => {
    const { said, mirror } = await introduced({
      at: '',
      files: {
        '/simple/': html('<a href="alpha/">alpha</a>'),
        '/simple/alpha/': html(
          anchor(ALPHA),
          anchor({ ...ALPHA, filename: 'alpha-9-py3-none-any.whl' }, 'https://cdn.example/'),
        ),
      },
    });
    const host = new URL(mirror.server.url).host;
    expect(said).toEqual([
      {
        message: 'upstream answers as a package index',
        upstream: `${mirror.server.url}simple/`,
        at: `${mirror.server.url}simple/`,
        list: '1 project',
        form: 'html',
        api: '1.0',
        digests: 'all',
        upload_times: 'none',
        core_metadata: 'none',
        file_hosts: `${host} cdn.example`,
        hosts_not_allowed: 'cdn.example',
      },
    ]);
  });

  it('nothing is remembered of what was only looked at', async () => {
    const { mirror } = await introduced({
      at: 'simple/',
      files: { '/simple/': html('<a href="alpha/">alpha</a>'), '/simple/alpha/': json(ALPHA) },
    });
    expect(mirror.events.served).toEqual([]);
    expect(mirror.events.refreshed).toEqual([]);
  });

  it('an address at which nothing is says so, with the settings that mend it', async () => {
    const { said } = await introduced({ at: 'simple/', files: {} });
    expect(said[0]?.message).toMatch(/no list of projects.*\/simple\/NAME\/.*--upstream, --kind/);
  });

  it('nothing that can be looked at is told later, with the first page, and once', async () => {
    const files = { '/simple/alpha/': html(anchor(ALPHA)), '/simple/beta/': html('') };
    const { mirror } = await introduced({ at: 'simple/', files });
    const told = () => mirror.events.noted.filter(({ message }) => message === 'upstream answers as a package index');
    expect(mirror.events.noted[0]?.message).toContain('is told with the first page');
    expect((await mirror.get('/simple/gamma/')).status).toBe(404);
    expect(told()).toEqual([]);
    for (const name of ['alpha', 'beta']) await mirror.get(`/simple/${name}/`);
    expect(told()).toMatchObject([{ detail: { at: `${mirror.server.url}simple/`, list: 'none', digests: 'all' } }]);
  });

  it('a page that somebody was quicker to ask for is told of as well', async () => {
    const mirror = await start({ at: 'simple/', files: { '/simple/alpha/': html(anchor(ALPHA)) } });
    const quicker = Promise.withResolvers<void>();
    mirror.server.fault('/simple/', { kind: 'wait', until: quicker.promise }, 1);
    const introducing = mirror.index().introduce(internalCaller('main'));
    await mirror.get('/simple/alpha/');
    quicker.resolve();
    await introducing;
    expect(mirror.events.noted.at(-1)).toMatchObject({ message: 'upstream answers as a package index' });
  });

  it('one page with the files of all projects is told as where they are', async () => {
    const { said, mirror } = await introduced({ at: 'all.html/', files: { '/all.html': html(anchor(ALPHA)) } });
    expect(said).toMatchObject([{ at: `${mirror.server.url}all.html`, list: '1 project' }]);
  });

  it('an upstream that fails is told as what it is', async () => {
    const mirror = await start({ at: 'simple/', files: {} });
    mirror.server.fault('*', { kind: 'status', status: 401 });
    await mirror.index().introduce(internalCaller('main'));
    expect(mirror.events.rejected).toMatchObject([
      { reason: 'unreachable', message: expect.stringContaining('`credentials`') },
    ]);
    expect(mirror.events.noted[0]?.message).toContain('does not answer as a package index');
  });
});
