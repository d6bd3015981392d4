import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { isIPv6, type Server as NetServer, type Socket } from 'node:net';
import { Refusal } from '../bytes/refusal.ts';
import { type ConnectionCounts, type ConnectionCrowding, Connections } from './connections.ts';
import { judgeLateRequests } from './late-requests.ts';
import {
  CHECK_EVERY_MS,
  DRAIN_EVERY_MS,
  GRACE_MS,
  HEADERS_TIMEOUT_MS,
  KEEP_ALIVE_MS,
  MAX_CONNECTIONS,
  MAX_HEADER_BYTES,
  MAX_HEADERS,
  MAX_REQUESTS_PER_SOCKET,
  MAX_WAITING_CONNECTIONS,
  REQUEST_TIMEOUT_MS,
  STALLED_MS,
} from './limits.ts';

/** What one connection may take; milliseconds. The defaults are those of limits.ts. */
export interface ServerLimits {
  readonly headersTimeout: number;
  readonly requestTimeout: number;
  readonly checkEvery: number;
  readonly keepAlive: number;
  readonly stalled: number;
  readonly requestsPerSocket: number;
  readonly connections: number;
  readonly grace: number;
}

const LIMITS: ServerLimits = {
  headersTimeout: HEADERS_TIMEOUT_MS,
  requestTimeout: REQUEST_TIMEOUT_MS,
  checkEvery: CHECK_EVERY_MS,
  keepAlive: KEEP_ALIVE_MS,
  stalled: STALLED_MS,
  requestsPerSocket: MAX_REQUESTS_PER_SOCKET,
  connections: MAX_CONNECTIONS,
  grace: GRACE_MS,
};

/** PEM: the private key, and the certificate with what it needs to be believed; and how TLS is spoken with it. */
export interface Certificate {
  readonly key: string | Buffer;
  readonly cert: string | Buffer;
  /** OpenSSL's list; node's own where none is given. */
  readonly ciphers?: string;
  readonly minVersion?: 'TLSv1.2' | 'TLSv1.3';
}

export interface ServerOptions {
  readonly listener: RequestListener;
  readonly host: string;
  /** 0 takes any that is free. */
  readonly port: number;
  /** True where another process listens there and hands on connections: `take` is how they come. */
  readonly isHanded?: boolean | undefined;
  readonly tls?: Certificate | undefined;
  readonly limits?: Partial<ServerLimits> | undefined;
  /** Answers the first request of a connection that was refused for want of room; without it those are only closed. */
  readonly refuse?: RequestListener | undefined;
  /** Hears when connections begin to be refused or closed for others, and when there is room again. */
  readonly onCrowding?: ((crowding: ConnectionCrowding) => void) | undefined;
}

export interface RunningServer {
  readonly host: string;
  readonly port: number;
  /** `http://127.0.0.1:3141`, without a slash at the end. */
  readonly url: string;
  readonly connections: ConnectionCounts;
  /** New connections get this certificate; throws where it is unusable, and the old one stays. Does nothing without TLS. */
  useCertificate(tls: Certificate): void;
  /** A connection that another process accepted. False where nothing new is taken any more: it is whoever's else. */
  take(socket: Socket): boolean;
  /** From now on connections end with their next answer, so that clients go elsewhere; new ones are taken. */
  leave(): void;
  /** Takes nothing new, lets answers under way end within the grace, then ends what is left. Resolves to how many it cut. */
  close(): Promise<number>;
}

/** Listens; throws Refusal `state` with a plain sentence where it cannot, `format` where the certificate is unusable. */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const { host, port, tls } = options;
  const limits = { ...LIMITS, ...options.limits };
  let draining = false;
  let leaving = false;
  const connections = new Connections(limits.connections, options.onCrowding);
  const listener: RequestListener = (incoming, outgoing) => {
    const count = connections.asked(incoming.socket, outgoing);
    if (count === undefined) {
      outgoing.shouldKeepAlive = false;
      options.refuse?.(incoming, outgoing);
      return;
    }
    // RFC 9112 §9.6: said with the answer, and done after it. Node says it at its own cap but leaves the connection open.
    if (draining || leaving || count >= limits.requestsPerSocket) outgoing.shouldKeepAlive = false;
    options.listener(incoming, outgoing);
    // `server.timeout` would arm this for every request; an answer that has left whole needs no watch.
    if (!outgoing.writableEnded || outgoing.writableLength > 0) incoming.socket.setTimeout(limits.stalled);
  };
  const settings = {
    headersTimeout: limits.headersTimeout,
    requestTimeout: limits.requestTimeout,
    connectionsCheckingInterval: limits.checkEvery,
    keepAliveTimeout: limits.keepAlive,
    maxHeaderSize: MAX_HEADER_BYTES,
    requireHostHeader: true,
  };
  const server =
    tls === undefined
      ? createServer(settings)
      : usable(() => createTlsServer({ ...settings, ...tls, handshakeTimeout: limits.headersTimeout }));
  server.maxHeadersCount = MAX_HEADERS;
  server.maxRequestsPerSocket = limits.requestsPerSocket;
  judgeLateRequests(server, connections);
  keepTo(connections, server, options.refuse !== undefined);
  server.on('request', listener);
  // Answered at once, without inviting a body that nobody reads.
  server.on('checkContinue', listener);

  const { isHanded = false } = options;
  // Node begins with `listening` to look after what is slow and what is idle.
  if (isHanded) server.emit('listening');
  else await listen(server, host, port);
  const bound = portOf(server) ?? port;
  return {
    host,
    port: bound,
    get connections() {
      return connections.counts;
    },
    url: urlOf(host, bound, tls !== undefined),
    useCertificate(next) {
      if ('setSecureContext' in server) usable(() => server.setSecureContext({ ...next }));
    },
    take(socket) {
      if (draining) return false;
      // As node's own server has its connections: an answer is sent whole to who has said all it wants.
      socket.allowHalfOpen = true;
      server.emit('connection', socket);
      return true;
    },
    leave() {
      leaving = true;
    },
    close() {
      draining = true;
      const open = () => connections.counts.open;
      return isHanded ? drainHanded(server, limits.grace, open) : drain(server, limits.grace, open);
    },
  };
}

