import { createServer, connect as dial } from 'node:net';
import { describe, expect, it } from 'vitest';
import { internalCaller, withSignal } from '../../../src/async/caller.ts';
import { ELSEWHERE, EXPIRED, GOOD, TEST_KEY } from '../../support/certificates.ts';
import { bytesAt, bytesOf, collect, connect, ends, PATIENT, SHORT, SOMEBODY, serve, text } from './setup.ts';

// Getting there at all: names, sockets, TLS, and how many at once.

const files = new Map([['/x', bytesOf('hello')]]);
const unreachable = (transient: boolean) => expect.objectContaining({ reason: 'unreachable', transient });
/** A server that answers whatever it is sent with these bytes. Its address. */
async function rawAnswer(bytes: Uint8Array): Promise<string> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => socket.end(bytes));
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  ends.push(() => server.close());
  const address = server.address();
  return `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}/`;
}
const noSuchName = (code: string) => () => Promise.reject(Object.assign(new Error(code), { code }));

describe('names', () => {
  it.each(['ENOTFOUND', 'EAI_AGAIN', 'ESERVFAIL'])('%s is unreachable', async (code) => {
    const upstream = connect({ url: 'https://index.test/' }, { resolve: noSuchName(code) });
    const error: unknown = await bytesAt(upstream, 'https://index.test/x', 10).catch((caught: unknown) => caught);
    expect(error).toEqual(unreachable(true));
    expect(String(error)).toContain('Could not find index.test: the name has no address');
  });

  it('an answer without addresses is unreachable', async () => {
    const upstream = connect({ url: 'https://index.test/' }, { resolve: async () => [] });
    await expect(bytesAt(upstream, 'https://index.test/x', 10)).rejects.toEqual(unreachable(true));
  });

  it('a resolver that never answers is cut by the connect timeout', async () => {
    const upstream = connect(
      { url: 'https://index.test/' },
      {
        resolve: () => new Promise(() => {}),
        limits: { connectTimeout: SHORT.connectTimeout },
      },
    );
    await expect(bytesAt(upstream, 'https://index.test/x', 10)).rejects.toEqual(unreachable(true));
  });
});

it('a document has memory of its own, however small: it may be kept', async () => {
  const server = await serve({ files });
  const bytes = await bytesAt(connect(server), `${server.url}x`, 10);
  expect(text(bytes)).toBe('hello');
  expect(bytes?.buffer.byteLength).toBe(5);
});

describe('sockets', () => {
  it('refused is unreachable', async () => {
    const server = await serve();
    await server.close();
    await expect(bytesAt(connect(server), `${server.url}x`, 10)).rejects.toEqual(unreachable(true));
  });

  it('reset before the answer is unreachable, and is tried again where that is allowed', async () => {
    const server = await serve({ files });
    server.fault('/x', { kind: 'reset' }, 2);
    await expect(bytesAt(connect(server), `${server.url}x`, 10)).rejects.toEqual(unreachable(true));
    expect(text(await bytesAt(connect(server, { retries: 1 }), `${server.url}x`, 10))).toBe('hello');
  });

  it('a peer that never finishes the TLS handshake is cut by the connect timeout', async () => {
    const mute = createServer(() => {});
    await new Promise<void>((listening) => mute.listen(0, '127.0.0.1', listening));
    const address = mute.address();
    const url = `https://127.0.0.1:${typeof address === 'object' ? address?.port : 0}/`;
    const upstream = connect({ url }, { limits: { connectTimeout: SHORT.connectTimeout } });
    await expect(bytesAt(upstream, `${url}x`, 10)).rejects.toEqual(unreachable(true));
    mute.close();
  });

  it('a dead IPv6 address beside a live IPv4 one costs no more than a second', async () => {
    const server = await serve({ files });
    const upstream = connect(server, {
      bases: [`http://localhost:${server.port}/`],
      resolve: async () => [
        { address: '::1', family: 6 },
        { address: '127.0.0.1', family: 4 },
      ],
    });
    const start = performance.now();
    expect(text(await bytesAt(upstream, `http://localhost:${server.port}/x`, 10))).toBe('hello');
    expect(performance.now() - start).toBeLessThan(1000);
  });
});

