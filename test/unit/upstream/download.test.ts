import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { withSignal } from '../../../src/async/caller.ts';
import type { OpenDownload } from '../../../src/ports/upstream.ts';
import type { UpstreamOptions } from '../../../src/upstream/client.ts';
import { collect, connect, filler, PATIENT, SHORT, SOMEBODY, serve, text } from './setup.ts';

// One attempt at a file, from the start or from where the last one broke.

const whole = filler(300_000);
const refusal = (reason: string) => expect.objectContaining({ reason });
type Ask = Parameters<OpenDownload>[0];
const first: Ask = { offset: 0, limit: 300_000, attempt: 1, caller: SOMEBODY };
const resumed: Ask = { ...first, offset: 1000, attempt: 2 };

async function setup(options: Partial<UpstreamOptions> & { etags?: boolean; ranges?: boolean } = {}) {
  const { etags, ranges, ...rest } = options;
  const server = await serve({ files: new Map([['/f', whole]]), etags, ranges });
  return { server, open: connect(server, rest).download({ urls: [`${server.url}f`] }) };
}

describe('an attempt', () => {
  it('asks plainly first, and yields the bytes as they arrive', async () => {
    const { server, open } = await setup();
    server.fault('/f', { kind: 'stall', at: 1000, time: 1500 });
    const { start, bytes } = await open(first);
    expect(start).toBe(0);
    const chunks = bytes[Symbol.asyncIterator]();
    const { value } = await chunks.next();
    expect(value?.byteLength).toBeGreaterThan(0);
    expect(value?.byteLength).toBeLessThanOrEqual(1000);
    let size = value?.byteLength ?? 0;
    for (let next = await chunks.next(); !next.done; next = await chunks.next()) size += next.value.byteLength;
    expect(size).toBe(whole.length);
    expect(server.requests[0]?.headers.range).toBeUndefined();
  });

  it('takes the memory of a chunk back when the next one is asked for', async () => {
    const { open } = await setup();
    const kept: Uint8Array[] = [];
    for await (const chunk of (await open(first)).bytes) {
      expect(chunk.byteLength).toBeGreaterThan(0);
      kept.push(chunk);
    }
    expect(kept.some((chunk) => chunk.byteLength === 0)).toBe(true);
  });

  it('goes on where the last one broke, on a new connection, if the file is still the same', async () => {
    const { server, open } = await setup();
    server.fault('/f', { kind: 'truncate', at: 1000 }, 1);
    await expect(collect((await open(first)).bytes)).rejects.toEqual(refusal('truncated'));
    const { start, bytes } = await open(resumed);
    expect(start).toBe(1000);
    expect(Buffer.compare(await collect(bytes), whole.subarray(1000))).toBe(0);
    expect(server.requests[1]?.headers).toMatchObject({
      range: 'bytes=1000-',
      'if-range': expect.stringMatching(/^"/),
    });
    expect(server.requests[1]?.connection).toBe(2);
  });

  it('begins again on a new connection where an attempt failed before any byte', async () => {
    const { server, open } = await setup();
    await collect((await open(first)).bytes);
    await collect((await open({ ...first, attempt: 2 })).bytes);
    expect(server.requests.map(({ connection }) => connection)).toEqual([1, 2]);
  });

  it.each([404, 410])('says unlisted for %i', async (status) => {
    const { server, open } = await setup();
    server.fault('/f', { kind: 'status', status });
    await expect(open(first)).rejects.toEqual(refusal('unlisted'));
    await expect(open(resumed)).rejects.toEqual(refusal('unlisted'));
  });

  it.each([
    [500, 'unreachable'],
    [429, 'unreachable'],
    [403, 'forbidden'],
    [401, 'unreachable'],
    [304, 'format'],
    [204, 'format'],
  ])('refuses %i and leaves trying again to the store', async (status, reason) => {
    const { server, open } = await setup({ retries: 2 });
    server.fault('/f', { kind: 'status', status });
    await expect(open(first)).rejects.toEqual(refusal(reason));
    expect(server.requests).toHaveLength(1);
  });

  it('refuses a part where the whole was asked for', async () => {
    const { server, open } = await setup();
    server.fault('/f', { kind: 'headers', status: 206, headers: { 'content-range': 'bytes 0-99/100' } });
    await expect(open(first)).rejects.toEqual(refusal('format'));
  });
});

describe('resuming', () => {
  it('an answer of which nothing is read ends when its caller gives it up', async () => {
    const gone = Promise.withResolvers<void>();
    const server = await serve({
      handler: (_, response) => {
        response.once('close', gone.resolve);
        response.write('a');
      },
    });
    const open = connect(server).download({ urls: [`${server.url}endless`] });
    const caller = new AbortController();
    expect((await open({ ...resumed, caller: withSignal(SOMEBODY, caller.signal) })).start).toBe(0);
    caller.abort();
    await gone.promise;
  });

  it('starts over where upstream ignores the range', async () => {
    const { open } = await setup({ ranges: false });
    const { start, bytes } = await open(resumed);
    expect(start).toBe(0);
    expect(Buffer.compare(await collect(bytes), whole)).toBe(0);
  });

  it('starts over where the ETag changed meanwhile', async () => {
    const { server, open } = await setup();
    server.fault('/f', { kind: 'truncate', at: 1000 }, 1);
    await collect((await open(first)).bytes).catch(() => {});
    server.fault('/f', { kind: 'flip', at: 5 });
    expect((await open(resumed)).start).toBe(0);
  });

  it('starts over where a server that ignores If-Range shows another ETag', async () => {
    const { server, open } = await setup();
    server.fault('/f', { kind: 'truncate', at: 1000 }, 1);
    await collect((await open(first)).bytes).catch(() => {});
    server.fault(
      '/f',
      { kind: 'headers', status: 206, headers: { etag: '"other"', 'content-range': 'bytes 1000-299999/300000' } },
      1,
    );
    expect((await open(resumed)).start).toBe(0);
  });

  it('sends no If-Range for a weak or missing ETag', async () => {
    const { server, open } = await setup({ etags: false });
    server.fault('/f', { kind: 'headers', headers: { etag: 'W/"weak"' } }, 1);
    await collect((await open(first)).bytes);
    expect((await open(resumed)).start).toBe(1000);
    expect(server.requests[1]?.headers['if-range']).toBeUndefined();
  });

  it.each([
    ['another start', 'bytes 0-299999/300000'],
    ['an early end', 'bytes 1000-299999/400000'],
    ['a length that contradicts Content-Length', 'bytes 1000-299997/299998'],
    ['garbage', 'bytes=1000-'],
    ['several parts', 'multipart/byteranges'],
  ])('starts over where Content-Range says %s', async (_, range) => {
    const { server, open } = await setup();
    server.fault('/f', { kind: 'headers', headers: { 'content-range': range } }, 1);
    const { start, bytes } = await open(resumed);
    expect(start).toBe(0);
    expect(Buffer.compare(await collect(bytes), whole)).toBe(0);
  });

  it('starts over on 416', async () => {
    const { open } = await setup();
    expect((await open({ ...resumed, offset: 300_000 })).start).toBe(0);
  });
});

describe('limits', () => {
  it('a body over the limit is refused before its first byte where its length is told', async () => {
    const { open } = await setup();
    await expect(collect((await open({ ...first, limit: 299_999 })).bytes)).rejects.toEqual(refusal('limit'));
  });

  it('what a resumed body adds counts with what is held', async () => {
    const { open } = await setup();
    await expect(collect((await open({ ...resumed, limit: 299_999 })).bytes)).rejects.toEqual(refusal('limit'));
    expect((await collect((await open({ ...resumed, limit: 300_000 })).bytes)).length).toBe(299_000);
  });

  it('a body cut at the limit plus one where its length is not told', async () => {
    const { server, open } = await setup();
    server.fault('/f', { kind: 'truncate', at: 300_000, framing: 'chunked' });
    let received = 0;
    const reading = (async () => {
      for await (const chunk of (await open({ ...first, limit: 100_000 })).bytes) received += chunk.byteLength;
    })();
    await expect(reading).rejects.toEqual(refusal('limit'));
    expect(received).toBeLessThanOrEqual(100_000);
  });

  it('a trickle below the minimum rate is slow; our own slow reading is not', async () => {
    const downloads = { ...PATIENT.downloads, rateWindow: 120 };
    const { server, open } = await setup({ limits: { downloads, minimumRate: 32 * 1024 } });
    server.fault('/f', { kind: 'throttle', bytesPerSecond: 10_000 }, 1);
    await expect(collect((await open(first)).bytes)).rejects.toEqual(refusal('slow'));
    const { bytes } = await open(first);
    let size = 0;
    for await (const chunk of bytes) {
      size += chunk.byteLength;
      if (size < 200_000) await new Promise((later) => setTimeout(later, 80));
    }
    expect(size).toBe(whole.length);
  });

  it('the total deadline ends a body', async () => {
    const downloads = { ...SHORT.downloads, deadline: 200, rateWindow: 60_000 };
    const { server, open } = await setup({ limits: { downloads } });
    server.fault('/f', { kind: 'throttle', bytesPerSecond: 10_000 });
    await expect(collect((await open(first)).bytes)).rejects.toEqual(refusal('slow'));
  });

  it('waits for headers as long as interim answers come', async () => {
    const downloads = { ...PATIENT.downloads, headersTimeout: 700 };
    const { server, open } = await setup({ limits: { downloads } });
    server.fault('/f', { kind: 'stall', at: 'headers', time: 1500, interim: 200 });
    expect(text(await collect((await open(first)).bytes))?.length).toBe(whole.length);
  });
});

describe('stopping', () => {
  it('by the caller’s signal ends a wait and a body with the caller’s reason, and gives the connection up', async () => {
    const { server, open } = await setup();
    server.fault('/f', { kind: 'stall', at: 'headers' }, 1);
    const early = new AbortController();
    const waiting = open({ ...first, caller: withSignal(SOMEBODY, early.signal) });
    await server.reached('/f');
    early.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');

    server.fault('/f', { kind: 'stall', at: 1000 }, 1);
    const late = new AbortController();
    const { bytes } = await open({ ...first, caller: withSignal(SOMEBODY, late.signal) });
    const reading = collect(bytes);
    late.abort(new Error('enough'));
    await expect(reading).rejects.toThrow('enough');
  });

  it('by leaving the loop ends the connection', async () => {
    const { server, open } = await setup({ limits: { connections: 1, queue: 1 } });
    for await (const _ of (await open(first)).bytes) break;
    expect((await collect((await open(first)).bytes)).length).toBe(whole.length);
    expect(server.requests).toHaveLength(2);
  });
});

describe('core metadata that comes compressed', () => {
  const path = 'x-1.0-py3-none-any.whl.metadata';
  const plain = filler(5000);
  const coded = { kind: 'headers', headers: { 'content-encoding': 'gzip' } } as const;

  it('begins anew after it broke off: an offset in what was unpacked means nothing to upstream', async () => {
    const server = await serve({ files: new Map([[`/${path}`, gzipSync(plain)]]) });
    server.fault(`/${path}`, coded);
    const open = connect(server).download({ urls: [server.url + path] });
    await collect((await open(first)).bytes);
    const { start, bytes } = await open(resumed);
    expect(start).toBe(0);
    expect(Buffer.compare(await collect(bytes), plain)).toBe(0);
    expect(server.requests[1]?.headers.range).toBeUndefined();
  });

  it('is not joined to what came plain before', async () => {
    const server = await serve({ files: new Map([[`/${path}`, plain]]) });
    const open = connect(server).download({ urls: [server.url + path] });
    await collect((await open(first)).bytes);
    server.fault(`/${path}`, coded, 1);
    const { start, bytes } = await open(resumed);
    expect(start).toBe(0);
    expect(Buffer.compare(await collect(bytes), plain)).toBe(0);
  });
});

describe('a file', () => {
  it('whose chunks arrive together stays whole, though each is taken back', async () => {
    const server = await serve();
    const body = '5\r\nhello\r\n7\r\n, world\r\n0\r\n\r\n';
    server.fault('/f', { kind: 'raw', bytes: `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${body}` });
    const { bytes } = await connect(server).download({ urls: [`${server.url}f`] })(first);
    expect(text(await collect(bytes))).toBe('hello, world');
  });

  it('that cannot go on begins anew on a new connection', async () => {
    const { server, open } = await setup();
    await collect((await open(first)).bytes);
    server.fault('/f', { kind: 'status', status: 416 }, 1);
    expect((await open(resumed)).start).toBe(0);
    expect(new Set(server.requests.map(({ connection }) => connection)).size).toBe(3);
  });
});
