import type { Reason, Refusal, Subject } from '../../bytes/refusal.ts';
import { ABSENT_MAX_AGE, MAX_WORDS } from '../limits.ts';
import { type Answer, BAD_REQUEST, BUSY, MAX_PHRASE, makeAnswer, NO_LIST, NOTHING_HERE } from './answers.ts';

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

interface Kind {
  /** 502: bytes were refused. 503: nothing was wrong with them, they could not be had or judged now. */
  readonly status: 400 | 403 | 404 | 502 | 503;
  /** After "Verbatim refused THING: ", or a sentence of its own in which THING is filled in. */
  readonly words: string;
  readonly detail: string;
  readonly retryAfter?: number;
  /** True where the refusal's own words hold nothing but what the index itself published. */
  readonly quotes?: boolean;
}

const TAMPERED =
  'Nothing of it was kept or sent. If it stays so, tell the operator of this mirror: the upstream index, or something on the way to it, may have been tampered with.';

// One row a reason; docs/trust.md has a paragraph for each.
const KINDS: Readonly<Record<Reason, Kind>> = {
  format: {
    status: 502,
    words: 'not well-formed',
    detail: `What came from upstream cannot be read without guessing. ${TAMPERED}`,
    quotes: true,
  },
  limit: {
    status: 502,
    words: 'larger than this mirror accepts',
    detail: 'What came from upstream is larger than the limits of this mirror. Nothing of it was kept or sent.',
  },
  algorithm: {
    status: 502,
    words: 'no digest or key it can check',
    detail: `The index states no digest or key of a kind this mirror trusts, so nothing can be proved. ${TAMPERED}`,
    quotes: true,
  },
  threshold: {
    status: 502,
    words: 'not signed by enough trusted keys',
    detail: `Too few of the keys that may sign it did. ${TAMPERED}`,
    quotes: true,
  },
  rollback: {
    status: 502,
    words: 'older than what was already proved',
    detail: `Upstream offers an older version than this mirror has already proved. ${TAMPERED}`,
    quotes: true,
  },
  expired: {
    status: 503,
    words: 'Upstream signed metadata has expired; Verbatim cannot prove THING now',
    detail:
      'The signatures of the upstream index are past their date, so an attacker could be holding back newer ones. Verbatim serves nothing it cannot prove. Try again when upstream has signed anew.',
    retryAfter: 5,
    quotes: true,
  },
  'mix-and-match': {
    status: 502,
    words: 'parts of different versions were mixed',
    detail: `Upstream offers signed parts that do not belong together. ${TAMPERED}`,
    quotes: true,
  },
  length: {
    status: 502,
    words: 'wrong length',
    detail: `What came from upstream has another length than the index states. ${TAMPERED}`,
    quotes: true,
  },
  digest: {
    status: 502,
    words: 'digest mismatch',
    detail: `What came from upstream is not what the index vouches for. ${TAMPERED}`,
    quotes: true,
  },
  delegation: {
    status: 502,
    words: 'its delegations cannot be followed',
    detail: `The signed metadata does not lead to an answer within the limits of this mirror. ${TAMPERED}`,
    quotes: true,
  },
  unlisted: {
    status: 404,
    words: 'This index does not list THING',
    detail: 'The index was read and does not list it. Check the spelling and the version.',
  },
  changed: {
    status: 502,
    words: 'it differs from what was first seen',
    detail: `The index now states another digest for a file this mirror has seen before. ${TAMPERED}`,
    quotes: true,
  },
  regressed: {
    status: 502,
    words: 'the index went back',
    detail: `Upstream offers an older state than this mirror has already seen. ${TAMPERED}`,
    quotes: true,
  },
  clock: {
    status: 503,
    words: 'The clock of this mirror is wrong; Verbatim cannot prove THING now',
    detail:
      'The time of this machine is before what it must be, so it cannot tell whether signatures are still valid. The operator of this mirror has to set its clock.',
    retryAfter: 5,
  },
  truncated: {
    status: 502,
    words: 'it was cut short on the way',
    detail: 'Upstream ended before the whole had come. Nothing of it was kept or sent. Try again.',
  },
  slow: {
    status: 503,
    words: 'Upstream is too slow; Verbatim does not have THING yet',
    detail: 'The upstream index did not deliver in time. Try again in a moment.',
    retryAfter: 2,
  },
  unreachable: {
    status: 503,
    words: 'Verbatim cannot reach upstream and does not have THING yet',
    detail:
      'The upstream index did not answer, and this mirror holds no proved copy. Try again in a moment; do not configure a second index meanwhile.',
    retryAfter: 5,
  },
  forbidden: {
    status: 502,
    words: 'the upstream index forbids it',
    detail:
      'Upstream answered that this may not be had: by a policy of its own, or because this mirror may not read it. Ask the operators of that index.',
  },
  redirect: {
    status: 502,
    words: 'upstream sent it elsewhere',
    detail: 'Upstream redirected to a place this mirror may not fetch from. Nothing was fetched there.',
  },
  encoding: {
    status: 502,
    words: 'sent in an encoding it did not ask for',
    detail: 'Upstream sent a compressed body where plain bytes were asked for. Nothing of it was kept or sent.',
  },
  foreign: {
    status: 502,
    words: 'it lies on a host that is not allowed',
    detail:
      'The index points to a host this mirror may not fetch from. The operator can allow it with --file-host where it is trusted.',
  },
  state: {
    status: 503,
    words: 'Verbatim cannot use its stored state; THING is not served',
    detail:
      'What this mirror had stored cannot be read, written or trusted. The operator finds the reason in its log and in `verbatim status`.',
    retryAfter: 5,
  },
  policy: {
    status: 403,
    words: 'Policy of this mirror holds back THING',
    detail: 'The operator of this mirror has decided not to serve it.',
    quotes: true,
  },
  offline: {
    status: 503,
    words: 'Verbatim is offline and does not have THING',
    detail: 'This mirror was told not to ask upstream, and holds no proved copy. The operator can sync or import it.',
    retryAfter: 5,
  },
};

