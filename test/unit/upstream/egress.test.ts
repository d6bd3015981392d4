import type { LookupAddress } from 'node:dns';
import { describe, expect, it } from 'vitest';
import { isPublicAddress } from '../../../src/upstream/addresses.ts';
import { Destinations, redactUrl } from '../../../src/upstream/destinations.ts';
import { bytesAt, bytesOf, connect, SOMEBODY, serve, text } from './setup.ts';

// Where an upstream client may go at all: a page cannot send this mirror wherever it likes.

const refused = expect.objectContaining({ reason: 'redirect' });
const v4 = (...addresses: string[]): LookupAddress[] => addresses.map((address) => ({ address, family: 4 }));

describe('addresses', () => {
  it.each([
    '127.0.0.1',
    '127.255.0.1',
    '0.0.0.0',
    '10.1.2.3',
    '100.64.0.1',
    '169.254.169.254',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.1.1',
    '192.0.0.8',
    '198.18.0.1',
    '224.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    '::ffff:127.0.0.1',
    '::ffff:7f00:1',
    '::ffff:a00:1',
    '0:0:0:0:0:ffff:127.0.0.1',
    '64:ff9b::10.0.0.1',
    '::127.0.0.1',
    'fc00::1',
    'fd00::',
    'fe80::1',
    'fe80::1%eth0',
    'fec0::1',
    'ff02::1',
    '2001::1',
    '2002:7f00:1::',
    '2001:db8::1',
    'not an address',
    '',
  ])('%s is not public', (address) => {
    expect(isPublicAddress(address)).toBe(false);
  });

  it.each([
    '8.8.8.8',
    '172.32.0.1',
    '100.128.0.1',
    '2606:4700::1111',
    '2001:4860:4860::8888',
    '::ffff:8.8.8.8',
    '64:ff9b::808:808',
  ])('%s is public', (address) => {
    expect(isPublicAddress(address)).toBe(true);
  });
});

describe('URLs a page may name', () => {
  const allowed = new Destinations({
    bases: ['https://index.example/simple/', 'http://127.0.0.1:8000/'],
    fileHosts: ['files.example', 'cdn.example:8443'],
  });

  it.each([
    'https://index.example/simple/x/',
    'https://index.example:443/packages/f.whl',
    'HTTPS://Index.Example/x',
    'https://files.example/f.whl#sha256=00',
    'https://cdn.example:8443/f.whl',
    'http://127.0.0.1:8000/f.whl',
  ])('%s is allowed', (url) => {
    expect(allowed.mayFetch(url)).toBe(true);
  });

  it.each([
    'http://index.example/x',
    'https://index.example:8443/x',
    'https://cdn.example/x',
    'https://other.example/x',
    'https://index.example.evil.example/x',
    'https://sub.index.example/x',
    'https://index.example./x',
    'https://index.example@evil.example/',
    'https://evil.example\\@index.example/',
    'https://index.example\\@evil.example/',
    'https://me:pw@index.example/x',
    'https://in\tdex.example/x',
    'https://index.example/a\nb',
    ' https://index.example/x',
    'https://index。example/x',
    'https://ındex.example/x',
    'https://%69ndex.example/x',
    'https:index.example/x',
    'https:///index.example/x',
    '//index.example/x',
    '/x',
    '',
    'file:///etc/passwd',
    'data:,x',
    'ftp://index.example/x',
    'javascript:alert(1)',
    'http://127.0.0.1/x',
    'http://127.0.0.1:22/x',
    'http://127.1:8000/x',
    'http://0x7f000001:8000/x',
    'http://2130706433:8000/x',
    'http://0177.0.0.1:8000/x',
    'http://0.0.0.0:8000/x',
    'http://[::1]:8000/x',
    'http://[::ffff:127.0.0.1]:8000/x',
    'http://localhost:8000/x',
    'http://169.254.169.254/latest/meta-data/',
    'http://[fd00::1]/x',
  ])('%j is refused', (url) => {
    expect(allowed.mayFetch(url)).toBe(false);
    expect(() => allowed.check(url)).toThrow(refused);
  });

  it('no connection is made for one', async () => {
    const [server, other] = [await serve(), await serve()];
    const upstream = connect(server);
    await expect(bytesAt(upstream, `${other.url}x`, 10)).rejects.toEqual(refused);
    const download = upstream.download({ urls: [`${other.url}x`] });
    await expect(download({ offset: 0, limit: 10, attempt: 1, caller: SOMEBODY })).rejects.toEqual(refused);
    expect(other.connections().accepted).toBe(0);
  });

  it('a file host may be given with its scheme, and plain http only where that is allowed', () => {
    const open = new Destinations({
      bases: ['http://10.0.0.5/'],
      fileHosts: ['http://files.lan:81', 'plain.lan'],
      insecureUpstream: true,
    });
    expect(
      ['http://files.lan:81/f', 'http://plain.lan/f', 'https://plain.lan/f'].every((url) => open.mayFetch(url)),
    ).toBe(true);
    expect(open.mayFetch('https://files.lan:81/f')).toBe(false);
    expect(() => new Destinations({ bases: [], fileHosts: ['http://files.example'] })).toThrow(
      expect.objectContaining({ reason: 'policy' }),
    );
  });
});

