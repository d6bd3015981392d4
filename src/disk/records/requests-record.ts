import { LRUCache } from 'lru-cache';
import { z } from 'zod';
import { type Instant, SECONDS_OF_DAY } from '../../bytes/instant.ts';
import { REQUESTING_CLIENTS, REQUESTS_BYTES, REQUESTS_EVERY_MS, REQUESTS_OF_ONE, SAME_REQUESTS } from '../limits.ts';
import { RecordLines, type Writing } from './record-lines.ts';
import type { RecordsDatabase } from './records-database.ts';

/** Something that was asked for, and that a rule refused. */
export interface RefusedRequest {
  readonly at: Instant;
  /** Whom the address or the credentials stand for: who has most lines loses them first. */
  readonly client: string;
  readonly index: string;
  readonly project: string;
  /** Undefined where it was the whole project. */
  readonly file: string | undefined;
  readonly rule: string;
  /** What was answered. */
  readonly sentence: string;
  /** The rule says otherwise from then on; undefined where time changes nothing. */
  readonly until: Instant | undefined;
}

/** The same thing refused by the same rule, added up. */
export interface RequestSum extends Omit<RefusedRequest, 'at' | 'client'> {
  readonly first: Instant;
  readonly last: Instant;
  readonly count: number;
  /** By whom. */
  readonly clients: ReadonlySet<string>;
}

/** What is on record, and what of it was only counted. */
export interface RequestSums {
  readonly sums: readonly RequestSum[];
  /** Requests of clients that asked for very many things, which are not told one by one. */
  readonly unnamed: number;
}

const Line = z.object({
  at: z.int(),
  client: z.string(),
  index: z.string(),
  /** Empty where it is only counted. */
  project: z.string(),
  file: z.string().optional(),
  rule: z.string(),
  sentence: z.string(),
  until: z.int().optional(),
  count: z.int().min(1),
});

interface RequestsRecordOptions {
  readonly maxBytes?: number | undefined;
  /** What is older goes. */
  readonly days?: number | undefined;
  readonly now?: (() => Instant) | undefined;
}

/** Of one client and one thing on one day. */
interface Counted {
  readonly day: number;
  request: RefusedRequest;
  count: number;
  written: number;
}

/**
 * What was asked for and refused by policy, on disk and bounded, by all processes of a server. A client and a thing have a line when they are
 * first met on a day, and others when they were counted twice as often, once an hour, and at close: however often somebody asks, that is some dozen lines.
 * Nothing is believed by it.
 */
export class RequestsRecord {
  readonly #lines: RecordLines;
  readonly #counted: LRUCache<string, Counted>;
  /** By client: the day, and how many things it was written down with. */
  readonly #clients = new LRUCache<string, { readonly day: number; things: number }>({ max: REQUESTING_CLIENTS });
  readonly #timer: NodeJS.Timeout;
  readonly #notBefore: () => Instant | undefined;

  constructor(records: RecordsDatabase, options: RequestsRecordOptions = {}) {
    const { maxBytes = REQUESTS_BYTES, days, now = () => Math.floor(Date.now() / 1000) } = options;
    this.#notBefore = () => (days === undefined ? undefined : now() - days * SECONDS_OF_DAY);
    this.#lines = new RecordLines(records, { kind: 'requests', maxBytes, notBefore: this.#notBefore });
    this.#counted = new LRUCache({ max: SAME_REQUESTS, dispose: (counted) => this.#write(counted) });
    this.#timer = setInterval(() => void this.settle(days !== undefined).catch(() => undefined), REQUESTS_EVERY_MS);
    this.#timer.unref();
  }

  /** How writing goes. */
  get writing(): Writing {
    return this.#lines.writing;
  }

  /** Written behind. Never throws and never waits. */
  note(request: RefusedRequest): void {
    const day = Math.floor(request.at / SECONDS_OF_DAY);
    const key = keyOf(request);
    if (this.#add(key, day, request)) return;
    const named = this.#mayName(request.client, day) ? request : unnamed(request);
    const isNamed = named === request;
    if (!isNamed && this.#add(keyOf(named), day, named)) return;
    const counted = { day, request: named, count: 1, written: 0 };
    this.#counted.set(isNamed ? key : keyOf(named), counted);
    this.#write(counted);
  }

  /** Everything that is on disk, by whichever process, and what waits here; oldest first. Throws Refusal where it cannot be read. */
  async sums(): Promise<RequestSums> {
    await this.settle();
    const since = this.#notBefore() ?? 0;
    const sums = new Map<string, RequestSum & { readonly clients: Set<string> }>();
    let uncounted = 0;
    for await (const read of this.#lines.read()) {
      const { data } = Line.safeParse(read);
      if (data === undefined || data.at < since) continue;
      const { at, client, count, file, until, ...rest } = data;
      if (data.project === '') {
        uncounted += count;
        continue;
      }
      const key = JSON.stringify([data.index, data.project, file, data.rule]);
      const before = sums.get(key);
      const last = Math.max(before?.last ?? at, at);
      sums.set(key, {
        ...(before === undefined || at >= before.last ? { ...rest, file, until } : before),
        first: Math.min(before?.first ?? at, at),
        last,
        count: (before?.count ?? 0) + count,
        clients: (before?.clients ?? new Set<string>()).add(client),
      });
    }
    return { sums: [...sums.values()], unnamed: uncounted };
  }

  /** Writes what was counted. Throws Refusal where the disk does not take it. */
  async settle(ages = false): Promise<void> {
    for (const counted of this.#counted.values()) this.#write(counted);
    await this.#lines.flush(ages);
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#counted.clear();
    await this.#lines.close();
  }

  /** False where it was not met on this day. */
  #add(key: string, day: number, request: RefusedRequest): boolean {
    const counted = this.#counted.get(key);
    if (counted?.day !== day) return false;
    counted.count++;
    counted.request = request;
    if (counted.count >= 2 * counted.written) this.#write(counted);
    return true;
  }

  #mayName(client: string, day: number): boolean {
    const known = this.#clients.get(client);
    if (known?.day !== day) {
      this.#clients.set(client, { day, things: 1 });
      return true;
    }
    known.things++;
    return known.things <= REQUESTS_OF_ONE;
  }

  #write(counted: Counted): void {
    const count = counted.count - counted.written;
    if (count <= 0) return;
    counted.written = counted.count;
    this.#lines.add({ ...counted.request, count });
  }
}

/** Of a client that asks for very many things only how often. */
function unnamed({ at, client, index }: RefusedRequest): RefusedRequest {
  return { at, client, index, project: '', file: undefined, rule: '', sentence: '', until: undefined };
}

function keyOf({ client, index, project, file, rule }: RefusedRequest): string {
  return JSON.stringify([client, index, project, file, rule]);
}