/** The answer to a refusal: reason and subject decide, its own words are added where they are the index's affair. */
export function answerTo(refusal: Refusal): Answer {
  const { reason, subject, transient } = refusal;
  if (subject === 'request') return malformed(reason, transient);
  if (subject === 'list' && (reason === 'policy' || reason === 'unlisted')) return NO_LIST;
  if (reason === 'limit' && transient) return busy(refusal);
  if (reason === 'forbidden' && subject !== undefined && FILES.has(subject)) return forbidden(refusal, subject);
  const kind = KINDS[reason];
  const thing =
    subject === undefined ? 'this' : reason === 'unlisted' && subject === 'page' ? 'this project' : THING[subject];
  const quoted = kind.quotes === true ? refusal.message : refusal.said?.words;
  const detail = quoted === undefined || quoted === '' ? kind.detail : `${kind.detail} (${plain(quoted)})`;
  const refused = kind.status === 502;
  return makeAnswer({
    // The same bytes may be right a moment later: no verdict on upstream, an invitation to come again.
    status: refused && transient ? 503 : kind.status,
    phrase: refused ? `Verbatim refused ${thing}: ${kind.words}` : kind.words.replace('THING', thing),
    detail,
    reason,
    retryAfter: kind.retryAfter ?? (refused && transient ? 1 : undefined),
    maxAge: reason === 'unlisted' && subject === 'page' ? (refusal.keptFor ?? ABSENT_MAX_AGE) : undefined,
  });
}

/** A 4xx about one of these ends an installation; about a page it would send the installer to its next index. */
const FILES: ReadonlySet<Subject> = new Set(['file', 'core-metadata', 'target']);

/** Upstream's own refusal, with the status and the words that it gave: installers show them, and do not ask again. */
function forbidden({ reason, said }: Refusal, subject: Subject): Answer {
  const words = plain(said?.words ?? '');
  const { detail } = KINDS[reason];
  const phrase = `Upstream forbids ${THING[subject]}${words === '' ? '' : `: ${words}`}`;
  return makeAnswer({
    status: said?.status ?? 403,
    phrase: phrase.replace(/[^\x20-\x7e]/g, '?').slice(0, MAX_PHRASE),
    detail: words === '' ? detail : `${detail} It says: ${words}`,
    reason,
  });
}

/** What is full, in the words of whatever is; those of our own state may name paths. */
function busy({ message, subject }: Refusal): Answer {
  if (subject === 'state') return BUSY;
  const { status, reason, retryAfter, retrySpread } = BUSY;
  const [, first, rest] = FIRST_SENTENCE.exec(message) ?? [];
  const phrase = first === undefined ? BUSY.phrase : `Verbatim is busy: ${first.toLowerCase()}${rest}`;
  return makeAnswer({ status, phrase, detail: plain(message), reason, retryAfter, retrySpread });
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
