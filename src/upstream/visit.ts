import type { Caller } from '../async/caller.ts';
import { secondsSince } from '../async/elapsed.ts';
import type { Gate } from '../async/gate.ts';
import { unlessAborted } from '../async/timeout.ts';
import { Refusal } from '../bytes/refusal.ts';
import type { AskedUpstream, UpstreamOutcome } from '../ports/asked-upstream.ts';
import type { Connections } from './connections.ts';
import { type Destinations, redactUrl } from './destinations.ts';
import { type Answer, type Exchange, StaleConnection } from './exchange.ts';
import { isProxyRefusal } from './failures.ts';
import type { Pace } from './limits.ts';
import type { RetryAfter } from './retry-after.ts';
import type { Asked, Silence } from './silence.ts';
import type { Why } from './words.ts';

/** Documents have places of their own, and files: neither waits for the other. */
export interface Lane {
  readonly gate: Gate;
  readonly pace: Pace;
  /** For what a digest will prove: any public host will do for that, where the configuration says so. */
  readonly files: boolean;
}

export interface Visit {
  readonly headers?: Readonly<Record<string, string>>;
  /** How many are followed. */
  readonly redirects: number;
  /** On a connection of its own. */
  readonly fresh: boolean;
  readonly lane: Lane;
  /** Something older can be served meanwhile. */
  readonly held?: boolean | undefined;
  /** No digest will prove what comes, not even of a file. */
  readonly unproved?: boolean | undefined;
  /** Its signal ends the visit in every phase: queue, Retry-After, connecting, headers and body. */
  readonly caller: Caller;
}

/** The last answer of a visit. */
export interface Visited extends Answer {
  /** Our credentials were sent. */
  readonly authorized: boolean;
}

/** The answer at the end of the redirects; refuses what is neither a body nor a statement about one. */
export type MakeVisit = (url: string, visit: Visit) => Promise<Visited>;

interface VisitDeps {
  readonly destinations: Destinations;
  readonly exchange: Exchange;
  readonly retryAfter: RetryAfter;
  readonly silence: Silence;
  /** The password of the proxy on the way, where there is one. */
  readonly proxy: Pick<Connections, 'prepare' | 'renew'>;
  readonly onAsked?: OnAsked | undefined;
  /** The index itself is told what a client calls its request. */
  readonly trace: boolean;
  /** The User-Agent; some indexes refuse a client that does not say what it is. */
  readonly agent: string;
}

/** Told of each request that was sent, when the head of its answer came or will not come. Must not throw. */
export type OnAsked = (asked: AskedUpstream) => void;

const REDIRECTS = [301, 302, 303, 307, 308];

export function createVisits(deps: VisitDeps): MakeVisit {
  const { destinations, retryAfter } = deps;
  return async (url, visit) => {
    const { lane, unproved = false } = visit;
    let at = destinations.check(url, unproved);
    for (let hop = 0; ; hop++) {
      const answer = await ask(deps, at, visit);
      if (!REDIRECTS.includes(answer.status)) return judged(answer, retryAfter, visit.held);
      answer.discard();
      const to = destinations.follow(at, answer.headers.location, lane.files && !unproved);
      if (hop >= visit.redirects)
        throw new Refusal(
          'redirect',
          `${redactUrl(at)} redirects to ${redactUrl(to)}, after ${hop} redirects already: the limit is ${visit.redirects}.`,
        );
      at = to;
    }
  };
}

async function ask(deps: VisitDeps, url: URL, visit: Visit): Promise<Visited> {
  const { signal } = visit.caller;
  try {
    await deps.retryAfter.passed(url, signal);
    // Nobody queues behind requests to a host that brings nothing.
    const silent = deps.silence.refusal(url);
    if (silent !== undefined) throw silent;
    await unlessAborted(deps.proxy.prepare(), signal);
    const authorization = await unlessAborted(deps.destinations.authorization(url), signal);
    const answer = await sendThroughProxy(deps, url, visit, authorization?.header);
    if (answer.status !== 401 || authorization === undefined) return answer;
    // A token lives for hours: the one that holds now may be another.
    const renewed = await unlessAborted(authorization.renewed(), signal);
    if (renewed === undefined) return answer;
    answer.discard();
    return await send(deps, url, visit, renewed.header);
  } catch (error) {
    throw signal.aborted ? signal.reason : error;
  }
}

/** Again with another password of the proxy's, where it refused one that has changed since. */
async function sendThroughProxy(
  deps: VisitDeps,
  url: URL,
  visit: Visit,
  authorization: string | undefined,
): Promise<Visited> {
  const renewed = () => unlessAborted(deps.proxy.renew(), visit.caller.signal);
  try {
    const answer = await send(deps, url, visit, authorization);
    if (answer.status !== PROXY_AUTHENTICATION || !(await renewed())) return answer;
    answer.discard();
  } catch (error) {
    if (!isProxyRefusal(error) || !(await renewed())) throw error;
  }
  return send(deps, url, visit, authorization);
}

/** RFC 9110 §15.5.8. */
const PROXY_AUTHENTICATION = 407;

