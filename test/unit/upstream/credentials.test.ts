import { describe, expect, it } from 'vitest';
import type { Password } from '../../../src/upstream/credentials.ts';
import { GOOD, TEST_KEY } from '../../support/certificates.ts';
import type { Fault } from '../../support/upstream.ts';
import { bytesAt, bytesOf, connect, SOMEBODY, serve, text } from './setup.ts';

const basic = (password: string) => `Basic ${Buffer.from(`me:${password}`).toString('base64')}`;
const REFUSED: Fault = { kind: 'status', status: 401 };

async function setup(password: Password) {
  const server = await serve({ files: new Map([['/x', bytesOf('hello')]]) });
  const upstream = connect(server, { credentials: [{ url: server.url, username: 'me', password }] });
  const sent = () => server.requests.map(({ headers }) => headers.authorization);
  return { server, upstream, sent, ask: () => bytesAt(upstream, `${server.url}x`, 10) };
}

describe('a password that changes', () => {
  it('is sent as it is now', async () => {
    let now = 'one';
    const { ask, sent } = await setup({ current: async () => now, instead: async () => undefined });
    await ask();
    now = 'two';
    await ask();
    expect(sent()).toEqual([basic('one'), basic('two')]);
  });

  it('that upstream refuses is asked for again, and the request sent once more with another', async () => {
    const refused: string[] = [];
    const { ask, sent, server, upstream } = await setup({
      current: async () => 'old',
      async instead(password) {
        refused.push(password);
        return 'new';
      },
    });
    server.fault('/x', REFUSED, 1);
    expect(text(await ask())).toBe('hello');
    expect([refused, sent()]).toEqual([['old'], [basic('old'), basic('new')]]);
    server.fault('/x', REFUSED, 1);
    const open = upstream.download({ urls: [`${server.url}x`] });
    expect((await open({ offset: 0, limit: 10, attempt: 1, caller: SOMEBODY })).start).toBe(0);
  });

  it('that upstream goes on refusing is told, after one more request', async () => {
    const { ask, server } = await setup({ current: async () => 'old', instead: async () => 'new' });
    server.fault('/x', REFUSED);
    await expect(ask()).rejects.toThrow('does not take our credentials');
    expect(server.requests).toHaveLength(2);
  });

  it('of which there is no other is refused after one request', async () => {
    const { ask, server } = await setup({ current: async () => 'old', instead: async () => undefined });
    server.fault('/x', REFUSED);
    await expect(ask()).rejects.toMatchObject({ reason: 'unreachable', transient: false });
    expect(server.requests).toHaveLength(1);
  });
});

describe('a client certificate', () => {
  const TLS = { key: TEST_KEY, cert: GOOD, requestCert: true, ca: GOOD };

  it('that is asked for and not there is told, with the settings for it', async () => {
    const server = await serve({ tls: { ...TLS, rejectUnauthorized: true } });
    const asked = bytesAt(connect(server, { ca: GOOD }), `${server.url}x`, 10);
    await expect(asked).rejects.toMatchObject({
      reason: 'unreachable',
      transient: false,
      message: expect.stringContaining('client_cert'),
    });
  });

  it('is shown to the hosts of the index, on kept and on fresh connections, and to no other', async () => {
    const [server, other] = [
      await serve({ tls: TLS, files: new Map([['/x', bytesOf('hello')]]) }),
      await serve({ tls: TLS }),
    ];
    const seen = (at: typeof server) => at.requests.map(({ clientCertificate }) => clientCertificate);
    const upstream = connect(server, {
      bases: [server.url, other.url],
      ca: GOOD,
      client: { cert: GOOD, key: TEST_KEY, hosts: [`127.0.0.1:${server.port}`] },
    });
    expect(text(await bytesAt(upstream, `${server.url}x`, 10))).toBe('hello');
    await upstream.document({ url: `${server.url}x`, fresh: true, limit: 10 }, SOMEBODY);
    await bytesAt(upstream, `${other.url}x`, 10);
    expect(seen(server)).toEqual([true, true]);
    expect(seen(other)).toEqual([false]);
  });
});
