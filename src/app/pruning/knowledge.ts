import { DigestSet } from '../../bundle/format/digest-set.ts';

/** For what something stays. */
export const NEEDED_BY = ['import', 'sync', 'export', 'page', 'role', 'pin'] as const;
export type NeededBy = (typeof NEEDED_BY)[number];

/** What is known to be old: only imports before the last ones have it, or a pin of a file that upstream lists no more. */
export type OldAs = 'superseded' | 'unlisted';

/** What was found out of contents by their digests; 43 to 86 bytes each. */
export class Knowledge {
  readonly #needed: Readonly<Record<NeededBy, DigestSet>> = {
    import: new DigestSet(),
    sync: new DigestSet(),
    export: new DigestSet(),
    page: new DigestSet(),
    role: new DigestSet(),
    pin: new DigestSet(),
  };
  readonly #old: Readonly<Record<OldAs, DigestSet>> = { superseded: new DigestSet(), unlisted: new DigestSet() };
  /** Indexes that may need what is not known here, and why. */
  readonly unjudged = new Map<string, string>();
  /** Projects whose pins were kept whole. */
  pagesNotAtHand = 0;

  needs(by: NeededBy, sha256: string): void {
    if (this.neededBy(sha256) === undefined) this.#needed[by].add(sha256);
  }

  isOld(as: OldAs, sha256: string): void {
    this.#old[as].add(sha256);
  }

  neededBy(sha256: string): NeededBy | undefined {
    return NEEDED_BY.find((by) => this.#needed[by].has(sha256));
  }

  oldAs(sha256: string): OldAs | undefined {
    return this.#old.superseded.has(sha256) ? 'superseded' : this.#old.unlisted.has(sha256) ? 'unlisted' : undefined;
  }
}
