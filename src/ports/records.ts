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
