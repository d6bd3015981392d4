import { z } from 'zod';
import type { Instant } from '../../bytes/instant.ts';
import { EVENT_KINDS } from '../../ports/events.ts';
import type { Journal, JournalEntry } from '../../ports/records.ts';
import { JOURNAL_BYTES } from '../limits.ts';
import { RecordLines } from './record-lines.ts';
import type { RecordsDatabase } from './records-database.ts';

const Entry = z.object({
  at: z.int(),
  index: z.string(),
  kind: z.enum(EVENT_KINDS),
  project: z.string(),
  file: z.string().optional(),
  digest: z.string().optional(),
  before: z.string().optional(),
  after: z.string().optional(),
  reason: z.string().optional(),
});

/** Which entries; all that is given has to hold. */
export interface JournalFilter {
  readonly index?: string | undefined;
  readonly project?: string | undefined;
  /** At or after. */
  readonly since?: Instant | undefined;
}

/** What an operator may need to know of years later, on disk and bounded. */
export interface StoredJournal extends Journal {
  /** Oldest first. */
  read(filter?: JournalFilter): AsyncIterable<JournalEntry>;
  /** Newest first, of the newest entries that so many lines hold. */
  latest(lookedAt: number, filter?: JournalFilter): Promise<readonly JournalEntry[]>;
  /** Writes what waits. Throws Refusal where the disk does not take it. */
  flush(): Promise<void>;
  /** Writes what waits. */
  close(): Promise<void>;
}

/** Written behind, within a second, and at close. */
export function createJournal(
  records: RecordsDatabase,
  { maxBytes = JOURNAL_BYTES }: { readonly maxBytes?: number | undefined } = {},
): StoredJournal {
  const lines = new RecordLines(records, { kind: 'journal', maxBytes });
  return {
    note: (entry) => lines.add({ ...entry }),
    async *read(filter = {}) {
      for await (const line of lines.read()) {
        const entry = entryOf(line, filter);
        if (entry !== undefined) yield entry;
      }
    },
    latest: async (lookedAt, filter = {}) =>
      (await lines.latest(lookedAt)).flatMap((line) => entryOf(line, filter) ?? []),
    flush: () => lines.flush(),
    close: () => lines.close(),
  };
}

/** Undefined where it is none, or not one of those that are asked for. */
function entryOf(line: unknown, { index, project, since }: JournalFilter): JournalEntry | undefined {
  const { data } = Entry.safeParse(line);
  if (data === undefined) return undefined;
  if (index !== undefined && data.index !== index) return undefined;
  if (project !== undefined && data.project !== project) return undefined;
  return since === undefined || data.at >= since ? data : undefined;
}
