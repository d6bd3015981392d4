import { type Caller, withSignal } from '../async/caller.ts';
import { createGate } from '../async/gate.ts';
import { deadline } from '../async/timeout.ts';
import { type Reason, Refusal } from '../bytes/refusal.ts';
import { type OfferEnd, PEER_BLOBS, PEER_WORD, type PeerFiles, type PeerOffer } from '../ports/peers.ts';
import { Stopping } from '../ports/upstream.ts';
import { guardedLookup, resolveBySystem } from './addresses.ts';
import { type Connections, createConnections } from './connections.ts';
import { labelOf } from './decoded.ts';
import { Destinations } from './destinations.ts';
import { createExchange } from './exchange.ts';
import { overdue } from './failures.ts';
import { LIMITS, PEER_LIMITS, PEER_RESTS, type UpstreamLimits } from './limits.ts';
import { RetryAfter } from './retry-after.ts';
import { Silence } from './silence.ts';
import { createVisits, type Lane, type MakeVisit, unfit, type Visited } from './visit.ts';

/** What came of asking a peer. */
export type PeerResult = Exclude<OfferEnd, 'left'> | 'absent';

/** Why a peer is not relied on. */
export interface PeerTrouble {
  readonly peer: string;
  readonly why: string;
}

export interface HttpPeersOptions {
  /** Their origins. Nobody else is asked, whatever anybody says. */
  readonly peers: readonly string[];
  /** Shows that one of them asks, for this path alone and for a moment. */
  readonly word: (path: string) => string;
  readonly version: string;
  readonly onResult: (result: PeerResult) => void;
  /** Trouble with one of them began, or is over. */
  readonly onTurn?: (() => void) | undefined;
  readonly limits?: Partial<UpstreamLimits> | undefined;
}

interface Peer {
  readonly url: string;
  /** It is not asked before. Milliseconds that never go back. */
  restsUntil: number;
  trouble: { readonly why: string; readonly lied: boolean } | undefined;
}

/**
 * The other replicas over HTTP. All are asked at once, and the first that has the file sends it. One that failed is left alone for a
 * moment, one that lied for longer; no redirect is followed, and no credential but the word is sent.
 */
export class HttpPeers implements PeerFiles {
  readonly #options: HttpPeersOptions;
  readonly #peers: readonly Peer[];
  readonly #connections: Connections;
  readonly #visit: MakeVisit;
  readonly #lane: Lane;
  readonly #closing = new AbortController();

