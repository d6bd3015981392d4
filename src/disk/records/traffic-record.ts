import { z } from 'zod';
import { Mutex } from '../../async/mutex.ts';
import type { Instant } from '../../bytes/instant.ts';
import type { Event } from '../../ports/events.ts';
import { NEWS_BYTES, TRAFFIC_EVERY_MS, TRAFFIC_HOURS } from '../limits.ts';
import { NO_REFUSALS } from './news-record.ts';
import { RecordLines } from './record-lines.ts';
import type { RecordsDatabase } from './records-database.ts';

const HOUR = 3600;

/** What was answered and asked in one hour. */
export interface Traffic {
  /** Of what clients got that was proved: from memory or disk, and from upstream. */
  readonly here: number;
  readonly upstream: number;
  /** Requests to upstream: answered, and those that nothing came of. */
  readonly answered: number;
  readonly failed: number;
  /** Things that did not hold. */
  readonly refused: number;
}

/** An hour of UTC, and what happened in it. */
export interface TrafficHour extends Traffic {
  readonly at: Instant;
}

const Line = z.object({
  kind: z.literal('traffic'),
  at: z.int(),
  index: z.string(),
  here: z.int(),
  upstream: z.int(),
  answered: z.int(),
  failed: z.int(),
  refused: z.int(),
});

type Counts = { -readonly [K in keyof Traffic]: number };

interface TrafficRecordOptions {
  readonly now: () => Instant;
  readonly maxBytes?: number | undefined;
}

/**
 * How much was answered and asked, hour by hour and by index, for a week at most; by all processes of a server, whose counts are a line each once in
 * five minutes, among the news and within their room. Nothing is believed by it.
 */
export class TrafficRecord {
  readonly #lines: RecordLines;
  readonly #now: () => Instant;
  readonly #timer: NodeJS.Timeout;
  readonly #counting = new Map<string, Counts>();
  readonly #following = new Mutex();
  #last = 0;
  /** By index, by hour. */
  readonly #hours = new Map<string, Map<Instant, Counts>>();

  constructor(records: RecordsDatabase, { now, maxBytes = NEWS_BYTES }: TrafficRecordOptions) {
    this.#lines = new RecordLines(records, { kind: 'news', maxBytes });
    this.#now = now;
    this.#timer = setInterval(() => this.#write(), TRAFFIC_EVERY_MS).unref();
  }

  /** Never throws. */
  hear(event: Event): void {
    switch (event.name) {
      case 'served':
        this.#count(event.index)[event.how === 'upstream' ? 'upstream' : 'here']++;
        break;
      case 'askedUpstream':
        if (event.outcome !== 'left') this.#count(event.index)[event.outcome === 'answered' ? 'answered' : 'failed']++;
        break;
      case 'rejected':
        if (!NO_REFUSALS.has(event.reason)) this.#count(event.index).refused++;
        break;
    }
  }

  /** Hours in which something happened, oldest first; of one index, or of all together. Throws Refusal where the record cannot be read. */
  async hours(index?: string): Promise<readonly TrafficHour[]> {
    this.#write();
    await this.#follow();
    const sums = new Map<Instant, Counts>();
    for (const [name, hours] of this.#hours)
      if (index === undefined || index === name) for (const [at, counts] of hours) add(countsAt(sums, at), counts);
    return [...sums].map(([at, counts]) => ({ at, ...counts })).sort((one, other) => one.at - other.at);
  }

  /** Writes what waits. */
  close(): Promise<void> {
    clearInterval(this.#timer);
    this.#write();
    return this.#lines.close();
  }

  #count(index: string): Counts {
    return countsAt(this.#counting, index);
  }

  #write(): void {
    for (const [index, counts] of this.#counting)
      this.#lines.add({ kind: 'traffic', at: this.#now(), index, project: '', ...counts });
    this.#counting.clear();
  }

  /** Reads what came since the last time, of whichever process. */
  #follow(): Promise<void> {
    return this.#following.run('', async () => {
      for await (const { id, value } of this.#lines.after(this.#last)) {
        this.#last = id;
        const line = Line.safeParse(value).data;
        if (line === undefined) continue;
        const { index, at } = line;
        const hours = this.#hours.get(index) ?? new Map<Instant, Counts>();
        this.#hours.set(index, hours);
        add(countsAt(hours, at - (at % HOUR)), line);
      }
      const oldest = this.#now() - TRAFFIC_HOURS * HOUR;
      for (const hours of this.#hours.values()) for (const at of hours.keys()) if (at < oldest) hours.delete(at);
    });
  }
}

function countsAt<K>(all: Map<K, Counts>, key: K): Counts {
  const found = all.get(key) ?? { here: 0, upstream: 0, answered: 0, failed: 0, refused: 0 };
  all.set(key, found);
  return found;
}

function add(sum: Counts, { here, upstream, answered, failed, refused }: Traffic): void {
  sum.here += here;
  sum.upstream += upstream;
  sum.answered += answered;
  sum.failed += failed;
  sum.refused += refused;
}
