import { readFile, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Caller } from '../../../src/async/caller.ts';
import { createShares } from '../../../src/async/shares.ts';
import { sha256Hex } from '../../../src/bytes/digest.ts';
import { createListener } from '../../../src/http/listener.ts';
import { startServer } from '../../../src/http/server.ts';
import { makeFileAnswer } from '../../../src/mirror/files/file-answer.ts';
import { makeBlob } from '../../../src/ports/blob.ts';
import { ask, type Heard, shout, statusesOf } from '../../support/ask.ts';
import { client } from '../../support/callers.ts';
import { age, flipQuietly } from '../../support/quiet-damage.ts';
import { createStillIndex } from '../../support/still-index.ts';
import { bytesOf, H, J, PIP, type ServingOptions, serve, serveForFile, UV, WHEEL } from './serving.ts';

const MIB = 1024 * 1024;
const bytes = bytesOf(100_000);
const metadata = Buffer.from('Metadata-Version: 2.1\nName: foo-bar\nVersion: 1.0\n');
const FILES = [
  { project: 'foo-bar', filename: WHEEL, bytes, metadata },
  { project: 'foo-bar', filename: 'foo-bar-1.0.tar.gz', bytes: bytesOf(5000, 2) },
  { project: 'foo-bar', filename: 'foo_bar-1!2.0+local.1-py3-none-any.whl', bytes: bytesOf(3000, 3) },
  { project: 'foo-bar', filename: 'foo_bar-3.0-py3-none-any.whl', bytes: bytesOf(2000, 4), plain: true },
  { project: 'foo-bar', filename: 'foo_bar-4.0-py3-none-any.whl', bytes: Buffer.alloc(0) },
] as const;

async function fresh(options: ServingOptions = {}) {
  const serving = await serve({ files: FILES, ...options });
  onTestFinished(() => serving.close());
  const at = (filename: string) => `/${serving.still.pathOf(filename)}`;
  return { ...serving, at };
}

