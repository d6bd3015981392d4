import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { digestHex } from '../../src/repository/digests.ts';
import { type IndexRig, type IndexRigOptions, startIndexRig } from '../rigs/index-rig.ts';
import { JSON_PAGE } from '../rigs/mirror.ts';
import {
  answering,
  badGateway,
  corrupt,
  cut,
  forged,
  loginPage,
  onConnections,
  rewritten,
} from '../support/bad-days.ts';
import { DAY } from '../support/clock.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';

// An index on its bad days, and poorer ones than PyPI: what clients see of it.

const ALPHA = tinyWheel('alpha');
const BETA = tinyWheel('alpha', '2.0');
const PAGE = '/simple/alpha/';

let rig: IndexRig;
afterEach(() => rig.close());

const start = async (options: IndexRigOptions = {}) => {
  rig = await startIndexRig({ fill: (pypi) => pypi.upload('alpha', ALPHA), ...options });
};
const requests = () => rig.pypi.asked('alpha').length;

describe('an upstream that fails once', () => {
  it.each([
    ['with 502', badGateway],
    ['by a body cut by FIN', cut(30, 'length')],
    ['by a body cut by RST', cut(30, 'chunked', 'rst')],
  ])('%s is asked again on a new connection, and nobody notices', async (_, send) => {
    await start();
    rig.pypi.page('alpha', send, 1);
    expect(await rig.names('alpha')).toEqual([ALPHA.filename]);
    const [first, second] = rig.pypi.asked('alpha');
    expect(second?.connection).not.toBe(first?.connection);
  });

  it.each([
    ['a byte that makes it unreadable', corrupt(0)],
    ['a log-in page', loginPage],
  ])('for one of its edges, by %s, is asked by way of another, with an alarm', async (_, send) => {
    await start();
    rig.pypi.page(
      'alpha',
      onConnections((connection) => connection === 1, send),
    );
    expect(await rig.names('alpha')).toEqual([ALPHA.filename]);
    expect(rig.alarms()).toEqual(['format page']);
    rig.pypi.upload('alpha', BETA);
    rig.pypi.page('alpha', send, 1);
    expect(await rig.later('alpha')).toHaveLength(2);
  });

  it('for one of its edges is asked by way of another', async () => {
    await start();
    rig.pypi.page(
      'alpha',
      onConnections((connection) => connection === 1, badGateway),
    );
    expect(await rig.names('alpha')).toEqual([ALPHA.filename]);
  });

  it('with a burst of 502 is 503 with a small Retry-After where nothing is known', async () => {
    await start();
    rig.pypi.page('alpha', badGateway, 3);
    const { status, headers } = await rig.get(PAGE);
    expect(status).toBe(503);
    expect(Number(headers['retry-after'])).toBeGreaterThanOrEqual(1);
    expect(Number(headers['retry-after'])).toBeLessThanOrEqual(5);
    expect(requests()).toBe(3);
    expect(await rig.names('alpha')).toEqual([ALPHA.filename]);
  });

  it.each([
    [429, '503 unreachable', '503 unreachable'],
    [403, '502 forbidden', '403 forbidden'],
    [451, '502 forbidden', '403 forbidden'],
    [401, '503 unreachable', '503 unreachable'],
    [500, '503 unreachable', '503 unreachable'],
    [503, '503 unreachable', '503 unreachable'],
  ])('with %s is never a 404', async (status, page, file) => {
    await start();
    rig.pypi.page('alpha', () => answering(status, 'no'));
    expect(await rig.refused(PAGE)).toBe(page);
    expect(await rig.refused(rig.path(ALPHA))).toBe(file);
  });

  it('by a reset is 503, too', async () => {
    await start();
    rig.pypi.index.fault(PAGE, { kind: 'reset' });
    expect(await rig.refused(PAGE)).toBe('503 unreachable');
  });
});

