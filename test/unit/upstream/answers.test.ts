import { randomBytes } from 'node:crypto';
import { constants, gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { START } from '../../support/clock.ts';
import type { Fault } from '../../support/upstream.ts';
import { bytesAt, bytesOf, connect, PATIENT, SHORT, SOMEBODY, serve, text } from './setup.ts';

// What an upstream may answer to the question for a small document. One case, one test.

const files = new Map([['/x', bytesOf('hello')]]);
const http = (head: string, body = '') => `HTTP/1.1 ${head}\r\n\r\n${body}`;

/** What comes of asking for /x once under a fault. */
async function ask(fault: Fault, options: Parameters<typeof connect>[1] = {}): Promise<string | undefined> {
  const server = await serve({ files });
  server.fault('/x', fault);
  return text(await bytesAt(connect(server, options), `${server.url}x`, 100));
}
const raw = (bytes: string) => ({ kind: 'raw', bytes }) satisfies Fault;
const refusal = (reason: string, transient?: boolean) =>
  expect.objectContaining({ reason, ...(transient !== undefined && { transient }) });

describe('a good answer', () => {
  it('comes whole, asked for under our own name, and compressed if that can be had', async () => {
    const server = await serve({ files });
    const upstream = connect(server, { version: '9.9' });
    expect(text(await bytesAt(upstream, `${server.url}x`, 5))).toBe('hello');
    expect(server.requests[0]?.headers).toMatchObject({
      'accept-encoding': 'gzip, zstd',
      'user-agent': 'verbatim/9.9',
    });
  });

  it('is asked for with the address of whoever runs this', async () => {
    const server = await serve({ files });
    await bytesAt(connect(server, { version: '9.9', contact: 'team@example.com' }), `${server.url}x`, 5);
    expect(server.requests[0]?.headers['user-agent']).toBe('verbatim/9.9 (team@example.com)');
  });

  it('may be empty', async () => {
    expect(await ask({ kind: 'replace', bytes: new Uint8Array() })).toBe('');
  });

  it('may say Content-Encoding: identity', async () => {
    expect(await ask({ kind: 'headers', headers: { 'content-encoding': 'identity' } })).toBe('hello');
  });

  it('may come after interim answers (RFC 9110 §15.2), each of which asks for patience anew', async () => {
    const stall = { kind: 'stall', at: 'headers', time: 1500, interim: 200 } as const;
    const documents = { ...PATIENT.documents, headersTimeout: 700 };
    expect(await ask(stall, { limits: { documents } })).toBe('hello');
  });

  it('keeps its headers to itself: bytes are all that comes back', async () => {
    const server = await serve();
    server.fault('/x', raw(http('200 OK\r\nSet-Cookie: a=b\r\nVary: *\r\nX-Odd: \xff\xfe\r\nContent-Length: 2', 'ok')));
    const answer = await bytesAt(connect(server), `${server.url}x`, 10);
    expect(answer).toBeInstanceOf(Uint8Array);
    expect(text(answer)).toBe('ok');
  });
});

describe('statuses', () => {
  it.each([404, 410])('%i is absence, and is not asked twice', async (status) => {
    const server = await serve({ files });
    server.fault('/x', { kind: 'status', status, body: 'gone' });
    expect(await bytesAt(connect(server, { retries: 2 }), `${server.url}x`, 100)).toBeUndefined();
    expect(server.requests).toHaveLength(1);
  });

  it.each([
    [401, 'unreachable'],
    [403, 'forbidden'],
    [407, 'unreachable'],
    [451, 'forbidden'],
  ])('%i refuses, not as absence', async (status, reason) => {
    await expect(ask({ kind: 'status', status })).rejects.toEqual(refusal(reason, false));
  });

  it('500, 502, 503 and 504 are tried again on a new connection, a bounded number of times', async () => {
    const server = await serve({ files });
    const upstream = connect(server, { retries: 3 });
    for (const status of [500, 502, 503]) server.fault('/x', { kind: 'status', status }, 1);
    expect(text(await bytesAt(upstream, `${server.url}x`, 100))).toBe('hello');
    expect(server.requests.map(({ connection }) => connection)).toEqual([1, 2, 3, 4]);
    server.fault('/x', { kind: 'status', status: 504 });
    await expect(bytesAt(upstream, `${server.url}x`, 100)).rejects.toEqual(refusal('unreachable', true));
    expect(server.requests).toHaveLength(8);
  });

  it('without retries it is asked once', async () => {
    const server = await serve({ files });
    server.fault('/x', { kind: 'status', status: 500 }, 1);
    await expect(bytesAt(connect(server), `${server.url}x`, 100)).rejects.toEqual(refusal('unreachable', true));
    expect(server.requests).toHaveLength(1);
  });

  it.each([204, 206, 203, 304, 300, 400, 405, 416, 418, 999])('%i does not fit a plain GET', async (status) => {
    await expect(ask(raw(http(`${status} X\r\nContent-Length: 0`)))).rejects.toEqual(refusal('format'));
  });

  it('101 unasked is refused', async () => {
    await expect(ask(raw(http('101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: h2c')))).rejects.toEqual(
      refusal('format'),
    );
  });

  it('ten thousand interim answers end in bounded time', async () => {
    const flood = http('102 Processing').repeat(10_000) + http('200 OK\r\nContent-Length: 2', 'ok');
    await expect(ask(raw(flood))).rejects.toEqual(refusal('format'));
  });
});

describe("upstream's time", () => {
  it('is what Date says, and what a cache says it had it; anything else is no time', async () => {
    const server = await serve({ files });
    const upstream = connect(server);
    const date = 'Thu, 01 Jan 2026 00:00:00 GMT';
    const told = async (headers: Record<string, string>) => {
      server.fault('/x', { kind: 'headers', headers }, 1);
      return upstream.document({ url: `${server.url}x`, fresh: false, limit: 100, proved: true }, SOMEBODY);
    };
    expect(await told({ date, age: '30' })).toMatchObject({ date: START + 30 });
    expect(await told({ date })).toMatchObject({ date: START });
    for (const headers of [{ date: 'yesterday' }, { date: '2026' }, { date, age: '-1' }, { date, age: 'old' }])
      expect(await told(headers)).toMatchObject({ date: undefined });
  });
});

describe('Retry-After', () => {
  const rested = (value: string): Fault => ({ kind: 'status', status: 503, headers: { 'retry-after': value } });

  it('is honoured up to a limit: no request before it ends, and one that would wait too long fails at once', async () => {
    const server = await serve({ files });
    const upstream = connect(server, { limits: { longestRetryAfter: 150, longestWait: 10 } });
    server.fault('/x', rested('1000000000'), 1);
    const asked = () => bytesAt(upstream, `${server.url}x`, 100);
    await expect(asked()).rejects.toEqual(refusal('unreachable', true));
    await expect(asked()).rejects.toEqual(refusal('unreachable', true));
    expect(server.requests).toHaveLength(1);
    const patient = connect(server, { limits: { longestRetryAfter: 150, longestWait: 200 }, retries: 1 });
    server.fault('/x', rested('5'), 1);
    const start = performance.now();
    expect(text(await bytesAt(patient, `${server.url}x`, 100))).toBe('hello');
    expect(performance.now() - start).toBeGreaterThan(140);
  });

  it('of one page rests that page alone, for at most as long as one is waited for where nothing older is held', async () => {
    const server = await serve({ files: new Map([...files, ['/y', bytesOf('other')]]) });
    const upstream = connect(server, { limits: { longestUnheld: 100, longestWait: 10 } });
    const asked = (path: string, held = false) =>
      upstream.document({ url: `${server.url}${path}`, fresh: false, limit: 100, proved: true, held }, SOMEBODY);
    server.fault('/x', rested('60'), 2);
    await expect(asked('x')).rejects.toEqual(refusal('unreachable', true));
    await expect(asked('x')).rejects.toThrow(/x asked not to be asked again for 1 seconds/);
    expect(await asked('y')).toMatchObject({ kind: 'document' });
    await expect.poll(() => asked('x', true).catch((error: Error) => error.message), { interval: 20 }).toContain('503');
    // It is held from now on: for as long as it was asked for.
    await expect(asked('x', true)).rejects.toThrow(/x asked not to be asked again for 60 seconds/);
    expect(await asked('y')).toMatchObject({ kind: 'document' });
    expect(server.asked('/x')).toHaveLength(2);
  });

  it('of three pages at once rests their host', async () => {
    const server = await serve({ files });
    const upstream = connect(server, { limits: { longestWait: 10 } });
    const asked = (path: string) => bytesAt(upstream, `${server.url}${path}`, 100);
    server.fault('/a', rested('60'));
    server.fault('/b', rested('60'));
    server.fault('/c', rested('60'));
    for (const page of ['a', 'a', 'b']) await expect(asked(page)).rejects.toEqual(refusal('unreachable', true));
    expect(text(await asked('x'))).toBe('hello');
    await expect(asked('c')).rejects.toThrow('503');
    await expect(asked('x')).rejects.toThrow(/127\.0\.0\.1:\d+ asked not to be asked again for 60 seconds/);
    expect(server.asked('/x')).toHaveLength(1);
  });

  it('429 without it slows that host, longer each time, and no other', async () => {
    const [server, other] = [await serve({ files }), await serve({ files })];
    const upstream = connect(server, { bases: [server.url, other.url], limits: { longestWait: 10 } });
    const asked = (at: typeof server) => bytesAt(upstream, `${at.url}x`, 100);
    server.fault('/x', { kind: 'status', status: 429 }, 1);
    await expect(asked(server)).rejects.toEqual(refusal('unreachable', true));
    await expect(asked(server)).rejects.toThrow('asked not to be asked again for 1 seconds');
    expect(server.requests).toHaveLength(1);
    expect(text(await asked(other))).toBe('hello');
    const patient = connect(server, { limits: { longestWait: 10_000 }, retries: 2 });
    server.fault('/x', { kind: 'status', status: 429 }, 2);
    const start = performance.now();
    expect(text(await bytesAt(patient, `${server.url}x`, 100))).toBe('hello');
    expect(performance.now() - start).toBeGreaterThan(1490);
  });

  it('as a date is honoured too', async () => {
    const server = await serve({ files });
    server.fault(
      '/x',
      { kind: 'status', status: 429, headers: { 'retry-after': new Date(Date.now() + 60_000).toUTCString() } },
      1,
    );
    const upstream = connect(server);
    await expect(bytesAt(upstream, `${server.url}x`, 100)).rejects.toEqual(refusal('unreachable', true));
    await expect(bytesAt(upstream, `${server.url}x`, 100)).rejects.toEqual(refusal('unreachable', true));
    expect(server.requests).toHaveLength(1);
  });

  it.each(['-1', 'garbage', '', '1e9', '2999-01-01', 'Jan 1 2999', 'Thu, 01 Jan 1970 00:00:00 GMT'])(
    '%j means nothing',
    async (value) => {
      const server = await serve({ files });
      server.fault('/x', rested(value), 1);
      expect(text(await bytesAt(connect(server, { retries: 1 }), `${server.url}x`, 100))).toBe('hello');
    },
  );
});

describe('sizes', () => {
  it('a body of exactly the limit comes, one byte more is refused, told or untold', async () => {
    const server = await serve({ files });
    const upstream = connect(server);
    expect(text(await bytesAt(upstream, `${server.url}x`, 5))).toBe('hello');
    await expect(bytesAt(upstream, `${server.url}x`, 4)).rejects.toEqual(refusal('limit'));
    server.fault('/x', { kind: 'truncate', at: 5, framing: 'chunked' });
    await expect(bytesAt(upstream, `${server.url}x`, 4)).rejects.toEqual(refusal('limit'));
  });

  it('a body told to be too large is refused before it comes', async () => {
    const server = await serve({ files });
    server.fault('/x', { kind: 'stall', at: 0 });
    await expect(bytesAt(connect(server), `${server.url}x`, 4)).rejects.toEqual(refusal('limit'));
  });

  it('an endless body is cut at the limit', async () => {
    const server = await serve({
      handler: (_, response) => {
        const more = () => {
          while (!response.destroyed && response.write(Buffer.alloc(65_536)));
        };
        response.on('drain', more);
        more();
      },
    });
    await expect(bytesAt(connect(server), `${server.url}x`, 1_000_000)).rejects.toEqual(refusal('limit'));
  });

  it('20 KB of headers are refused, and fewer where the limit is lower', async () => {
    const big = (size: number): Fault => ({ kind: 'headers', headers: { 'x-big': 'x'.repeat(size) } });
    await expect(ask(big(20_000))).rejects.toEqual(refusal('limit'));
    expect(await ask(big(5000))).toBe('hello');
    await expect(ask(big(5000), { limits: { headerBytes: 4096 } })).rejects.toEqual(refusal('limit'));
  });

  it('1,500 small headers are refused', async () => {
    const many = Array.from({ length: 1500 }, (_, index) => `a${index}:`).join('\r\n');
    await expect(ask(raw(http(`200 OK\r\n${many}\r\nContent-Length: 0`)))).rejects.toEqual(refusal('limit'));
  });
});

describe('encodings', () => {
  const coded = (coding: string, body: Uint8Array, options?: Parameters<typeof connect>[1]) => {
    const fault = { kind: 'raw', bytes: Buffer.concat([Buffer.from(http(head(coding, body))), body]) } as const;
    return ask(fault, options);
  };
  const head = (coding: string, { byteLength }: Uint8Array) =>
    `200 OK\r\nContent-Encoding: ${coding}\r\nContent-Length: ${byteLength}`;

  it.each([
    ['gzip', gzipSync],
    ['x-gzip', gzipSync],
    ['GZIP', gzipSync],
    ['identity, gzip', gzipSync],
    ['zstd', zstdCompressSync],
  ] as const)('Content-Encoding %s is undone', async (coding, compress) => {
    expect(await coded(coding, compress('hello'))).toBe('hello');
    expect(await coded(coding, compress(''))).toBe('');
    const noise = randomBytes(100);
    expect(Buffer.from((await coded(coding, compress(noise))) ?? '', 'latin1').equals(noise)).toBe(true);
  });

  it.each([
    ['gzip', gzipSync],
    ['zstd', zstdCompressSync],
  ] as const)('a %s bomb is refused at the limit of what it unpacks to', async (coding, compress) => {
    await expect(coded(coding, compress(Buffer.alloc(101)))).rejects.toEqual(refusal('limit'));
    await expect(coded(coding, compress(Buffer.alloc(50_000_000)))).rejects.toEqual(refusal('limit'));
    await expect(coded(coding, randomBytes(10_000))).rejects.toMatchObject({ reason: /^(limit|encoding)$/ });
    expect((await coded(coding, compress(Buffer.alloc(100))))?.length).toBe(100);
  });

  it('a zstd body that wants much memory is refused (RFC 9659)', async () => {
    const wide = { params: { [constants.ZSTD_c_windowLog]: 25, [constants.ZSTD_c_compressionLevel]: 19 } };
    const body = zstdCompressSync(Buffer.alloc(40_000_000), wide);
    await expect(coded('zstd', body)).rejects.toEqual(refusal('encoding'));
  });

  it.each([
    ['gzip', gzipSync],
    ['zstd', zstdCompressSync],
  ] as const)('a %s body that ends early, is none, or has more behind its end is refused', async (coding, compress) => {
    const whole = compress('hello, hello, hello');
    await expect(coded(coding, whole.subarray(0, -3))).rejects.toEqual(refusal('truncated'));
    await expect(coded(coding, bytesOf('hello'))).rejects.toEqual(refusal('encoding'));
    await expect(coded(coding, Buffer.concat([whole, bytesOf('more bytes')]))).rejects.toEqual(refusal('encoding'));
  });

  it.each(['br', 'deflate', 'compress', 'gzip, gzip', 'gzip, br'])(
    'Content-Encoding %s, which nobody asked for, is refused',
    async (coding) => {
      await expect(ask({ kind: 'headers', headers: { 'content-encoding': coding } })).rejects.toEqual(
        refusal('encoding'),
      );
    },
  );

  it('a connection whose body is refused for its coding serves the next request', async () => {
    const server = await serve({ files });
    server.fault('/x', { kind: 'headers', headers: { 'content-encoding': 'br' } }, 1);
    const upstream = connect(server, { limits: { connections: 1, queue: 1 } });
    await expect(bytesAt(upstream, `${server.url}x`, 100)).rejects.toEqual(refusal('encoding'));
    expect(text(await bytesAt(upstream, `${server.url}x`, 100))).toBe('hello');
  });

  it('a hundred codings are refused', async () => {
    const coding = Array.from({ length: 100 }, () => 'gzip').join(', ');
    await expect(ask({ kind: 'headers', headers: { 'content-encoding': coding } })).rejects.toEqual(
      refusal('encoding'),
    );
  });

  it('a transfer coding besides chunked is refused', async () => {
    await expect(
      ask(raw(http('200 OK\r\nTransfer-Encoding: gzip, chunked', '5\r\nhello\r\n0\r\n\r\n'))),
    ).rejects.toEqual(refusal('encoding'));
  });
});

describe('broken answers', () => {
  it.each(['fin', 'rst'] as const)('a body shorter than Content-Length (%s) is truncated', async (how) => {
    await expect(ask({ kind: 'truncate', at: 3, how })).rejects.toEqual(refusal('truncated'));
  });

  it.each(['fin', 'rst'] as const)('a chunked body cut by %s is truncated', async (how) => {
    await expect(ask({ kind: 'truncate', at: 3, how, framing: 'chunked' })).rejects.toEqual(refusal('truncated'));
  });

  it('a body that ends with the connection comes as it is, for its signature or digest to judge', async () => {
    expect(await ask(raw(http('200 OK\r\nConnection: close', 'hel')))).toBe('hel');
  });

  it('a truncated document is fetched again on a new connection', async () => {
    const server = await serve({ files });
    server.fault('/x', { kind: 'truncate', at: 3 }, 1);
    expect(text(await bytesAt(connect(server, { retries: 1 }), `${server.url}x`, 100))).toBe('hello');
    expect(server.requests.map(({ connection }) => connection)).toEqual([1, 2]);
  });

  it('a captive portal’s page is bytes like any other: only proof tells', async () => {
    expect(await ask({ kind: 'replace', bytes: bytesOf('<html>log in</html>') })).toBe('<html>log in</html>');
  });

  it.each([
    ['Content-Length: 5\r\nTransfer-Encoding: chunked'],
    ['Transfer-Encoding: chunked\r\nContent-Length: 5'],
    ['Content-Length: 5\r\nContent-Length: 6'],
  ])('two lengths are refused in words: %j', async (head) => {
    await expect(ask(raw(http(`200 OK\r\n${head}`, '5\r\nhello\r\n0\r\n\r\n')))).rejects.toMatchObject({
      reason: 'format',
      message: expect.stringContaining('says its length twice'),
    });
  });

  it.each([
    [
      'Content-Length and Transfer-Encoding',
      '200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked',
      '5\r\nhello\r\n0\r\n\r\n',
    ],
    ['two Content-Lengths', '200 OK\r\nContent-Length: 5\r\nContent-Length: 6', 'hello!'],
    ['a negative Content-Length', '200 OK\r\nContent-Length: -5', 'hello'],
    ['NUL in a header', '200 OK\r\nX-A: a\0b\r\nContent-Length: 5', 'hello'],
    ['a space before the colon', '200 OK\r\nContent-Length : 5', 'hello'],
    ['a bare CR in a header', '200 OK\r\nX-A: a\rContent-Length: 3\r\nContent-Length: 5', 'hello'],
  ])('%s is not HTTP', async (_, head, body) => {
    await expect(ask(raw(http(head, body)))).rejects.toEqual(refusal('format'));
  });

  it('a body whose chunks make no sense never becomes complete', async () => {
    await expect(ask(raw(http('200 OK\r\nTransfer-Encoding: chunked', 'zz\r\nhello\r\n0\r\n\r\n')))).rejects.toEqual(
      refusal('truncated'),
    );
  });

  it('something that is not HTTP at all is refused', async () => {
    await expect(ask(raw('SSH-2.0-OpenSSH_9.9\r\n'))).rejects.toEqual(refusal('format'));
  });

  it('bytes beyond Content-Length are ignored, and the connection is not used again', async () => {
    const server = await serve({ files });
    server.fault('/x', { kind: 'extra', bytes: 'more' }, 1);
    const upstream = connect(server);
    expect(text(await bytesAt(upstream, `${server.url}x`, 100))).toBe('hello');
    expect(text(await bytesAt(upstream, `${server.url}x`, 100))).toBe('hello');
    expect(server.requests.map(({ connection }) => connection)).toEqual([1, 2]);
  });

  it('a bonus answer on a kept connection is nobody’s answer', async () => {
    const server = await serve({ files });
    const upstream = connect(server);
    const bonus = http('200 OK\r\nContent-Length: 4', 'evil');
    // At once, and while the connection lies idle.
    for (const late of [false, true]) {
      server.fault('/x', { kind: 'extra', bytes: late ? '' : bonus }, 1);
      expect(text(await bytesAt(upstream, `${server.url}x`, 100))).toBe('hello');
      if (late) await server.push(bonus);
      expect(text(await bytesAt(upstream, `${server.url}x`, 100))).toBe('hello');
    }
  });

  it('a kept connection that closed under us costs one safe repetition, also without retries', async () => {
    const server = await serve({ files });
    const upstream = connect(server);
    expect(text(await bytesAt(upstream, `${server.url}x`, 100))).toBe('hello');
    server.fault('/x', { kind: 'reset' }, 1);
    expect(text(await bytesAt(upstream, `${server.url}x`, 100))).toBe('hello');
    server.fault('/x', { kind: 'reset' });
    await expect(bytesAt(upstream, `${server.url}x`, 100)).rejects.toEqual(refusal('unreachable', true));
  });
});

describe('slowness', () => {
  // Each limit alone: none of these is ended by the total deadline.
  const limits = { documents: { ...SHORT.documents, deadline: 60_000 }, minimumRate: SHORT.minimumRate };

  it('headers that never come end the wait', async () => {
    await expect(ask({ kind: 'stall', at: 'headers' }, { limits })).rejects.toEqual(refusal('slow', true));
  });

  it('headers that trickle end it too', async () => {
    const server = await serve({
      handler: (request) => {
        request.socket.write('HTTP/1.1 200 OK\r\n');
        const timer = setInterval(() => request.socket.write('X-A: b\r\n'), 20);
        request.socket.once('close', () => clearInterval(timer));
      },
    });
    await expect(bytesAt(connect(server, { limits }), `${server.url}x`, 100)).rejects.toEqual(refusal('slow', true));
  });

  it('a body that stops is slow', async () => {
    await expect(ask({ kind: 'stall', at: 3 }, { limits })).rejects.toEqual(refusal('slow', true));
  });

  it('a drip that never pauses long is cut by its average rate', async () => {
    await expect(ask({ kind: 'drip', bytes: 1, every: 50 }, { limits })).rejects.toEqual(refusal('slow', true));
  });

  it('the total deadline holds where the rate does not', async () => {
    const documents = { ...SHORT.documents, rateWindow: 60_000, deadline: 120 };
    await expect(ask({ kind: 'drip', bytes: 1, every: 50 }, { limits: { documents } })).rejects.toEqual(
      refusal('slow', true),
    );
  });

  it('a short body in small pieces is not slow', async () => {
    expect(await ask({ kind: 'drip', bytes: 2, every: 10 })).toBe('hello');
  });
});

describe('what is left behind by an answer', () => {
  it('no timer of its deadline', async () => {
    const server = await serve({ files });
    const upstream = connect(server);
    const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
    await bytesAt(upstream, `${server.url}x`, 100);
    const before = timers();
    for (let at = 0; at < 20; at++) await bytesAt(upstream, `${server.url}x`, 100);
    expect(timers()).toBeLessThan(before + 20);
  });

  it('no connection on which a body that nobody wants does not end', async () => {
    const server = await serve();
    server.fault('/x', { ...raw(http('404 Not Found\r\nContent-Length: 1000', 'not here')), keep: true });
    expect(await bytesAt(connect(server), `${server.url}x`, 100)).toBeUndefined();
    await expect.poll(() => server.connections().open).toBe(0);
  });

  it('no connection that nobody has used for a while', async () => {
    const server = await serve({ files });
    await bytesAt(connect(server, { limits: { idleSocket: 50 } }), `${server.url}x`, 100);
    await expect.poll(() => server.connections().open).toBe(0);
  });
});
