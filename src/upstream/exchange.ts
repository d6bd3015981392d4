import type { ClientRequest, IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { LookupFunction } from 'node:net';
import { type Reason, Refusal } from '../bytes/refusal.ts';
import { bodyOf } from './body.ts';
import { type Connections, whenConnected } from './connections.ts';
import { redactUrl } from './destinations.ts';
import { codeOf, failed } from './failures.ts';
import type { Pace, UpstreamLimits } from './limits.ts';
import { plainHttp, tlsHttp } from './node-http.ts';
import { createTimer, type Timer } from './timer.ts';

/** One answer, its body not yet read. Either read the body or discard it. */
export interface Answer {
  readonly url: URL;
  readonly status: number;
  /** The reason phrase, as it came. */
  readonly phrase: string;
  readonly headers: IncomingHttpHeaders;
  /** What Content-Length says. */
  readonly length: number | undefined;
  /** Its end is told by a length or by chunks, and not by that of the connection alone. */
  readonly framed: boolean;
  /** The body as it arrives: complete or a Refusal (`truncated`, `slow`), and at most `limit` bytes (`limit`). */
  body(limit: number): AsyncGenerator<Uint8Array, void, undefined>;
  discard(): void;
}

export interface Ask {
  readonly headers: Readonly<Record<string, string>>;
  /** On a connection of its own. */
  readonly fresh: boolean;
  readonly pace: Pace;
  readonly signal: AbortSignal;
  /** Called when the connection is no longer in use. */
  readonly closed: () => void;
}

export interface ExchangeDeps {
  readonly connections: Connections;
  readonly limits: UpstreamLimits;
  readonly lookup: LookupFunction;
}

export type Exchange = (url: URL, ask: Ask) => Promise<Answer>;

/**
 * One GET over node's own client, every wait bounded. Not undici: that ends a connection on `100 Continue`, by which a
 * mirror in front of us says that it is still working (RFC 9110 §15.2 obliges a client to read interim answers).
 */
export function createExchange({ connections, limits, lookup }: ExchangeDeps): Exchange {
  return async (url, ask) => {
    const secure = url.protocol === 'https:';
    const request = (secure ? tlsHttp() : plainHttp()).request(url, {
      agent: ask.fresh ? connections.fresh(url) : connections.of(url),
      headers: ask.headers,
      maxHeaderSize: limits.headerBytes,
      insecureHTTPParser: false,
      lookup,
      signal: ask.signal,
    });
    const timer = createTimer();
    request.once('close', () => {
      timer.stop();
      ask.closed();
    });
    try {
      const response = await answered(request, secure, timer, ask.pace, limits);
      return answerOf(response, url, timer, ask, limits);
    } catch (error) {
      request.destroy();
      if (request.reusedSocket && /^(ECONNRESET|EPIPE)$/.test(codeOf(error))) throw new StaleConnection(error);
      throw ask.signal.aborted ? error : failed(error, url, 'before the answer');
    }
  };
}

/** Sends the request; resolves when the head of the answer is there. */
function answered(
  request: ClientRequest,
  secure: boolean,
  timer: Timer,
  pace: Pace,
  { connectTimeout, interimBurst }: UpstreamLimits,
): Promise<IncomingMessage> {
  const { host } = request;
  return new Promise((resolve, reject) => {
    const refuse = (reason: Reason, message: string, transient: boolean) => {
      const refusal = new Refusal(reason, message, { transient });
      reject(refusal);
      request.destroy(refusal);
    };
    const awaitHead = () =>
      timer.start(pace.headersTimeout, () =>
        refuse(
          'slow',
          `${host} did not answer within ${pace.headersTimeout / 1000} seconds (timeouts: first_byte, file_first_byte).`,
          true,
        ),
      );
    request.on('error', reject);
    // From now, not from the socket on: a tunnel through a proxy is asked for before there is one.
    timer.start(connectTimeout, () =>
      refuse(
        'unreachable',
        `${host} took longer than ${connectTimeout / 1000} seconds to connect (timeouts: connect).`,
        true,
      ),
    );
    request.once('socket', (socket) => whenConnected(socket, secure, awaitHead));
    const start = performance.now();
    let interim = 0;
    request.on('information', () => {
      interim++;
      if (interim > interimBurst + (performance.now() - start) / 1000)
        refuse('format', `${host} sends interim answers without end.`, false);
      else awaitHead();
    });
    request.once('upgrade', (_, socket) => {
      socket.destroy();
      refuse('format', `${host} switched to another protocol unasked.`, false);
    });
    request.once('response', (response) => {
      timer.stop();
      resolve(response);
    });
    request.end();
  });
}

/** Throws Refusal `limit` or `encoding` for a head that is not acceptable. */
function answerOf(response: IncomingMessage, url: URL, timer: Timer, ask: Ask, limits: UpstreamLimits): Answer {
  // An unread body may fail at any time; whoever reads it is told by the iterator.
  response.on('error', () => {});
  const { headers, statusCode: status = 0, statusMessage: phrase = '' } = response;
  const refusal = objection(response, url, limits.headerCount);
  if (refusal !== undefined) {
    response.destroy();
    throw refusal;
  }
  const length = headers['content-length'] === undefined ? undefined : Number(headers['content-length']);
  return {
    url,
    status,
    phrase,
    headers,
    length,
    framed: length !== undefined || /(^|,)\s*chunked\s*$/i.test(headers['transfer-encoding'] ?? ''),
    body: (limit) =>
      bodyOf({
        response,
        url,
        timer,
        limit,
        length,
        pace: ask.pace,
        signal: ask.signal,
        minimumRate: limits.minimumRate,
      }),
    discard() {
      timer.start(limits.discard, () => response.destroy());
      response.resume();
    },
  };
}

function objection({ headers, rawHeaders }: IncomingMessage, url: URL, headerCount: number): Refusal | undefined {
  if (rawHeaders.length / 2 > headerCount)
    return new Refusal('limit', `${redactUrl(url)} sends more than ${headerCount} headers.`);
  const transfer = headers['transfer-encoding'];
  if (transfer !== undefined && transfer.trim().toLowerCase() !== 'chunked')
    return new Refusal('encoding', `${redactUrl(url)} is sent in a transfer coding that was not asked for.`);
  return undefined;
}

/** A kept connection that upstream closed as we used it: the request was never answered and may be sent again. */
export class StaleConnection extends Error {
  constructor(cause: unknown) {
    super('the kept connection was closed', { cause });
  }
}
