import { describe, expect, it } from 'vitest';
import type { Password } from '../../../src/upstream/credentials.ts';
import { GOOD, TEST_KEY } from '../../support/certificates.ts';
import { startProxy } from '../../support/proxy.ts';
import { bytesAt, bytesOf, collect, connect, ends, SOMEBODY, serve, text } from './setup.ts';

const files = new Map([['x', bytesOf('hello')]]);
const basic = (pair: string) => `Basic ${Buffer.from(pair).toString('base64')}`;
const TLS = { key: TEST_KEY, cert: GOOD };

async function through(proxy: { readonly url: string }, tls = true) {
  const server = await serve({ files, ...(tls ? { tls: TLS } : {}) });
  return { server, upstream: connect(server, { ca: GOOD, proxy: proxy.url, limits: { connectTimeout: 1000 } }) };
}

async function start(options: Parameters<typeof startProxy>[0] = {}) {
  const proxy = await startProxy(options);
  ends.push(proxy.close);
  return proxy;
}

describe('an HTTP proxy', () => {
  it('is asked for a tunnel, in which TLS is upstream’s own', async () => {
    const proxy = await start();
    const { server, upstream } = await through(proxy);
    expect(text(await bytesAt(upstream, `${server.url}x`, 10))).toBe('hello');
    expect(text(await bytesAt(upstream, `${server.url}x`, 10))).toBe('hello');
    expect(proxy.asked).toEqual([`CONNECT 127.0.0.1:${server.port}`]);
    expect(server.requests[0]?.headers).not.toHaveProperty('proxy-authorization');
  });

  it('is never gone round by a second attempt', async () => {
    const proxy = await start();
    const { server, upstream } = await through(proxy);
    const open = upstream.download({ urls: [`${server.url}x`] });
    const again = await open({ offset: 0, limit: 10, attempt: 2, caller: SOMEBODY });
    expect(text(await collect(again.bytes))).toBe('hello');
    await upstream.document({ url: `${server.url}x`, fresh: true, limit: 10 }, SOMEBODY);
    expect(proxy.asked).toHaveLength(2);
    expect(server.connections().accepted).toBe(2);
  });

  it('carries plain http too', async () => {
    const proxy = await start();
    const { server, upstream } = await through(proxy, false);
    expect(text(await bytesAt(upstream, `${server.url}x`, 10))).toBe('hello');
    expect(proxy.asked).toEqual([`GET ${server.url}x`]);
  });

  it('gets the credentials meant for it, and upstream does not', async () => {
    const proxy = await start({ authorization: () => basic('me:se@cret') });
    const refused = await through(proxy);
    const error: unknown = await bytesAt(refused.upstream, `${refused.server.url}x`, 10).catch(
      (caught: unknown) => caught,
    );
    expect(error).toMatchObject({ reason: 'unreachable' });
    expect(String(error)).toContain('proxy.username');
    expect(refused.server.requests).toEqual([]);
    const granted = await through({ url: proxy.url.replace('//', '//me:se%40cret@') });
    expect(text(await bytesAt(granted.upstream, `${granted.server.url}x`, 10))).toBe('hello');
    expect(granted.server.requests[0]?.headers).not.toHaveProperty('proxy-authorization');
  });

  it.each([
    ['a tunnel', true],
    ['plain http', false],
  ])(
    'is asked with the password that holds now, and once again where it refused one that has changed: %s',
    async (_, tls) => {
      let wanted = 'fi:rst';
      let held = wanted;
      let renewals = 0;
      let isGone = false;
      const password: Password = {
        current: async () => held,
        async instead(refused) {
          renewals++;
          if (!isGone) held = wanted;
          return held === refused ? undefined : held;
        },
      };
      const proxy = await start({ authorization: () => basic(`me:${wanted}`) });
      const server = await serve({ files, ...(tls ? { tls: TLS } : {}) });
      const upstream = connect(server, { ca: GOOD, proxy: proxy.url, proxyLogin: { username: 'me', password } });
      const fresh = async () =>
        (await upstream.document({ url: `${server.url}x`, fresh: true, limit: 10 }, SOMEBODY)).kind;
      expect(text(await bytesAt(upstream, `${server.url}x`, 10))).toBe('hello');
      expect(text(await bytesAt(upstream, `${server.url}x`, 10))).toBe('hello');
      // The same password is the same tunnel.
      expect(proxy.asked.length).toBe(tls ? 1 : 2);
      wanted = 'sec@ond';
      expect([await fresh(), renewals, held]).toEqual(['document', 1, 'sec@ond']);
      held = 'third';
      wanted = held;
      expect([await fresh(), renewals]).toEqual(['document', 1]);
      // Where there is no other, the refusal stands.
      isGone = true;
      wanted = 'fourth';
      const before = proxy.asked.length;
      await expect(fresh()).rejects.toMatchObject({
        reason: 'unreachable',
        message: expect.stringContaining('proxy.username'),
      });
      expect(proxy.asked.length).toBe(before + 1);
      expect(server.requests.some(({ headers }) => 'proxy-authorization' in headers)).toBe(false);
    },
  );

  it('is asked for no other password where it was not the proxy that refused', async () => {
    let renewals = 0;
    const password: Password = { current: async () => 'secret', instead: async () => `other${renewals++}` };
    const proxy = await start();
    const server = await serve({ files });
    server.fault('*', { kind: 'reset' });
    const upstream = connect(server, { proxy: proxy.url, proxyLogin: { username: 'me', password } });
    await expect(bytesAt(upstream, `${server.url}x`, 10)).rejects.toMatchObject({ reason: 'unreachable' });
    expect([renewals, proxy.asked.length]).toEqual([0, 1]);
  });

  it.each([{ answer: 'HTTP/1.1 403 Forbidden\r\n\r\n' }, { answer: 'junk\r\n\r\n' }, { answer: '' }, { stalls: true }])(
    'that fails (%j) makes upstream unreachable, and its password shows nowhere',
    async (options) => {
      const proxy = await start(options);
      const { server, upstream } = await through({ url: proxy.url.replace('//', '//me:hunter2@') });
      const error: unknown = await bytesAt(upstream, `${server.url}x`, 10).catch((caught: unknown) => caught);
      expect(error).toMatchObject({ reason: 'unreachable', transient: true });
      const told = error instanceof Error && error.cause instanceof Error ? error.cause.message : '';
      expect(`${error} ${told}`).not.toContain('hunter2');
      expect(server.requests).toEqual([]);
    },
  );

  it('that is not there makes upstream unreachable', async () => {
    const proxy = await start();
    await proxy.close();
    const { server, upstream } = await through(proxy);
    const plain = await through(proxy, false);
    const words = new RegExp(`^The proxy ${new URL(proxy.url).host} refused the connection.*proxy\\.url`);
    for (const asked of [bytesAt(upstream, `${server.url}x`, 10), bytesAt(plain.upstream, `${plain.server.url}x`, 10)])
      await expect(asked).rejects.toMatchObject({ reason: 'unreachable', message: expect.stringMatching(words) });
    expect(server.requests).toEqual([]);
  });

  it('whose name is not known is named as what was not found', async () => {
    const upstream = connect(
      { url: 'https://index.test/' },
      {
        proxy: 'http://me:hunter2@proxy.test:3128',
        resolve: () => Promise.reject(Object.assign(new Error('x'), { code: 'ENOTFOUND' })),
      },
    );
    const error: unknown = await bytesAt(upstream, 'https://index.test/x', 10).catch((caught: unknown) => caught);
    expect(String(error)).toMatch(/Could not find the proxy proxy\.test:3128/);
    expect(String(error)).not.toContain('hunter2');
  });

  it('cannot pass itself off as upstream', async () => {
    const proxy = await start();
    const server = await serve({ files, tls: TLS });
    const upstream = connect(server, { proxy: proxy.url });
    await expect(bytesAt(upstream, `${server.url}x`, 10)).rejects.toMatchObject({
      reason: 'unreachable',
      transient: false,
    });
    expect(server.requests).toEqual([]);
  });

  it('is for the configuration to name: the environment is not asked', async () => {
    const proxy = await start();
    const names = ['HTTP_PROXY', 'HTTPS_PROXY', 'http_proxy', 'https_proxy', 'ALL_PROXY', 'NODE_USE_ENV_PROXY'];
    for (const name of names) process.env[name] = name.startsWith('NODE') ? '1' : proxy.url;
    try {
      const server = await serve({ files, tls: TLS });
      expect(text(await bytesAt(connect(server, { ca: GOOD }), `${server.url}x`, 10))).toBe('hello');
    } finally {
      for (const name of names) delete process.env[name];
    }
    expect(proxy.asked).toEqual([]);
  });
});
