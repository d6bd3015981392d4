import type { Digests } from './digest.ts';
import { type Expected, makeExpected } from './expected.ts';

// What is known of a file that nobody states a usable digest of. Two classes of their own, so that neither can pass for what
// a page or a signature states: a sighting is whole bytes and no more; a first sight is a sighting that was looked into, or
// what a pin remembers of one. Only the latter says what bytes must be.

let makeSight: (sha256: string, size: number) => Sighting;
let believe: (expected: Expected) => FirstSight;

/** Bytes that came whole and are stored, under whatever digest they have. It proves nothing, and no door takes it. */
export class Sighting {
  readonly #sha256: string;
  readonly #size: number;

  private constructor(sha256: string, size: number) {
    this.#sha256 = sha256;
    this.#size = size;
  }

  static {
    makeSight = (sha256, size) => new Sighting(sha256, size);
  }

  static is(value: unknown): value is Sighting {
    return typeof value === 'object' && value !== null && #sha256 in value;
  }

  get sha256(): string {
    return this.#sha256;
  }

  /** Bytes. */
  get size(): number {
    return this.#size;
  }
}

/** What a file must be for ever, because it was so when it was first seen: weaker than any digest that somebody states. */
export class FirstSight {
  readonly #expected: Expected;

  private constructor(expected: Expected) {
    this.#expected = expected;
  }

  static {
    believe = (expected) => new FirstSight(expected);
  }

  static is(value: unknown): value is FirstSight {
    return typeof value === 'object' && value !== null && #expected in value;
  }

  get expected(): Expected {
    return this.#expected;
  }
}

/** Who may import this: test/architecture/makers.ts. */
export function makeSighting(sha256: string, size: number): Sighting {
  return makeSight(sha256, size);
}

/** What a pin of a first sight remembers. Who may import this: test/architecture/makers.ts. */
export function rememberSight(digests: Digests): FirstSight {
  return believe(makeExpected({ digests }));
}
