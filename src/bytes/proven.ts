import type { Digests } from './digest.ts';
import { Expected } from './expected.ts';
import { mustBe, type ReadonlyBytes } from './proof.ts';
import { checkBytes } from './prover.ts';

let make: (bytes: Uint8Array, sha256: string, digests: Digests) => Proven;

/** Whole bytes that are what was expected of them. Only `prove` makes one; never written to afterwards. */
export class Proven {
  readonly #bytes: Uint8Array;
  readonly #sha256: string;
  readonly #digests: Digests;

  private constructor(bytes: Uint8Array, sha256: string, digests: Digests) {
    this.#bytes = bytes;
    this.#sha256 = sha256;
    this.#digests = digests;
  }

  static {
    make = (bytes, sha256, digests) => new Proven(bytes, sha256, digests);
  }

  static is(value: unknown): value is Proven {
    return typeof value === 'object' && value !== null && #sha256 in value;
  }

  get bytes(): ReadonlyBytes {
    return this.#bytes;
  }

  get sha256(): string {
    return this.#sha256;
  }

  /** Every digest that was computed over them, sha256 among them. */
  get digests(): Digests {
    return this.#digests;
  }
}

/** Checks length, then every listed digest; throws `length`, `digest` or `algorithm`. The bytes are taken over. */
export function prove(bytes: Uint8Array, expected: Expected): Proven {
  const sha256 = checkBytes(bytes, mustBe(Expected, expected));
  return make(bytes, sha256, new Map([...expected.digests, ['sha256', sha256]]));
}
