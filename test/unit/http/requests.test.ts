import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { ask, shout, statusesOf, statusOf } from '../../support/ask.ts';
import { client } from '../../support/callers.ts';
import { verifiedRoot } from '../../support/verified.ts';
import { bytesOf, PIP, serve, serveForFile, WHEEL } from './serving.ts';

const serving = serveForFile(() => ({
  files: [{ project: 'foo-bar', filename: WHEEL, bytes: bytesOf(1000), metadata: Buffer.from('Name: foo-bar\n') }],
  documents: new Map([['1.root.json', { document: verifiedRoot(), immutable: true }]]),
}));

const PAGE = '/simple/foo-bar/';
const send = (bytes: string | Buffer) => shout(serving().url, bytes);
/** One request and the end of the connection, so that the answer can be waited for. */
const get = (target: string, lines = 'Host: a\r\n') =>
  send(Buffer.from(`GET ${target} HTTP/1.1\r\n${lines}Connection: close\r\n\r\n`, 'latin1'));

async function isAlive(): Promise<void> {
  expect((await ask(serving().url, PAGE, { headers: { accept: PIP } })).status).toBe(200);
  expect(serving().faults).toEqual([]);
}

const ROUTES = [
  '/',
  '/simple/',
  '/+simple/',
  '/simple/foo-bar/',
  '/packages/aa/bb/',
  '/files/foo-bar/00/',
  '/tuf/metadata/',
  '/tuf/targets/',
  '/main/simple/',
  '/root/pypi/packages/',
];

describe('hostile addresses', () => {
  it.each(ROUTES)('nothing climbs out of %s', async (at) => {
    const climbs = [
      '..%2f..%2fetc%2fpasswd',
      '../../etc/passwd',
      '%2e%2e/%2E%2E/etc/passwd',
      '%252e%252e%252fetc%252fpasswd',
      '%25252e%25252e/etc/passwd',
      '.%2e/x',
      './x',
      '%2fetc%2fpasswd',
    ];
    for (const climb of climbs) expect(statusOf(await get(at + climb))).toBe(404);
  });

  it.each(ROUTES)('malformed below %s is 400', async (at) => {
    const malformed = [
      '%00',
      'a%0ab',
      'a%0d%0aLocation:x',
      '%7f',
      '%c2%80',
      '..%5cx',
      '..\\x',
      '%',
      '%4',
      '%zz',
      '%ff',
      '%c0%af',
      '%e0%80%af',
      '%ed%a0%80',
      '#x',
    ];
    for (const each of malformed) expect([each, statusOf(await get(at + each))]).toEqual([each, 400]);
  });

  it('double slashes lead to one, and there to nothing', async () => {
    for (const path of ['//etc/passwd', '/packages//etc/passwd', '/files//etc/passwd']) {
      const heard = await get(path);
      expect(statusOf(heard)).toBe(301);
      const location = /^Location: (.*)\r$/m.exec(heard.text)?.[1] ?? '';
      expect(statusOf(await get(location))).toBe(404);
    }
  });

  it('long paths and names are 414 or 404, never a fault', async () => {
    expect(statusOf(await get(`/${'a'.repeat(8192)}`))).toBe(414);
    expect(statusOf(await get(`/packages/aa/bb/${'c'.repeat(60)}/${'a'.repeat(300)}.whl`))).toBe(404);
    expect(statusOf(await get(`/${'a/'.repeat(4000)}`))).toBe(404);
    expect([431, 414]).toContain(statusOf(await get(`/${'a'.repeat(20_000)}`)));
    await isAlive();
  });

  it.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty'])('%s is a plain 404', async (name) => {
    for (const at of ['/packages/aa/bb/cc/', '/files/x/00/', '/tuf/metadata/', '/tuf/targets/', '/', '/x/simple/'])
      expect(statusOf(await get(at + name))).toBe(404);
    expect(statusOf(await get('/simple/constructor/'))).toBe(404);
  });

  it('RFC 9112 §3.2.2 an absolute address is its path', async () => {
    expect(statusOf(await get(`http://other.example${PAGE}`))).toBe(200);
    expect(statusOf(await get('http://other.example'))).toBe(200);
    expect(statusOf(await get('ftp://other.example/'))).toBe(400);
    expect(statusOf(await get('*'))).toBe(400);
  });

  it('a query of any size changes nothing', async () => {
    const query = Array.from({ length: 2000 }, (_, at) => `a=${at}`).join('&');
    const [plain, queried] = [await get(PAGE), await get(`${PAGE}?${query.slice(0, 8000)}`)];
    const etag = /^ETag: .*$/m;
    expect(etag.exec(queried.text)?.[0]).toBe(etag.exec(plain.text)?.[0]);
  });
});