  constructor(options: HttpPeersOptions) {
    const limits: UpstreamLimits = { ...LIMITS, ...PEER_LIMITS, ...options.limits };
    this.#options = options;
    this.#peers = options.peers.map((url) => ({ url: new URL(url).origin, restsUntil: 0, trouble: undefined }));
    this.#connections = createConnections(limits, {});
    // What comes is proved, and a word is good for one path and a moment.
    const destinations = new Destinations({
      bases: this.#peers.map(({ url }) => url),
      insecureUpstream: true,
      privateHosts: this.#peers.map(({ url }) => new URL(url).hostname),
    });
    const { connections } = limits;
    const full = 'Too many files are being fetched from other replicas at this moment.';
    this.#lane = {
      gate: createGate({ places: connections, queue: limits.queue, longestWait: limits.longestQueueing, full }),
      pace: limits.downloads,
      files: true,
    };
    const lookup = guardedLookup(resolveBySystem, (host) => destinations.mayBePrivate(host));
    this.#visit = createVisits({
      destinations,
      exchange: createExchange({ connections: this.#connections, limits, lookup }),
      retryAfter: new RetryAfter(limits),
      silence: new Silence(limits),
      proxy: this.#connections,
      trace: false,
      agent: `verbatim/${options.version}`,
    });
  }

  get count(): number {
    return this.#peers.length;
  }

  get troubles(): readonly PeerTrouble[] {
    return this.#peers.flatMap(({ url, trouble }) => (trouble === undefined ? [] : [{ peer: url, why: trouble.why }]));
  }

  async find(
    { sha256, limit }: { readonly sha256: string; readonly limit: number },
    caller: Caller,
  ): Promise<PeerOffer | undefined> {
    const asked = this.#peers.filter(({ restsUntil }) => restsUntil <= performance.now());
    const races = asked.map((peer) => ({ peer, leaving: new AbortController() }));
    const asks = races.map(({ peer, leaving }) => this.#ask(peer, PEER_BLOBS + sha256, limit, caller, leaving.signal));
    const won = await firstOf(asks);
    races.forEach(({ leaving }, at) => {
      if (at !== won?.at) leaving.abort(new Refusal('state', 'Another replica was quicker.', { transient: true }));
    });
    caller.signal.throwIfAborted();
    return won?.offer;
  }

  close(): void {
    this.#closing.abort(new Stopping());
    this.#connections.close();
  }

  /** Never rejects. */
  async #ask(
    peer: Peer,
    path: string,
    limit: number,
    caller: Caller,
    leaving: AbortSignal,
  ): Promise<PeerOffer | undefined> {
    const url = peer.url + path;
    const signals = [caller.signal, leaving, this.#closing.signal];
    const until = deadline(this.#lane.pace.deadline, () => overdue(url), ...signals);
    try {
      const headers = { [PEER_WORD]: this.#options.word(path) };
      const visit = { headers, redirects: 0, fresh: false, lane: this.#lane, caller: withSignal(caller, until.signal) };
      const answer = await this.#visit(url, visit);
      if (answer.status !== 404) return offered(answer, limit, until.clear, (end, why) => this.#ended(peer, end, why));
      answer.discard();
      this.#ended(peer, 'absent');
    } catch (error) {
      if (!signals.some(({ aborted }) => aborted)) this.#ended(peer, 'failed', wordsOf(error));
    }
    until.clear();
    return undefined;
  }

  #ended(peer: Peer, end: OfferEnd | 'absent', why = ''): void {
    if (end === 'left') return;
    this.#options.onResult(end);
    const was = peer.trouble;
    this.#judge(peer, end, why);
    if ((was === undefined) !== (peer.trouble === undefined)) this.#options.onTurn?.();
  }

  #judge(peer: Peer, end: Exclude<OfferEnd, 'left'> | 'absent', why: string): void {
    if (end === 'proved' || (end === 'absent' && peer.trouble?.lied !== true)) peer.trouble = undefined;
    if (end === 'proved' || end === 'absent') return;
    peer.restsUntil = performance.now() + PEER_RESTS[end];
    peer.trouble = { why: end === 'wrong' ? 'what it sent as a file was not that file' : why, lied: end === 'wrong' };
  }
}

/** The body of a 200, or Refusal. */
function offered(
  answer: Visited,
  limit: number,
  clear: () => void,
  ended: (end: OfferEnd, why?: string) => void,
): PeerOffer {
  if (answer.status !== 200) throw unfit(answer);
  if (labelOf(answer) !== undefined || answer.length === undefined || answer.length > limit) {
    answer.discard();
    throw new Refusal('format', `${answer.url.host} sends a file coded, without its length, or too large.`);
  }
  let why: string | undefined;
  async function* noting() {
    try {
      yield* answer.body(limit);
    } catch (error) {
      why = wordsOf(error);
      throw error;
    } finally {
      clear();
    }
  }
  return {
    bytes: noting(),
    ended(end) {
      clear();
      if (end !== 'proved') answer.discard();
      ended(end, why);
    },
  };
}

function wordsOf(error: unknown): string {
  if (!(error instanceof Refusal)) return 'it could not be asked';
  return SAYS.get(error.reason) ?? error.message;
}

/** Without the settings of upstreams, which say nothing of peers. */
const SAYS: ReadonlyMap<Reason, string> = new Map([
  ['slow', 'it did not answer in time, or stopped in the middle'],
  ['redirect', 'it redirects, which is not followed'],
]);

/** The first that offers something; undefined once all said that they do not. */
function firstOf(
  asks: readonly Promise<PeerOffer | undefined>[],
): Promise<{ readonly at: number; readonly offer: PeerOffer } | undefined> {
  return new Promise((resolve) => {
    const told = asks.map(async (ask, at) => {
      const offer = await ask;
      if (offer !== undefined) resolve({ at, offer });
    });
    void Promise.all(told).then(() => resolve(undefined));
  });
}
