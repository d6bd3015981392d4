import { z } from 'zod';
import { LEFT_OUT, type LeftOutReason, type PageTally, type Tallies } from '../../ports/left-out.ts';
import { TALLY_BYTES } from '../limits.ts';
import { RecordLines } from './record-lines.ts';
import type { RecordsDatabase } from './records-database.ts';

const Entry = z.object({
  index: z.string(),
  project: z.string(),
  /** `REASON=COUNT`, separated by blanks; empty where there is nothing to tell any more. */
  leftOut: z.string(),
  firstSight: z.int().nonnegative(),
  byManifest: z.int().nonnegative().default(0),
  /** `HOST=COUNT`, likewise. */
  outOfReach: z.string().default(''),
});

const REASONS: ReadonlySet<string> = new Set(LEFT_OUT);

/** What pages leave out, on disk and bounded: the last line of a project counts. */
export interface StoredTallies extends Tallies {
  /** Writes what waits. */
  close(): Promise<void>;
}

/** Written behind, within a second, and at close. */
export function createTallies(records: RecordsDatabase): StoredTallies {
  const lines = new RecordLines(records, { kind: 'tally', maxBytes: TALLY_BYTES });
  return {
    async load(index) {
      const pages = new Map<string, PageTally>();
      for await (const line of lines.read()) {
        const { data } = Entry.safeParse(line);
        if (data?.index !== index) continue;
        const leftOut = new Map<LeftOutReason, number>();
        for (const [why, count] of countsOf(data.leftOut)) if (isReason(why)) leftOut.set(why, count);
        const outOfReach = countsOf(data.outOfReach);
        const { firstSight, byManifest } = data;
        const isNothing = leftOut.size === 0 && firstSight === 0 && byManifest === 0 && outOfReach.size === 0;
        if (isNothing) pages.delete(data.project);
        else pages.set(data.project, { leftOut, firstSight, byManifest, outOfReach });
      }
      return pages;
    },
    put: (index, project, tally) =>
      lines.add({
        index,
        project,
        leftOut: textOf(tally?.leftOut),
        firstSight: tally?.firstSight ?? 0,
        byManifest: tally?.byManifest ?? 0,
        outOfReach: textOf(tally?.outOfReach),
      }),
    close: () => lines.close(),
  };
}

function textOf(counts: ReadonlyMap<string, number> = new Map()): string {
  return [...counts].map(([key, count]) => `${key}=${count}`).join(' ');
}

function countsOf(text: string): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const part of text.split(' ')) {
    const [key = '', count] = part.split('=');
    if (key !== '' && Number.isSafeInteger(Number(count)) && Number(count) > 0) counts.set(key, Number(count));
  }
  return counts;
}

function isReason(why: string): why is LeftOutReason {
  return REASONS.has(why);
}