describe('hostile requests', () => {
  it.each([
    ['no Host', ''],
    ['two Hosts', 'Host: a\r\nHost: b\r\n'],
    ['the same Host twice', 'Host: a\r\nHost: a\r\n'],
    ['Host with user', 'Host: u@a\r\n'],
    ['Host with path', 'Host: a/b\r\n'],
    ['Host with a bad port', 'Host: a:99999\r\n'],
    ['Host with no number', 'Host: a:b\r\n'],
    ['empty Host', 'Host:\r\n'],
  ])('%s is 400 and the end', async (_, lines) => {
    for (const target of [PAGE, '/nothing'])
      expect(statusOf(await send(`GET ${target} HTTP/1.1\r\n${lines}\r\n`))).toBe(400);
  });

  it.each(['a', 'a.example:1', '[::1]:3141', '127.0.0.1', 'my_service:80'])('Host %s is fine', async (host) => {
    expect(statusOf(await get(PAGE, `Host: ${host}\r\n`))).toBe(200);
  });

  it('HTTP/1.0 with a Host is answered (proxies still speak it), without one it is 400', async () => {
    expect(statusOf(await send(`GET ${PAGE} HTTP/1.0\r\nHost: a\r\n\r\n`))).toBe(200);
    expect(statusOf(await send(`GET ${PAGE} HTTP/1.0\r\n\r\n`))).toBe(400);
  });

  it.each([
    ['CL and TE', 'Content-Length: 3\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n'],
    ['two lengths', 'Content-Length: 3\r\nContent-Length: 4\r\n', 'abcd'],
    ['unknown coding', 'Transfer-Encoding: xchunked\r\n', '0\r\n\r\n'],
    ['space before the colon', 'X-A : b\r\n', ''],
    ['NUL', 'X-A: b\0c\r\n', ''],
    ['bare LF', 'X-A: b\n\r\n', ''],
  ])('%s is 400 and the end', async (_, lines, body) => {
    const heard = await send(`GET ${PAGE} HTTP/1.1\r\nHost: a\r\n${lines}\r\n${body}GET / HTTP/1.1\r\nHost: a\r\n\r\n`);
    expect(statusesOf(heard)).toEqual([400]);
  });

  it('a folded header smuggles nothing', async () => {
    const heard = await send(
      `GET ${PAGE} HTTP/1.1\r\nHost: a\r\nX-A: b\r\n Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n`,
    );
    expect(statusesOf(heard)).toHaveLength(1);
    expect([200, 400]).toContain(statusOf(heard));
  });

  it('a body that looks like a request is not one', async () => {
    const inner = 'GET /livez HTTP/1.1\r\nHost: a\r\n\r\n';
    const heard = await send(
      `GET ${PAGE} HTTP/1.1\r\nHost: a\r\nContent-Length: ${inner.length}\r\n\r\n${inner}` +
        'GET /nothing HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
    );
    expect(statusesOf(heard)).toEqual([200, 404]);
  });

  it('an upgrade is not made, and the connection ends', async () => {
    for (const protocol of ['h2c', 'websocket']) {
      const heard = await send(
        `GET ${PAGE} HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: ${protocol}\r\n\r\n`,
      );
      expect(statusesOf(heard)).toEqual([200]);
      expect(heard.text).toContain('Connection: close');
    }
    expect(statusesOf(await send('CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n'))).toEqual([]);
  });

  it('an Expect header is answered at once, or refused where it asks for something else', async () => {
    expect(statusOf(await get(PAGE, 'Host: a\r\nExpect: 100-continue\r\n'))).toBe(200);
    expect(statusOf(await get(PAGE, 'Host: a\r\nExpect: tea\r\n'))).toBe(417);
  });

  it('a large body is neither invited nor read', async () => {
    const chunked = await send(
      `POST ${PAGE} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nffffffff\r\n`,
    );
    expect(statusesOf(chunked)).toEqual([405]);
    const invited = await send(
      `PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1000000000\r\n\r\n`,
    );
    expect(statusesOf(invited)).toEqual([405]);
  });

  it('HTTP/0.9 and what is no HTTP are 400', async () => {
    for (const line of [
      'GET /\r\n\r\n',
      'GET / HTTP/9.9\r\nHost: a\r\n\r\n',
      '\x16\x03\x01\0\0\0\0\0',
      'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
    ])
      expect([400, 505]).toContain(statusOf(await send(line)));
  });

  it('large and many headers', async () => {
    expect(statusOf(await get(PAGE, `Host: a\r\nX-A: ${'b'.repeat(17_000)}\r\n`))).toBe(431);
    const many = Array.from({ length: 2000 }, (_, at) => `X-${at}: b\r\n`).join('');
    expect(statusOf(await get(PAGE, `Host: a\r\n${many}`))).toBe(431);
    expect(statusOf(await get(PAGE, 'Host: a\r\n__proto__: x\r\nconstructor: y\r\n'))).toBe(200);
    await isAlive();
  });

  it('odd Accept and Accept-Encoding never fault', async () => {
    for (const value of [',,,', 'q=1', 'a/b;q=2', `${'a/b,'.repeat(1000)}`, '*/*;q=0', ';;;;', 'gzip;q=gzip'])
      for (const name of ['Accept', 'Accept-Encoding'])
        expect([200, 406]).toContain(statusOf(await get(PAGE, `Host: a\r\n${name}: ${value}\r\n`)));
    await isAlive();
  });
});

