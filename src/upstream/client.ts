import { setTimeout as sleep } from 'node:timers/promises';
import { internalCaller } from '../async/caller.ts';
import { enterAll } from '../async/gate.ts';
import { createUpstreamShares } from '../async/shares.ts';
import { alone } from '../bytes/copy-out-of-pool.ts';
import { Refusal } from '../bytes/refusal.ts';
import type { Download, Upstream } from '../ports/upstream.ts';
import { guardedLookup, type Resolve, resolveBySystem } from './addresses.ts';
import { createConnections, type Reach } from './connections.ts';
import { codingOf, gunzipped, mayBeCoded } from './decoded.ts';
import { type AllowedOptions, createAllowed, redactUrl } from './destinations.ts';
import { type Answer, createExchange, StaleConnection, stopped } from './exchange.ts';
import { LIMITS, type Pace, type UpstreamLimits } from './limits.ts';
import { createRest } from './retry-after.ts';

export interface UpstreamOptions extends AllowedOptions, Reach {
  /** For the User-Agent; some indexes refuse a client that does not say what it is. */
  readonly version?: string | undefined;
  /** Further attempts at a document after the first failed; 0 for a client that must ask once. */
  readonly retries?: number | undefined;
  readonly resolve?: Resolve | undefined;
  readonly limits?: Partial<UpstreamLimits> | undefined;
}

export interface DocumentRequest {
  /** Bytes. */
  readonly limit: number;
  readonly redirects: number;
  /** 403 then means the same as 404. */
  readonly forbiddenIsAbsent: boolean;
}

/** The mirror's Upstream over HTTP, and what the metadata source needs besides. */
export interface HttpUpstream extends Upstream {
  /** A small document, whole in memory; undefined for 404 and 410. */
  document(url: string, request: DocumentRequest): Promise<Uint8Array | undefined>;
  /** Ends every request under way (`unreachable`) and the idle connections. */
  close(): void;
}

interface Visit {
  readonly headers?: Readonly<Record<string, string>>;
  readonly redirects: number;
  readonly fresh: boolean;
  readonly pace: Pace;
  readonly signal: AbortSignal;
}

const REDIRECTS = [301, 302, 303, 307, 308];