/** Again on a new connection where upstream closed the kept one as it was used. */
function send(deps: VisitDeps, url: URL, visit: Visit, authorization: string | undefined): Promise<Visited> {
  return sendOnce(deps, url, visit, authorization).catch((error: unknown) => {
    if (error instanceof StaleConnection) return sendOnce(deps, url, { ...visit, fresh: true }, authorization);
    throw error;
  });
}

async function sendOnce(
  { exchange, agent, silence, destinations, onAsked, trace }: VisitDeps,
  url: URL,
  visit: Visit,
  authorization: string | undefined,
): Promise<Visited> {
  const { headers, fresh, lane, caller } = visit;
  const leave = await lane.gate.enter(caller);
  const started = performance.now();
  const told = (outcome: UpstreamOutcome, isAnswered: boolean) =>
    onAsked?.({ host: destinations.classOf(url), outcome, isAnswered, seconds: secondsSince(started) });
  let asked: Asked | undefined;
  let answer: Answer;
  try {
    asked = silence.ask(url);
    answer = await exchange(url, {
      // Files must arrive as they are hashed; documents say otherwise.
      headers: {
        'user-agent': agent,
        'accept-encoding': 'identity',
        ...headers,
        ...(trace && destinations.classOf(url) === 'index' && traceHeaders(caller)),
        ...(authorization !== undefined && { authorization }),
      },
      fresh,
      pace: lane.pace,
      signal: caller.signal,
      closed: leave,
    });
    asked.heard();
  } catch (error) {
    asked?.failed(error, caller.signal.aborted, false);
    // What could not be asked at all was no request.
    if (asked !== undefined) told(outcomeOf(error, caller.signal.aborted), false);
    leave();
    throw error;
  }
  told(answer.status === 429 || answer.status === 503 ? 'busy' : answer.status >= 500 ? 'error' : 'answered', true);
  return { ...answer, ...heardOf(answer, asked, visit), authorized: authorization !== undefined };
}

function traceHeaders({ trace }: Caller): Visit['headers'] {
  if (trace === undefined) return {};
  const { requestId, traceparent } = trace;
  return { 'x-request-id': requestId, ...(traceparent !== undefined && { traceparent }) };
}

function outcomeOf(error: unknown, isLeft: boolean): UpstreamOutcome {
  if (isLeft) return 'left';
  if (!(error instanceof Refusal)) return 'unreachable';
  return error.reason === 'slow' || error.reason === 'unreachable' ? error.reason : 'refused';
}

/** The same body and end, of which the host's silence is told. */
function heardOf(answer: Answer, asked: Asked, { lane, caller }: Visit): Pick<Answer, 'body' | 'discard'> {
  return {
    async *body(limit) {
      try {
        for await (const chunk of answer.body(limit)) {
          if (lane.files) asked.whole();
          else asked.heard();
          yield chunk;
        }
      } catch (error) {
        // A file that stands still goes on over a new connection, which has waits of its own.
        asked.failed(error, lane.files || caller.signal.aborted, true);
        throw error;
      }
      asked.whole();
    },
    discard() {
      asked.whole();
      answer.discard();
    },
  };
}

function judged(answer: Visited, retryAfter: RetryAfter, held = false): Visited {
  const refusal = objection(answer, retryAfter, held);
  if (refusal === undefined) return answer;
  answer.discard();
  throw refusal;
}

function objection(answer: Answer, retryAfter: RetryAfter, held: boolean): Refusal | undefined {
  const { status, url, headers } = answer;
  if (status === 429 || status === 503) retryAfter.heard(url, headers['retry-after'], status, held);
  else if (status < 500) retryAfter.eased(url);
  if (status === 429 || (status >= 500 && status <= 599))
    return new Refusal(
      'unreachable',
      `${redactUrl(url)} answered ${status}; the index is overloaded or out of order.`,
      {
        transient: true,
      },
    );
  if (status === PROXY_AUTHENTICATION)
    return new Refusal(
      'unreachable',
      `The proxy on the way to ${redactUrl(url)} answered 407: it wants a user name and password (proxy.username, with proxy.password_file, password_env or password_command).`,
    );
  return undefined;
}

/** What upstream refuses by its own rules (RFC 9110 §15.5.4, RFC 7725). */
const FORBIDDEN = [403, 451];

/** The refusal to throw for an answer whose status is none that was hoped for; `why` where its body was read. */
export function unfit({ status, url, authorized, discard }: Visited, why?: Why, hint = ''): Refusal {
  const asked = redactUrl(url);
  if (why === undefined) discard();
  const words = why === undefined || why.words === '' ? '' : ` It says: ${why.words}`;
  if (status === 401)
    return new Refusal('unreachable', `${asked} answered 401: ${credentialsFault(authorized)}.${words}`);
  if (FORBIDDEN.includes(status))
    return new Refusal('forbidden', `${asked} answered ${status}.${words}${status === 403 ? hint : ''}`, {
      said: { status, words: why?.words ?? '' },
    });
  return new Refusal('format', `${asked} answered ${status}, which does not fit the question.`);
}

/** True where the body of the answer may hold the reason. */
export function saysWhy({ status }: Visited): boolean {
  return status === 401 || FORBIDDEN.includes(status);
}

function credentialsFault(authorized: boolean): string {
  return authorized
    ? 'it does not take our credentials (they may have expired: see `credentials`)'
    : 'it wants credentials (see `credentials` in the configuration)';
}