describe('a page whose only fetch came by a bad edge', () => {
  const lies = rewritten((page) => ({
    ...page,
    files: page.files.map((file) => ({ ...file, hashes: { sha256: 'a'.repeat(64) } })),
  }));

  it('is fetched anew as soon as a file is not what it says, and then the file is sent', async () => {
    await start();
    rig.pypi.page(
      'alpha',
      onConnections((connection) => connection === 1, lies),
    );
    await rig.page('alpha');
    expect(await rig.refused(rig.path(ALPHA))).toBe('403 digest');
    await rig.pypi.index.reached(PAGE, 3);
    await expect.poll(async () => (await rig.get(rig.path(ALPHA))).status, { interval: 20 }).toBe(200);
    rig.clock.advance(100);
    expect((await rig.get(rig.path(ALPHA))).body.equals(ALPHA.bytes)).toBe(true);
  });

  it('and is no better by another is not fetched for each client that tries', async () => {
    await start();
    rig.pypi.page('alpha', lies);
    await rig.page('alpha');
    for (let at = 0; at < 3; at++) expect(await rig.refused(rig.path(ALPHA))).toMatch(/^(403|503) digest$/);
    await rig.pypi.index.reached(PAGE, 2);
    for (let at = 0; at < 3; at++) expect(await rig.refused(rig.path(ALPHA))).toMatch(/^(403|503) digest$/);
    expect(requests()).toBe(2);
  });
});

describe('files that come slowly', () => {
  it('leave connections for pages, however many they are', async () => {
    await start({ upstreamLimits: { connections: 4 } });
    const slow = ['2.0', '3.0', '4.0', '5.0'].map((version) => tinyWheel('alpha', version));
    for (const file of slow) rig.pypi.upload('alpha', file);
    rig.pypi.upload('beta', tinyWheel('beta'));
    await rig.page('alpha');
    for (const file of slow)
      rig.pypi.files.fault(rig.path(file), { kind: 'throttle', bytesPerSecond: file.bytes.byteLength / 2 });
    const waiting = Promise.all(slow.map((file) => rig.get(rig.path(file))));
    await expect.poll(() => rig.pypi.files.requests.length).toBe(3);
    expect(await Promise.race([rig.names('beta'), waiting.then(() => 'after all the files')])).toHaveLength(1);
    await waiting;
  });
});

describe('a project that is not there', () => {
  it('is no change, and no failure', async () => {
    await start();
    await rig.refused('/simple/missing/');
    expect(rig.events.refreshed.map(({ result }) => result)).toEqual(['unchanged']);
  });

  it('is 404, and asked for once a minute at most', async () => {
    await start();
    for (let at = 0; at < 5; at++) expect(await rig.refused('/simple/missing/')).toBe('404 unlisted');
    expect(rig.pypi.asked('missing')).toHaveLength(1);
    rig.clock.advance(59);
    expect(await rig.refused('/simple/missing/')).toBe('404 unlisted');
    rig.pypi.upload('missing', tinyWheel('missing'));
    rig.clock.advance(1);
    expect(await rig.names('missing')).toHaveLength(1);
  });
});

describe('a restart', () => {
  it('keeps the pages: fresh ones are served without a word to upstream', async () => {
    await start();
    const { body, headers } = await rig.get(PAGE, { headers: { accept: JSON_PAGE } });
    await rig.kill();
    rig.pypi.page('alpha', badGateway);
    const again = await rig.get(PAGE, { headers: { accept: JSON_PAGE } });
    expect(again.body.equals(body)).toBe(true);
    expect(again.headers.etag).toBe(headers.etag);
    expect(requests()).toBe(1);
  });

  it('in an outage serves what was believed, within its month', async () => {
    await start();
    expect((await rig.get(rig.path(ALPHA))).status).toBe(200);
    await rig.restart();
    rig.pypi.page('alpha', badGateway);
    expect(await rig.later('alpha', 20_000)).toHaveLength(1);
    expect((await rig.get(rig.path(ALPHA))).body.equals(ALPHA.bytes)).toBe(true);
    await rig.restart();
    rig.clock.advance(30 * DAY);
    expect(await rig.refused(PAGE)).toBe('503 unreachable');
  });

  it('in an outage serves a page that upstream has stood by for days without sending it', async () => {
    await start();
    await rig.page('alpha');
    for (let day = 0; day < 3; day++) await rig.later('alpha', DAY - 7200);
    await rig.restart();
    rig.pypi.page('alpha', badGateway);
    expect(await rig.later('alpha', 20_000)).toHaveLength(1);
  });
});

