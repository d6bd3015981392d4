import type { Reason } from '../../bytes/refusal.ts';

/** How a refusal is told. */
export interface Kind {
  /** 502: bytes were refused (of a file 403). 503: nothing was wrong with them, they could not be had or judged now. */
  readonly status: 403 | 404 | 502 | 503;
  /** After "Verbatim refused THING: ", or a sentence of its own in which THING is filled in. */
  readonly words: string;
  readonly happened: string;
  /** What was protected. */
  readonly kept?: string;
  /** What to do. */
  readonly next: string;
  readonly retryAfter?: number;
  /** True where the next try may well get the whole. */
  readonly mayPass?: boolean;
  /** True where the refusal's own words hold nothing but what the index itself published. */
  readonly quotes?: boolean;
}

const KEPT_OUT = 'Nothing of it was kept or sent.';

const TELL =
  'If it stays so, tell the operator of this mirror: the upstream index, or something on the way to it, may have been tampered with.';

/** Of bytes that may have been tampered with. */
const TAMPERED = { kept: KEPT_OUT, next: TELL };

// One row a reason; docs/trust.md has a paragraph for each.
export const KINDS: Readonly<Record<Reason, Kind>> = {
  format: {
    status: 502,
    words: 'not well-formed',
    happened: 'What came from upstream cannot be read without guessing.',
    ...TAMPERED,
    quotes: true,
  },
  limit: {
    status: 502,
    words: 'larger than this mirror accepts',
    happened: 'What came from upstream is larger than the limits of this mirror.',
    kept: KEPT_OUT,
    next: 'Tell the operator of this mirror, whose log says which limit it was.',
  },
  algorithm: {
    status: 502,
    words: 'no digest or key it can check',
    happened: 'The index states no digest or key of a kind this mirror trusts, so nothing can be proved.',
    ...TAMPERED,
    quotes: true,
  },
  threshold: {
    status: 502,
    words: 'not signed by enough trusted keys',
    happened: 'Too few of the keys that may sign it did.',
    ...TAMPERED,
    quotes: true,
  },
  rollback: {
    status: 502,
    words: 'older than what was already proved',
    happened: 'Upstream offers an older version than this mirror has already proved.',
    ...TAMPERED,
    quotes: true,
  },
  expired: {
    status: 503,
    words: 'Upstream signed metadata has expired; Verbatim cannot prove THING now',
    happened:
      'The signatures of the upstream index are past their date, so an attacker could be holding back newer ones.',
    kept: 'Verbatim serves nothing it cannot prove.',
    next: 'Try again when upstream has signed anew.',
    retryAfter: 5,
    quotes: true,
  },
  'mix-and-match': {
    status: 502,
    words: 'parts of different versions were mixed',
    happened: 'Upstream offers signed parts that do not belong together.',
    ...TAMPERED,
    quotes: true,
  },
  length: {
    status: 502,
    words: 'wrong length',
    happened: 'What came from upstream has another length than the index states.',
    ...TAMPERED,
    quotes: true,
  },
  digest: {
    status: 502,
    words: 'digest mismatch',
    happened: 'What came from upstream is not what the index vouches for.',
    ...TAMPERED,
    quotes: true,
  },
  delegation: {
    status: 502,
    words: 'its delegations cannot be followed',
    happened: 'The signed metadata does not lead to an answer within the limits of this mirror.',
    ...TAMPERED,
    quotes: true,
  },
  unlisted: {
    status: 404,
    words: 'This index does not list THING',
    happened: 'The index was read and does not list it.',
    next: 'Check the spelling and the version.',
  },
  changed: {
    status: 502,
    words: 'it differs from what was first seen',
    happened: 'The index now states another digest for a file this mirror has seen before.',
    ...TAMPERED,
    quotes: true,
  },
  regressed: {
    status: 502,
    words: 'the index went back',
    happened: 'Upstream offers an older state than this mirror has already seen.',
    ...TAMPERED,
    quotes: true,
  },
  clock: {
    status: 503,
    words: 'The clock of this mirror is wrong; Verbatim cannot prove THING now',
    happened:
      'The time of this machine is before what it must be, so it cannot tell whether signatures are still valid.',
    kept: 'Verbatim serves nothing it cannot prove.',
    next: 'The operator of this mirror has to set its clock.',
    retryAfter: 5,
  },
  truncated: {
    status: 502,
    words: 'it was cut short on the way',
    happened: 'Upstream ended before the whole had come.',
    kept: 'Nothing of it was sent.',
    next: 'Try again.',
    mayPass: true,
  },
  slow: {
    status: 503,
    words: 'Upstream is too slow; Verbatim does not have THING yet',
    happened: 'The upstream index did not deliver in time.',
    next: 'Try again in a moment.',
    retryAfter: 2,
  },
  unreachable: {
    status: 503,
    words: 'Verbatim cannot reach upstream and does not have THING yet',
    happened: 'The upstream index did not answer, and this mirror holds nothing that it may serve in its place.',
    next: 'Try again in a moment; do not configure a second index meanwhile.',
    retryAfter: 5,
  },
  forbidden: {
    status: 502,
    words: 'the upstream index forbids it',
    happened:
      'Upstream answered that this may not be had: by a policy of its own, or because this mirror may not read it.',
    next: 'Ask the operators of that index.',
  },
  redirect: {
    status: 502,
    words: 'upstream sent it elsewhere',
    happened: 'Upstream redirected to a place this mirror may not fetch from.',
    kept: 'Nothing was fetched there.',
    next: 'The operator of this mirror finds the place in its log, and can allow it where it is trusted.',
  },
  encoding: {
    status: 502,
    words: 'sent in an encoding it did not ask for',
    happened: 'Upstream sent a compressed body where plain bytes were asked for.',
    kept: KEPT_OUT,
    next: 'Tell the operator of this mirror: something on the way to upstream compresses what must stay as it is.',
  },
  foreign: {
    status: 502,
    words: 'it lies on a host that is not allowed',
    happened: 'The index points to a host this mirror may not fetch from.',
    kept: 'Nothing was fetched there.',
    next: 'The operator can allow it with --file-host where it is trusted.',
  },
  state: {
    status: 503,
    words: 'Verbatim cannot use its stored state; THING is not served',
    happened: 'What this mirror had stored cannot be read, written or trusted.',
    next: 'The operator finds the reason in its log and in `verbatim status`.',
    retryAfter: 5,
  },
  policy: {
    status: 403,
    words: 'Policy of this mirror holds back THING',
    happened: 'The operator of this mirror has decided not to serve it.',
    next: 'Ask the operator of this mirror.',
    quotes: true,
  },
  offline: {
    status: 503,
    words: 'Verbatim is offline and does not have THING',
    happened: 'This mirror was told not to ask upstream, and holds nothing that it may serve here.',
    next: 'The operator can sync or import it.',
    retryAfter: 5,
  },
};
