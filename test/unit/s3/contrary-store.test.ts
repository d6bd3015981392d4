import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { sha256Hex } from '../../../src/bytes/digest.ts';
import type { BlobWriter } from '../../../src/ports/blob-storage.ts';
import { BlobObjects } from '../../../src/s3/blob-objects.ts';
import { PART_BYTES } from '../../../src/s3/limits.ts';
import { tidyUploads } from '../../../src/s3/multipart.ts';
import { probeStore } from '../../../src/s3/probe.ts';
import { s3Store } from '../../support/s3.ts';

// A store that answers otherwise than one does, or a disk that gives other bytes than it should.

type Answer = (request: IncomingMessage, response: ServerResponse) => unknown;

const HEX = 'a'.repeat(64);

async function against(answer: Answer, onBytes: () => void = () => undefined) {
  const server = createServer((request, response) => {
    request.resume();
    request.once('end', () => answer(request, response));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const { client, store } = s3Store(`http://127.0.0.1:${port}`, { limits: { attempts: 1, headMs: 5000 }, onBytes });
  onTestFinished(async () => {
    client.close();
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  return { client, store, blobs: new BlobObjects(client, store) };
}

const saying =
  (status: number, body = '', headers: Record<string, string> = {}): Answer =>
  (_, response) =>
    response.writeHead(status, headers).end(body);

const writer: BlobWriter = {
  write: async () => undefined,
  restart: async () => undefined,
  commit: () => Promise.reject(new Error('nothing is committed here')),
  discard: async () => undefined,
  keep: async () => undefined,
};

const nobody = { begin: () => undefined, add: () => undefined };

const holding = (bytes: Uint8Array, size = bytes.byteLength) => ({
  size,
  async read(into: Uint8Array, position: number) {
    const part = bytes.subarray(position, position + into.byteLength);
    into.set(part);
    return part.byteLength;
  },
});

describe('a store that refuses in an answer', () => {
  it.each<readonly [string, (on: Awaited<ReturnType<typeof against>>) => Promise<unknown>]>([
    ['a write', ({ store }) => store.replace('a', Buffer.from('a'))],
    ['a removal', ({ store }) => store.remove('a')],
    ['a list', ({ store }) => store.list('a').next()],
    ['an upload', ({ blobs }) => blobs.upload(sha256Hex(Buffer.from('a')), holding(Buffer.from('a')))],
    ['an alias', ({ blobs }) => blobs.alias('sha512', 'a'.repeat(128))],
    ['a download', ({ blobs }) => blobs.bring(HEX, writer, nobody)],
    ['another alias', ({ blobs }) => blobs.addAlias('sha512', 'a'.repeat(128), HEX)],
  ])('is told of %s', async (_, act) => {
    await expect(act(await against(saying(403)))).rejects.toMatchObject({ kind: 'refused' });
  });
});

describe('a store that says nonsense', () => {
  it.each([
    ['-1', 'away'],
    ['1.5', 'away'],
    ['9'.repeat(17), 'wrong'],
  ])('of the size of a file: %s', async (size, kind) => {
    const { blobs } = await against(({ socket }) =>
      socket.end(`HTTP/1.1 200 OK\r\ncontent-length: ${size}\r\nconnection: close\r\n\r\n`),
    );
    await expect(blobs.facts(HEX)).rejects.toMatchObject({ kind });
  });

  it('and tells no size, no time, and a list that does not go on', async () => {
    const chunked = await against((_, response) => {
      response.sendDate = false;
      response.writeHead(200).end();
    });
    await expect(chunked.blobs.facts(HEX)).rejects.toMatchObject({ kind: 'wrong' });
    await expect(chunked.store.aged('a').next()).rejects.toThrow('what time it is');
    const contents = (key: string) =>
      `<Contents><Key>${key}</Key><Size>1</Size><LastModified>2024-01-01T00:00:00Z</LastModified></Contents>`;
    let asked = 0;
    const circling = await against((_, response) => {
      if (++asked > 9) return response.destroy();
      return response.end(
        `<?xml version="1.0"?><ListBucketResult><IsTruncated>true</IsTruncated>${contents(`a${asked}`)}<NextContinuationToken>same</NextContinuationToken></ListBucketResult>`,
      );
    });
    const listing = circling.store.list('a');
    await listing.next();
    await listing.next();
    await expect(listing.next()).rejects.toMatchObject({
      kind: 'wrong',
      message: expect.stringContaining('does not go on'),
    });
  });

  it('of what comes next in a list that is empty', async () => {
    let asked = 0;
    const { store } = await against((_, response) =>
      response.end(
        `<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>${++asked}</NextContinuationToken></ListBucketResult>`,
      ),
    );
    await expect(store.list('a').next()).rejects.toMatchObject({
      kind: 'wrong',
      message: expect.stringContaining('does not go on'),
    });
    expect(asked).toBe(1);
  });

  it('instead of a list of uploads', async () => {
    const { client } = await against(saying(200, '<html>'));
    await expect(tidyUploads(client, 0)).rejects.toMatchObject({ kind: 'wrong' });
    const refused = await against(saying(403, '<ListMultipartUploadsResult></ListMultipartUploadsResult>'));
    await expect(tidyUploads(refused.client, 0)).rejects.toMatchObject({ kind: 'refused' });
  });

  it('to a new object: it refuses it, and is not called unsound for that', async () => {
    const { client } = await against(saying(403));
    await expect(probeStore(client)).rejects.toMatchObject({ kind: 'refused' });
  });
});

describe('a body of a file', () => {
  it('that is short is told to be broken off', async () => {
    const { blobs } = await against((_, response) => {
      response.writeHead(200, { 'content-length': '9' });
      response.write('abc', () => response.socket?.end());
    });
    await expect(blobs.bring(HEX, writer, nobody)).rejects.toMatchObject({ kind: 'away' });
  });

  it('that drips is given up in the end, though it never stands still', async () => {
    const now = performance.now.bind(performance);
    let late = 0;
    vi.spyOn(performance, 'now').mockImplementation(() => now() + late);
    onTestFinished(() => void vi.restoreAllMocks());
    const answer: Answer = (_, response) => response.writeHead(200, { 'content-length': '9' }).write('abc');
    const { blobs } = await against(answer, () => {
      late = 3_600_000;
    });
    await expect(blobs.bring(HEX, writer, nobody)).rejects.toMatchObject({
      kind: 'away',
      message: expect.stringContaining('too slowly'),
    });
  });

  it('of which a client has had enough ends with its signal', async () => {
    const leaving = new AbortController();
    const { client } = await against((_, response) => response.writeHead(200).write('abc'));
    const answer = await client.send({ method: 'GET', key: 'a', signal: leaving.signal });
    const read = (async () => {
      for await (const _ of answer.body()) leaving.abort(new Error('it left'));
    })();
    await expect(read).rejects.toThrow('it left');
    await expect(client.send({ method: 'GET', key: 'a', signal: leaving.signal })).rejects.toThrow('it left');
  });
});

describe('an upload', () => {
  const large = Buffer.alloc(PART_BYTES + 1);
  const name = sha256Hex(large);

  /** What a store says to the beginning, to a part, and to the end. */
  const inParts =
    ({
      begun = '<UploadId>u</UploadId>',
      tag = '"t"',
      ends = saying(200, '<CompleteMultipartUploadResult/>'),
      status = 200,
      taken = 200,
    }: {
      readonly begun?: string;
      readonly tag?: string | null;
      readonly ends?: Answer;
      readonly status?: number;
      readonly taken?: number;
    }): Answer =>
    (request, response) => {
      const { method, url = '' } = request;
      if (method === 'HEAD') return response.writeHead(404).end();
      if (method === 'DELETE') return response.writeHead(204).end();
      if (method === 'PUT') return response.writeHead(taken, tag === null ? {} : { etag: tag }).end();
      return url.includes('uploadId=') ? ends(request, response) : response.writeHead(status).end(begun);
    };

  it('of another file than its name says, or of less of it, is refused', async () => {
    const { blobs } = await against(saying(200));
    await expect(blobs.upload(sha256Hex(Buffer.from('ab\0')), holding(Buffer.from('ab'), 3))).rejects.toMatchObject({
      kind: 'wrong',
    });
    const parts = await against(inParts({}));
    await parts.blobs.upload(name, holding(large));
    await expect(parts.blobs.upload(HEX, holding(large))).rejects.toMatchObject({ kind: 'wrong' });
    await expect(parts.blobs.upload(name, holding(large.subarray(1), large.byteLength))).rejects.toMatchObject({
      kind: 'wrong',
    });
  });

  it.each([
    ['begins it without a name', { begun: '<UploadId></UploadId>' }, 'wrong'],
    ['begins it without saying so', { begun: '<a/>' }, 'wrong'],
    ['does not begin it', { status: 403 }, 'refused'],
    ['does not take a part', { taken: 403 }, 'refused'],
    ['gives a part no tag that can be said again', { tag: '"<t>"' }, 'wrong'],
    ['gives a part no tag', { tag: null }, 'wrong'],
    ['gives a part a tag without an end', { tag: 't'.repeat(257) }, 'wrong'],
    ['does not complete it', { ends: saying(403, '<CompleteMultipartUploadResult/>') }, 'refused'],
  ] as const)('of which a store %s is not done', async (_, said, kind) => {
    const { blobs } = await against(inParts(said));
    await expect(blobs.upload(name, holding(large))).rejects.toMatchObject({ kind });
  });
});
