import { type Reason, Refusal } from '../bytes/refusal.ts';
import type { Answer } from './exchange.ts';

/** What a body that is labelled with a coding is taken for: stored so, and the digest is of that; or coded on its way. */
export type Reading = 'as it came' | 'unpacked';

const NEVER: ReadonlySet<Reason> = new Set();
const NO_CODING: ReadonlySet<Reason> = new Set(['encoding']);
const NO_CODING_OR_TOO_LARGE: ReadonlySet<Reason> = new Set(['encoding', 'limit']);

/**
 * Which reading of a labelled file is tried next. Servers label what they store by its name (`.tar.gz` as gzip), and others code
 * what they send: the label does not tell which. The digest does, so the second is tried where the first proved wrong.
 */
export class Readings {
  readonly #length: number | undefined;
  readonly #isMetadata: boolean;
  /** Those that proved wrong. */
  readonly #wrong = new Set<Reading>();
  #came: Reading | undefined;
  /** With what unpacking fails where the other reading may be right. */
  #excuses = NEVER;

  /** `length`: what the file must have, where that is known. */
  constructor(url: string, length: number | undefined) {
    this.#length = length;
    this.#isMetadata = URL.canParse(url) && new URL(url).pathname.endsWith('.metadata');
  }

  /** The reading of an answer that begins at the start. */
  next({ length }: Pick<Answer, 'length'>): Reading {
    const first = this.#first(length);
    return this.#wrong.has(first) ? other(first) : first;
  }

  /** The whole body came as this. */
  came(reading: Reading): void {
    this.#came = reading;
  }

  /** The body is asked for from its start: where all of it had come, that proved wrong. */
  begin(): void {
    if (this.#came !== undefined) this.#isWrong(this.#came);
    this.#came = undefined;
  }

  /** What to throw for a body that failed under this reading: `encoding` where the other one is to be tried. */
  failed(reading: Reading, error: unknown): unknown {
    if (reading !== 'unpacked' || !(error instanceof Refusal) || !this.#excuses.has(error.reason)) return error;
    this.#isWrong(reading);
    return error.reason === 'encoding' ? error : new Refusal('encoding', error.message, { cause: error });
  }

  #isWrong(reading: Reading): void {
    if (this.#wrong.size === 2) this.#wrong.clear();
    this.#wrong.add(reading);
  }

  #first(length: number | undefined): Reading {
    if (this.#isMetadata) {
      // Nobody stores it coded; PyPI's file host sends it so.
      this.#excuses = NO_CODING;
      return 'unpacked';
    }
    if (length !== undefined && length === (this.#length ?? length)) {
      this.#excuses = NEVER;
      return 'as it came';
    }
    // What is coded on its way comes in chunks, or has another length than the file.
    this.#excuses = length === undefined ? NO_CODING_OR_TOO_LARGE : NEVER;
    return 'unpacked';
  }
}

function other(reading: Reading): Reading {
  return reading === 'unpacked' ? 'as it came' : 'unpacked';
}
