import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { withSignal } from '../../../src/async/caller.ts';
import type { Upstream } from '../../../src/ports/upstream.ts';
import type { UpstreamLimits } from '../../../src/upstream/limits.ts';
import { bytesAt, bytesOf, collect, connect, ends, PATIENT, SHORT, SOMEBODY, serve, text } from './setup.ts';

// A host that brings nothing is waited for once, and not once a document.

const LONG = 600_000;
const LIMITS: Partial<UpstreamLimits> = { ...SHORT, silentRest: LONG, longestLook: LONG, leftUnanswered: LONG };
/** No headers until whoever waits gives up. */
const SILENT = { kind: 'stall', at: 'headers' } as const;

const NAMES = Array.from({ length: 20 }, (_, at) => `x${at}`);
const files = new Map(NAMES.map((name) => [name, bytesOf(`I am ${name}`)]));
const read = (upstream: Upstream, url: string) => bytesAt(upstream, url, 1000).then(text);
const refused = (reason: string) => expect.objectContaining({ reason, transient: true });

async function start(limits: Partial<UpstreamLimits> = {}) {
  const server = await serve({ files });
  const told: string[] = [];
  const upstream = connect(server, {
    retries: 2,
    limits: { ...LIMITS, ...limits },
    onSilence: (host, silent) => told.push(`${new URL(server.url).host === host} ${silent}`),
  });
  return { server, upstream, told, at: (name: string) => read(upstream, server.url + name) };
}

describe('a host that lets one document wait in vain', () => {
  it('has every other refused at once, in its words, whoever asks and for what', async () => {
    const { server, upstream, told, at } = await start();
    server.fault('*', SILENT);
    await expect(at('x0')).rejects.toEqual(refused('slow'));
    for (const name of NAMES) await expect(at(name)).rejects.toThrow(/did not answer within .* It is not waited for/);
    const download = upstream.download({ urls: [`${server.url}x1`] });
    await expect(download({ offset: 0, limit: 9, attempt: 1, caller: SOMEBODY })).rejects.toEqual(refused('slow'));
    expect(server.requests).toHaveLength(1);
    expect(told).toEqual(['true true']);
  });

  it('lets nobody queue behind what waits', async () => {
    const { server, at } = await start({ connections: 2 });
    server.fault('*', SILENT);
    const asked = await Promise.allSettled(NAMES.map(at));
    expect(asked.every(({ status }) => status === 'rejected')).toBe(true);
    expect(server.requests).toHaveLength(2);
  });

  it('is not queued for behind requests to others', async () => {
    const server = await serve({ files });
    const other = await serve({ files });
    const upstream = connect(server, {
      fileHosts: [new URL(other.url).host],
      limits: { ...LIMITS, connections: 1, longestQueueing: 500, leftUnanswered: 0, documents: PATIENT.documents },
    });
    server.fault('*', SILENT);
    const request = { url: `${server.url}x0`, fresh: false, limit: 99 };
    await expect(upstream.document(request, withSignal(SOMEBODY, AbortSignal.timeout(60)))).rejects.toThrow();
    const held = Promise.withResolvers<void>();
    other.fault('*', { kind: 'wait', until: held.promise });
    const waiting = read(upstream, `${other.url}x1`);
    await expect.poll(() => other.requests.length).toBe(1);
    await expect(read(upstream, `${server.url}x2`)).rejects.toThrow('It is not waited for again');
    held.resolve();
    expect(await waiting).toBe('I am x1');
  });

  it('is looked at by one request at a time, and asked by all when that one is answered', async () => {
    const { server, told, at } = await start({ silentRest: 0 });
    server.fault('*', SILENT, 1);
    await expect(at('x0')).rejects.toEqual(refused('slow'));
    const held = Promise.withResolvers<void>();
    server.fault('*', { kind: 'wait', until: held.promise });
    const look = at('x1');
    await expect(at('x2')).rejects.toEqual(refused('slow'));
    held.resolve();
    expect(await look).toBe('I am x1');
    expect(await at('x2')).toBe('I am x2');
    expect(server.requests).toHaveLength(3);
    expect(told).toEqual(['true true', 'true false']);
  });

  it('is not looked at again when a look was in vain, for a while', async () => {
    const { server, told, at } = await start({ silentRest: 300 });
    server.fault('*', SILENT);
    await expect(at('x0')).rejects.toEqual(refused('slow'));
    const looked = () => server.requests.length === 2;
    while (!looked()) await at('x1').catch(() => undefined);
    await expect(at('x2')).rejects.toEqual(refused('slow'));
    expect(server.requests).toHaveLength(2);
    expect(told).toEqual(['true true']);
  });

  it('may be asked again when whoever looked has left', async () => {
    const { server, upstream, at } = await start({ silentRest: 0 });
    server.fault('*', SILENT, 2);
    await expect(at('x0')).rejects.toEqual(refused('slow'));
    const leaving = new AbortController();
    const request = { url: `${server.url}x1`, fresh: false, limit: 99 };
    const look = upstream.document(request, withSignal(SOMEBODY, leaving.signal));
    look.catch(() => undefined);
    while (server.requests.length < 2) await new Promise(setImmediate);
    leaving.abort(new Error('gone'));
    await expect(look).rejects.toThrow('gone');
    expect(await at('x2')).toBe('I am x2');
  });

  it('is known by its name and port: another goes on', async () => {
    const other = await serve({ files });
    const server = await serve({ files });
    const upstream = connect(server, { fileHosts: [new URL(other.url).host], limits: LIMITS });
    other.fault('*', SILENT);
    await expect(read(upstream, `${other.url}x0`)).rejects.toEqual(refused('slow'));
    await expect(read(upstream, `${other.url}x1`)).rejects.toEqual(refused('slow'));
    expect(await read(upstream, `${server.url}x1`)).toBe('I am x1');
    expect(other.requests).toHaveLength(1);
  });
});