describe('limits of a connection', () => {
  it('requests past the cap are not run, and the connection ends', async () => {
    const { url, close, finished } = await serve({ limits: { requestsPerSocket: 10 } });
    const heard = await shout(url, 'GET /livez HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(5000));
    expect(statusesOf(heard).filter((status) => status === 200)).toHaveLength(10);
    await close();
    expect(finished).toHaveLength(10);
  });

  it('slow headers are cut', async () => {
    const { url, close } = await serve({ limits: { headersTimeout: 50, checkEvery: 20 } });
    const heard = await shout(url, 'GET / HTTP/1.1\r\nHost: a\r\nX-');
    expect([408, 0]).toContain(statusOf(heard));
    await close();
  });

  it('a reader that stalls is cut, and its memory given back', async () => {
    const bytes = bytesOf(32 * 1024 * 1024);
    const { url, still, finished, close } = await serve({
      files: [{ project: 'foo-bar', filename: WHEEL, bytes }],
      limits: { stalled: 300 },
    });
    const path = `/${still.pathOf(WHEEL)}`;
    // Held beforehand: on a busy machine the download alone may take longer than a reader may stall.
    await (await still.index.file({ path: path.slice('/packages/'.length) }, client())).open();
    const heard = shout(url, `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`, (socket) => socket.pause());
    await expect.poll(() => finished.find(({ bytes: sent }) => sent > 1)?.aborted).toBe(true);
    await close();
    void heard;
  });

  it('one that asks for pages without reading them is cut, and makes room for others', async () => {
    const file = (at: number) => ({
      project: 'foo-bar',
      filename: `foo_bar-${at}-py3-none-any.whl`,
      bytes: Buffer.from([at]),
    });
    const { url, close } = await serve({
      files: Array.from({ length: 200 }, (_, at) => file(at)),
      limits: { stalled: 100, connections: 1 },
    });
    const heard = shout(url, 'GET /simple/foo-bar/ HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(900), (socket) =>
      socket.pause(),
    );
    await expect.poll(async () => statusOf(await shout(url, 'GET /livez HTTP/1.0\r\nHost: a\r\n\r\n'))).toBe(200);
    await close();
    void heard;
  });

  it('a reader that takes a few bytes now and then is cut when a chunk takes it too long', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    const bytes = bytesOf(32 * 1024 * 1024);
    const { url, still, finished, close } = await serve({ files: [{ project: 'foo-bar', filename: WHEEL, bytes }] });
    const path = `/${still.pathOf(WHEEL)}`;
    await ask(url, path, { headers: { range: 'bytes=0-0' } });
    const sip: (() => void)[] = [];
    const heard = shout(url, `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`, (socket) => {
      socket.on('data', () => socket.pause());
      sip.push(() => socket.resume());
    });
    let waited = 0;
    const outcome = () => {
      // About 64 KiB every 8 seconds: a quarter of the slowest that is waited for.
      if (waited % 8000 === 0) for (const one of sip) one();
      vi.advanceTimersByTime(1000);
      waited += 1000;
      return finished.find(({ bytes: sent }) => sent > 1);
    };
    await expect.poll(outcome, { interval: 5 }).toMatchObject({ aborted: true, reason: 'slow' });
    expect(waited).toBeGreaterThanOrEqual(32_000);
    await close();
    void heard;
  });

  it('connections past the cap are dropped, those that are there go on', async () => {
    const { url, close } = await serve({ limits: { connections: 2 } });
    const idle = [shout(url, ''), shout(url, '')];
    await expect.poll(async () => (await shout(url, '')).text).toBe('');
    await close();
    await Promise.all(idle);
  });
});
