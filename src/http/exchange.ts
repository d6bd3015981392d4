import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Caller } from '../async/caller.ts';
import type { Reason, RuledOut } from '../bytes/refusal.ts';
import { type Event, METHODS, type Route } from '../ports/events.ts';
import { type BodyLimits, readBody } from './body.ts';
import type { TrustedProxies } from './forwarded.ts';
import { MAX_RECORDED_PATH } from './limits.ts';
import { partyOf } from './party.ts';
import { requestIdOf, traceOf } from './request-id.ts';

/** A file whose bytes a client is sent, whole or in part, from here or from another host. */
export interface SentFile {
  readonly index: string;
  readonly project: string;
  readonly filename: string;
  readonly sha256: string;
  /** The client's address: its connection's, or what a trusted proxy says it is. */
  readonly client: string;
  /** Whose credentials came with the request: `user NAME` or `token NAME`. */
  readonly reader?: string | undefined;
}

/** Writes down who is sent a file: the last byte of it leaves when this resolves. Must not reject. */
export type OnSent = (sent: SentFile) => Promise<void>;

/** What was asked for and refused by a rule of policy. */
export interface RefusedRequest extends RuledOut {
  readonly index: string;
  /** What was answered. */
  readonly sentence: string;
  readonly client: string;
  readonly reader?: string | undefined;
}

/** Takes note of it, behind the answer. Must not throw. */
export type OnRefused = (refused: RefusedRequest) => void;

/** One answered request, for metrics and the access log. */
export type Finished = Event<'answered'> & {
  readonly index: string | undefined;
};

/** Called once a request. Must not throw. */
export type OnFinish = (finished: Finished) => void;

/** What is learnt of a request on its way, for its record. */
export interface Notes {
  route: Route;
  index: string | undefined;
  reason: Reason | undefined;
  bytes: number;
  /** Bytes of body the headers spoke of, where they are handed on piece by piece. */
  promised: number | undefined;
}

let make: (incoming: IncomingMessage, outgoing: ServerResponse, proxies: TrustedProxies | undefined) => Exchange;
let reveal: (exchange: Exchange) => ServerResponse;

/**
 * One request and its answer. Node's own objects are not to be had of it: whoever holds them can write a body, through
 * the request's socket too. The doors of reply/ take theirs by `outgoingOf`.
 */
export class Exchange {
  readonly #incoming: IncomingMessage;
  readonly #outgoing: ServerResponse;
  /** HEAD: the headers of GET, and no body. */
  readonly head: boolean;
  /** What the client calls the request; its answer says so, too. */
  readonly requestId: string | undefined;
  #notes: Notes | undefined;
  readonly #proxies: TrustedProxies | undefined;
  /** Whose credentials came with it, once they were found good. */
  reader: string | undefined;
  #client: string | undefined;
  #signal: AbortSignal | undefined;

  private constructor(incoming: IncomingMessage, outgoing: ServerResponse, proxies: TrustedProxies | undefined) {
    this.#incoming = incoming;
    this.#outgoing = outgoing;
    this.#proxies = proxies;
    this.head = incoming.method === 'HEAD';
    this.requestId = requestIdOf(incoming.headers);
    if (this.requestId !== undefined) outgoing.setHeader('X-Request-Id', this.requestId);
  }

  static {
    make = (incoming, outgoing, proxies) => new Exchange(incoming, outgoing, proxies);
    reveal = (exchange) => exchange.#outgoing;
  }

  /** Begun at the first look: a warm answer needs none. */
  get notes(): Notes {
    this.#notes ??= { route: 'none', index: undefined, reason: undefined, bytes: 0, promised: undefined };
    return this.#notes;
  }

  get method(): string | undefined {
    return this.#incoming.method;
  }

  /** The request target as it was sent. */
  get url(): string {
    return this.#incoming.url ?? '';
  }

  get headers(): IncomingHttpHeaders {
    return this.#incoming.headers;
  }

  /** Names and values in turn, as they were sent. */
  get rawHeaders(): readonly string[] {
    return this.#incoming.rawHeaders;
  }

  /** Of HTTP: 1 of 1.0. */
  get majorVersion(): number {
    return this.#incoming.httpVersionMajor;
  }

  get minorVersion(): number {
    return this.#incoming.httpVersionMinor;
  }

  /** The client's address: its connection's, or what a trusted proxy says it is. Looked up when it is first asked for. */
  get client(): string {
    const { socket, headers } = this.#incoming;
    this.#client ??= this.#proxies?.clientOf(socket, headers) ?? socket.remoteAddress ?? '';
    return this.#client;
  }

