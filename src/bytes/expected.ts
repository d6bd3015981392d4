import type { Digests, Statement } from './digest.ts';

let make: (length: number | undefined, digests: Digests) => Expected;

/** What bytes must be before they are believed: as a verified role or a believed page states it. */
export class Expected implements Statement {
  readonly #length: number | undefined;
  readonly #digests: Digests;

  private constructor(length: number | undefined, digests: Digests) {
    this.#length = length;
    this.#digests = digests;
  }

  static {
    make = (length, digests) => new Expected(length, digests);
  }

  static is(value: unknown): value is Expected {
    return typeof value === 'object' && value !== null && #digests in value;
  }

  get length(): number | undefined {
    return this.#length;
  }

  get digests(): Digests {
    return this.#digests;
  }

  /** Everything that either states; undefined where they contradict each other. */
  and(other: Expected): Expected | undefined {
    for (const [algorithm, hex] of other.#digests) if ((this.#digests.get(algorithm) ?? hex) !== hex) return undefined;
    const length = other.#length ?? this.#length;
    if ((this.#length ?? length) !== length) return undefined;
    return new Expected(length, new Map([...this.#digests, ...other.#digests]));
  }
}

/** Who may import this: test/architecture/makers.ts. */
export function makeExpected({ length, digests }: Statement): Expected {
  return make(length, new Map(digests));
}
