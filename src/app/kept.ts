import type { Config } from '../config/config.ts';
import type { Databases } from '../disk/databases.ts';
import { ACCESS_BYTES, JOURNAL_BYTES, NEWS_BYTES, REQUESTS_BYTES, TALLY_BYTES } from '../disk/limits.ts';
import type { LineKind } from '../disk/records/records-database.ts';
import { type KEPT_KINDS, STATE_PARTS } from '../ports/state-room.ts';

/** How much there is of one kind of what is remembered. */
export interface Kept {
  readonly kind: (typeof KEPT_KINDS)[number];
  /** Empty where all indexes share it. */
  readonly index: string;
  readonly entries: number;
  readonly bytes: number;
  /** Undefined where it has none of its own: what `state` is made of shares that one's. */
  readonly limit: number | undefined;
}

type Cache = Config['cache'];

const linesLimits = ({ journalBytes, accessBytes }: Cache): Readonly<Record<LineKind, number>> => ({
  journal: journalBytes ?? JOURNAL_BYTES,
  access: accessBytes ?? ACCESS_BYTES,
  tally: TALLY_BYTES,
  news: NEWS_BYTES,
  requests: REQUESTS_BYTES,
});

/** Most bytes of all lines of records together. */
export function recordBytes({ cache }: Config): number {
  return Object.values(linesLimits(cache)).reduce((sum, bytes) => sum + bytes);
}

/** What cannot be read counts as nothing: whoever asks for itself is told why. */
export async function keptOf(
  { state, records }: Databases,
  indexes: readonly string[],
  cache: Cache,
): Promise<readonly Kept[]> {
  const kept: Kept[] = [];
  for (const index of indexes) {
    const usage = await state.usage(index).catch(() => undefined);
    if (usage === undefined) continue;
    const { contents, bytes, limit } = usage;
    let all = 0;
    for (const part of STATE_PARTS) {
      all += contents[part].entries;
      kept.push({ kind: part, index, ...contents[part], limit: undefined });
    }
    kept.push({ kind: 'state', index, entries: all, bytes, limit });
  }
  const limits = linesLimits(cache);
  for (const { kind, lines, bytes } of await records.kept().catch(() => []))
    kept.push({ kind, index: '', entries: lines, bytes, limit: limits[kind] });
  return kept;
}
