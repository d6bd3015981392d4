import { randomBytes } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { afterEach, expect, it } from 'vitest';
import { internalCaller } from '../../../src/async/caller.ts';
import { Refusal } from '../../../src/bytes/refusal.ts';
import { createUpstream } from '../../../src/upstream/client.ts';
import { startUpstream, type TestUpstream } from '../../support/upstream.ts';

let server: TestUpstream;
afterEach(() => server.close());

it('gzip’d core metadata stops at its limit while it is unpacked, whoever reads it', async () => {
  const path = 'x-1.0-py3-none-any.whl.metadata';
  server = await startUpstream({ files: new Map([[path, gzipSync(Buffer.alloc(5_000_000))]]) });
  server.fault(`/${path}`, { kind: 'headers', headers: { 'content-encoding': 'gzip' } });
  const upstream = createUpstream({ bases: [server.url] });
  const open = upstream.download({ urls: [server.url + path] });
  const { bytes } = await open({ offset: 0, limit: 100_000, attempt: 1, caller: internalCaller('main') });
  let received = 0;
  const read = async () => {
    for await (const chunk of bytes) received += chunk.byteLength;
  };
  const error = await read().catch((thrown: unknown) => thrown);
  expect(error instanceof Refusal && error.reason).toBe('limit');
  expect(received).toBeLessThanOrEqual(100_000);
  upstream.close();
});

it('gzip’d core metadata that cannot be compressed may be a little larger than its limit', async () => {
  const path = 'x-1.0-py3-none-any.whl.metadata';
  const noise = randomBytes(20_000);
  server = await startUpstream({ files: new Map([[path, gzipSync(noise)]]) });
  server.fault(`/${path}`, { kind: 'headers', headers: { 'content-encoding': 'gzip' } });
  const upstream = createUpstream({ bases: [server.url] });
  const caller = internalCaller('main');
  const { bytes } = await upstream.download({ urls: [server.url + path] })({
    offset: 0,
    limit: 20_000,
    attempt: 1,
    caller,
  });
  const parts: Uint8Array[] = [];
  for await (const part of bytes) parts.push(part);
  expect(Buffer.concat(parts).equals(noise)).toBe(true);
  upstream.close();
});