/** A GET client for one upstream index, all of whose waits, sizes and destinations are bounded. */
export function createUpstream(options: UpstreamOptions): HttpUpstream {
  const limits: UpstreamLimits = { ...LIMITS, ...options.limits };
  const retries = options.retries ?? limits.retries;
  const allowed = createAllowed(options);
  const connections = createConnections(limits, options);
  const shares = createUpstreamShares(limits.connections, limits.queue);
  const rest = createRest(limits);
  const closing = new AbortController();
  const lookup = guardedLookup(options.resolve ?? resolveBySystem, allowed.mayBePrivate);
  const exchange = createExchange({ connections, limits, lookup });
  const agent = options.version === undefined ? 'verbatim' : `verbatim/${options.version}`;

  async function ask(url: URL, { headers, fresh, pace, signal }: Visit): Promise<Answer> {
    const authorization = allowed.authorization(url);
    const send = async (onNewConnection: boolean) => {
      const lane = pace === limits.downloads ? shares.downloads : shares.documents;
      const leave = await enterAll([lane, shares.connections], internalCaller('', 'mirror', signal));
      try {
        return await exchange(url, {
          // No compression: files must arrive as they are hashed, and a bomb has nothing to unpack into.
          headers: {
            'user-agent': agent,
            'accept-encoding': 'identity',
            ...headers,
            ...(authorization && { authorization }),
          },
          fresh: onNewConnection,
          pace,
          signal,
          closed: leave,
        });
      } catch (error) {
        leave();
        throw error;
      }
    };
    try {
      await rest.over(url, signal);
      return await send(fresh).catch((error: unknown) => {
        if (error instanceof StaleConnection) return send(true);
        throw error;
      });
    } catch (error) {
      throw signal.aborted ? stopped(signal, url) : error;
    }
  }

  /** The answer at the end of the redirects; refuses what is neither a body nor a statement about one. */
  async function visit(url: string, visit: Visit): Promise<Answer> {
    let at = allowed.check(url);
    for (let hop = 0; ; hop++) {
      const answer = await ask(at, visit);
      if (!REDIRECTS.includes(answer.status)) return judged(answer);
      answer.discard();
      if (hop >= visit.redirects)
        throw new Refusal(
          'redirect',
          `${redactUrl(at)} redirects, which is not followed ${hop === 0 ? 'here' : 'so often'}.`,
        );
      at = allowed.follow(at, answer.headers.location);
    }
  }

  function judged(answer: Answer): Answer {
    const refuse = (refusal: Refusal): never => {
      answer.discard();
      throw refusal;
    };
    const { status, url, headers } = answer;
    const coding = codingOf(answer);
    if (status < 300 && coding !== undefined && !mayBeCoded(url, coding))
      refuse(new Refusal('encoding', `${redactUrl(url)} came compressed, though it was asked for as it is.`));
    if (status === 429 || status === 503) rest.asked(url, headers['retry-after']);
    if (status === 429 || (status >= 500 && status <= 599))
      refuse(
        new Refusal('unreachable', `${redactUrl(url)} answered ${status}; the index is overloaded or out of order.`, {
          transient: true,
        }),
      );
    if (status === 401 || status === 407)
      refuse(new Refusal('unreachable', `${redactUrl(url)} answered ${status}: it wants credentials, or other ones.`));
    return answer;
  }

  function unfit(answer: Answer): Refusal {
    answer.discard();
    return answer.status === 403
      ? new Refusal('unreachable', `${redactUrl(answer.url)} answered 403: we may not read it.`)
      : new Refusal('format', `${redactUrl(answer.url)} answered ${answer.status}, which does not fit the question.`);
  }

  async function documentOnce(url: string, request: DocumentRequest, fresh: boolean, signal: AbortSignal) {
    const answer = await visit(url, { redirects: request.redirects, fresh, pace: limits.documents, signal });
    if (answer.status === 404 || answer.status === 410 || (answer.status === 403 && request.forbiddenIsAbsent)) {
      answer.discard();
      return undefined;
    }
    if (answer.status !== 200) throw unfit(answer);
    return gather(answer, request.limit);
  }

  /** Further attempts, each on a new connection, where one failed for a reason that may pass. */
  async function persist<T>(attempt: (fresh: boolean, signal: AbortSignal) => Promise<T>): Promise<T> {
    const signal = AbortSignal.any([closing.signal, AbortSignal.timeout(limits.documents.deadline)]);
    for (let tried = 0; ; tried++) {
      try {
        return await attempt(tried > 0, signal);
      } catch (error) {
        const worthwhile =
          error instanceof Refusal &&
          ((error.reason === 'unreachable' && error.transient) || error.reason === 'truncated');
        if (!worthwhile || tried >= retries || closing.signal.aborted) throw error;
        const delay = limits.retryDelay * 2 ** tried * (0.5 + Math.random());
        await sleep(delay, undefined, { signal: closing.signal }).catch(() => closing.signal.throwIfAborted());
      }
    }
  }

  function document(url: string, request: DocumentRequest): Promise<Uint8Array | undefined> {
    return persist((fresh, signal) => documentOnce(url, request, fresh, signal));
  }

  const page: Upstream['page'] = (url, { accept, etag, fresh, limit }) =>
    persist(async (again, signal) => {
      const conditional = fresh ? undefined : etag;
      const answer = await visit(url, {
        headers: { accept, ...(conditional !== undefined && { 'if-none-match': conditional }) },
        redirects: limits.redirects,
        fresh: fresh || again,
        pace: limits.documents,
        signal,
      });
      if (answer.status === 304 && conditional !== undefined) {
        answer.discard();
        return { kind: 'unchanged' };
      }
      if (answer.status === 404 || answer.status === 410) {
        answer.discard();
        return { kind: 'absent' };
      }
      if (answer.status !== 200) throw unfit(answer);
      return { kind: 'page', url: answer.url.href, bytes: await wholeBody(answer, limit), ...described(answer) };
    });

  function download(url: string): ReturnType<Upstream['download']> {
    let etag: string | undefined;
    let coded = false;
    return async ({ offset, limit, attempt, signal: caller }) => {
      const signal = AbortSignal.any([caller, closing.signal, AbortSignal.timeout(limits.downloads.deadline)]);
      const open = (fresh: boolean, headers: Readonly<Record<string, string>>) =>
        visit(url, { headers, redirects: limits.redirects, fresh, pace: limits.downloads, signal });
      const whole = (answer: Answer): Download => {
        if (answer.status === 404 || answer.status === 410) {
          answer.discard();
          throw new Refusal('unlisted', `The index lists ${redactUrl(url)}, but answers ${answer.status} for it.`);
        }
        if (answer.status !== 200) throw unfit(answer);
        coded = codingOf(answer) !== undefined;
        etag = coded ? undefined : strongTag(answer);
        return { start: 0, bytes: coded ? gunzipped(answer, limit) : takingBack(answer.body(limit)) };
      };
      const fresh = attempt > 1;
      // What is held was unpacked: an offset in it means nothing to upstream.
      if (offset === 0 || coded) return whole(await open(fresh, {}));

      const known = etag;
      const answer = await open(fresh, {
        range: `bytes=${offset}-`,
        ...(known !== undefined && { 'if-range': known }),
      });
      if (answer.status === 416 || (answer.status === 206 && !continues(answer, offset, known))) {
        // Not the rest of what we hold: from the start, then.
        answer.discard();
        return whole(await open(true, {}));
      }
      return answer.status === 206 ? { start: offset, bytes: takingBack(answer.body(limit - offset)) } : whole(answer);
    };
  }

  return {
    document,
    page,
    bytes: (url, limit) => document(url, { limit, redirects: limits.redirects, forbiddenIsAbsent: false }),
    download,
    mayFetch: allowed.mayFetch,
    close() {
      closing.abort(new Refusal('unreachable', 'This mirror is stopping.', { transient: true }));
      connections.close();
    },
  };
}

