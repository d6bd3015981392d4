import type { ReadonlyBytes } from './proof.ts';

/** A document that nothing vouches for, as it is passed on. */
export interface UnverifiedParts {
  readonly bytes: Uint8Array;
  readonly contentType: string;
  /** Seconds it may be kept. */
  readonly maxAge: number;
  /** PyPI's count of changes that upstream says this document is at; bandersnatch takes none without. */
  readonly serial?: number | undefined;
}

let make: (parts: UnverifiedParts) => UnverifiedDocument;

/**
 * A document that nothing vouches for (legacy JSON, provenance not verified, detached signatures): complete and within
 * its limit, and no more than that. Never immutable; served with `Verbatim-Evidence: none`.
 */
export class UnverifiedDocument {
  readonly #parts: UnverifiedParts;

  private constructor(parts: UnverifiedParts) {
    this.#parts = parts;
  }

  static {
    make = (parts) => new UnverifiedDocument(parts);
  }

  static is(value: unknown): value is UnverifiedDocument {
    return typeof value === 'object' && value !== null && #parts in value;
  }

  get bytes(): ReadonlyBytes {
    return this.#parts.bytes;
  }

  get contentType(): string {
    return this.#parts.contentType;
  }

  get maxAge(): number {
    return this.#parts.maxAge;
  }

  get serial(): number | undefined {
    return this.#parts.serial;
  }
}

/** Who may import this: test/architecture/makers.ts. */
export function makeUnverifiedDocument(parts: UnverifiedParts): UnverifiedDocument {
  return make({ ...parts });
}