/** Where a server listens that does. */
export function portOf(server: NetServer): number | undefined {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : undefined;
}

/** Without a slash at the end. */
export function urlOf(host: string, port: number, isTls: boolean): string {
  return `${isTls ? 'https' : 'http'}://${isIPv6(host) ? `[${host}]` : host}:${port}`;
}

/** Only connections that are admitted come to `server`'s own handling; `tells`: also those that are to be told that they are refused. */
function keepTo(connections: Connections, server: Server, tells: boolean): void {
  const handlers = server.listeners('connection');
  const bare = new Map<string, Socket>();
  server.removeAllListeners('connection');
  server.on('connection', (socket) => {
    const admitted = connections.admit(socket);
    if (admitted === 'refused' || (admitted === 'told' && !tells)) {
      socket.destroy();
      return;
    }
    const key = endsOf(socket);
    bare.set(key, socket);
    socket.once('close', () => bare.delete(key));
    for (const handle of handlers) Reflect.apply(handle, server, [socket]);
  });
  // Node does not say over which connection TLS is spoken: it has the same two ends.
  server.on('secureConnection', (secure: Socket) => {
    const over = bare.get(endsOf(secure));
    if (over !== undefined) connections.same(secure, over);
  });
}

function endsOf({ remoteAddress, remotePort, localAddress }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localAddress}`;
}

function usable<T>(use: () => T): T {
  try {
    return use();
  } catch (cause) {
    const message = isOfCiphers(cause)
      ? 'No cipher that this node knows is in server.tls.ciphers. Leave it out for node’s own, or see "openssl ciphers".'
      : 'The certificate and the key are not a pair, or not both PEM.';
    throw new Refusal('format', message, { subject: 'state', cause });
  }
}

function isOfCiphers(error: unknown): boolean {
  return error instanceof Error && 'code' in error && /CIPHER/.test(String(error.code));
}

/** Throws Refusal `state` with a plain sentence where it cannot. */
export async function listen(server: NetServer, host: string, port: number): Promise<void> {
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host, port, backlog: MAX_WAITING_CONNECTIONS }, () => {
        server.off('error', reject);
        resolve();
      });
    });
  } catch (error) {
    throw new Refusal('state', cannotListen(error, host, port), { cause: error });
  }
}

function cannotListen(error: unknown, host: string, port: number): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'EADDRINUSE')
    return `Port ${port} on ${host} is taken: another program listens there, perhaps another Verbatim. Stop it, or choose another port with --port.`;
  if (code === 'EACCES')
    return `This user may not listen on port ${port}. Choose one above 1023 with --port, or allow it in the system.`;
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND')
    return `${host} is no address of this machine. Choose one with --host; 0.0.0.0 stands for all of them.`;
  return `Verbatim cannot listen on ${host}, port ${port} (${String(code)}).`;
}

/** `server.close()` alone lets a busy keep-alive client hold on for seconds. */
async function drain(server: Server, grace: number, open: () => number): Promise<number> {
  const idle = setInterval(() => server.closeIdleConnections(), DRAIN_EVERY_MS);
  let wasCut = 0;
  const end = setTimeout(() => {
    wasCut = open();
    server.closeAllConnections();
  }, grace);
  try {
    await new Promise<void>((resolve) => server.close(() => resolve()));
    return wasCut;
  } finally {
    clearInterval(idle);
    clearTimeout(end);
  }
}

/** The same where node counts no connections, for it did not accept them. */
async function drainHanded(server: Server, grace: number, open: () => number): Promise<number> {
  const end = performance.now() + grace;
  while (open() > 0 && performance.now() < end) {
    server.closeIdleConnections();
    await new Promise((resolve) => setTimeout(resolve, DRAIN_EVERY_MS));
  }
  const wasCut = open();
  server.closeAllConnections();
  server.close();
  return wasCut;
}