  /** True once nobody is there to be answered. */
  get left(): boolean {
    return this.#outgoing.destroyed;
  }

  /** True once the headers of an answer were handed on. */
  get begun(): boolean {
    return this.#outgoing.headersSent;
  }

  /** Of the answer; means nothing before it has begun. */
  get status(): number {
    return this.#outgoing.statusCode;
  }

  /** What was sent with the request, whole. Rejects as `readBody`, or with `ClientLeft`. */
  received(limits: BodyLimits): Promise<Uint8Array> {
    const { expect, 'content-length': length, 'content-encoding': coding } = this.headers;
    // RFC 9110 §10.1.1: the client waits for it.
    if (expect !== undefined) this.sayContinue();
    return readBody(
      this.#incoming,
      { length, coding },
      limits,
      () => new ClientLeft('the client closed its connection'),
    );
  }

  /** The connection ends with the answer. */
  endConnection(): void {
    this.#outgoing.shouldKeepAlive = false;
  }

  /** An interim answer, `100 Continue` (RFC 9110 §15.2.1). */
  sayContinue(): void {
    this.#outgoing.writeContinue();
  }

  /** The connection counts as stalled only from now on. */
  stayConnected(): void {
    const { socket } = this.#incoming;
    socket.setTimeout(socket.timeout ?? 0);
  }

  /** Who asks this of an index: a user or token where credentials came, else an address; the signal aborts with `ClientLeft` when the connection closes before the answer's end. */
  callerOf(index: string): Caller {
    // Most answers wait for nothing: the signal is made for the first that does.
    this.#signal ??= untilClosed(this.#outgoing);
    const { socket } = this.#incoming;
    return {
      index,
      party: this.reader ?? partyOf(this.client),
      connection: connectionOf(socket),
      trace: this.requestId === undefined ? undefined : traceOf(this.#incoming.headers),
      priority: 'client',
      signal: this.#signal,
    };
  }

  /** The record of a request that gets no answer at all, for this reason. */
  unanswered(reason: Reason): Finished {
    const { route, index, bytes } = this.notes;
    const method = methodOf(this);
    const path = recordedPath(this.url);
    return {
      name: 'answered',
      route,
      index,
      method,
      status: 0,
      reason,
      seconds: 0,
      bytes,
      aborted: true,
      path,
      client: this.client,
      requestId: this.requestId,
    };
  }

  /** `onFinish` hears of the request when its connection is done with it. */
  record(onFinish: OnFinish): void {
    const outgoing = this.#outgoing;
    const started = performance.now();
    // A connection that is gone has no address any more.
    const { client } = this;
    outgoing.once('close', () => {
      const { promised, ...known } = this.notes;
      // A client may leave with the last byte, before we have said that it was the last.
      const aborted = !outgoing.writableFinished && (promised === undefined || known.bytes < promised);
      onFinish({
        name: 'answered',
        ...known,
        method: methodOf(this),
        status: outgoing.headersSent ? outgoing.statusCode : 0,
        seconds: (performance.now() - started) / 1000,
        aborted,
        path: recordedPath(this.url),
        client,
        requestId: this.requestId,
      });
    });
  }
}

/** Nobody is there to be answered any more. */
export class ClientLeft extends Error {
  override readonly name = 'ClientLeft';
}

const connections = new WeakMap<Socket, object>();

/** Tells one connection from another, and nothing else: a body can be written to a socket. */
function connectionOf(socket: Socket): object {
  const known = connections.get(socket) ?? {};
  connections.set(socket, known);
  return known;
}

function untilClosed(outgoing: ServerResponse): AbortSignal {
  const leaving = new AbortController();
  const onClose = () => {
    if (!outgoing.writableFinished) leaving.abort(new ClientLeft('the client closed its connection'));
  };
  if (outgoing.destroyed) onClose();
  else outgoing.once('close', onClose);
  return leaving.signal;
}

/** Who may import this: test/architecture/makers.ts. */
export function beginExchange(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  proxies?: TrustedProxies | undefined,
): Exchange {
  return make(incoming, outgoing, proxies);
}

/** The answer as node has it. Who may import this: test/architecture/makers.ts. */
export function outgoingOf(exchange: Exchange): ServerResponse {
  return reveal(exchange);
}

function methodOf({ method }: Exchange): Finished['method'] {
  return METHODS.find((each) => each === method) ?? 'other';
}

/** The path of a request target as it may be written to a log: no query, no user and password, bounded. */
export function recordedPath(target: string): string {
  if (!target.startsWith('/')) return '';
  const question = target.indexOf('?');
  return target.slice(0, Math.min(question === -1 ? target.length : question, MAX_RECORDED_PATH));
}
