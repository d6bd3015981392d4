import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, type ServerOptions } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { TLSSocket } from 'node:tls';
import { damaged, type Fault, rangeOf } from './upstream-fault.ts';

export type { Fault } from './upstream-fault.ts';

export interface Recorded {
  readonly method: string;
  /** As asked for: path and query, not decoded. */
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  /** Which connection it came on, counted from 1. */
  readonly connection: number;
  /** The client showed a certificate that is believed here. */
  readonly clientCertificate: boolean;
}

export interface UpstreamServerOptions {
  /** Decoded URL path, with or without its leading slash → bytes; may be changed at any time. Reads of one thing only: a Map fits. */
  readonly files?: { get(path: string): Uint8Array | undefined } | undefined;
  /** Answers what no fault and no file does; otherwise 404. */
  readonly handler?: RequestListener | undefined;
  /** Strong ETags, and If-None-Match and If-Range by them. Default true. */
  readonly etags?: boolean | undefined;
  /** Default true. */
  readonly ranges?: boolean | undefined;
  readonly tls?: ServerOptions | undefined;
  /** The time it is there, in seconds; undefined for a server that does not say. By default this machine's. */
  readonly time?: (() => number | undefined) | undefined;
}

/**
 * An index or file server on 127.0.0.1, at a port of its own, that records what it was asked and misbehaves on demand:
 *
 *     const upstream = await startUpstream({ files: new Map([['simple/x/index.html', bytes]]) });
 *     upstream.fault('/simple/x/index.html', { kind: 'truncate', at: 10 }, 1); // once; then it is well again
 *     … fetch `${upstream.url}simple/x/index.html` …
 *     upstream.requests.length; await upstream.close();
 *
 * Faults of one path queue up in the order given; each lasts `times` answers (default: for ever). The path '*' is every path.
 */
