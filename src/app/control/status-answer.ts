import { z } from 'zod';
import { SYNC_RESULTS } from '../../ports/events.ts';
import { LEFT_OUT, type LeftOutReason } from '../../ports/left-out.ts';
import { KEPT_KINDS } from '../../ports/state-room.ts';
import { DISK_PARTS } from '../disk-sizes.ts';

// A server's answer to `status`, read again.

const orUndefined = <T extends z.ZodType>(schema: T) => schema.nullish().transform((value) => value ?? undefined);

const counts = z.record(z.string(), z.number()).transform((object) => new Map(Object.entries(object)));

const REASONS: ReadonlySet<string> = new Set(LEFT_OUT);
const isReason = (entry: [string, number]): entry is [LeftOutReason, number] => REASONS.has(entry[0]);

const Role = z.object({
  role: z.string(),
  version: z.number(),
  expires: z.number(),
  signed: z.number(),
  threshold: z.number(),
  keys: z.number(),
  online: z.boolean(),
});

const Carried = z.object({
  label: z.string(),
  number: z.number(),
  stateAt: z.number(),
  importedAt: z.number(),
  reference: orUndefined(z.number()),
  age: orUndefined(z.number()),
  most: orUndefined(z.number()),
});

const Index = z.object({
  name: z.string(),
  evidence: z.enum(['tuf', 'index']),
  upstream: z.string(),
  layout: z.string(),
  lastRefresh: orUndefined(z.number()),
  lastError: orUndefined(
    z.object({ reason: z.string(), message: z.string(), at: z.number(), subject: orUndefined(z.string()).optional() }),
  ),
  roles: z.array(Role).readonly(),
  sealed: orUndefined(z.boolean()),
  carried: orUndefined(Carried),
  leftOut: counts.transform((all) => new Map([...all].filter(isReason))),
  firstSight: z.number(),
  byManifest: z.number().default(0),
  // Of an older server nothing is known of it.
  quarantined: z.number().default(0),
  outOfReach: counts,
  silent: z.boolean(),
  refusesAll: orUndefined(z.boolean()).optional(),
});

const Address = z.object({
  name: z.string(),
  of: z.array(z.string()),
  owned: z.record(z.string(), z.array(z.string())),
});

const Kept = z.object({
  kind: z.enum(KEPT_KINDS),
  index: z.string(),
  entries: z.number(),
  bytes: z.number(),
  limit: orUndefined(z.number()),
});

const Fleet = z.object({
  index: z.string(),
  entry: orUndefined(z.number()),
  followedAt: orUndefined(z.number()),
  alone: orUndefined(z.object({ since: z.number(), why: z.string() })),
});

const Hold = z.object({
  index: z.string(),
  sync: z.string(),
  at: z.number(),
  until: z.number(),
  files: z.number(),
  bytes: z.number(),
});

const Queue = z.object({
  queue: z.string(),
  index: z.string(),
  places: z.number(),
  busy: z.number(),
  waiting: z.number(),
  refused: z.number(),
});

const Sync = z.object({
  job: z.string(),
  index: z.string(),
  running: z.boolean(),
  next: orUndefined(z.number()),
  last: orUndefined(
    z.object({
      at: z.number(),
      result: z.enum(SYNC_RESULTS),
      fetched: z.number(),
      missing: z.number(),
      refused: z.number(),
    }),
  ),
});

const scrubCounts = { files: z.number(), bytes: z.number(), damaged: z.number() };
const Scrub = z.object({
  ...scrubCounts,
  failures: z.number(),
  failed: orUndefined(z.string()),
  last: orUndefined(z.object({ ...scrubCounts, at: z.number(), seconds: z.number() })),
});

export const LiveStatus = z.object({
  report: z.object({
    now: z.number(),
    judged: z.number(),
    indexes: z.array(Index).readonly(),
    addresses: z.array(Address).readonly().default([]),
    store: z.object({ bytes: z.number(), blobs: z.number(), limitBytes: z.number(), byIndex: counts }),
    disk: z.array(z.object({ part: z.enum(DISK_PARTS), index: z.string(), bytes: z.number() })).readonly(),
    kept: z.array(Kept).readonly(),
    fleet: z.array(Fleet).readonly(),
    holds: z.array(Hold).readonly(),
    tampered: z
      .array(z.object({ index: z.string(), things: z.number() }))
      .readonly()
      .default([]),
    conditions: z
      .array(z.object({ what: z.string(), index: z.string(), thing: z.string(), message: z.string() }))
      .readonly(),
  }),
  server: z.object({
    pid: z.number(),
    version: z.string(),
    startedAt: z.number(),
    connections: z.object({ open: z.number(), limit: z.number(), refused: z.number() }),
    queues: z.array(Queue).readonly(),
    syncs: orUndefined(z.array(Sync).readonly()),
    scrub: orUndefined(Scrub),
    workers: orUndefined(z.object({ configured: z.number(), answering: z.number() })),
  }),
});
export type LiveStatus = z.infer<typeof LiveStatus>;
