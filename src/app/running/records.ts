import type { Config } from '../../config/config.ts';
import { type AccessRecord, createAccessRecord } from '../../disk/records/access-record.ts';
import { createJournal, type StoredJournal } from '../../disk/records/journal.ts';
import { NewsRecord } from '../../disk/records/news-record.ts';
import { RequestsRecord } from '../../disk/records/requests-record.ts';
import { createTallies } from '../../disk/records/tallies.ts';
import { TrafficRecord } from '../../disk/records/traffic-record.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Emit } from '../../ports/events.ts';
import type { Tallies } from '../../ports/left-out.ts';
import type { DataDirectory } from '../data-directory.ts';

interface RecordsOptions {
  readonly config: Config;
  readonly clock: Clock;
  /** Nothing is added to what happened and is kept. */
  readonly rehearsal: boolean;
  /** What is refused is noted by servers alone: a command tells whoever ran it. */
  readonly serving: boolean;
  readonly emit: Emit;
}

/** What happened and is kept. */
export interface Records {
  readonly fetched: AccessRecord;
  readonly journal: StoredJournal;
  readonly tallies: Tallies;
  readonly news: NewsRecord;
  readonly requests: RequestsRecord;
  /** How much was answered and asked. */
  readonly traffic: TrafficRecord;
  /** The same emit, by which news are noted. */
  readonly emit: Emit;
}

export function recordsOf(
  { records }: DataDirectory,
  { config: { cache }, clock, rehearsal, serving, emit }: RecordsOptions,
  closers: (() => unknown)[],
): Records {
  const fetched = createAccessRecord(records, { maxBytes: cache.accessBytes, days: cache.accessDays });
  const journal = createJournal(records, { maxBytes: cache.journalBytes });
  const tallies = createTallies(records);
  const requests = new RequestsRecord(records, { days: cache.accessDays });
  const news = new NewsRecord(records, { now: () => clock.now() });
  const traffic = new TrafficRecord(records, { now: () => clock.now() });
  closers.push(
    () => fetched.close(),
    () => journal.close(),
    () => tallies.close(),
    () => news.close(),
    () => requests.close(),
    () => traffic.close(),
  );
  const kept = { fetched, journal, tallies, news, requests, traffic };
  if (rehearsal) return { ...kept, journal: { ...journal, note() {} }, tallies: { ...tallies, put() {} }, emit };
  if (!serving) return { ...kept, emit };
  const noting: Emit = (event) => {
    emit(event);
    news.hear(event);
    traffic.hear(event);
  };
  return { ...kept, emit: noting };
}