describe('plain http', () => {
  it.each(['http://127.0.0.1:1/', 'http://localhost/', 'http://[::1]/'])('%s is loopback: allowed', (base) => {
    expect(new Destinations({ bases: [base] }).mayFetch(`${base}x`)).toBe(true);
  });

  it.each(['http://index.example/', 'http://10.0.0.1/', 'http://127.evil.example/', 'http://app.localhost/'])(
    '%s needs an explicit word',
    (base) => {
      expect(() => new Destinations({ bases: [base] })).toThrow(expect.objectContaining({ reason: 'policy' }));
      expect(new Destinations({ bases: [base], insecureUpstream: true }).mayFetch(`${base}x`)).toBe(true);
    },
  );

  it.each(['ftp://index.example/', 'file:///srv/'])('%s is no upstream', (base) => {
    expect(() => new Destinations({ bases: [base] })).toThrow(expect.objectContaining({ reason: 'policy' }));
  });
});

describe('names that lead inside', () => {
  const reach = async (addresses: LookupAddress[], privateHosts: string[] = []) => {
    const server = await serve({ files: new Map([['/x', bytesOf('hello')]]) });
    const base = `http://index.example:${server.port}/`;
    let asked = 0;
    const resolve = async () => {
      asked++;
      // A name that rebinds: public or allowed first, then somewhere else.
      return asked === 1 ? addresses : v4('127.0.0.2');
    };
    const upstream = connect(server, { bases: [base], insecureUpstream: true, privateHosts, resolve });
    const answer = bytesAt(upstream, `${base}x`, 10);
    return { server, answer, asked: () => asked };
  };

  it('are refused without a connection', async () => {
    const { server, answer } = await reach(v4('127.0.0.1'));
    await expect(answer).rejects.toEqual(refused);
    expect(server.connections().accepted).toBe(0);
  });

  it('are refused where only one of their addresses does', async () => {
    const { server, answer } = await reach(v4('8.8.8.8', '127.0.0.1'));
    await expect(answer).rejects.toEqual(refused);
    expect(server.connections().accepted).toBe(0);
  });

  it('are fine where the operator named them, and the checked address is the connected one', async () => {
    const { server, answer, asked } = await reach(v4('127.0.0.1'), ['index.example']);
    expect(text(await answer)).toBe('hello');
    expect(asked()).toBe(1);
    expect(server.requests).toHaveLength(1);
  });

  it('are fine where they say so themselves: localhost, a single label, .internal', async () => {
    const server = await serve({ files: new Map([['/x', bytesOf('hello')]]) });
    for (const host of ['localhost', 'index', 'index.internal']) {
      const base = `http://${host}:${server.port}/`;
      const upstream = connect(server, { bases: [base], insecureUpstream: true, resolve: async () => v4('127.0.0.1') });
      expect(text(await bytesAt(upstream, `${base}x`, 10))).toBe('hello');
    }
  });

  it('a redirect to an allowed host that leads inside is refused', async () => {
    const server = await serve();
    const resolve = async () => v4('127.0.0.1');
    const upstream = connect(server, {
      fileHosts: [`http://files.example:${server.port}`],
      insecureUpstream: true,
      resolve,
    });
    server.fault('/x', { kind: 'redirect', to: `http://files.example:${server.port}/y` });
    await expect(bytesAt(upstream, `${server.url}x`, 10)).rejects.toEqual(refused);
    expect(server.requests).toHaveLength(1);
  });
});

