import { LRUCache } from 'lru-cache';
import { z } from 'zod';
import { Mutex } from '../../async/mutex.ts';
import type { Instant } from '../../bytes/instant.ts';
import { REASONS, type Reason } from '../../bytes/refusal.ts';
import type { Event } from '../../ports/events.ts';
import { NEWEST_REFUSALS, NEWS_BYTES, SAME_REFUSAL_S, SAME_REFUSALS } from '../limits.ts';
import { RecordLines } from './record-lines.ts';
import type { RecordsDatabase } from './records-database.ts';

/** Something that did not hold. */
export interface RefusedThing {
  readonly at: Instant;
  /** Empty where no index is known. */
  readonly index: string;
  readonly reason: Reason;
  readonly subject: string;
  readonly thing: string;
  readonly message: string;
  /** Where its bytes came from. */
  readonly from: string;
}

/** When a signed list was first seen in the version that it has. */
export interface RoleChange {
  readonly at: Instant;
  readonly version: number;
}

const Refused = z.object({
  kind: z.literal('refused'),
  at: z.int(),
  index: z.string(),
  reason: z.enum(REASONS),
  subject: z.string(),
  project: z.string(),
  message: z.string(),
  from: z.string(),
});
/** `project`: what lines share their room by. */
const Role = z.object({
  kind: z.literal('role'),
  at: z.int(),
  index: z.string(),
  project: z.string(),
  version: z.int(),
});
const Line = z.discriminatedUnion('kind', [Refused, Role]);

/** Nothing came; or what is older came, of which the journal tells with what became of it. */
export const NO_REFUSALS: ReadonlySet<Reason> = new Set<Reason>([
  'unreachable',
  'slow',
  'offline',
  'unlisted',
  'regressed',
]);

interface NewsRecordOptions {
  readonly now: () => Instant;
  readonly maxBytes?: number | undefined;
}

/**
 * What was refused, and when signed lists changed, on disk and bounded, by all processes of a server: for people who ask afterwards. Nothing is
 * believed by it.
 */
export class NewsRecord {
  readonly #lines: RecordLines;
  readonly #now: () => Instant;
  readonly #told = new LRUCache<string, Instant>({ max: SAME_REFUSALS });
  readonly #versions = new Map<string, number>();
  readonly #following = new Mutex();
  /** What was read of it so far, and the newest of that. */
  #last = 0;
  #refused: RefusedThing[] = [];
  readonly #roles = new Map<string, RoleChange>();

  constructor(records: RecordsDatabase, { now, maxBytes = NEWS_BYTES }: NewsRecordOptions) {
    this.#lines = new RecordLines(records, { kind: 'news', maxBytes });
    this.#now = now;
  }

  /** Notes what is to be known afterwards. Never throws. */
  hear(event: Event): void {
    switch (event.name) {
      case 'rejected':
        this.#noteRefused(event);
        break;
      case 'refreshed':
        this.#noteVersions(event);
        break;
    }
  }

  /** The same thing for the same reason within ten minutes is one line. */
  #noteRefused({ index, reason, subject, thing, message, at: from }: Event<'rejected'>): void {
    if (NO_REFUSALS.has(reason)) return;
    const at = this.#now();
    const key = JSON.stringify([index, reason, subject, thing, from]);
    const before = this.#told.get(key);
    if (before !== undefined && Math.abs(at - before) < SAME_REFUSAL_S) return;
    this.#told.set(key, at);
    this.#lines.add({ kind: 'refused', at, index, reason, subject, project: thing, message, from });
  }

  /** Of these lists each that has another version than was noted last. */
  #noteVersions({ index, versions = new Map() }: Event<'refreshed'>): void {
    for (const [role, version] of versions) {
      const key = keyOf(index, role);
      if (this.#versions.get(key) === version) continue;
      this.#versions.set(key, version);
      this.#lines.add({ kind: 'role', at: this.#now(), index, project: role, version });
    }
  }

  /** The newest refusals, newest first. Throws Refusal where the record cannot be read. */
  async latest(): Promise<readonly RefusedThing[]> {
    await this.#follow();
    return this.#refused.toReversed();
  }

  /** When the list was first seen in this version; undefined where nobody noted it. */
  async changed(index: string, role: string, version: number): Promise<Instant | undefined> {
    await this.#follow();
    const change = this.#roles.get(keyOf(index, role));
    return change?.version === version ? change.at : undefined;
  }

  /** Writes what waits. */
  close(): Promise<void> {
    return this.#lines.close();
  }

  /** Reads what came since the last time, of whichever process. */
  #follow(): Promise<void> {
    return this.#following.run('', async () => {
      for await (const { id, value } of this.#lines.after(this.#last)) {
        this.#last = id;
        const line = Line.safeParse(value).data;
        if (line?.kind === 'role') this.#noteRole(line);
        if (line?.kind === 'refused') this.#refused.push({ ...line, thing: line.project });
        if (this.#refused.length >= 2 * NEWEST_REFUSALS) this.#refused = this.#refused.slice(-NEWEST_REFUSALS);
      }
    });
  }

  /** Several processes may note the same change: the first counts. */
  #noteRole({ index, project: role, version, at }: z.infer<typeof Role>): void {
    const key = keyOf(index, role);
    if (this.#roles.get(key)?.version !== version) this.#roles.set(key, { version, at });
    if (!this.#versions.has(key)) this.#versions.set(key, version);
  }
}

function keyOf(index: string, role: string): string {
  return JSON.stringify([index, role]);
}