export async function startUpstream(options: UpstreamServerOptions = {}) {
  const {
    files = new Map<string, Uint8Array>(),
    handler,
    etags = true,
    ranges = true,
    tls,
    time = () => Date.now() / 1000,
  } = options;
  const faults = new Map<string, { readonly fault: Fault; left: number }[]>();
  const requests: Recorded[] = [];
  const waiting: { readonly until: () => boolean; readonly go: () => void }[] = [];
  const numbers = new WeakMap<Socket, number>();
  const ending = new AbortController();
  let connections = 0;

  const take = (path: string): Fault | undefined => {
    const queue = faults.get(path)?.length ? faults.get(path) : faults.get('*');
    const first = queue?.[0];
    if (first === undefined) return undefined;
    first.left--;
    if (first.left <= 0) queue?.shift();
    return first.fault;
  };

  const listener: RequestListener = (request, response) => {
    const url = request.url ?? '/';
    const connection = numbers.get(request.socket) ?? 0;
    requests.push({
      method: request.method ?? 'GET',
      url,
      headers: request.headers,
      connection,
      clientCertificate: isCertified(request.socket),
    });
    for (const waiter of waiting) if (waiter.until()) waiter.go();
    response.on('error', () => {});
    const now = time();
    response.sendDate = false;
    if (now !== undefined) response.setHeader('date', new Date(now * 1000).toUTCString());
    answer(request, response, decodeURIComponent(url.split('?')[0] ?? '/')).catch(() => response.destroy());
  };

  async function answer(request: IncomingMessage, response: ServerResponse, path: string): Promise<void> {
    const fault = take(path);
    const socket = request.socket;
    if (fault?.kind === 'reset') return void socket.resetAndDestroy();
    if (fault?.kind === 'raw') return void (fault.keep ? socket.write(fault.bytes) : socket.end(fault.bytes));
    if (fault?.kind === 'status') return void response.writeHead(fault.status, fault.headers).end(fault.body);
    if (fault?.kind === 'redirect')
      return void response.writeHead(fault.status ?? 302, { location: fault.to, 'content-length': 0 }).end();
    if (fault?.kind === 'stall' && fault.at === 'headers') await stall(fault, response);
    if (fault?.kind === 'wait') await fault.until;

    const file = files.get(path) ?? files.get(path.slice(1));
    if (file === undefined && fault?.kind !== 'replace')
      return handler === undefined ? void response.writeHead(404).end('not here') : void handler(request, response);
    const whole = damaged(file ?? new Uint8Array(), fault);
    const etag = `"${createHash('sha256').update(whole).digest('hex').slice(0, 16)}"`;
    if (etags) response.setHeader('etag', etag);
    if (etags && request.headers['if-none-match'] === etag) return void response.writeHead(304).end();

    const range =
      ranges && fault?.kind !== 'ignore-range' ? rangeOf(request, whole.length, etags ? etag : undefined) : undefined;
    if (range === 'unsatisfiable')
      return void response.writeHead(416, { 'content-range': `bytes */${whole.length}` }).end();
    if (ranges) response.setHeader('accept-ranges', 'bytes');
    if (range !== undefined) {
      response.statusCode = 206;
      response.setHeader('content-range', `bytes ${range[0]}-${range[1] - 1}/${whole.length}`);
    }
    const body = range === undefined ? whole : whole.subarray(...range);
    const framing = fault?.kind === 'truncate' ? (fault.framing ?? 'length') : 'length';
    if (framing === 'length') response.setHeader('content-length', body.length);
    if (framing === 'close') response.removeHeader('transfer-encoding');
    response.shouldKeepAlive &&= framing !== 'close';
    if (framing === 'close') response.useChunkedEncodingByDefault = false;
    if (fault?.kind === 'headers') {
      for (const [name, value] of Object.entries(fault.headers)) response.setHeader(name, value);
      if (fault.status !== undefined) response.statusCode = fault.status;
      if (fault.chunked === true) response.removeHeader('content-length');
    }
    response.flushHeaders();
    if (request.method === 'HEAD') response.end();
    else await send(response, socket, body, fault);
  }

  async function send(
    response: ServerResponse,
    socket: Socket,
    body: Uint8Array,
    fault: Fault | undefined,
  ): Promise<void> {
    const write = (bytes: Uint8Array) =>
      new Promise<void>((done, failed) => response.write(bytes, (error) => (error ? failed(error) : done())));
    switch (fault?.kind) {
      case 'headers':
        if (fault.cut === undefined) break;
        await write(body.subarray(0, fault.cut));
        return void socket.end();
      case 'truncate':
        if (fault.at > 0) await write(body.subarray(0, fault.at));
        return void (fault.how === 'rst' ? socket.resetAndDestroy() : socket.end());
      case 'stall':
        if (typeof fault.at !== 'number') break;
        await write(body.subarray(0, fault.at));
        await stall(fault, response);
        return void response.end(body.subarray(fault.at));
      case 'drip':
        for (let at = 0; at < body.length && !response.destroyed; at += fault.bytes) {
          await write(body.subarray(at, at + fault.bytes));
          await sleep(fault.every, undefined, { signal: ending.signal });
        }
        return void response.end();
      case 'throttle': {
        const start = performance.now();
        const step = Math.max(1, Math.min(65_536, Math.ceil(fault.bytesPerSecond / 50)));
        for (let at = 0; at < body.length && !response.destroyed; at += step) {
          await write(body.subarray(at, at + step));
          const early = ((at + step) / fault.bytesPerSecond) * 1000 - (performance.now() - start);
          if (early > 0) await sleep(early, undefined, { signal: ending.signal });
        }
        return void response.end();
      }
      case 'extra':
        response.end(body, () => socket.write(fault.bytes));
        return;
    }
    response.end(body);
  }

  async function stall(
    fault: { readonly time?: number; readonly interim?: number },
    response: ServerResponse,
  ): Promise<void> {
    const beat = fault.interim === undefined ? undefined : setInterval(() => response.writeContinue(), fault.interim);
    try {
      await sleep(fault.time ?? 2 ** 31 - 1, undefined, { signal: ending.signal });
    } finally {
      clearInterval(beat);
    }
  }

  const server =
    tls === undefined ? createServer(listener) : createTlsServer({ rejectUnauthorized: false, ...tls }, listener);
  const accepted = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    accepted.add(socket);
    socket.on('error', () => {});
    socket.once('close', () => accepted.delete(socket));
  });
  server.on(tls === undefined ? 'connection' : 'secureConnection', (socket: Socket) => {
    numbers.set(socket, ++connections);
    socket.on('error', () => {});
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;

  return {
    /** Ends with a slash. */
    url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}/`,
    port,
    files,
    requests: requests as readonly Recorded[],
    fault(path: string, fault: Fault, times = Number.POSITIVE_INFINITY): void {
      faults.set(path, [...(faults.get(path) ?? []), { fault, left: times }]);
    },
    /** Forgets the faults of a path, or all. */
    heal(path?: string): void {
      if (path === undefined) faults.clear();
      else faults.delete(path);
    },
    /** Connections accepted since start, and open now. */
    connections: () => ({ accepted: connections, open: accepted.size }),
    /** Writes to every open connection, asked or not; resolves when the other side has ended them all. */
    async push(bytes: string): Promise<void> {
      const ended = [...accepted].map((socket) => once(socket, 'close'));
      for (const socket of accepted) socket.write(bytes);
      await Promise.all(ended);
    },
    /** Requests to one path (decoded, no query). */
    asked: (path: string) => requests.filter(({ url }) => decodeURIComponent(url.split('?')[0] ?? '') === path),
    /** Resolves once `count` requests to the path have come. */
    reached(path: string, count = 1): Promise<void> {
      const until = () => requests.filter(({ url }) => url.split('?')[0] === path).length >= count;
      return until() ? Promise.resolve() : new Promise((go) => waiting.push({ until, go }));
    },
    async close(): Promise<void> {
      ending.abort();
      for (const socket of accepted) socket.destroy();
      await new Promise<void>((closed) => server.close(() => closed()));
    },
  };
}

export type TestUpstream = Awaited<ReturnType<typeof startUpstream>>;

function isCertified(socket: Socket): boolean {
  return socket instanceof TLSSocket && socket.authorized;
}