describe('file hosts', () => {
  const domains = new Destinations({
    bases: ['https://index.example/'],
    fileHosts: ['*.blobs.example', '*.odd.example:8443'],
  });
  const insecure = new Destinations({
    bases: ['https://index.example/'],
    fileHosts: ['*.blobs.example', 'http://*.plain.example'],
    insecureUpstream: true,
  });
  const any = new Destinations({ bases: ['https://index.example/'], fileHosts: ['any-public'] });

  it.each(['https://a.blobs.example/f.whl', 'https://a.b.blobs.example/f.whl?sig=x', 'https://x.odd.example:8443/f'])(
    'by domain: %s is allowed',
    (url) => {
      expect(domains.mayFetch(url)).toBe(true);
    },
  );

  it.each([
    'http://a.blobs.example/f.whl',
    'https://blobs.example/f.whl',
    'https://evilblobs.example/f.whl',
    'https://a.blobs.example.evil.example/f.whl',
    'https://a.blobs.example:8443/f.whl',
    'https://x.odd.example/f',
    'https://me@a.blobs.example/f',
  ])('by domain: %s is refused', (url) => {
    expect(domains.mayFetch(url)).toBe(false);
  });

  it('by domain in plain http only where that was accepted', () => {
    expect(insecure.mayFetch('http://a.blobs.example/f')).toBe(true);
    expect(insecure.mayFetch('http://a.plain.example/f')).toBe(true);
    expect(insecure.mayFetch('https://a.plain.example/f')).toBe(false);
    expect(() => new Destinations({ bases: [], fileHosts: ['http://*.plain.example'] })).toThrow('plain http');
  });

  it('by domain may lie on a private network over TLS, as named ones may', () => {
    expect([domains.mayBePrivate('a.blobs.example'), domains.mayBePrivate('blobs.example')]).toEqual([true, false]);
    expect(insecure.mayBePrivate('a.blobs.example')).toBe(false);
  });

  it.each(['https://anywhere.example/f.whl', 'https://8.8.8.8/f.whl', 'https://a.example:8443/f'])(
    'any public one: %s is allowed for files',
    (url) => {
      expect(any.mayFetch(url)).toBe(true);
      expect(any.follow(new URL('https://index.example/f'), url, true).href).toBe(url);
      // A page is believed for what it says, and comes from the hosts of its index alone.
      expect(() => any.follow(new URL('https://index.example/p/'), url, false)).toThrow('redirects to');
    },
  );

  it.each([
    'http://anywhere.example/f',
    'https://10.0.0.1/f',
    'https://localhost/f',
    'https://intranet/f',
    'https://a.internal/f',
  ])('any public one: %s is refused', (url) => {
    expect(any.mayFetch(url)).toBe(false);
  });

  it('any public one: is none for what no digest will prove; one that is named is', async () => {
    expect(any.mayFetch('https://anywhere.example/f.whl', true)).toBe(false);
    expect(domains.mayFetch('https://a.blobs.example/f', true)).toBe(true);
    const server = await serve();
    server.fault('/away', { kind: 'redirect', to: 'https://8.8.8.8/f.whl' });
    const upstream = connect(server, { fileHosts: ['any-public'] });
    for (const url of ['https://8.8.8.8/f.whl', `${server.url}away`]) {
      const open = upstream.download({ urls: [url], unproved: true });
      await expect(open({ offset: 0, limit: 10, attempt: 1, caller: SOMEBODY })).rejects.toMatchObject({
        reason: 'redirect',
      });
    }
  });

  it('any public one: a name that leads into a private network is not asked', async () => {
    const upstream = connect(
      { url: 'https://index.example/' },
      { fileHosts: ['any-public'], resolve: async () => v4('10.1.2.3') },
    );
    const open = upstream.download({ urls: ['https://anywhere.example/f.whl'] });
    await expect(open({ offset: 0, limit: 10, attempt: 1, caller: SOMEBODY })).rejects.toMatchObject({
      reason: 'redirect',
    });
  });
});

