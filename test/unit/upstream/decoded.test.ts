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
