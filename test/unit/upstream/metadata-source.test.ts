import { gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { type Caller, internalCaller } from '../../../src/async/caller.ts';
import type { Upstream } from '../../../src/ports/upstream.ts';
import { knownLayout, type LayoutName } from '../../../src/presets/known-upstreams.ts';
import { resolveLayout } from '../../../src/presets/layouts.ts';
import { createMetadataSource } from '../../../src/upstream/metadata-source.ts';
import { leavingClient } from '../../support/callers.ts';
import { bytesOf, connect, PATIENT, SOMEBODY, serve, text } from './setup.ts';

async function setup(names: readonly string[], preset: LayoutName = 'plain') {
  const server = await serve({ files: new Map(names.map((name) => [`/metadata/${name}`, bytesOf(name)])) });
  const source = createMetadataSource(
    connect(server, { retries: 2, limits: { documents: { ...PATIENT.documents, headersTimeout: 1000 } } }),
    resolveLayout(knownLayout(preset), { upstream: server.url }),
  )(SOMEBODY);
  return { server, read: (role: string, version?: number, limit = 100) => source.read({ role, version, limit }) };
}

describe('the metadata source', () => {
  it('reads roles by version, and by bare name where no version is given', async () => {
    const { read } = await setup(['2.root.json', 'timestamp.json', '3.a/b.json', 'snapshot.json']);
    expect(text(await read('root', 2))).toBe('2.root.json');
    expect(text(await read('timestamp'))).toBe('timestamp.json');
    expect(text(await read('a/b', 3))).toBe('3.a/b.json');
    expect(text(await read('snapshot'))).toBe('snapshot.json');
  });

  it('404 and 410 are absence, asked once; 403 too, for the next root only', async () => {
    const { server, read } = await setup([]);
    expect(await read('root', 2)).toBeUndefined();
    server.fault('*', { kind: 'status', status: 410 }, 1);
    expect(await read('snapshot', 2)).toBeUndefined();
    server.fault('*', { kind: 'status', status: 403 });
    expect(await read('root', 2)).toBeUndefined();
    await expect(read('snapshot', 2)).rejects.toMatchObject({ reason: 'forbidden' });
    expect(server.requests).toHaveLength(4);
  });

  it('an error on the next root is not the end of the chain', async () => {
    const { server, read } = await setup([]);
    server.fault('*', { kind: 'status', status: 500 }, 3);
    await expect(read('root', 2)).rejects.toMatchObject({ reason: 'unreachable' });
    server.fault('*', { kind: 'stall', at: 'headers' }, 1);
    await expect(read('root', 2)).rejects.toMatchObject({ reason: 'slow' });
    server.heal();
    server.fault('/metadata/2.root.json', { kind: 'redirect', to: 'http://elsewhere.example/2.root.json' });
    await expect(read('root', 2)).rejects.toMatchObject({ reason: 'redirect' });
  });

  it('follows a redirect on its own hosts: signatures tell what it is', async () => {
    const { server, read } = await setup(['moved.json']);
    server.fault('/metadata/timestamp.json', { kind: 'redirect', to: '/metadata/moved.json' });
    expect(text(await read('timestamp'))).toBe('moved.json');
  });

  it('reads for whoever waits: with its priority, until it leaves', async () => {
    const asked: Caller[] = [];
    const upstream: Pick<Upstream, 'document'> = {
      async document(_, caller) {
        asked.push(caller);
        caller.signal.throwIfAborted();
        return { kind: 'absent' };
      },
    };
    const layout = resolveLayout(knownLayout('rstuf-2024'), { upstream: 'https://index.example/' });
    const source = createMetadataSource(upstream, layout);
    const job = internalCaller('main', 'sync');
    await source(job).read({ role: '3rd-party', version: 1, limit: 100 });
    const { caller, leave } = leavingClient();
    leave();
    await expect(source(caller).read({ role: 'root', version: 2, limit: 100 })).rejects.toThrow('left');
    expect(asked).toEqual([job, job, caller]);
  });

  it('never reads more than the limit', async () => {
    const { read } = await setup(['timestamp.json']);
    await expect(read('timestamp', undefined, 13)).rejects.toMatchObject({ reason: 'limit' });
    expect(text(await read('timestamp', undefined, 14))).toBe('timestamp.json');
  });

  it.each([
    ['gzip', gzipSync],
    ['zstd', zstdCompressSync],
  ] as const)('unpacks a role that comes as %s, and never to more than the limit', async (coding, compress) => {
    const { server, read } = await setup(['timestamp.json']);
    const role = 'timestamp '.repeat(100);
    const headers = { 'content-encoding': coding };
    server.fault('*', { kind: 'status', status: 200, headers, body: compress(role) });
    expect(text(await read('timestamp', undefined, 1000))).toBe(role);
    await expect(read('timestamp', undefined, 999)).rejects.toMatchObject({ reason: 'limit' });
    expect(server.requests[0]?.headers['accept-encoding']).toBe('gzip, zstd');
  });

  it('finds a role that RSTUF stored without its version, in that layout only', async () => {
    const rstuf = await setup(['3rd-party.json'], 'rstuf-2024');
    expect(text(await rstuf.read('3rd-party', 1))).toBe('3rd-party.json');
    expect(await rstuf.read('snapshot', 1)).toBeUndefined();
    const plain = await setup(['3rd-party.json']);
    expect(await plain.read('3rd-party', 1)).toBeUndefined();
  });

  it('takes a role that ends with its connection: its signatures tell whether it is whole', async () => {
    const { server, read } = await setup([]);
    server.fault('*', { kind: 'raw', bytes: 'HTTP/1.1 200 OK\r\n\r\n{}' });
    expect(text(await read('timestamp'))).toBe('{}');
  });
});
