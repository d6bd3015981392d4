import { mustBe, type ReadonlyBytes } from '../bytes/proof.ts';
import { concerning, refused } from './checks.ts';
import type { Root } from './model.ts';
import type { Sliced } from './sliced.ts';
import { openRoot, type Verified } from './verified.ts';

let make: (document: Verified<Root>) => TrustedRoot;

/** The root that a chain begins with, or one that the root before it has signed. Any other root proves nothing. */
export class TrustedRoot {
  readonly #document: Verified<Root>;

  private constructor(document: Verified<Root>) {
    this.#document = document;
  }

  static {
    make = (document) => new TrustedRoot(document);
  }

  static is(value: unknown): value is TrustedRoot {
    return typeof value === 'object' && value !== null && #document in value;
  }

  get document(): Verified<Root> {
    return this.#document;
  }

  get signed(): Root {
    return this.#document.signed;
  }

  get bytes(): ReadonlyBytes {
    return this.#document.bytes;
  }
}

/** TUF §5.2: the root whose bytes came with the configuration. Who may import this: test/architecture/makers.ts. */
export function* pinRoot(bytes: Uint8Array): Sliced<TrustedRoot> {
  return make(yield* concerning('root', openRoot(bytes)));
}

/** TUF §5.3.4–7: signed by the old root's keys and by its own; exactly the next version. Throws `threshold`, `rollback`, `mix-and-match`. */
export function* followRoot(before: TrustedRoot, bytes: Uint8Array): Sliced<TrustedRoot> {
  const root = yield* concerning('root', openRoot(bytes, mustBe(TrustedRoot, before).signed));
  const next = before.signed.version + 1;
  if (root.signed.version < next)
    throw refused('rollback', 'root', `Root version ${root.signed.version} was sent where ${next} was asked for.`);
  if (root.signed.version > next)
    throw refused('mix-and-match', 'root', `Root version ${root.signed.version} was sent where ${next} was asked for.`);
  return make(root);
}
