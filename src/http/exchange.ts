import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Caller } from '../async/caller.ts';
import type { Reason } from '../bytes/refusal.ts';
import { MAX_RECORDED_PATH } from './limits.ts';
import { partyOf } from './party.ts';

/** What was asked for; a closed set, because it labels a metric. */
export type Route =
  | 'page'
  | 'list'
  | 'file'
  | 'core-metadata'
  | 'metadata'
  | 'target'
  | 'relayed'
  | 'home'
  | 'health'
  | 'metrics'
  | 'options'
  | 'none';

/** A file whose bytes a client was sent, whole or in part. */
export interface SentFile {
  readonly project: string;
  readonly filename: string;
  readonly sha256: string;
  /** The client's address, as its connection has it. */
  readonly client: string;
}

/** One answered request, for metrics and the access log. Holds no header a client sent. */
export interface Finished {
  readonly route: Route;
  readonly index: string | undefined;
  readonly method: 'GET' | 'HEAD' | 'OPTIONS' | 'other';
  /** 0 where the client left before there was one. */
  readonly status: number;
  readonly reason: Reason | undefined;
  readonly seconds: number;
  /** Of the body, as far as they were handed on. */
  readonly bytes: number;
  /** The answer did not reach its end: the client left, or we cut it. */
  readonly aborted: boolean;
  /** As sent, without the query; for a log, never a label. */
  readonly path: string;
  readonly sent?: SentFile | undefined;
}

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
  sent?: SentFile | undefined;
}

/** One request and its answer. */
export interface Exchange {
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
  /** HEAD: the headers of GET, and no body. */
  readonly head: boolean;
  readonly notes: Notes;
  /** Who asks this of an index; the signal aborts with `ClientLeft` when the connection closes before the answer's end. */
  readonly callerOf: (index: string) => Caller;
}

/** Nobody is there to be answered any more. */
export class ClientLeft extends Error {
  override readonly name = 'ClientLeft';
}

/** Begins the record of a request; `onFinish` hears of it when its connection is done with it. */
export function beginExchange(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  onFinish: OnFinish | undefined,
): Exchange {
  const notes: Notes = { route: 'none', index: undefined, reason: undefined, bytes: 0, promised: undefined };
  if (onFinish !== undefined) {
    const started = performance.now();
    outgoing.once('close', () => {
      const { promised, ...known } = notes;
      // A client may leave with the last byte, before we have said that it was the last.
      const aborted = !outgoing.writableFinished && (promised === undefined || known.bytes < promised);
      onFinish({
        ...known,
        method: methodOf(incoming),
        status: outgoing.headersSent ? outgoing.statusCode : 0,
        seconds: (performance.now() - started) / 1000,
        aborted,
        path: recordedPath(incoming.url ?? ''),
      });
    });
  }
  return { incoming, outgoing, head: incoming.method === 'HEAD', notes, callerOf: asking(incoming, outgoing) };
}

/** Most answers wait for nothing: the signal is made for the first that does. */
function asking({ socket }: IncomingMessage, outgoing: ServerResponse): Exchange['callerOf'] {
  let signal: AbortSignal | undefined;
  return (index) => {
    signal ??= untilClosed(outgoing);
    return { index, party: partyOf(socket.remoteAddress ?? ''), connection: socket, priority: 'client', signal };
  };
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

function methodOf({ method }: IncomingMessage): Finished['method'] {
  return method === 'GET' || method === 'HEAD' || method === 'OPTIONS' ? method : 'other';
}

/** The path of a request target as it may be written to a log: no query, no user and password, bounded. */
export function recordedPath(target: string): string {
  if (!target.startsWith('/')) return '';
  const question = target.indexOf('?');
  return target.slice(0, Math.min(question === -1 ? target.length : question, MAX_RECORDED_PATH));
}
