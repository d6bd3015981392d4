import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { Refusal } from '../../../src/bytes/refusal.ts';
import { ask } from '../../support/ask.ts';
import { bytesOf, H, J, PIP, serveForFile, UV, WHEEL } from './serving.ts';

const wheel = { project: 'foo-bar', filename: WHEEL, bytes: bytesOf(1000), metadata: Buffer.from('Name: foo-bar\n') };
const serving = serveForFile(() => ({ files: [wheel] }));

/** Every expectation holds of a page at hand and of one that is waited for: the fast path and the routes agree. */
describe.each([
  ['at hand', true],
  ['waited for', false],
])('a page %s', (_, warm) => {
  const page = (path: string, headers: Record<string, string | string[]> = {}, method = 'GET') => {
    serving().still.warm = warm;
    return ask(serving().url, path, { headers, method });
  };
  const PAGE = '/simple/foo-bar/';

  it.each([
    ['pip', PIP, J],
    ['uv', UV, J],
    ['Poetry', `${J}, */*;q=0.1`, J],
    ['anything', '*/*', 'text/html; charset=UTF-8'],
    ['old pip', 'text/html', 'text/html; charset=UTF-8'],
    ['v1+html', H, H],
    ['a browser', 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', 'text/html; charset=UTF-8'],
    ['weights', `${J};q=0.1, text/html`, 'text/html; charset=UTF-8'],
    ['weight zero', `${J};q=0, text/html`, 'text/html; charset=UTF-8'],
    ['latest+json', 'application/vnd.pypi.simple.latest+json', J],
    ['latest+html', 'application/vnd.pypi.simple.latest+html', H],
    ['case and spaces', ` ${J.toUpperCase()} ;q=1 ,text/html;q=0.5`, J],
  ])('%s', async (_name, accept, type) => {
    const answer = await page(PAGE, { accept });
    expect(answer.status).toBe(200);
    expect(answer.headers['content-type']).toBe(type);
    expect(answer.headers.vary).toBe('Accept, Accept-Encoding');
  });

  it('no Accept at all is HTML', async () => {
    expect((await page(PAGE)).headers['content-type']).toBe('text/html; charset=UTF-8');
  });

  it('every anchor has its sha256', async () => {
    const { body } = await page(PAGE, { accept: '*/*' });
    expect(body.toString().match(/<a [^>]*#sha256=[0-9a-f]{64}"/g)).toHaveLength(1);
  });

  it.each(['application/vnd.pypi.simple.v2+json', 'application/json'])(
    '%s alone, which is not here, is 406',
    async (accept) => {
      const answer = await page(PAGE, { accept });
      expect(answer.status).toBe(406);
      expect(answer.headers['content-type']).toBe('application/problem+json');
      expect(answer.headers.vary).toBe('Accept, Accept-Encoding');
    },
  );

  it('repeated header lines are one list', async () => {
    const answer = await page(PAGE, { accept: ['text/html;q=0.1', J] });
    expect(answer.headers['content-type']).toBe(J);
  });

  it('?format= wins, unknown forms are 406, other keys are ignored', async () => {
    const asked = (query: string) => page(PAGE + query, { accept: 'text/html' });
    expect((await asked(`?format=${encodeURIComponent(J)}`)).headers['content-type']).toBe(J);
    expect((await asked(`?format=${J}`)).headers['content-type']).toBe(J);
    expect((await asked('?format=application/x')).status).toBe(406);
    expect((await asked('?format=%')).status).toBe(406);
    const plain = await asked('?a=1&format_=2&=&&x');
    expect(plain.headers['content-type']).toBe('text/html; charset=UTF-8');
  });

  it('Date, strong ETag, max-age of ten minutes at most, exact length, evidence', async () => {
    const { headers, body, phrase } = await page(PAGE, { accept: PIP });
    expect(phrase).toBe('OK');
    expect(headers.etag).toMatch(/^"[^"]+"$/);
    expect(headers.date).toBeDefined();
    expect(Number(/^public, max-age=(\d+)$/.exec(headers['cache-control'] ?? '')?.[1])).toBeLessThanOrEqual(600);
    expect(headers['content-length']).toBe(String(body.byteLength));
    expect(headers['verbatim-evidence']).toBe('tuf');
    expect(headers['x-content-type-options']).toBe('nosniff');
    expect(headers['transfer-encoding']).toBeUndefined();
  });

  it('HEAD has the headers of GET and no body', async () => {
    const get = await page(PAGE, { accept: PIP });
    const head = await page(PAGE, { accept: PIP }, 'HEAD');
    expect(head.status).toBe(200);
    expect(head.body).toHaveLength(0);
    expect({ ...head.headers, date: '' }).toEqual({ ...get.headers, date: '' });
  });

  it('any web page may read it, with the headers it needs', async () => {
    const { headers } = await page(PAGE, { accept: PIP, origin: 'https://a.example' });
    expect(headers['access-control-allow-origin']).toBe('*');
    expect(headers['access-control-expose-headers']).toMatch(/\bETag\b.*\bX-PyPI-Last-Serial\b/);
  });

  it('the same tag again is 304 with the same tag, no type, no body', async () => {
    const first = await page(PAGE, { accept: PIP, 'accept-encoding': 'gzip' });
    const headers = { accept: PIP, 'accept-encoding': 'gzip', 'if-none-match': first.headers.etag ?? '' };
    const again = await page(PAGE, headers);
    expect(again.status).toBe(304);
    expect(again.body).toHaveLength(0);
    for (const name of ['etag', 'cache-control', 'vary', 'verbatim-evidence'])
      expect(again.headers[name]).toBe(first.headers[name]);
    expect(again.headers.date).toBeDefined();
    for (const name of ['content-type', 'content-encoding', 'content-length', 'transfer-encoding'])
      expect(again.headers[name]).toBeUndefined();
  });

  it('the tag of another form or coding is not this one', async () => {
    const json = (await page(PAGE, { accept: J })).headers.etag ?? '';
    const zipped = (await page(PAGE, { accept: J, 'accept-encoding': 'gzip' })).headers.etag ?? '';
    expect((await page(PAGE, { accept: 'text/html', 'if-none-match': json })).status).toBe(200);
    expect((await page(PAGE, { accept: J, 'if-none-match': zipped })).status).toBe(200);
  });

  it('*, lists and weak tags', async () => {
    const etag = (await page(PAGE, { accept: J })).headers.etag ?? '';
    const status = async (ifNoneMatch: string) =>
      (await page(PAGE, { accept: J, 'if-none-match': ifNoneMatch })).status;
    expect(await status('*')).toBe(304);
    expect(await status(`W/${etag}`)).toBe(304);
    expect(await status(`"x", W/"y" ,${etag}`)).toBe(304);
    expect(await status('"x", "y"')).toBe(200);
    expect(await status(etag.replaceAll('"', ''))).toBe(200);
    expect(await status(`"${'x'.repeat(4000)}"`)).toBe(200);
  });

  it('gzip and zstd where named, identity where not', async () => {
    const identity = await page(PAGE, { accept: J });
    const coded = (encoding: string) => page(PAGE, { accept: J, 'accept-encoding': encoding });
    const gzip = await coded('gzip, deflate');
    const zstd = await coded('gzip, deflate, zstd');
    expect(gzip.headers['content-encoding']).toBe('gzip');
    expect(gunzipSync(gzip.body).equals(identity.body)).toBe(true);
    expect(zstd.headers['content-encoding']).toBe('zstd');
    expect(zstdDecompressSync(zstd.body).equals(identity.body)).toBe(true);
    expect(new Set([identity, gzip, zstd].map(({ headers }) => headers.etag)).size).toBe(3);
    for (const encoding of ['gzip;q=0', 'br', 'identity'])
      expect((await coded(encoding)).headers['content-encoding']).toBeUndefined();
  });

  it('no header changes the bytes', async () => {
    const plain = await page(PAGE, { accept: J });
    const headers = {
      accept: J,
      host: 'evil.example:99',
      'x-forwarded-host': 'evil.example',
      'x-forwarded-proto': 'gopher',
      'x-forwarded-prefix': '/evil',
      'x-outside-url': 'http://evil.example/',
      forwarded: 'host=evil.example',
      'cache-control': 'no-cache',
      'x-http-method-override': 'DELETE',
      range: 'bytes=0-1',
      cookie: 'a=b',
      authorization: 'Basic YTpi',
    };
    const poisoned = await page(PAGE, headers);
    expect(poisoned.status).toBe(200);
    expect(poisoned.body.equals(plain.body)).toBe(true);
    expect(JSON.stringify(poisoned.headers)).not.toContain('evil');
  });

  it('lies at every prefix, with links that resolve from each', async () => {
    const answers = await Promise.all(
      ['/simple/', '/+simple/', '/main/simple/', '/root/pypi/simple/', '/root/pypi/+simple/'].map((at) =>
        page(`${at}foo-bar/`, { accept: J }),
      ),
    );
    for (const answer of answers) expect(answer.body.equals(answers[0]?.body ?? Buffer.alloc(0))).toBe(true);
    const { files } = JSON.parse(String(answers[0]?.body)) as { files: [{ url: string }] };
    for (const base of ['/simple/foo-bar/', '/main/simple/foo-bar/', '/root/pypi/+simple/foo-bar/']) {
      const link = new URL(files[0].url, new URL(base, serving().url));
      expect((await ask(serving().url, link.pathname)).body.equals(wheel.bytes)).toBe(true);
    }
  });

  it('says to the record what was served, and nothing a client could hide in it', async () => {
    const { finished } = serving();
    const path = '/main/+simple/foo-bar/';
    finished.length = 0;
    const { body } = await page(path, { accept: J, authorization: 'Basic c2VjcmV0', cookie: 's=1' });
    await expect.poll(() => finished.filter((each) => each.path === path)).toHaveLength(1);
    const record = finished.find((each) => each.path === path);
    expect(record).toMatchObject({ route: 'page', index: 'main', method: 'GET', status: 200, aborted: false });
    expect(record?.bytes).toBe(body.byteLength);
    expect(JSON.stringify(finished)).not.toMatch(/c2VjcmV0|s=1/);
  });
});

describe('names and slashes', () => {
  const get = (path: string) => ask(serving().url, path, { headers: { accept: PIP } });

  it.each([
    ['/simple/foo-bar', '/simple/foo-bar/'],
    ['/simple/Foo_Bar/', '/simple/foo-bar/'],
    ['/simple/foo.bar/?x=1', '/simple/foo-bar/'],
    ['/simple/foo--bar', '/simple/foo-bar/'],
    ['/root/pypi/+simple/FOO.bar/', '/root/pypi/+simple/foo-bar/'],
    ['/main/simple/%46oo-bar/', '/main/simple/foo-bar/'],
    ['/simple//foo-bar/', '/simple/foo-bar/'],
    ['//simple/foo-bar//', '/simple/foo-bar/'],
    ['/simple', '/simple/'],
    ['/main/+simple', '/main/+simple/'],
  ])('%s is redirected to %s', async (from, to) => {
    const answer = await get(from);
    expect(answer.status).toBe(301);
    const location = answer.headers.location ?? '';
    expect(location).not.toMatch(/^\/\/|:|\?/);
    expect(new URL(location, new URL(from, serving().url)).pathname).toBe(to);
    expect(answer.body).toHaveLength(0);
    await expect.poll(() => serving().finished.at(-1)?.route).toBe('redirect');
  });

  it('keeps a prefix that a proxy in front took away', async () => {
    const { headers } = await get('/simple/Foo_Bar/');
    const seen = new URL(headers.location ?? '', 'https://proxy.example/pypi/simple/Foo_Bar/');
    expect(seen.href).toBe('https://proxy.example/pypi/simple/foo-bar/');
  });

  it.each([
    '//evil.example/',
    '//evil.example',
    '///evil.example/simple/x',
    '/simple//evil.example//',
    '//evil.example/%2e%2e',
    '/\\evil.example/',
  ])('%s never names another host', async (path) => {
    const { headers, status } = await get(path);
    if (status !== 301) return expect([400, 404]).toContain(status);
    expect(headers.location).toMatch(/^\/(?!\/)/);
  });

  it.each([
    '/simple/-foo/',
    '/simple/foo-/',
    '/simple/f%C3%B6%C3%B6/',
    `/simple/${'a'.repeat(300)}/`,
    '/simple/%E2%84%AA/',
    '/simple/%C5%BF/',
    '/simple/%EF%BD%86%EF%BD%8F%EF%BD%8F/',
    '/simple/foo%20bar/',
    '/simple/__proto__/',
    '/simple/constructor/',
    '/simple/toString/',
  ])('%s is 404', async (path) => {
    const first = await get(path);
    const answer = first.status === 301 ? await get(`/simple/${first.headers.location?.replace('../', '')}`) : first;
    expect(answer.status).toBe(404);
  });

  it('an unknown project is 404 for a short time, in words', async () => {
    const answer = await get('/simple/unknown-project/');
    expect(answer.status).toBe(404);
    expect(Number(/max-age=(\d+)/.exec(answer.headers['cache-control'] ?? '')?.[1])).toBeLessThanOrEqual(60);
    expect(answer.headers['content-type']).toBe('application/problem+json');
    expect(JSON.parse(answer.body.toString())).toMatchObject({
      status: 404,
      reason: 'unlisted',
      title: answer.phrase,
      detail: expect.any(String),
    });
  });

  it.each(['/search?q=x', '/metrics', '/metrics/x.css', '/admin', '/simple/x/..%2fadmin', '/favicon.ico', '/mainly'])(
    '%s is 404 and not kept',
    async (path) => {
      const answer = await get(path);
      expect(answer.status).toBe(404);
      expect(answer.headers['cache-control']).toBe('no-store');
    },
  );

  it.each([
    ['POST', '/'],
    ['POST', '/simple/'],
    ['PUT', '/simple/foo-bar/'],
    ['DELETE', '/anything'],
    ['TRACE', '/'],
    ['PATCH', '/simple/foo-bar/'],
  ])('%s %s is 405 with Allow', async (method, path) => {
    const answer = await ask(serving().url, path, { method });
    expect(answer.status).toBe(405);
    expect(answer.headers.allow).toBe('GET, HEAD, OPTIONS');
  });

  it('OPTIONS says what may be asked', async () => {
    const headers = { origin: 'https://a.example', 'access-control-request-method': 'GET' };
    for (const path of ['/simple/foo-bar/', '/main/packages/x', '/root/pypi/simple/']) {
      const answer = await ask(serving().url, path, { method: 'OPTIONS', headers });
      expect(answer.status).toBe(204);
      expect(answer.headers['access-control-allow-origin']).toBe('*');
      expect(answer.headers['access-control-allow-methods']).toContain('GET');
    }
  });

  it('the project list, in both forms', async () => {
    for (const accept of [J, 'text/html']) {
      const answer = await ask(serving().url, '/simple/', { headers: { accept } });
      expect(answer.status).toBe(200);
      expect(answer.body.toString()).toContain('foo-bar');
    }
  });
});

describe('a page that is refused', () => {
  it.each([
    ['digest', new Refusal('digest', 'Expected a, got b.', { subject: 'page' }), 502, undefined],
    ['expired', new Refusal('expired', 'The timestamp expired.', { subject: 'timestamp' }), 503, /^5$/],
    ['unreachable', new Refusal('unreachable', 'connect ECONNREFUSED 10.0.0.1:443'), 503, /^5$/],
    ['away', new Refusal('unreachable', 'It asked for time.', { transient: true, retryIn: 3 }), 503, /^3$/],
    ['away for long', new Refusal('slow', 'It asked for time.', { transient: true, retryIn: 50 }), 503, /^5$/],
    ['overloaded', new Refusal('limit', 'The queue is full.', { transient: true }), 503, /^[1-4]$/],
    ['held back', new Refusal('policy', 'Quarantined.', { subject: 'page' }), 403, undefined],
  ])('%s', async (_, refusal, status, retryAfter) => {
    serving().still.refusal = refusal;
    const answer = await ask(serving().url, '/simple/foo-bar/', { headers: { accept: PIP } });
    serving().still.refusal = undefined;
    expect(answer.status).toBe(status);
    if (retryAfter === undefined) expect(answer.headers['retry-after']).toBeUndefined();
    else expect(answer.headers['retry-after']).toMatch(retryAfter);
    expect(answer.headers['cache-control']).toBe('no-store');
    expect(JSON.parse(answer.body.toString())).toMatchObject({ reason: refusal.reason, status });
    // Nothing of our surroundings.
    expect(answer.body.toString()).not.toMatch(/10\.0\.0\.1|ECONNREFUSED|\.ts:/);
  });

  it('a fault of our own says nothing of itself, and is reported', async () => {
    serving().still.refusal = new TypeError('secret /path at x.ts:1');
    const answer = await ask(serving().url, '/simple/foo-bar/', { headers: { accept: PIP } });
    serving().still.refusal = undefined;
    expect(answer.status).toBe(500);
    expect(answer.body.toString()).not.toContain('secret');
    expect(serving().faults.splice(0)).toHaveLength(1);
  });
});
