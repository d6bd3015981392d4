import { Expected } from './expected.ts';
import { mustBe, type ReadonlyBytes } from './proof.ts';
import { checkBytes } from './prover.ts';

let make: (bytes: Uint8Array, sha256: string) => Proven;

/** Whole bytes that are what was expected of them. Only `prove` makes one; never written to afterwards. */
export class Proven {
  readonly #bytes: Uint8Array;
  readonly #sha256: string;

  private constructor(bytes: Uint8Array, sha256: string) {
    this.#bytes = bytes;
    this.#sha256 = sha256;
  }

  static {
    make = (bytes, sha256) => new Proven(bytes, sha256);
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
}

/** Checks length, then every listed digest; throws `length`, `digest` or `algorithm`. The bytes are taken over. */
export function prove(bytes: Uint8Array, expected: Expected): Proven {
  return make(bytes, checkBytes(bytes, mustBe(Expected, expected)));
}