describe('a file', () => {
  const serving = serveForFile(() => ({ files: FILES }));
  const at = (filename: string = WHEEL) => `/${serving().still.pathOf(filename)}`;
  const get = (headers: Record<string, string> = {}, method = 'GET', path = at()) =>
    ask(serving().url, path, { headers, method });
  const etag = `"${sha256Hex(bytes)}"`;

  it('whole, with everything a client stores it by', async () => {
    const answer = await get();
    expect(answer.status).toBe(200);
    expect(answer.body.equals(bytes)).toBe(true);
    expect(answer.headers).toMatchObject({
      'content-type': 'application/octet-stream',
      'content-length': String(bytes.byteLength),
      'accept-ranges': 'bytes',
      'cache-control': 'public, max-age=31536000, immutable',
      'verbatim-evidence': 'tuf',
      'x-content-type-options': 'nosniff',
      etag,
    });
    for (const name of ['content-encoding', 'content-disposition', 'transfer-encoding', 'vary'])
      expect(answer.headers[name]).toBeUndefined();
  });

  it('is never encoded', async () => {
    for (const filename of [WHEEL, 'foo-bar-1.0.tar.gz']) {
      const answer = await get({ 'accept-encoding': 'gzip, br, zstd' }, 'GET', at(filename));
      expect(answer.headers['content-encoding']).toBeUndefined();
      expect(answer.headers['content-type']).toBe('application/octet-stream');
      expect(answer.headers['content-length']).toBe(String(answer.body.byteLength));
    }
  });

  it('HEAD has the headers of GET', async () => {
    const whole = await get();
    const head = await get({}, 'HEAD');
    expect(head.body).toHaveLength(0);
    expect({ ...head.headers, date: '' }).toEqual({ ...whole.headers, date: '' });
  });

  it.each([
    ['a part', 'bytes=0-99', 0, 100],
    ['one byte', 'bytes=5-5', 5, 6],
    ['past the end', 'bytes=99990-200000', 99_990, 100_000],
    ['open', 'bytes=40000-', 40_000, 100_000],
    ['suffix', 'bytes=-10000', 90_000, 100_000],
    ['suffix longer than the file', 'bytes=-200000', 0, 100_000],
    ['huge numbers', `bytes=1-${'9'.repeat(30)}`, 1, 100_000],
  ])('%s', async (_, range, start, end) => {
    const answer = await get({ range, 'cache-control': 'no-cache' });
    expect(answer.status).toBe(206);
    expect(answer.headers['content-range']).toBe(`bytes ${start}-${end - 1}/100000`);
    expect(answer.headers['content-length']).toBe(String(end - start));
    expect(answer.headers.etag).toBe(etag);
    expect(answer.body.equals(bytes.subarray(start, end))).toBe(true);
  });

  it.each(['bytes=100000-', `bytes=${'9'.repeat(30)}-`, 'bytes=-0'])('%s is 416', async (range) => {
    const answer = await get({ range });
    expect(answer.status).toBe(416);
    expect(answer.headers['content-range']).toBe('bytes */100000');
  });

  it.each([
    'bytes=',
    'bytes=a-b',
    'bytes=5-2',
    'bytes=0-1,5-6',
    `bytes=${'0-1,'.repeat(1000)}2-3`,
    'items=0-5',
    'bytes 0-5',
    'bytes=--5',
    'bytes=1-2-3',
    '0-5',
  ])('%s is the whole file', async (range) => {
    const answer = await get({ range });
    expect(answer.status).toBe(200);
    expect(answer.body.equals(bytes)).toBe(true);
  });

  it('If-Range: the same strong tag or the whole', async () => {
    const range = 'bytes=10-19';
    expect((await get({ range, 'if-range': etag })).status).toBe(206);
    for (const other of ['"other"', `W/${etag}`, 'Wed, 21 Oct 2015 07:28:00 GMT', '*']) {
      const answer = await get({ range, 'if-range': other });
      expect(answer.status).toBe(200);
      expect(answer.body.equals(bytes)).toBe(true);
    }
  });

  it('If-None-Match: 304 with the same tag, before any range', async () => {
    for (const tag of [etag, `W/${etag}`, `"x", ${etag}`, '*']) {
      const answer = await get({ 'if-none-match': tag, range: 'bytes=0-1' });
      expect(answer.status).toBe(304);
      expect(answer.headers.etag).toBe(etag);
      expect(answer.headers['cache-control']).toContain('immutable');
      expect(answer.headers['content-length']).toBeUndefined();
    }
    expect((await get({ 'if-none-match': '"x"' })).status).toBe(200);
  });

  it('+ and ! work raw and escaped', async () => {
    const path = at('foo_bar-1!2.0+local.1-py3-none-any.whl');
    for (const written of [path, path.replace('+', '%2B').replace('!', '%21'), path.replace('+', '%2b')])
      expect((await get({}, 'GET', written)).body.equals(bytesOf(3000, 3))).toBe(true);
  });

  it('one digit more or less is another address: 404', async () => {
    const path = at();
    const changed = path.replace(/[0-9a-f](?=\/foo_bar)/, (digit) => (digit === '0' ? '1' : '0'));
    expect((await get({}, 'GET', changed)).status).toBe(404);
    expect((await get({}, 'GET', `${path}x`)).status).toBe(404);
    expect((await get({}, 'GET', `${path}/`)).status).toBe(404);
  });

  it('core metadata, byte for byte', async () => {
    const answer = await get({}, 'GET', `${at()}.metadata`);
    expect(answer.status).toBe(200);
    expect(answer.body.equals(metadata)).toBe(true);
    expect(answer.headers.etag).toBe(`"${sha256Hex(metadata)}"`);
    expect((await get({}, 'GET', `${at('foo-bar-1.0.tar.gz')}.metadata`)).status).toBe(404);
  });

  it('files/PROJECT/DIGEST/FILE, where upstream has no content path', async () => {
    const path = at('foo_bar-3.0-py3-none-any.whl');
    expect(path).toMatch(/^\/files\/foo-bar\/[0-9a-f]{64}\//);
    expect((await get({}, 'GET', path)).body.equals(bytesOf(2000, 4))).toBe(true);
    expect((await get({}, 'GET', `/root/pypi${path}`)).status).toBe(200);
    expect((await get({}, 'GET', path.replace(/[0-9a-f]{64}/, '0'.repeat(64)))).status).toBe(404);
  });

  it('an empty file is served', async () => {
    const path = at('foo_bar-4.0-py3-none-any.whl');
    const answer = await get({ range: 'bytes=0-' }, 'GET', path);
    expect(answer.status).toBe(200);
    expect(answer.headers['content-length']).toBe('0');
    expect(answer.body).toHaveLength(0);
  });

  it('is not recorded as broken off where the client leaves with its last byte', async () => {
    const { finished, url } = serving();
    finished.length = 0;
    await new Promise<void>((resolve, reject) => {
      const sent = request(new URL(at(), url), { agent: false }, (response) => {
        let length = 0;
        response.on('data', (chunk: Buffer) => {
          length += chunk.byteLength;
          if (length === bytes.byteLength) sent.destroy();
        });
        response.on('close', resolve);
        response.on('error', reject);
      });
      sent.on('error', reject).end();
    });
    await expect.poll(() => finished.length).toBe(1);
    expect(finished[0]).toMatchObject({ status: 200, bytes: bytes.byteLength, aborted: false });
  });

  it.each([J, H, PIP, UV])('has one form, whatever is accepted', async (accept) => {
    expect((await get({ accept })).headers['content-type']).toBe('application/octet-stream');
  });
});

describe('a cold file', () => {
  it('HEAD answers from the listed size, without a download', async () => {
    const { url, at, still } = await fresh();
    const head = await ask(url, at(WHEEL), { method: 'HEAD' });
    expect(head.status).toBe(200);
    expect(head.headers).toMatchObject({
      'content-length': '100000',
      'accept-ranges': 'bytes',
      etag: `"${sha256Hex(bytes)}"`,
    });
    expect(still.downloads.count).toBe(0);
    const whole = await ask(url, at(WHEEL));
    expect({ ...head.headers, date: '' }).toEqual({ ...whole.headers, date: '' });
  });

  it('HEAD waits where no size is listed', async () => {
    const file = { project: 'foo-bar', filename: WHEEL, bytes, sizeUnknown: true };
    const { url, at } = await fresh({ files: [file] });
    const head = await ask(url, at(WHEEL), { method: 'HEAD' });
    expect(head.headers['content-length']).toBe('100000');
    expect(head.body).toHaveLength(0);
  });

  it('who holds these bytes already is told so, without a download', async () => {
    const { url, at, still } = await fresh();
    const answer = await ask(url, at(WHEEL), { headers: { 'if-none-match': `"${sha256Hex(bytes)}"` } });
    expect(answer.status).toBe(304);
    expect(still.downloads.count).toBe(0);
  });

  it('a range waits for the proof of the whole, then is 206', async () => {
    const { url, at, still } = await fresh();
    const part = await ask(url, at(WHEEL), { headers: { range: 'bytes=10-19' } });
    expect(part.status).toBe(206);
    expect(part.body.equals(bytes.subarray(10, 20))).toBe(true);
    expect((await ask(url, at(WHEEL))).body.equals(bytes)).toBe(true);
    expect(still.downloads.count).toBe(1);
  });

  it('many ask, one download', async () => {
    const { url, at, still } = await fresh();
    const release = still.holdUpstream();
    const all = Array.from({ length: 20 }, () => ask(url, at(WHEEL)));
    await expect.poll(() => still.downloads.count).toBe(1);
    release();
    for (const answer of await Promise.all(all)) expect(answer.body.equals(bytes)).toBe(true);
    expect(still.downloads.count).toBe(1);
  });

  it('while it waits, the client hears 100 Continue again and again, and no byte of the file', async () => {
    const { url, at, still } = await fresh({ listener: { continueEveryMs: 5 } });
    const release = still.holdUpstream();
    const answer = await ask(url, at(WHEEL), { onInterim: (count) => (count === 3 ? release() : undefined) });
    expect(answer.interim).toBeGreaterThanOrEqual(3);
    expect(answer.status).toBe(200);
    expect(answer.body.equals(bytes)).toBe(true);
  });

  it('HTTP/1.0 has no interim answers and gets none', async () => {
    const { url, at, still } = await fresh({ listener: { continueEveryMs: 1 } });
    const release = still.holdUpstream();
    const heard = shout(url, `GET ${at(WHEEL)} HTTP/1.0\r\nHost: a\r\n\r\n`);
    // Twenty interim answers to somebody else later, this one would have had one.
    await ask(url, at(WHEEL), { onInterim: (count) => (count === 20 ? release() : undefined) });
    expect((await heard).text).toMatch(/^HTTP\/1\.1 200 /);
  });

  it('HTTP/1.0 waits as long as others, though nothing moves on its connection meanwhile', async () => {
    const { url, at, still } = await fresh({ listener: { continueEveryMs: 5 }, limits: { stalled: 200 } });
    const release = still.holdUpstream();
    const heard = shout(url, `GET ${at(WHEEL)} HTTP/1.0\r\nHost: a\r\n\r\n`);
    // As long as it takes to tell somebody else a hundred times that it takes long, it would have been cut twice.
    await ask(url, at(WHEEL), { onInterim: (count) => (count === 100 ? release() : undefined) });
    const { text } = await heard;
    expect(text).toMatch(/^HTTP\/1\.1 200 /);
    expect(Buffer.from(text, 'latin1').includes(bytes)).toBe(true);
  });

  it('the first client leaves, the second and the store get the whole', async () => {
    const { url, at, still, finished } = await fresh();
    const release = still.holdUpstream();
    const first = request(new URL(at(WHEEL), url)).on('error', () => undefined);
    first.end();
    await expect.poll(() => still.downloads.count).toBe(1);
    const second = ask(url, at(WHEEL));
    first.destroy();
    await expect.poll(() => finished.length).toBe(1);
    expect(finished[0]).toMatchObject({ status: 0, aborted: true, bytes: 0 });
    release();
    expect((await second).body.equals(bytes)).toBe(true);
    expect(still.downloads.count).toBe(1);
  });

  it('other bytes than listed: 502 in words for everybody, nothing of them sent', async () => {
    const delivered = Buffer.from(bytes);
    delivered[99_999] = (delivered[99_999] ?? 0) ^ 1;
    const { url, at, still } = await fresh({ files: [{ project: 'foo-bar', filename: WHEEL, bytes, delivered }] });
    const answers = await Promise.all([1, 2, 3].map(() => ask(url, at(WHEEL))));
    for (const { status, phrase, headers, body } of answers) {
      expect(status).toBe(502);
      expect(phrase).toContain('Verbatim refused this file');
      expect(headers['retry-after']).toBeUndefined();
      expect(headers['cache-control']).toBe('no-store');
      expect(JSON.parse(body.toString())).toMatchObject({ reason: 'digest', title: phrase });
      expect(body.includes(delivered.subarray(0, 64))).toBe(false);
    }
    expect(still.blobs.usage().bytes).toBe(0);
  });

  it('a short body is refused', async () => {
    const { url, at } = await fresh({
      files: [{ project: 'foo-bar', filename: WHEEL, bytes, delivered: bytes.subarray(0, 500) }],
    });
    expect([502, 503]).toContain((await ask(url, at(WHEEL))).status);
  });
});

describe('a stored file that was changed', () => {
  const big = bytesOf(4 * MIB + 17, 9);
  const only = [{ project: 'foo-bar', filename: WHEEL, bytes: big }];

  async function damage(path: string, at: number): Promise<void> {
    const content = await readFile(path);
    content[at] = (content[at] ?? 0) ^ 1;
    await writeFile(path, content);
  }

  it('before its first byte left: fetched again while the client waits', async () => {
    const { url, at, still } = await fresh({ files: only });
    await ask(url, at(WHEEL));
    await damage(still.onDisk(big), 3);
    const answer = await ask(url, at(WHEEL));
    expect(answer.status).toBe(200);
    expect(answer.body.equals(big)).toBe(true);
    expect(still.downloads.count).toBe(2);
  });

  it('inside, as its time tells: fetched again while the client waits', async () => {
    const { url, at, still } = await fresh({ files: only });
    await ask(url, at(WHEEL));
    await damage(still.onDisk(big), 3 * MIB + 5);
    expect((await ask(url, at(WHEEL))).body.equals(big)).toBe(true);
    expect(still.downloads.count).toBe(2);
  });

  it('inside, and nothing tells: the connection is reset before a changed byte leaves, and the next client gets it whole', async () => {
    const { url, at, still, finished } = await fresh({ files: only });
    await ask(url, at(WHEEL));
    await age(still.onDisk(big));
    await ask(url, at(WHEEL));
    await flipQuietly(still.onDisk(big), 3 * MIB + 5);
    finished.length = 0;
    const heard = await shout(url, `GET ${at(WHEEL)} HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n`);
    expect(heard.end).toBe('reset');
    const body = Buffer.from(heard.text.slice(heard.text.indexOf('\r\n\r\n') + 4), 'latin1');
    expect(body.byteLength).toBeLessThanOrEqual(3 * MIB);
    expect(body.equals(big.subarray(0, body.byteLength))).toBe(true);
    await expect.poll(() => finished.find(({ route }) => route === 'file')).toMatchObject({ aborted: true });
    const again = await ask(url, at(WHEEL));
    expect(again.body.equals(big)).toBe(true);
  });
});

it('a file is looked for, opened and sent for the client that asks', async () => {
  const still = await createStillIndex();
  onTestFinished(() => still.close());
  const callers: Caller[] = [];
  const blob = makeBlob('a'.repeat(64), 100, {
    async send(_range, write, caller) {
      callers.push(caller);
      await write(bytes.subarray(0, 100));
    },
    bytes: async () => bytes,
  });
  const parts = { filename: WHEEL, project: undefined, size: 100, sha256: undefined, stored: true };
  const listener = createListener({
    indexes: [
      {
        index: {
          ...still.index,
          async file(_at, caller) {
            callers.push(caller);
            return makeFileAnswer({ ...parts, open: async () => blob });
          },
        },
      },
    ],
    defaultIndex: 'main',
  });
  const server = await startServer({ listener, host: '127.0.0.1', port: 0 });
  onTestFinished(async () => void (await server.close()));
  expect((await ask(server.url, '/packages/x')).status).toBe(200);
  const [looking, sending] = callers;
  expect(sending).toMatchObject({ index: 'main', party: '127.0.0.1', priority: 'client' });
  expect(sending?.connection).toBeDefined();
  expect(looking).toEqual(sending);
});

describe('a blob that does not keep its word', () => {
  const sha256 = 'a'.repeat(64);
  async function withBlob(written: number): Promise<{ readonly heard: Heard; readonly faults: readonly unknown[] }> {
    const still = await createStillIndex();
    const blob = makeBlob(sha256, 100, {
      send: (_range, write) => write(bytes.subarray(0, written)),
      bytes: async () => bytes,
    });
    const file = makeFileAnswer({
      filename: WHEEL,
      project: undefined,
      size: 100,
      sha256: undefined,
      stored: true,
      open: async () => blob,
    });
    const faults: unknown[] = [];
    const listener = createListener({
      indexes: [{ index: { ...still.index, file: async () => file } }],
      defaultIndex: 'main',
      onFault: (fault) => faults.push(fault),
    });
    const server = await startServer({ listener, host: '127.0.0.1', port: 0 });
    const request = 'GET /packages/x HTTP/1.1\r\nHost: a\r\n\r\n';
    const heard = await shout(server.url, request + request);
    await server.close();
    await still.close();
    return { heard, faults };
  }

  it.each([0, 1, 99, 101, 65_536])(
    '%i bytes where 100 were promised: reset, and no second answer after it',
    async (written) => {
      const { heard, faults } = await withBlob(written);
      expect(heard.end).toBe('reset');
      expect(statusesOf(heard).length).toBeLessThanOrEqual(1);
      expect(faults.length).toBeGreaterThanOrEqual(1);
    },
  );
});

it('whoever waits for a turn to read is told to wait on, and is served', async () => {
  const shares = createShares({ chunks: { places: 1 } });
  const large = bytesOf(MIB + 100_000);
  const { url, at } = await fresh({
    files: [{ project: 'foo-bar', filename: WHEEL, bytes: large }],
    shares,
    listener: { continueEveryMs: 5 },
  });
  const leave = await shares.chunks.enter(client());
  let told = 0;
  const answer = ask(url, at(WHEEL), {
    onInterim() {
      if (shares.chunks.usage.waiting === 1 && ++told === 3) leave();
    },
  });
  expect((await answer).body.equals(large)).toBe(true);
  expect(told).toBeGreaterThanOrEqual(3);
});