describe('TLS', () => {
  const over = (cert: string) => serve({ files, tls: { key: TEST_KEY, cert } });

  it('a certificate of a known authority is accepted', async () => {
    const server = await over(GOOD);
    expect(text(await bytesAt(connect(server, { ca: GOOD }), `${server.url}x`, 10))).toBe('hello');
  });

  it('a public name that leads to a private network is fine: its certificate says who answers', async () => {
    const server = await over(GOOD);
    const base = `https://index.test:${server.port}/`;
    const resolve = async () => [{ address: '127.0.0.1', family: 4 }];
    expect(text(await bytesAt(connect({ url: base }, { ca: GOOD, resolve }), `${base}x`, 10))).toBe('hello');
    await expect(bytesAt(connect({ url: base }, { resolve }), `${base}x`, 10)).rejects.toEqual(unreachable(false));
  });

  it('a new connection for another attempt knows the same authorities', async () => {
    const server = await over(GOOD);
    server.fault('/x', { kind: 'reset' }, 1);
    expect(text(await bytesAt(connect(server, { ca: GOOD, retries: 1 }), `${server.url}x`, 10))).toBe('hello');
  });

  it.each([
    ['a self-signed', GOOD, undefined],
    ['an expired', EXPIRED, EXPIRED],
    ['another host’s', ELSEWHERE, ELSEWHERE],
    ['an unknown authority’s', GOOD, EXPIRED],
  ])('%s certificate is refused before anything is asked, and not by trying again', async (_, cert, ca) => {
    const server = await over(cert);
    await expect(bytesAt(connect(server, { ...(ca && { ca }), retries: 2 }), `${server.url}x`, 10)).rejects.toEqual(
      unreachable(false),
    );
    expect(server.requests).toHaveLength(0);
    expect(server.connections().accepted).toBeLessThanOrEqual(1);
  });

  it.each([
    [GOOD, 'Where the authority is your own, name its certificate with `ca`.'],
    [ELSEWHERE, 'is for another name'],
    [EXPIRED, 'has expired'],
  ])('a certificate that is refused is told with what would mend that', async (cert, words) => {
    const server = await over(cert);
    const asked = bytesAt(connect(server, { ca: cert === GOOD ? EXPIRED : cert }), `${server.url}x`, 10);
    await expect(asked).rejects.toThrow(words);
  });

  it('plain HTTP where TLS was expected is refused', async () => {
    const server = await serve({ files });
    const url = server.url.replace('http:', 'https:');
    const error: unknown = await bytesAt(connect({ url }), `${url}x`, 10).catch((caught: unknown) => caught);
    expect(error).toEqual(unreachable(false));
    expect(String(error)).toContain('does not speak TLS at this port');
    expect(server.requests).toHaveLength(0);
  });

  it('plain HTTP to a port of TLS is told with what the address should be', async () => {
    const server = await over(GOOD);
    const url = server.url.replace('https:', 'http:');
    await expect(bytesAt(connect({ url }), `${url}x`, 10)).rejects.toThrow('If it speaks TLS at this port');
    const alert = await rawAnswer(Buffer.from([21, 3, 1, 0, 2, 2, 10]));
    await expect(bytesAt(connect({ url: alert }), `${alert}x`, 10)).rejects.toMatchObject({
      reason: 'format',
      message: expect.stringContaining('https://'),
    });
  });

  it('TLS 1.1 is not spoken', async () => {
    const server = await serve({
      files,
      tls: { key: TEST_KEY, cert: GOOD, maxVersion: 'TLSv1.1', minVersion: 'TLSv1' },
    });
    await expect(bytesAt(connect(server, { ca: GOOD }), `${server.url}x`, 10)).rejects.toEqual(unreachable(false));
  });
});

