import type { Instant } from '../bytes/instant.ts';
import type { Change } from '../pypi/changes.ts';

/** Something an operator may need to know of years later: kept in the data directory, bounded. */
export interface JournalEntry extends Change {
  readonly at: Instant;
  readonly index: string;
  readonly project: string;
}

export interface Journal {
  /** Must not throw; written behind, flushed at close. */
  note(entry: JournalEntry): void;
}

/** What upstream took away. */
export const GONE_KINDS = ['project', 'files', 'quarantined'] as const;

/** Something is served no longer, because upstream took it away or quarantined it. */
export interface Gone {
  readonly index: string;
  readonly project: string;
  readonly kind: (typeof GONE_KINDS)[number];
  /** Files, where it is not the whole project. */
  readonly files: number;
  /** Since upstream stood by it for the last time: the most that it was served for too long. */
  readonly seconds: number;
  /** It is out of pages, and what is held of it is served on by its address, as the operator asked. */
  readonly servedOn: boolean;
}

/** A round of asking upstream about what is held came to its end. `why`: of the last thing that upstream did not answer about. */
export interface LookedThrough {
  readonly index: string;
  readonly asked: number;
  readonly failed: number;
  readonly seconds: number;
  readonly why: string | undefined;
}