describe('a document that is cut by silence in its middle', () => {
  it('is silence of its host', async () => {
    const { server, at } = await start();
    server.fault('*', { kind: 'stall', at: 2 });
    await expect(at('x0')).rejects.toEqual(refused('slow'));
    await expect(at('x1')).rejects.toEqual(refused('slow'));
    expect(server.requests).toHaveLength(1);
  });
});

describe('whoever leaves without an answer', () => {
  const leave = async (limits: Partial<UpstreamLimits>) => {
    const { server, upstream, at } = await start(limits);
    server.fault('*', SILENT, 1);
    const leaving = AbortSignal.timeout(60);
    const request = { url: `${server.url}x0`, fresh: false, limit: 99 };
    await expect(upstream.document(request, withSignal(SOMEBODY, leaving))).rejects.toThrow();
    return at('x1');
  };

  it('waited in vain, where that was long', async () => {
    await expect(leave({ leftUnanswered: 20 })).rejects.toThrow(/did not answer within 0 seconds/);
  });

  it('says nothing of the host, where it was not', async () => {
    expect(await leave({})).toBe('I am x1');
  });
});

describe('a host that answers others', () => {
  it('is asked on, however slow one of its pages is', async () => {
    const { server, told, at } = await start();
    server.fault('/x0', SILENT);
    const slow = at('x0').then(
      () => 'answered',
      () => 'slow',
    );
    let ended: string | undefined;
    void slow.then((end) => {
      ended = end;
    });
    while (ended === undefined) expect(await at('x1')).toBe('I am x1');
    expect(ended).toBe('slow');
    expect(await at('x2')).toBe('I am x2');
    expect(told).toEqual([]);
  });

  it('is asked on when it refuses connections: nobody waits for that', async () => {
    const server = await serve({ files });
    const { url } = server;
    await server.close();
    const told: string[] = [];
    const upstream = connect({ url }, { limits: LIMITS, onSilence: (host) => told.push(host) });
    for (const name of ['x0', 'x1']) await expect(read(upstream, url + name)).rejects.toThrow(/refused the connection/);
    expect(told).toEqual([]);
  });
});

describe('a host that hangs up after a long wait', () => {
  it('is not tried again for the same document, which is refused in the words of its wait', async () => {
    let asked = 0;
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      // Longer than what costs nobody a wait.
      socket.once('data', () => setTimeout(() => socket.destroy(), 1200));
      asked++;
    });
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    ends.push(() => server.close());
    const { port } = z.object({ port: z.int() }).parse(server.address());
    const documents = { headersTimeout: LONG, idleTimeout: LONG, deadline: LONG, rateWindow: LONG };
    const url = `http://127.0.0.1:${port}/`;
    const upstream = connect({ url }, { retries: 2, limits: { ...LIMITS, documents } });
    const document = read(upstream, `${url}x0`);
    await expect(document).rejects.toEqual(refused('unreachable'));
    await expect(document).rejects.not.toThrow(/It is not waited for again/);
    expect(asked).toBe(1);
  });
});

describe('a file that stands still in its middle', () => {
  it('goes on over a new connection, and its host is asked for others', async () => {
    const { server, upstream, at } = await start();
    server.fault('/x0', { kind: 'stall', at: 2 }, 1);
    const open = upstream.download({ urls: [`${server.url}x0`] });
    const first = await open({ offset: 0, limit: 99, attempt: 1, caller: SOMEBODY });
    await expect(collect(first.bytes)).rejects.toEqual(refused('slow'));
    const rest = await open({ offset: 2, limit: 99, attempt: 2, caller: SOMEBODY });
    expect(text(await collect(rest.bytes))).toBe('am x0');
    expect(await at('x1')).toBe('I am x1');
  });
});