async function gather(answer: Answer, limit: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of answer.body(limit)) chunks.push(chunk);
  return alone(Buffer.concat(chunks));
}

/** No signature tells a cut page from a whole one, so its framing must (faults 62): a body that ends with its connection does not. */
function wholeBody(answer: Answer, limit: number): Promise<Uint8Array> {
  const chunked = /(^|,)\s*chunked\s*$/i.test(answer.headers['transfer-encoding'] ?? '');
  if (answer.length !== undefined || chunked) return gather(answer, limit);
  answer.discard();
  throw new Refusal(
    'truncated',
    `${redactUrl(answer.url)} came without a length, so nobody can tell whether it was cut.`,
  );
}

/** What the headers say of a page, each read strictly or not at all. */
function described({ headers }: Answer) {
  const serial = /^\d{1,15}$/.exec(headers['x-pypi-last-serial']?.toString() ?? '')?.[0];
  const maxAge = /(?:^|,)\s*max-age=(\d{1,9})\s*(?:,|$)/i.exec(headers['cache-control'] ?? '')?.[1];
  return {
    contentType: headers['content-type'] ?? '',
    etag: headers.etag,
    serial: serial === undefined ? undefined : Number(serial),
    maxAge: maxAge === undefined ? undefined : Number(maxAge),
  };
}

/** Frees each chunk when the next is asked for: left to the garbage collector, a large file would pile up 64 MiB of them. */
async function* takingBack(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of chunks) {
    yield chunk;
    const { buffer } = chunk;
    // Only memory that is this chunk's alone.
    if (buffer instanceof ArrayBuffer && buffer.byteLength === chunk.byteLength) buffer.transfer(0);
  }
}

/** RFC 9110 §14.4: one range, from exactly where we stopped to the end, of the representation we began with. */
function continues(answer: Answer, offset: number, etag: string | undefined): boolean {
  if (codingOf(answer) !== undefined) return false;
  const range = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15}|\*)$/.exec(answer.headers['content-range'] ?? '');
  if (range === null || Number(range[1]) !== offset) return false;
  if (range[3] !== '*' && Number(range[2]) + 1 !== Number(range[3])) return false;
  if (answer.length !== undefined && answer.length !== Number(range[2]) + 1 - offset) return false;
  return etag === undefined || answer.headers.etag === undefined || answer.headers.etag === etag;
}

/** If-Range takes strong tags only (RFC 9110 §13.1.5). */
function strongTag(answer: Answer): string | undefined {
  const tag = answer.headers.etag;
  return tag?.startsWith('"') ? tag : undefined;
}