describe("upstream's 304", () => {
  it('makes the page fresh again, under the same ETag', async () => {
    await start();
    const { headers } = await rig.get(PAGE, { headers: { accept: JSON_PAGE } });
    await rig.later('alpha');
    expect(rig.pypi.asked('alpha').at(-1)?.headers['if-none-match']).toMatch(/^"/);
    const again = await rig.get(PAGE, { headers: { accept: JSON_PAGE } });
    expect(again.headers.etag).toBe(headers.etag);
    const none = await rig.get(PAGE, { headers: { accept: JSON_PAGE, 'if-none-match': String(headers.etag) } });
    expect([none.status, none.headers.etag]).toEqual([304, headers.etag]);
    expect(requests()).toBe(2);
  });

  it('that nobody asked for is refused', async () => {
    await start();
    rig.pypi.page('alpha', () => answering(304, ''));
    expect(await rig.refused(PAGE)).toBe('502 format');
  });
});

describe('a poorer upstream', () => {
  it('with plain HTML alone gives valid JSON', async () => {
    await start({ plainHtml: true });
    const page = await rig.page('alpha');
    expect(page).toMatchObject({ meta: { 'api-version': '1.0' }, name: 'alpha', versions: ['1.0'] });
    expect(page.files).toMatchObject([{ filename: ALPHA.filename, yanked: false }]);
    expect((await rig.get(rig.path(ALPHA))).body.equals(ALPHA.bytes)).toBe(true);
  });

  it('without ETag, serial and core metadata works, and is asked for everything whole', async () => {
    await start({ etags: false, serials: false, coreMetadata: false, maxAge: undefined });
    await rig.page('alpha');
    rig.pypi.upload('alpha', BETA);
    expect(await rig.later('alpha')).toHaveLength(2);
    expect(await rig.later('alpha')).toHaveLength(2);
    expect(rig.pypi.asked('alpha').every(({ headers }) => headers['if-none-match'] === undefined)).toBe(true);
    expect((await rig.page('alpha')).files[0]?.['core-metadata']).toBeUndefined();
    expect((await rig.get(rig.path(BETA))).status).toBe(200);
  });

  it('that redirects to where its pages lie: their links are relative to that place, after a restart, too', async () => {
    await start();
    const sha256 = digestHex('sha256', ALPHA.bytes);
    const body = `<a href="files/${ALPHA.filename}#sha256=${sha256}">x</a>`;
    rig.pypi.index.fault('/simple/alpha/', { kind: 'redirect', to: '/repo/deep/alpha/' });
    rig.pypi.index.fault('/repo/deep/alpha/', { kind: 'status', status: 200, body });
    const files = () => rig.pypi.requests.filter(({ url }) => url.endsWith(ALPHA.filename)).map(({ url }) => url);
    const path = `/files/alpha/${sha256}/${ALPHA.filename}`;
    expect(await rig.refused(path)).toBe('403 mix-and-match');
    expect(files()).toEqual([`/repo/deep/alpha/files/${ALPHA.filename}`]);
    await rig.restart();
    await rig.refused(path);
    expect(files()).toEqual([files()[0], files()[0]]);
  });

  it('that turned from JSON to plain HTML is believed when both looks are, and one line tells of each loss', async () => {
    await start();
    await rig.page('alpha');
    const html = `<a href="${rig.pypi.files.url}${rig.path(ALPHA).slice(1)}#sha256=${(await rig.page('alpha')).files[0]?.hashes['sha256']}">x</a>`;
    rig.pypi.page('alpha', forged(html));
    const [file] = await rig.later('alpha');
    expect(file?.['core-metadata']).toBeUndefined();
    expect((await rig.journal()).map(({ kind, reason }) => `${kind} ${reason}`)).toEqual([
      'regressed upload-time',
      'regressed core-metadata',
    ]);
  });
});

describe('core metadata that comes gzip’d', () => {
  const stored = () => `${rig.path(ALPHA)}.metadata`.slice(1);
  const coded = (bytes: Uint8Array) => {
    rig.pypi.contents.set(stored(), bytes);
    rig.pypi.files.fault(`/${stored()}`, { kind: 'headers', headers: { 'content-encoding': 'gzip' } });
  };

  it('is unpacked, and then it is what was announced', async () => {
    await start();
    coded(gzipSync(ALPHA.coreMetadata));
    const { status, headers, body } = await rig.get(`${rig.path(ALPHA)}.metadata`);
    expect([status, headers['content-encoding']]).toEqual([200, undefined]);
    expect(body.equals(ALPHA.coreMetadata)).toBe(true);
    expect(rig.pypi.files.asked(rig.path(ALPHA))).toHaveLength(0);
  });

  it('is refused where it unpacks to something else', async () => {
    await start();
    coded(gzipSync('Metadata-Version: 2.1\nName: evil\n'));
    expect(await rig.refused(`${rig.path(ALPHA)}.metadata`)).toBe('403 digest');
  });

  it('is refused where it unpacks to more than it may have', async () => {
    await start();
    coded(gzipSync(Buffer.alloc(50_000_000), { level: 1 }));
    expect(await rig.refused(`${rig.path(ALPHA)}.metadata`)).toBe('403 limit');
  });

  it('is believed by its digest where it is no gzip at all', async () => {
    await start();
    coded(ALPHA.coreMetadata);
    const { status, body } = await rig.get(`${rig.path(ALPHA)}.metadata`);
    expect([status, body.equals(ALPHA.coreMetadata)]).toEqual([200, true]);
  });

  it('is refused where it is neither gzip nor what was announced, or only the beginning of it', async () => {
    await start();
    coded(Buffer.from('Metadata-Version: 2.1\nName: evil\n'));
    expect(await rig.refused(`${rig.path(ALPHA)}.metadata`)).toBe('403 digest');
    rig.pypi.files.heal();
    rig.clock.advance(60);
    coded(gzipSync(ALPHA.coreMetadata).subarray(0, 30));
    expect(await rig.refused(`${rig.path(ALPHA)}.metadata`)).toMatch(/^50[23] truncated$/);
  });
});

describe('what disappears upstream', () => {
  it('is written down once it is confirmed, with the time and the digest', async () => {
    await start();
    rig.pypi.upload('alpha', BETA);
    await rig.page('alpha');
    const digest = (await rig.page('alpha')).files[0]?.hashes['sha256'];
    rig.pypi.remove('alpha', ALPHA.filename);
    rig.pypi.edit('alpha', BETA.filename, { yanked: 'broken' });
    await rig.later('alpha');
    const at = rig.clock.now();
    expect(await rig.journal()).toEqual([
      expect.objectContaining({ at, index: 'main', kind: 'removed', file: ALPHA.filename, digest: `sha256:${digest}` }),
      expect.objectContaining({ at, kind: 'yanked', file: BETA.filename, after: 'broken' }),
    ]);
    expect(await rig.names('alpha')).toEqual([BETA.filename]);
    expect((await rig.get(rig.path(BETA))).status).toBe(200);
  });
});

it('tells what it is and how it does', async () => {
  await start();
  expect((await rig.index().status()).lastError).toBeUndefined();
  await rig.page('alpha');
  await rig.page('alpha');
  await rig.restart();
  rig.clock.advance(1);
  await rig.page('alpha');
  expect(rig.events.served.map(({ kind, how }) => `${kind} ${how}`)).toEqual([
    'page upstream',
    'page memory',
    'page disk',
  ]);
  rig.pypi.page('alpha', badGateway);
  await rig.later('alpha');
  const { evidence, lastRefresh, lastError } = await rig.index().status();
  expect([evidence, lastRefresh, lastError?.reason]).toEqual(['index', undefined, 'unreachable']);
  expect(rig.events.refreshed.map(({ result }) => result)).toEqual(['changed', 'failed']);
});
