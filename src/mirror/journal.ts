import type { Instant } from './ports.ts';

/** Something an operator may need to know of years later: kept in the data directory, bounded. */
export interface JournalEntry {
  readonly at: Instant;
  readonly index: string;
  readonly kind: 'removed' | 'returned' | 'yanked' | 'unyanked' | 'quarantined' | 'changed' | 'regressed' | 'accepted';
  readonly project: string;
  readonly file?: string | undefined;
  readonly digest?: string | undefined;
  readonly before?: string | undefined;
  readonly after?: string | undefined;
  readonly reason?: string | undefined;
}

export interface Journal {
  /** Must not throw; written behind, flushed at close. */
  note(entry: JournalEntry): void;
}
