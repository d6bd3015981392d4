import type { Reason } from '../../bytes/refusal.ts';
import { HTML, INTEGRITY, JSON_TYPE, SIMPLE_HTML, SIMPLE_JSON } from '../../pypi/media-types.ts';

interface AnswerParts {
  readonly status: number;
  /** The reason phrase: pip prints it and nothing else, so it is a whole sentence. ASCII, at most MAX_PHRASE. */
  readonly phrase: string;
  readonly happened: string;
  /** What was protected. */
  readonly kept?: string | undefined;
  /** What to do. */
  readonly next: string;
  readonly reason?: Reason | undefined;
  /** Seconds; a small whole number, for Poetry crashes on dates and pip sleeps as long as it is told. */
  readonly retryAfter?: number | undefined;
  /** So many more seconds at most, by chance: whoever was refused together does not come back together. */
  readonly retrySpread?: number | undefined;
  /** Seconds the answer may be kept; absent: not at all. */
  readonly maxAge?: number | undefined;
  readonly allow?: string | undefined;
}

let make: (parts: AnswerParts) => Answer;

/** What a client is told when it does not get what it asked for. */
export class Answer {
  readonly #parts: AnswerParts;

  private constructor(parts: AnswerParts) {
    this.#parts = parts;
  }

  static {
    make = (parts) => new Answer(parts);
  }

  static is(value: unknown): value is Answer {
    return typeof value === 'object' && value !== null && #parts in value;
  }

  get status(): number {
    return this.#parts.status;
  }

  get phrase(): string {
    return this.#parts.phrase;
  }

  /** What happened, what was protected, what to do: in that order, the last two '' where there is nothing to say. */
  get told(): readonly [happened: string, kept: string, next: string] {
    const { happened, kept = '', next } = this.#parts;
    return [happened, kept, next];
  }

  /** The same in one line. */
  get detail(): string {
    return this.told.filter((part) => part !== '').join(' ');
  }

  get reason(): Reason | undefined {
    return this.#parts.reason;
  }

  get retryAfter(): number | undefined {
    return this.#parts.retryAfter;
  }

  get retrySpread(): number | undefined {
    return this.#parts.retrySpread;
  }

  get maxAge(): number | undefined {
    return this.#parts.maxAge;
  }

  get allow(): string | undefined {
    return this.#parts.allow;
  }

  /** The same words with another reason. */
  because(reason: Reason): Answer {
    return new Answer({ ...this.#parts, reason });
  }
}

/** Who may import this: test/architecture/makers.ts. */
export function makeAnswer(parts: AnswerParts): Answer {
  return make({ ...parts });
}

export const MAX_PHRASE = 120;

export const BUSY = makeAnswer({
  status: 503,
  phrase: 'Verbatim is busy; try again in a moment',
  happened: 'Too much is asked of this mirror at this moment.',
  next: 'Try again in a moment.',
  reason: 'limit',
  retryAfter: 1,
  retrySpread: 3,
});

export const TOO_MANY_PASSWORDS = makeAnswer({
  status: 503,
  phrase: 'Verbatim is busy checking passwords; try again in a moment, or use a token',
  happened:
    'More passwords came that were not seen here before than can be checked at once, and from your address as many as from any other.',
  next: 'Try again in a moment. A token is never waited for, nor is a password that was right before.',
  reason: 'limit',
  retryAfter: 1,
  retrySpread: 3,
});

export const NO_CONNECTION = makeAnswer({
  status: 503,
  phrase: 'Verbatim has no connection left for your address; close some, or try again',
  happened: 'As many connections are open as this mirror takes, and your address has as many of them as any other.',
  next: 'Close idle ones, ask for less at once, or try again in a moment. The operator can raise server.max_connections, and behind a proxy has to name it in server.trusted_proxies.',
  reason: 'limit',
  retryAfter: 1,
  retrySpread: 4,
});

export const UNAUTHORIZED = makeAnswer({
  status: 401,
  phrase: 'This mirror wants a user name and password, or a token',
  happened: 'Reading here needs credentials, and none came or they are not right.',
  next: 'Put them into the index address (https://NAME:PASSWORD@...), a netrc file or a keyring; a token goes in as the password, with any name.',
});

export const NO_LIST = makeAnswer({
  status: 501,
  phrase: 'This index publishes no project list; ask for a project by its name',
  happened: 'The upstream index signs no list of its projects, so there is none to prove.',
  next: 'Installers do not need it.',
  reason: 'policy',
});

export const BAD_REQUEST = makeAnswer({
  status: 400,
  phrase: 'Verbatim cannot read this request',
  happened: 'The request is not well-formed HTTP, or its address is not well-formed.',
  next: '',
  reason: 'format',
});

export const TOO_LONG = makeAnswer({
  status: 414,
  phrase: 'This address is too long',
  happened: 'No file or project of any index has an address this long.',
  next: '',
  reason: 'limit',
});

export const NOTHING_HERE = makeAnswer({
  status: 404,
  phrase: 'Nothing is served at this address',
  happened: 'Project pages lie under simple/NAME/.',
  next: 'Point pip or uv at the address that ends in simple/.',
  reason: 'unlisted',
});

export const SIGNED_ELSEWHERE = makeAnswer({
  status: 404,
  phrase: 'This address is over several indexes, and signs nothing',
  happened: 'What one of them signs is relayed at its own address, below its own name.',
  next: 'Point TUF clients there.',
  reason: 'unlisted',
});

export const METHOD_NOT_ALLOWED = makeAnswer({
  status: 405,
  phrase: 'This mirror is only read from',
  happened: 'Only GET and HEAD are answered here.',
  next: 'Search or upload at the index itself.',
  allow: 'GET, HEAD, OPTIONS',
});

export const NOT_ACCEPTABLE = makeAnswer({
  status: 406,
  phrase: 'This page exists as simple v1 JSON and HTML only',
  happened: 'The request takes neither.',
  next: `Ask for ${SIMPLE_JSON}, ${SIMPLE_HTML} or ${HTML}, in Accept or as ?format=.`,
});

export const NOT_PROVENANCE = makeAnswer({
  status: 406,
  phrase: 'This provenance exists as integrity v1 JSON only',
  happened: 'The request takes something else.',
  next: `Ask for ${INTEGRITY} or ${JSON_TYPE} in Accept.`,
});

export const NO_ADDRESS = makeAnswer({
  status: 501,
  phrase: 'This mirror does not know its own address; ask for the project page under simple/',
  happened: 'This document names files by their whole address, and the mirror listens on every address of its machine.',
  next: 'The operator has to set server.public_url (--public-url). Project pages need no such thing.',
});

export const NOT_SATISFIABLE = makeAnswer({
  status: 416,
  phrase: 'This file has no such range',
  happened: 'The range begins after the last byte of the file.',
  next: '',
});

export const OWN_FAULT = makeAnswer({
  status: 500,
  phrase: 'Verbatim met a fault of its own; nothing unproved was sent',
  happened: 'This is a defect of the mirror.',
  next: 'The operator finds it in the log.',
});
