/** Bytes of an answer, a piece at a time, as many together as `length` says. */
interface AnswerParts {
  readonly length: number;
  readonly pieces: () => AsyncIterable<Uint8Array>;
}

let make: (parts: AnswerParts) => AdvisoryAnswer;

/**
 * What the feed in force says, in the shapes of OSV's API: ids out of it, and records byte for byte as its archive has them,
 * each held to the archive's checksum before it is handed on. Nothing else vouches for it.
 */
export class AdvisoryAnswer {
  readonly #parts: AnswerParts;

  private constructor(parts: AnswerParts) {
    this.#parts = parts;
  }

  static {
    make = (parts) => new AdvisoryAnswer(parts);
  }

  static is(value: unknown): value is AdvisoryAnswer {
    return typeof value === 'object' && value !== null && #parts in value;
  }

  /** Bytes. */
  get length(): number {
    return this.#parts.length;
  }

  /** Throws Refusal `state` where a record cannot be read any more. */
  pieces(): AsyncIterable<Uint8Array> {
    return this.#parts.pieces();
  }
}

/** Who may import this: test/architecture/makers.ts. */
export function makeAdvisoryAnswer(parts: AnswerParts): AdvisoryAnswer {
  return make({ ...parts });
}
