import type { Reason, Refusal, Subject } from '../../bytes/refusal.ts';
import type { Route } from '../../ports/events.ts';
import { ABSENT_MAX_AGE, MAX_WORDS } from '../limits.ts';
import { type Answer, BAD_REQUEST, BUSY, MAX_PHRASE, makeAnswer, NO_LIST, NOTHING_HERE } from './answers.ts';
import { KINDS, type Kind } from './kinds.ts';

const THING: Readonly<Record<Subject, string>> = {
  root: 'the root metadata',
  timestamp: 'the timestamp metadata',
  snapshot: 'the snapshot metadata',
  targets: 'the targets metadata',
  delegated: 'the delegated metadata',
  page: 'this project page',
  list: 'the project list',
  file: 'this file',
  'core-metadata': 'this core metadata',
  target: 'this target',
  state: 'its own stored state',
  request: 'this request',
};

/**
 * The answer to a refusal: reason and subject decide, and whether it was a file that was asked for; its own words are
 * added where they are the index's affair.
 */
export function answerTo(refusal: Refusal, route?: Route): Answer {
  const { reason, subject, transient } = refusal;
  if (subject === 'request') return malformed(reason, transient);
  if (subject === 'list' && (reason === 'policy' || reason === 'unlisted')) return NO_LIST;
  if (reason === 'limit' && transient) return busy(refusal);
  if (reason === 'policy' && transient) return undecided(refusal);
  if (reason === 'forbidden' && subject !== undefined && FILES.has(subject)) return forbidden(refusal, subject);
  const kind = KINDS[reason];
  const thing =
    subject === undefined ? 'this' : reason === 'unlisted' && subject === 'page' ? 'this project' : THING[subject];
  const quoted = kind.quotes === true ? refusal.message : refusal.said?.words;
  const words = quoted === undefined || quoted === '' ? '' : ` (${plain(quoted)})`;
  const refused = kind.status === 502;
  const retryAfter = kind.retryAfter ?? (refused && transient ? 1 : undefined);
  return makeAnswer({
    status: statusOf(kind, transient, route),
    phrase: refused ? `Verbatim refused ${thing}: ${kind.words}` : kind.words.replace('THING', thing),
    happened: kind.happened + words,
    kept: kind.kept,
    next: kind.next,
    reason,
    retryAfter: transient ? (refusal.retryIn ?? retryAfter) : retryAfter,
    maxAge: reason === 'unlisted' && subject === 'page' ? (refusal.keptFor ?? ABSENT_MAX_AGE) : undefined,
  });
}

/** Of these every installer shows the sentence of a 403 at once, where a 502 is tried five times more and then told without it. */
const INSTALLED: ReadonlySet<Route> = new Set<Route>(['file', 'core-metadata']);

function statusOf({ status, mayPass = false }: Kind, transient: boolean, route: Route | undefined): Kind['status'] {
  if (status !== 502) return status;
  // The same bytes may be right a moment later: no verdict on upstream, an invitation to come again.
  if (transient) return 503;
  return route !== undefined && INSTALLED.has(route) && !mayPass ? 403 : 502;
}

/** A 4xx about one of these ends an installation; about a page it would send the installer to its next index. */
const FILES: ReadonlySet<Subject> = new Set(['file', 'core-metadata', 'target']);

/** Upstream's own refusal, with the status and the words that it gave: installers show them, and do not ask again. */
function forbidden({ reason, said }: Refusal, subject: Subject): Answer {
  const words = plain(said?.words ?? '');
  const { happened, next } = KINDS[reason];
  const phrase = `Upstream forbids ${THING[subject]}${words === '' ? '' : `: ${words}`}`;
  return makeAnswer({
    status: said?.status ?? 403,
    phrase: phrase.replace(/[^\x20-\x7e]/g, '?').slice(0, MAX_PHRASE),
    happened: words === '' ? happened : `${happened} It says: ${words}`,
    next,
    reason,
  });
}

/** What a rule cannot decide now: no verdict, and no reason to take something else. */
function undecided({ reason, message, retryIn = 1 }: Refusal): Answer {
  return makeAnswer({
    status: 503,
    phrase: 'Policy of this mirror cannot be applied to this file now; try again in a moment',
    happened: plain(message),
    kept: 'Nothing was found wrong with it.',
    next: 'Try again in a moment.',
    reason,
    retryAfter: retryIn,
  });
}

/** What is full, in the words of whatever is; those of our own state may name paths. */
function busy({ message, subject }: Refusal): Answer {
  if (subject === 'state') return BUSY;
  const { status, reason, retryAfter, retrySpread } = BUSY;
  const [, first, rest] = FIRST_SENTENCE.exec(message) ?? [];
  const phrase = first === undefined ? BUSY.phrase : `Verbatim is busy: ${first.toLowerCase()}${rest}`;
  return makeAnswer({ status, phrase, happened: plain(message), next: '', reason, retryAfter, retrySpread });
}

/** In ASCII, and short enough for a reason phrase. */
const FIRST_SENTENCE = /^([A-Z])([ -~]{1,99}?)\.(?: |$)/;

function malformed(reason: Reason, transient: boolean): Answer {
  if (transient) return BUSY;
  return reason === 'unlisted' ? NOTHING_HERE : BAD_REQUEST.because(reason);
}

/** One line of bounded printable text: a refusal may quote what upstream sent. */
function plain(message: string): string {
  const line = message.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ').toWellFormed();
  return line.length > MAX_WORDS ? `${line.slice(0, MAX_WORDS)}…`.toWellFormed() : line;
}
