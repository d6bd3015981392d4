import type { ClientRequest, IncomingHttpHeaders, IncomingMessage, RequestOptions } from 'node:http';
import type { LookupFunction } from 'node:net';
import { Refusal } from '../bytes/refusal.ts';
import { type Connections, whenConnected } from './connections.ts';
import { redactUrl } from './destinations.ts';
import { codeOf, failed } from './failures.ts';
import type { Pace, UpstreamLimits } from './limits.ts';
import { plainHttp, tlsHttp } from './node-http.ts';

/** One answer, its body not yet read. Either read the body or discard it. */
export interface Answer {
  readonly url: URL;
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** What Content-Length says. */
  readonly length: number | undefined;
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

/**
 * One GET over node's own client, every wait bounded. Not undici: that ends a connection on `100 Continue`, by which a
 * mirror in front of us asks for patience (DESIGN J2; RFC 9110 §15.2 obliges a client to read interim answers).
 */
export function createExchange({ connections, limits, lookup }: ExchangeDeps) {
  return async function exchange(url: URL, ask: Ask): Promise<Answer> {
    const secure = url.protocol === 'https:';
    const options: RequestOptions = {
      agent: ask.fresh ? connections.fresh(url) : connections.of(url),
      headers: ask.headers,
      maxHeaderSize: limits.headerBytes,
      insecureHTTPParser: false,
      lookup,
      signal: ask.signal,
    };
    const request = (secure ? tlsHttp() : plainHttp()).request(url, options);
    const timer = createTimer();
    request.once('close', () => {
      timer.stop();
      ask.closed();
    });
    try {
      const response = await answered(request, secure, timer, ask);
      return read(response, url, timer, ask);
    } catch (error) {
      request.destroy();
      if (request.reusedSocket && /^(ECONNRESET|EPIPE)$/.test(codeOf(error))) throw new StaleConnection(error);
      throw ask.signal.aborted ? error : failed(error, url, 'before the answer');
    }
  };

  function answered(request: ClientRequest, secure: boolean, timer: Timer, { pace }: Ask): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const refuse = (refusal: Refusal) => {
        reject(refusal);
        request.destroy(refusal);
      };
      const awaitHeaders = () =>
        timer.start(pace.headersTimeout, () =>
          refuse(
            new Refusal('slow', `${request.host} did not answer within ${pace.headersTimeout / 1000} seconds.`, {
              transient: true,
            }),
          ),
        );
      request.on('error', reject);
      // From now, not from the socket on: a tunnel through a proxy is asked for before there is one.
      timer.start(limits.connectTimeout, () =>
        refuse(
          new Refusal(
            'unreachable',
            `${request.host} took longer than ${limits.connectTimeout / 1000} seconds to connect.`,
            { transient: true },
          ),
        ),
      );
      request.once('socket', (socket) => whenConnected(socket, secure, awaitHeaders));
      const start = performance.now();
      let interim = 0;
      request.on('information', () => {
        interim++;
        if (interim > limits.interimBurst + (performance.now() - start) / 1000)
          refuse(new Refusal('format', `${request.host} sends interim answers without end.`));
        else awaitHeaders();
      });
      request.once('upgrade', (_, socket) => {
        socket.destroy();
        refuse(new Refusal('format', `${request.host} switched to another protocol unasked.`));
      });
      request.once('response', (response) => {
        timer.stop();
        resolve(response);
      });
      request.end();
    });
  }

  function read(response: IncomingMessage, url: URL, timer: Timer, { pace, signal }: Ask): Answer {
    // An unread body may fail at any time; whoever reads it is told by the iterator.
    response.on('error', () => {});
    const { headers, statusCode: status = 0 } = response;
    const refuse = (refusal: Refusal): never => {
      response.destroy();
      throw refusal;
    };
    if (response.rawHeaders.length / 2 > limits.headerCount)
      refuse(new Refusal('limit', `${redactUrl(url)} sends more than ${limits.headerCount} headers.`));
    const transfer = headers['transfer-encoding'];
    if (transfer !== undefined && transfer.trim().toLowerCase() !== 'chunked')
      refuse(new Refusal('encoding', `${redactUrl(url)} is sent in a transfer coding that was not asked for.`));
    const length = headers['content-length'] === undefined ? undefined : Number(headers['content-length']);

    async function* body(limit: number): AsyncGenerator<Uint8Array, void, undefined> {
      const tooLarge = () => new Refusal('limit', `${redactUrl(url)} is larger than the ${limit} bytes it may have.`);
      let received = 0;
      let windowBytes = 0;
      let waited = 0;
      try {
        if (length !== undefined && length > limit) throw tooLarge();
        const chunks: AsyncIterator<Uint8Array> = response[Symbol.asyncIterator]();
        for (;;) {
          const asked = performance.now();
          timer.start(pace.idleTimeout, () => response.destroy(tooSlow(url)));
          const next = await chunks.next();
          timer.stop();
          if (next.done) break;
          received += next.value.byteLength;
          if (received > limit) throw tooLarge();
          // Only our own waiting counts: a slow reader behind us is no fault of the upstream's.
          waited += performance.now() - asked;
          windowBytes += next.value.byteLength;
          if (waited >= pace.rateWindow) {
            if (windowBytes / (waited / 1000) < limits.minimumRate) throw tooSlow(url);
            waited = 0;
            windowBytes = 0;
          }
          yield next.value;
        }
      } catch (error) {
        throw signal.aborted ? stopped(signal, url) : failed(error, url, 'in the body');
      } finally {
        timer.stop();
        response.destroy();
      }
    }

    return {
      url,
      status,
      headers,
      length,
      body,
      discard() {
        timer.start(limits.discard, () => response.destroy());
        response.resume();
      },
    };
  }
}

/** A kept connection that upstream closed as we used it: the request was never answered and may be sent again. */
export class StaleConnection extends Error {
  constructor(cause: unknown) {
    super('the kept connection was closed', { cause });
  }
}

/** The caller's own reason where the caller stopped; `slow` where the deadline did. */
export function stopped(signal: AbortSignal, url: URL): unknown {
  return signal.reason instanceof DOMException && signal.reason.name === 'TimeoutError'
    ? failed(signal.reason, url, 'before the answer')
    : signal.reason;
}

function tooSlow(url: URL): Refusal {
  return new Refusal('slow', `${redactUrl(url)} comes too slowly.`, { transient: true });
}

interface Timer {
  start(milliseconds: number, expired: () => void): void;
  stop(): void;
}

/** At most one wait at a time. */
function createTimer(): Timer {
  let handle: NodeJS.Timeout | undefined;
  return {
    start(milliseconds, expired) {
      clearTimeout(handle);
      handle = setTimeout(expired, milliseconds);
    },
    stop() {
      clearTimeout(handle);
    },
  };
}