describe('redirects', () => {
  const files = new Map([['/y', bytesOf('there')]]);
  it('are followed up to three times, and the refusal of a fourth says where to and that it is a limit', async () => {
    const server = await serve({ files });
    const upstream = connect(server);
    for (const [from, to] of ['ab', 'bc', 'cy', 'za']) server.fault(`/${from}`, { kind: 'redirect', to: `/${to}` });
    expect(text(await bytesAt(upstream, `${server.url}a`, 10))).toBe('there');
    await expect(bytesAt(upstream, `${server.url}z`, 10)).rejects.toThrow(
      `${server.url}c redirects to ${server.url}y, after 3 redirects already: the limit is 3.`,
    );
    const open = upstream.download({ urls: [`${server.url}a`] });
    const { bytes } = await open({ offset: 0, limit: 10, attempt: 1, caller: SOMEBODY });
    for await (const chunk of bytes) expect(text(chunk)).toBe('there');
  });

  it('in a circle end', async () => {
    const server = await serve();
    server.fault('/x', { kind: 'redirect', to: '/x' });
    await expect(bytesAt(connect(server), `${server.url}x`, 10)).rejects.toEqual(refused);
    expect(server.requests).toHaveLength(4);
  });

  it.each([301, 302, 303, 307, 308])('%i is one', async (status) => {
    const server = await serve({ files });
    server.fault('/x', { kind: 'redirect', to: 'y', status });
    expect(text(await bytesAt(connect(server), `${server.url}x`, 10))).toBe('there');
  });

  it.each([
    'http://other.example/',
    'https://127.0.0.1/',
    'http://127.0.0.1:1/',
    'http://169.254.169.254/',
    'file:///etc/passwd',
    'data:,x',
    'http://',
    '//evil.example/',
    'http://[::1',
  ])('to %j are refused', async (to) => {
    const server = await serve();
    server.fault('/x', { kind: 'redirect', to });
    await expect(bytesAt(connect(server), `${server.url}x`, 10)).rejects.toEqual(refused);
  });

  it('without a Location are refused', async () => {
    const server = await serve();
    server.fault('/x', { kind: 'status', status: 302 });
    await expect(bytesAt(connect(server), `${server.url}x`, 10)).rejects.toEqual(refused);
  });

  it('from https to http are refused, even to a configured host', () => {
    const allowed = new Destinations({ bases: ['https://127.0.0.1:1/', 'http://127.0.0.1:2/'] });
    expect(() => allowed.follow(new URL('https://127.0.0.1:1/x'), 'http://127.0.0.1:2/x', true)).toThrow(refused);
    expect(allowed.follow(new URL('http://127.0.0.1:2/x'), 'https://127.0.0.1:1/x', true).href).toBe(
      'https://127.0.0.1:1/x',
    );
  });
});

describe('credentials', () => {
  const basic = `Basic ${Buffer.from('me:se:cret').toString('base64')}`;

  it('go to their scheme, host and path prefix, and nowhere else', async () => {
    const server = await serve();
    const upstream = connect(server, {
      credentials: [{ url: `${server.url}private`, username: 'me', password: 'se:cret' }],
    });
    for (const path of ['private', 'private/x', 'privateer', 'public', 'private/../public'])
      await bytesAt(upstream, `${server.url}${path}`, 10);
    expect(server.requests.map(({ url, headers }) => [url, headers.authorization])).toEqual([
      ['/private', basic],
      ['/private/x', basic],
      ['/privateer', undefined],
      ['/public', undefined],
      ['/public', undefined],
    ]);
  });

  it('are taken from a configured URL', async () => {
    const server = await serve();
    const upstream = connect(server, { bases: [server.url.replace('//', '//me:se%3Acret@')] });
    await bytesAt(upstream, `${server.url}x`, 10);
    expect(server.requests[0]?.headers.authorization).toBe(basic);
  });

  it('do not follow a redirect to another origin', async () => {
    const [server, other] = [await serve(), await serve()];
    server.fault('/x', { kind: 'redirect', to: `${other.url}y` });
    const upstream = connect(server, {
      bases: [server.url, other.url],
      credentials: [{ url: server.url, username: 'me', password: 'se:cret' }],
    });
    await bytesAt(upstream, `${server.url}x`, 10);
    expect(server.requests[0]?.headers.authorization).toBe(basic);
    expect(other.requests[0]?.headers).not.toHaveProperty('authorization');
    expect(other.requests[0]?.headers).not.toHaveProperty('cookie');
  });

  it('are not sent to where WWW-Authenticate points', async () => {
    const [server, other] = [await serve(), await serve()];
    server.fault('/x', {
      kind: 'status',
      status: 401,
      headers: { 'www-authenticate': `Bearer realm="${other.url}token"` },
    });
    const upstream = connect(server, { bases: [server.url, other.url], retries: 2 });
    await expect(bytesAt(upstream, `${server.url}x`, 10)).rejects.toMatchObject({ reason: 'unreachable' });
    expect(other.requests).toHaveLength(0);
  });

  it('never show in a message or its causes', async () => {
    const server = await serve();
    const upstream = connect(server, { bases: [server.url.replace('//', '//me:hunter2@')] });
    const failures = [
      { kind: 'status', status: 401 },
      { kind: 'reset' },
      { kind: 'raw', bytes: 'junk' },
      { kind: 'redirect', to: 'https://x:hunter2@evil.example/?token=hunter2' },
    ] as const;
    for (const fault of failures) {
      server.heal();
      server.fault('/x', fault);
      const error: unknown = await bytesAt(upstream, `${server.url}x?token=hunter2`, 10).catch(
        (caught: unknown) => caught,
      );
      expect(error).toBeInstanceOf(Error);
      if (error instanceof Error) expect(error.message).not.toContain('hunter2');
    }
    expect(redactUrl('https://me:hunter2@index.example/p?token=hunter2#hunter2')).toBe('https://index.example/p');
    expect(redactUrl('hunter2')).not.toContain('hunter2');
  });
});