describe('many at once', () => {
  it('never opens more connections than allowed, queues a bounded number, and refuses the rest', async () => {
    const server = await serve({ handler: (_, response) => setTimeout(() => response.end('ok'), 20) });
    const upstream = connect(server, { limits: { connections: 4, queue: 20 } });
    let most = 0;
    const all = await Promise.allSettled(
      Array.from({ length: 100 }, async (_, index) => {
        const answer = await bytesAt(upstream, `${server.url}${index}`, 10);
        most = Math.max(most, server.connections().open);
        return answer;
      }),
    );
    const refused = all.filter(({ status }) => status === 'rejected');
    expect(all.length - refused.length).toBe(24);
    for (const { reason } of refused as PromiseRejectedResult[])
      expect(reason).toMatchObject({ reason: 'limit', transient: true });
    expect(most).toBeLessThanOrEqual(4);
    expect(server.connections().accepted).toBeLessThanOrEqual(4);
  });

  it('waiting in the queue ends with the deadline', async () => {
    const server = await serve({ files });
    const documents = { ...SHORT.documents, headersTimeout: 60_000, deadline: 150 };
    const upstream = connect(server, { limits: { connections: 1, documents } });
    server.fault('/x', { kind: 'stall', at: 'headers' });
    const occupying = bytesAt(upstream, `${server.url}x`, 10);
    const waiting = bytesAt(upstream, `${server.url}x`, 10);
    await expect(occupying).rejects.toMatchObject({ reason: 'slow' });
    await expect(waiting).rejects.toMatchObject({ reason: 'slow' });
    expect(server.requests).toHaveLength(1);
  });

  it('background files, however many, leave places for the files of a client', async () => {
    const server = await serve({ files });
    const upstream = connect(server, { limits: { connections: 4 } });
    server.fault('/slow', { kind: 'stall', at: 'headers' });
    const stop = new AbortController();
    const job = withSignal(internalCaller('main', 'sync'), stop.signal);
    const slow = upstream.download({ urls: [`${server.url}slow`] });
    const jobs = Array.from({ length: 100 }, () => slow({ offset: 0, limit: 10, attempt: 1, caller: job }));
    const ended = Promise.allSettled(jobs);
    await server.reached('/slow', 2);
    const wanted = upstream.download({ urls: [`${server.url}x`] });
    const { bytes } = await wanted({ offset: 0, limit: 10, attempt: 1, caller: SOMEBODY });
    expect(text(await collect(bytes))).toBe('hello');
    expect(server.asked('/slow')).toHaveLength(2);
    stop.abort(new Error('enough'));
    expect((await ended).every(({ status }) => status === 'rejected')).toBe(true);
  });

  it('gives places back after refusals of every kind', async () => {
    const server = await serve({ files });
    const documents = { ...PATIENT.documents, headersTimeout: 1000 };
    const upstream = connect(server, { limits: { connections: 1, queue: 1, documents } });
    const kinds = [
      { kind: 'reset' },
      { kind: 'status', status: 404 },
      { kind: 'status', status: 500, body: 'x'.repeat(100_000) },
      { kind: 'truncate', at: 2 },
      { kind: 'stall', at: 'headers' },
      { kind: 'raw', bytes: 'nonsense' },
      { kind: 'redirect', to: '/elsewhere' },
      { kind: 'headers', headers: { 'content-encoding': 'gzip' } },
    ] as const;
    for (const fault of kinds) {
      server.fault('/x', fault, 1);
      await bytesAt(upstream, `${server.url}x`, 10).catch(() => {});
    }
    await expect(bytesAt(upstream, 'http://127.0.0.1:1/x', 10)).rejects.toMatchObject({ reason: 'redirect' });
    expect(text(await bytesAt(upstream, `${server.url}x`, 10))).toBe('hello');
  });

  it('keeps a connection for the next request, over many', async () => {
    const server = await serve({ files });
    const upstream = connect(server);
    for (let index = 0; index < 10; index++) await bytesAt(upstream, `${server.url}${index % 2 ? 'x' : 'absent'}`, 10);
    expect(server.connections().accepted).toBeLessThanOrEqual(2);
  });
});

describe('proxies', () => {
  it('HTTP_PROXY and its like are not read', async () => {
    const server = await serve({ files });
    const proxy = await serve({ handler: (_, response) => response.end('proxied') });
    const before = { ...process.env };
    for (const name of ['HTTP_PROXY', 'http_proxy', 'HTTPS_PROXY', 'ALL_PROXY']) process.env[name] = proxy.url;
    process.env['NODE_USE_ENV_PROXY'] = '1';
    try {
      expect(text(await bytesAt(connect(server), `${server.url}x`, 10))).toBe('hello');
      const server2 = await serve({ files });
      server2.fault('/x', { kind: 'reset' }, 1);
      expect(text(await bytesAt(connect(server2, { retries: 1 }), `${server2.url}x`, 10))).toBe('hello');
    } finally {
      process.env = before;
    }
    expect(proxy.requests).toHaveLength(0);
  });
});

describe('the test server itself', () => {
  it('ends while a client hangs', async () => {
    const server = await serve();
    const socket = dial(server.port, '127.0.0.1');
    await new Promise((connected) => socket.once('connect', connected));
    socket.on('error', () => {});
    await server.close();
    socket.destroy();
  });
});
