import { setTimeout as sleep } from 'node:timers/promises';
import { type Caller, withSignal } from '../async/caller.ts';
import { deadline } from '../async/timeout.ts';
import { alone } from '../bytes/copy-out-of-pool.ts';
import type { Instant } from '../bytes/instant.ts';
import { Refusal } from '../bytes/refusal.ts';
import type { DocumentAnswer, DocumentRequest, Upstream } from '../ports/upstream.ts';
import { redactUrl } from './destinations.ts';
import type { Answer } from './exchange.ts';
import { overdue } from './failures.ts';
import type { UpstreamLimits } from './limits.ts';
import { type Lane, type MakeVisit, unfit } from './visit.ts';

interface DocumentDeps {
  readonly visit: MakeVisit;
  readonly lane: Lane;
  readonly limits: UpstreamLimits;
  /** Further attempts after the first failed. */
  readonly retries: number;
  readonly closing: AbortSignal;
}

export function createDocuments(deps: DocumentDeps): Upstream['document'] {
  return async (request, caller) => {
    const { lane, closing } = deps;
    const until = deadline(lane.pace.deadline, () => overdue(request.url), caller.signal, closing);
    try {
      return await persist(deps, request, withSignal(caller, until.signal));
    } finally {
      until.clear();
    }
  };
}

/** Further attempts, each on a new connection, where one failed for a reason that may pass. */
async function persist(deps: DocumentDeps, request: DocumentRequest, caller: Caller): Promise<DocumentAnswer> {
  const { limits, retries } = deps;
  const { signal } = caller;
  for (let tried = 0; ; tried++) {
    try {
      return await attempt(deps, request, caller, tried > 0);
    } catch (error) {
      if (!mayPass(error) || tried >= retries || signal.aborted) throw error;
      const delay = limits.retryDelay * 2 ** tried * (0.5 + Math.random());
      await sleep(delay, undefined, { signal }).catch(() => signal.throwIfAborted());
    }
  }
}

async function attempt(
  { visit, lane, limits }: DocumentDeps,
  request: DocumentRequest,
  caller: Caller,
  again: boolean,
): Promise<DocumentAnswer> {
  const { url, accept, etag, fresh, redirects = true } = request;
  const headers = {
    ...(accept !== undefined && { accept }),
    ...(etag !== undefined && !fresh && { 'if-none-match': etag }),
  };
  const most = redirects ? limits.redirects : 0;
  return read(await visit(url, { headers, redirects: most, fresh: fresh || again, lane, caller }), request);
}

function mayPass(error: unknown): boolean {
  return (
    error instanceof Refusal && ((error.reason === 'unreachable' && error.transient) || error.reason === 'truncated')
  );
}

async function read(answer: Answer, request: DocumentRequest): Promise<DocumentAnswer> {
  const { status } = answer;
  if (status === 304 && request.etag !== undefined && !request.fresh) return without(answer, 'unchanged');
  if (status === 404 || status === 410 || (status === 403 && request.forbiddenIsAbsent === true))
    return without(answer, 'absent');
  if (status !== 200) throw unfit(answer);
  if (request.proved !== true) refuseUnframed(answer);
  return { kind: 'document', url: answer.url.href, bytes: await gather(answer, request.limit), ...described(answer) };
}

function without<K extends 'unchanged' | 'absent'>(answer: Answer, kind: K): { readonly kind: K } {
  answer.discard();
  return { kind };
}

/** A body that ends with its connection may have been cut, and nothing else would tell. */
function refuseUnframed(answer: Answer): void {
  const chunked = /(^|,)\s*chunked\s*$/i.test(answer.headers['transfer-encoding'] ?? '');
  if (answer.length !== undefined || chunked) return;
  answer.discard();
  throw new Refusal(
    'truncated',
    `${redactUrl(answer.url)} came without a length, so nobody can tell whether it was cut.`,
  );
}

async function gather(answer: Answer, limit: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of answer.body(limit)) chunks.push(chunk);
  return alone(Buffer.concat(chunks));
}

/** What the headers say of a document, each read strictly or not at all. */
function described({ headers }: Answer) {
  const serial = /^\d{1,15}$/.exec(headers['x-pypi-last-serial']?.toString() ?? '')?.[0];
  const maxAge = /(?:^|,)\s*max-age=(\d{1,9})\s*(?:,|$)/i.exec(headers['cache-control'] ?? '')?.[1];
  return {
    contentType: headers['content-type'] ?? '',
    etag: headers.etag,
    serial: serial === undefined ? undefined : Number(serial),
    maxAge: maxAge === undefined ? undefined : Number(maxAge),
    date: dateOf(headers),
  };
}

function dateOf({ date = '', age = '0' }: Answer['headers']): Instant | undefined {
  const sent = IMF_FIXDATE.test(date) ? Date.parse(date) : Number.NaN;
  return Number.isNaN(sent) || !/^\d{1,9}$/.test(age) ? undefined : sent / 1000 + Number(age);
}

/** RFC 9110 §5.6.7; what every server sends. */
const IMF_FIXDATE = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/;
