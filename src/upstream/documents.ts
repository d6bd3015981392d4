import { setTimeout as sleep } from 'node:timers/promises';
import { type Caller, withSignal } from '../async/caller.ts';
import { deadline } from '../async/timeout.ts';
import { alone } from '../bytes/copy-out-of-pool.ts';
import type { Instant } from '../bytes/instant.ts';
import { Refusal } from '../bytes/refusal.ts';
import type { DocumentAnswer, DocumentRequest, Upstream } from '../ports/upstream.ts';
import { type Absences, UNWITNESSED } from './absence.ts';
import { codingOf, DOCUMENT_CODINGS, labelOf, unpacked } from './decoded.ts';
import { Elsewhere, redactUrl } from './destinations.ts';
import type { Answer } from './exchange.ts';
import { overdue } from './failures.ts';
import type { UpstreamLimits } from './limits.ts';
import type { Silence } from './silence.ts';
import { type Lane, type MakeVisit, saysWhy, unfit, type Visited } from './visit.ts';
import { whyOf } from './words.ts';

interface DocumentDeps {
  readonly visit: MakeVisit;
  readonly absences: Absences;
  readonly silence: Pick<Silence, 'refusal'>;
  readonly lane: Lane;
  readonly limits: UpstreamLimits;
  /** Further attempts after the first failed. */
  readonly retries: number;
  readonly heard?: ((there: Instant) => void) | undefined;
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
  const { limits, retries, silence } = deps;
  const { signal } = caller;
  for (let tried = 0; ; tried++) {
    try {
      return await attempt(deps, request, caller, tried > 0);
    } catch (error) {
      if (!mayPass(error) || tried >= retries) throw error;
      if (silence.refusal(new URL(request.url)) !== undefined) throw error;
      const delay = limits.retryDelay * 2 ** tried * (0.5 + Math.random());
      await sleep(delay, undefined, { signal }).catch(() => signal.throwIfAborted());
    }
  }
}

async function attempt(
  { visit, lane, limits, absences, heard }: DocumentDeps,
  request: DocumentRequest,
  caller: Caller,
  again: boolean,
): Promise<DocumentAnswer> {
  const { url, accept, etag, fresh, held } = request;
  const headers = {
    'accept-encoding': DOCUMENT_CODINGS,
    ...(accept !== undefined && { accept }),
    ...(etag !== undefined && !fresh && { 'if-none-match': etag }),
  };
  try {
    const answer = await visit(url, {
      headers,
      redirects: limits.redirects,
      fresh: fresh || again,
      held,
      lane,
      caller,
    });
    const there = dateOf(answer.headers);
    if (there !== undefined) heard?.(there);
    return await read(answer, request, absences, caller);
  } catch (error) {
    if (!(error instanceof Elsewhere)) throw error;
    const saying = { url, status: 0, elsewhere: error.to, authorized: false };
    const meaning = await absences.meaning(saying, caller, fresh);
    if (meaning === 'absent') return { kind: 'absent' };
    throw meaning === 'unwitnessed' ? error.because(UNWITNESSED) : error;
  }
}

const HINT = ' Where that is how it says that it has no such thing, say so: absent: { statuses: [403] }, or --kind.';

function mayPass(error: unknown): boolean {
  return (
    error instanceof Refusal && ((error.reason === 'unreachable' && error.transient) || error.reason === 'truncated')
  );
}

async function read(
  answer: Visited,
  request: DocumentRequest,
  absences: Absences,
  caller: Caller,
): Promise<DocumentAnswer> {
  const { status, authorized } = answer;
  const { url } = request;
  if (status === 304 && request.etag !== undefined && !request.fresh) {
    absences.heard(url);
    return without(answer, 'unchanged');
  }
  if (status === 404 || status === 410 || (status === 403 && request.forbiddenIsAbsent === true))
    return without(answer, 'absent');
  if (saysWhy(answer)) {
    const why = await whyOf(answer);
    const meaning = await absences.meaning({ url, status, why, authorized }, caller, request.fresh);
    if (meaning === 'absent') return { kind: 'absent' };
    throw unfit(answer, why, meaning === 'unwitnessed' ? ` ${UNWITNESSED}` : HINT);
  }
  if (status !== 200) throw unfit(answer);
  const bytes = await gather(answer, request.limit);
  // gzip and zstd have an end of their own.
  const unframed = request.proved !== true && labelOf(answer) === undefined && !answer.framed;
  if (unframed && !isCompleteByItself(bytes)) throw unframedCut(answer);
  absences.heard(url);
  return { kind: 'document', url: answer.url.href, bytes, ...(unframed && { unframed }), ...described(answer) };
}

function without<K extends 'unchanged' | 'absent'>(answer: Answer, kind: K): { readonly kind: K } {
  answer.discard();
  return { kind };
}

/** A body that ends with its connection may have been cut, unless its own last words are there: of HTML its end tag, of JSON its closing brace (whoever reads it sees whether that closes the first). */
function isCompleteByItself(bytes: Uint8Array): boolean {
  const start = Buffer.from(bytes.subarray(0, LAST_WORDS)).toString('latin1').trimStart();
  const end = Buffer.from(bytes.subarray(-LAST_WORDS)).toString('latin1').trimEnd();
  return start.startsWith('{') ? end.endsWith('}') : /<\/html\s*>(?:\s|<!--[^<>]*-->)*$/i.test(end);
}

const LAST_WORDS = 256;

function unframedCut({ url }: Answer): Refusal {
  return new Refusal(
    'truncated',
    `${redactUrl(url)} came without a length and without an end of its own, so nobody can tell whether it was cut.`,
  );
}

async function gather(answer: Answer, limit: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of plain(answer, limit)) chunks.push(chunk);
  const whole = alone(Buffer.concat(chunks));
  // Left to the garbage collector, what a large document came in would lie there as long as it does.
  for (const { buffer, byteLength } of chunks)
    if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength && buffer !== whole.buffer)
      buffer.transfer(0);
  return whole;
}

/** As it is without its coding, in which it was asked for: lengths and digests are of that. */
function plain(answer: Answer, limit: number): AsyncIterable<Uint8Array> {
  const label = labelOf(answer);
  if (label === undefined) return answer.body(limit);
  try {
    return unpacked(answer, codingOf(label, answer.url), limit);
  } catch (error) {
    answer.discard();
    throw error;
  }
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
