import { LRUCache } from 'lru-cache';
import { z } from 'zod';
import { within } from '../../async/timeout.ts';
import { type Instant, SECONDS_OF_DAY } from '../../bytes/instant.ts';
import { ACCESS_BYTES, AGED_EVERY_MS, RECORD_WAIT_MS, SAME_FETCHES } from '../limits.ts';
import { RecordLines, type Writing } from './record-lines.ts';
import type { RecordsDatabase } from './records-database.ts';

const Fetched = z.object({
  at: z.int(),
  client: z.string(),
  /** Whom the address stands for, where that is not itself: who has most records loses them first. */
  party: z.string().optional(),
  reader: z.string().optional(),
  index: z.string(),
  project: z.string(),
  file: z.string(),
  sha256: z.string(),
});
/** A line that only says how often it was more. */
const Line = Fetched.extend({ more: z.int().min(1).optional() });

/** A client that was sent a file: whole seconds, the address it came from, whose credentials it had (`user NAME`, `token NAME`), and which file. */
export type Fetched = Readonly<z.infer<typeof Fetched>>;

/** What a client was sent of a file in one day, UTC. */
export interface Fetches extends Fetched {
  /** The last time. */
  readonly last: Instant;
  readonly count: number;
}

/** Who was sent which file, on disk and bounded: the question is asked when a file turns out to be malicious. */
export interface AccessRecord {
  /**
   * Resolves when a killed process no longer takes it away; where the disk takes none, after some seconds. Never rejects. The same client, user and
   * file again within one day is counted, and that is written down at the end of the day or of the process.
   */
  record(fetched: Fetched): Promise<void>;
  /** Those that are wanted, a day each, oldest first. */
  fetches(isWanted: (fetched: Fetched) => boolean): Promise<readonly Fetches[]>;
  readonly writing: Writing;
  /** Writes what waits. */
  close(): Promise<void>;
}

export interface AccessRecordOptions {
  readonly maxBytes?: number | undefined;
  /** What is older goes. */
  readonly days?: number | undefined;
  readonly now?: (() => Instant) | undefined;
}

/** Of a client and a file on one day. */
interface Today {
  readonly day: number;
  readonly fetched: Fetched;
  last: Instant;
  more: number;
}

export function createAccessRecord(
  records: RecordsDatabase,
  { maxBytes = ACCESS_BYTES, days, now = () => Math.floor(Date.now() / 1000) }: AccessRecordOptions = {},
): AccessRecord {
  const notBefore = () => (days === undefined ? undefined : now() - days * SECONDS_OF_DAY);
  const lines = new RecordLines(records, { kind: 'access', maxBytes, notBefore });
  const over = ({ fetched, last: at, more }: Today) => more > 0 && lines.add({ ...fetched, at, more });
  const today = new LRUCache<string, Today>({ max: SAME_FETCHES, dispose: over });
  // What is too old goes where nobody is sent anything, too.
  const aging = setInterval(() => void lines.flush(true).catch(() => undefined), AGED_EVERY_MS).unref();
  if (days === undefined) clearInterval(aging);
  return {
    async record(fetched) {
      const key = keyOf(fetched);
      const day = dayOf(fetched.at);
      const before = today.get(key);
      if (before?.day === day) {
        before.last = Math.max(before.last, fetched.at);
        before.more++;
      } else {
        today.set(key, { day, fetched, last: fetched.at, more: 0 });
        lines.add({ ...fetched });
      }
      // One that came with another is on the disk when that is.
      await within(
        RECORD_WAIT_MS,
        lines.flush().catch(() => undefined),
        undefined,
      );
    },
    async fetches(isWanted) {
      const since = notBefore() ?? 0;
      const found = new Map<string, Fetches>();
      for await (const read of lines.read()) {
        const { data } = Line.safeParse(read);
        if (data === undefined || data.at < since || !isWanted(data)) continue;
        const { more, ...fetched } = data;
        const key = `${dayOf(data.at)} ${keyOf(data)}`;
        found.set(key, added(found.get(key), fetched, more ?? 1));
      }
      return [...found.values()].sort((one, other) => one.at - other.at);
    },
    get writing() {
      return lines.writing;
    },
    async close() {
      clearInterval(aging);
      today.clear();
      await lines.close();
    },
  };
}

function added(before: Fetches | undefined, fetched: Fetched, count: number): Fetches {
  if (before === undefined) return { ...fetched, last: fetched.at, count };
  const at = Math.min(before.at, fetched.at);
  return { ...before, at, last: Math.max(before.last, fetched.at), count: before.count + count };
}

function dayOf(at: Instant): number {
  return Math.floor(at / SECONDS_OF_DAY);
}

function keyOf({ client, reader, index, sha256, file }: Fetched): string {
  return JSON.stringify([client, reader, index, sha256, file]);
}
