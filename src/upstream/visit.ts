import type { Caller } from '../async/caller.ts';
import type { Gate } from '../async/gate.ts';
import { Refusal } from '../bytes/refusal.ts';
import { type Destinations, redactUrl } from './destinations.ts';
import { type Answer, type Exchange, StaleConnection } from './exchange.ts';
import type { Pace } from './limits.ts';
import type { RetryAfter } from './retry-after.ts';

/** Documents have places of their own, and files: neither waits for the other. */
export interface Lane {
  readonly gate: Gate;
  readonly pace: Pace;
}

export interface Visit {
  readonly headers?: Readonly<Record<string, string>>;
  /** How many are followed. */
  readonly redirects: number;
  /** On a connection of its own. */
  readonly fresh: boolean;
  readonly lane: Lane;
  /** Its signal ends the visit in every phase: queue, Retry-After, connecting, headers and body. */
  readonly caller: Caller;
}

/** The answer at the end of the redirects; refuses what is neither a body nor a statement about one. */
export type MakeVisit = (url: string, visit: Visit) => Promise<Answer>;

interface VisitDeps {
  readonly destinations: Destinations;
  readonly exchange: Exchange;
  readonly retryAfter: RetryAfter;
  /** The User-Agent; some indexes refuse a client that does not say what it is. */
  readonly agent: string;
}

const REDIRECTS = [301, 302, 303, 307, 308];

export function createVisits(deps: VisitDeps): MakeVisit {
  const { destinations, retryAfter } = deps;
  return async (url, visit) => {
    let at = destinations.check(url);
    for (let hop = 0; ; hop++) {
      const answer = await ask(deps, at, visit);
      if (!REDIRECTS.includes(answer.status)) return judged(answer, retryAfter);
      answer.discard();
      if (hop >= visit.redirects)
        throw new Refusal(
          'redirect',
          `${redactUrl(at)} redirects, which is not followed ${hop === 0 ? 'here' : 'so often'}.`,
        );
      at = destinations.follow(at, answer.headers.location);
    }
  };
}

async function ask(deps: VisitDeps, url: URL, visit: Visit): Promise<Answer> {
  const { signal } = visit.caller;
  try {
    await deps.retryAfter.passed(url, signal);
    return await send(deps, url, visit).catch((error: unknown) => {
      if (error instanceof StaleConnection) return send(deps, url, { ...visit, fresh: true });
      throw error;
    });
  } catch (error) {
    throw signal.aborted ? signal.reason : error;
  }
}

async function send({ destinations, exchange, agent }: VisitDeps, url: URL, visit: Visit): Promise<Answer> {
  const { headers, fresh, lane, caller } = visit;
  const authorization = destinations.authorization(url);
  const leave = await lane.gate.enter(caller);
  try {
    return await exchange(url, {
      // Files must arrive as they are hashed; documents say otherwise.
      headers: {
        'user-agent': agent,
        'accept-encoding': 'identity',
        ...headers,
        ...(authorization !== undefined && { authorization }),
      },
      fresh,
      pace: lane.pace,
      signal: caller.signal,
      closed: leave,
    });
  } catch (error) {
    leave();
    throw error;
  }
}

function judged(answer: Answer, retryAfter: RetryAfter): Answer {
  const refusal = objection(answer, retryAfter);
  if (refusal === undefined) return answer;
  answer.discard();
  throw refusal;
}

function objection(answer: Answer, retryAfter: RetryAfter): Refusal | undefined {
  const { status, url, headers } = answer;
  if (status === 429 || status === 503) retryAfter.heard(url, headers['retry-after']);
  if (status === 429 || (status >= 500 && status <= 599))
    return new Refusal(
      'unreachable',
      `${redactUrl(url)} answered ${status}; the index is overloaded or out of order.`,
      {
        transient: true,
      },
    );
  if (status === 401 || status === 407)
    return new Refusal('unreachable', `${redactUrl(url)} answered ${status}: it wants credentials, or other ones.`);
  return undefined;
}

/** Discards an answer whose status means nothing here; returns the refusal to throw. */
export function unfit(answer: Answer): Refusal {
  answer.discard();
  return answer.status === 403
    ? new Refusal('unreachable', `${redactUrl(answer.url)} answered 403: we may not read it.`)
    : new Refusal('format', `${redactUrl(answer.url)} answered ${answer.status}, which does not fit the question.`);
}
