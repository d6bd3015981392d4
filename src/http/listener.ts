import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import { Turns } from '../async/turns.ts';
import { existing } from '../bytes/existing.ts';
import { PEER_BLOBS } from '../ports/peers.ts';
import type { Access, Granted, Verdict } from './access/access.ts';
import { addressesOf, type CombinedIndexes } from './address.ts';
import { createApp, type ServedOptions } from './app.ts';
import { beginExchange, type Exchange, type OnFinish } from './exchange.ts';
import { createTrustedProxies } from './forwarded.ts';
import { endUnread, guard } from './guard.ts';
import { MAX_PIPELINED, REQUESTS_A_TURN } from './limits.ts';
import type { ServedIndex } from './mount.ts';
import {
  BAD_REQUEST,
  NO_CONNECTION,
  NOTHING_HERE,
  TOO_LONG,
  TOO_MANY_PASSWORDS,
  UNAUTHORIZED,
} from './reply/answers.ts';
import { replyError, replyProblem, replyRedirect } from './reply/doors.ts';
import { takesBody } from './routes/advisories.ts';
import type { Asked } from './routes/routes.ts';
import { createWarm } from './routes/warm-page.ts';
import { readTarget } from './target.ts';

export interface ListenerOptions extends ServedOptions {
  readonly indexes: readonly ServedIndex[];
  /** Addresses over several of them. */
  readonly combined?: readonly CombinedIndexes[] | undefined;
  /** The name of the index, or of the address over several, that also lies at the root. */
  readonly defaultIndex: string;
  /** Asked before everything but health; absent: everybody may read. */
  readonly access?: Access | undefined;
  readonly onFinish?: OnFinish | undefined;
  /** Addresses and networks whose word on a client's address is taken. */
  readonly trustedProxies?: readonly string[] | undefined;
}

/**
 * Everything that is served, as a listener for node's own server. A request that was sent before the last one was answered
 * (pipelined) waits for its turn, unless its page is at hand: a connection has one answer in work, however much it asks.
 */
export function createListener(options: ListenerOptions): RequestListener {
  const { defaultIndex, access, onFinish, onFault = () => undefined } = options;
  const proxies =
    options.trustedProxies === undefined || options.trustedProxies.length === 0
      ? undefined
      : createTrustedProxies(options.trustedProxies);
  const addresses = addressesOf(options.indexes, options.combined ?? [], defaultIndex);
  const warm = createWarm(addresses, onFinish);
  const app = createApp(options, addresses);
  const asked = new WeakMap<object, Asked>();
  const inTurn = createTurns();
  const takes = (url: string) => options.advisories !== undefined && takesBody(url);
  const route = getRequestListener(
    (request, { incoming }) =>
      app.fetch(request, { asked: existing(asked.get(incoming), 'a request came past the listener') }),
    { overrideGlobalObjects: false, autoCleanupIncoming: false },
  );

  const turns = new Turns(REQUESTS_A_TURN);

  const answer = (incoming: IncomingMessage, outgoing: ServerResponse, exchange: Exchange, verdict: Verdict) => {
    if (exchange.left) return;
    if (isGranted(verdict)) exchange.reader = verdict.reader;
    try {
      const target = admit(exchange, verdict, takes);
      if (target === undefined) return;
      asked.set(incoming, { exchange, target });
      void route(incoming, outgoing);
    } catch (error) {
      if (replyError(exchange, undefined, error)) onFault(error);
    }
  };

  const take = (incoming: IncomingMessage, outgoing: ServerResponse, exchange: Exchange) => {
    const isToAll = isOpen(incoming.url, options.peers !== undefined);
    const verdict: Verdict | Promise<Verdict> =
      access === undefined || isToAll
        ? EVERYBODY
        : access.check(incoming.headers.authorization, () => exchange.callerOf(''));
    if (isGranted(verdict)) {
      exchange.reader = verdict.reader;
      if (warm(exchange)) return;
    }
    if (onFinish !== undefined) exchange.record(onFinish);
    const go = () => {
      if (verdict instanceof Promise) void verdict.then((found) => answer(incoming, outgoing, exchange, found));
      else answer(incoming, outgoing, exchange, verdict);
    };
    const others = isToAll ? undefined : turns.next();
    if (others === undefined) go();
    else void others.then(go);
  };

  return (incoming, outgoing) => {
    const exchange = beginExchange(incoming, outgoing, proxies);
    if (outgoing.socket !== null) return take(incoming, outgoing, exchange);
    if (access === undefined && warm(exchange)) return;
    if (inTurn(incoming, outgoing, () => take(incoming, outgoing, exchange))) return;
    onFinish?.(exchange.unanswered('limit'));
    incoming.socket.destroy();
  };
}

/** Answers a request on a connection for which there is no room. */
export function createConnectionRefusal(onFinish: OnFinish | undefined): RequestListener {
  return (incoming, outgoing) => {
    const exchange = beginExchange(incoming, outgoing);
    if (onFinish !== undefined) exchange.record(onFinish);
    replyProblem(exchange, undefined, NO_CONNECTION);
  };
}

type InTurn = (incoming: IncomingMessage, outgoing: ServerResponse, take: () => void) => boolean;

/** Takes a pipelined request when the answers before it have ended; false where too many of its connection wait already. */
function createTurns(): InTurn {
  const waiting = new WeakMap<object, number>();
  return ({ socket }, outgoing, take) => {
    const others = waiting.get(socket) ?? 0;
    if (others === MAX_PIPELINED) return false;
    waiting.set(socket, others + 1);
    outgoing.once('socket', () => {
      waiting.set(socket, (waiting.get(socket) ?? 1) - 1);
      take();
    });
    return true;
  };
}

/** Where nobody is asked who he is. */
const EVERYBODY: Granted = { reader: undefined };

function isGranted(verdict: Verdict | Promise<Verdict>): verdict is Granted {
  return typeof verdict === 'object' && 'reader' in verdict;
}

/** Health is asked for by machines that have no credentials, and tells nothing; replicas show by a word of their own who they are. */
function isOpen(url: string | undefined, hasPeers: boolean): boolean {
  return url === '/livez' || url === '/readyz' || (hasPeers && url?.startsWith(PEER_BLOBS) === true);
}

/** RFC 7617 §2.1. pip, Poetry and PDM look for credentials only once they are asked. */
const CHALLENGE = ['WWW-Authenticate', 'Basic realm="Verbatim", charset="UTF-8"'];

/** What can be asked of this listener at all; answers everything else itself. */
function admit(exchange: Exchange, verdict: Verdict, takes: (url: string) => boolean): Asked['target'] | undefined {
  const refused = guard(exchange, takes);
  if (refused !== undefined) {
    replyProblem(exchange, undefined, refused);
    return undefined;
  }
  if (!isGranted(verdict)) {
    endUnread(exchange);
    if (verdict === 'busy') replyProblem(exchange, undefined, TOO_MANY_PASSWORDS);
    else replyProblem(exchange, undefined, UNAUTHORIZED, CHALLENGE);
    return undefined;
  }
  const read = readTarget(exchange.url);
  if (read.kind === 'target') return read.target;
  if (read.kind === 'double-slash') replyRedirect(exchange, undefined, read.clean);
  else if (read.kind === 'absent') replyProblem(exchange, undefined, NOTHING_HERE);
  else replyProblem(exchange, undefined, read.kind === 'too-long' ? TOO_LONG : BAD_REQUEST);
  return undefined;
}
