import { z } from 'zod';
import { PinnedProject } from '../../bundle/format/publishers.ts';
import { BULK_REASONS } from '../../mirror/operator/bulk-reasons.ts';

// What may be asked of a server that runs, and what it answers.

const index = z.string().max(100);
const name = z.string().max(1000);
const reason = z.string().max(10_000);
const dryRun = z.boolean();
const digest = z.string().max(200).optional();
const yes = z.boolean().optional();

export const RefreshRequest = z.strictObject({ index, name, reason, dryRun });
export const Refreshed = z.object({
  project: z.string(),
  /** When the page that was held before was confirmed last. */
  held: z.string().nullish(),
  result: z.enum(['new', 'changed', 'unchanged', 'absent']).nullish(),
});

export const ForgetRequest = z.strictObject({ index, name, file: name.optional(), reason, dryRun });
export const Forgotten = z.object({
  project: z.string(),
  forgotten: z.array(z.object({ file: z.string(), sha256: z.string(), bytes: z.number() })).readonly(),
});

export const QuarantineRequest = z.strictObject({
  index,
  name,
  version: z.string().max(200).optional(),
  lift: z.boolean(),
  reason: z.string().min(1).max(1000),
  dryRun,
});
export const Quarantined = z.object({
  project: z.string(),
  /** Why it was in quarantine before, where it was. */
  was: z.string().nullish(),
  /** All that is in quarantine of the project from then on. */
  entries: z.array(z.object({ version: z.string().nullish(), reason: z.string(), at: z.number() })).readonly(),
  /** Those of its files that were seen here; the first of very many. */
  files: z.array(z.string()).readonly(),
});

export const AnswerRequest = z.strictObject({
  index,
  name,
  action: z.enum(['allow', 'deny']),
  version: z.string().max(200).optional(),
  file: name.optional(),
  rule: z.string().min(1).max(100),
  reason: z.string().min(1).max(1000),
  /** Of an exception: it holds before that only. */
  until: z.int().optional(),
  dryRun,
});
const GivenAnswer = z.object({
  action: z.enum(['allow', 'deny']),
  version: z.string().nullish(),
  file: z.string().nullish(),
  rule: z.string().nullish(),
  reason: z.string(),
  until: z.number().nullish(),
  at: z.number(),
});
export const Answered = z.object({
  project: z.string(),
  /** What was answered to the same before. */
  was: GivenAnswer.nullish(),
  /** All that is answered of the project from then on. */
  answers: z.array(GivenAnswer).readonly(),
  /** Those of its files that were seen here and that it is about; the first of very many. */
  files: z.array(z.string()).readonly(),
});

export const AcceptChangeRequest = z.strictObject({
  index,
  project: name.optional(),
  file: name.optional(),
  change: z.strictObject({
    digest,
    coreMetadata: digest,
    serial: z.string().max(20).optional(),
    removed: yes,
    unyanked: yes,
    unquarantined: yes,
    lost: z.enum(['upload-time', 'provenance', 'core-metadata']).optional(),
    publisher: z.string().max(200).optional(),
    revokeFetch: name.optional(),
  }),
  all: z
    .strictObject({ refused: z.enum(BULK_REASONS), since: z.number().optional(), fetch: name.optional() })
    .optional(),
  reason,
  dryRun,
});
const text = z.string();
export const AcceptedChange = z.object({
  project: text,
  file: text.nullish(),
  what: text,
  before: text,
  after: text,
});
export const AcceptedChanges = z.array(AcceptedChange).readonly();

/** Whom files of these projects are expected from, by another mirror. */
export const PublishersRequest = z.strictObject({
  index,
  projects: z.array(PinnedProject).max(100).readonly(),
  reason: z.string().min(1).max(1000),
  dryRun,
});
export const ImportedPublishers = z
  .array(z.object({ project: text, result: z.enum(['new', 'same', 'conflict']), known: text, given: text }))
  .readonly();

export const AcceptClockRequest = z.strictObject({ index: index.optional(), reason, dryRun });
export const AcceptedClocks = z.object({
  now: z.number(),
  accepted: z.array(z.object({ index: text, what: text, before: text, after: text })).readonly(),
});

/** What is stored of these projects was changed by another process: memory is not to be believed any more. */
export const FollowRequest = z.strictObject({ index, projects: z.array(name).max(1000).readonly() });
export const Followed = z.object({});

/** An index was imported into by another process: what is stored is proved and believed from now on. */
export const AdoptRequest = z.strictObject({ index });
export const Adopted = z.object({});

/** What is retained has become other: exports began or are through. */
export const RetainRequest = z.strictObject({});
export const Retained = z.object({});

/** A step of a prune; `watch` names it. Digests are asked of every process, and dropped by one. */
const watch = z.string().max(100);
const digests = z
  .array(z.string().regex(/^[0-9a-f]{64}$/))
  .max(1000)
  .readonly();
export const PruneRequest = z.discriminatedUnion('step', [
  z.strictObject({ step: z.literal('begin'), watch }),
  z.strictObject({ step: z.literal('spared'), watch, digests }),
  z.strictObject({ step: z.literal('note'), reason, files: z.int(), bytes: z.int() }),
  z.strictObject({ step: z.literal('drop'), watch, digests }),
  z.strictObject({ step: z.literal('end'), watch }),
]);
export const PruneBegun = z.object({});
export const PruneSpared = z.object({ spared: digests });
export const PruneNoted = z.object({});
export const PruneDropped = z.object({ files: z.int(), bytes: z.int(), spared: z.int(), failed: z.int() });
export const PruneEnded = z.object({});

export type PruneRequest = z.infer<typeof PruneRequest>;
export type RefreshRequest = z.infer<typeof RefreshRequest>;
export type Refreshed = z.infer<typeof Refreshed>;
export type ForgetRequest = z.infer<typeof ForgetRequest>;
export type Forgotten = z.infer<typeof Forgotten>;
export type QuarantineRequest = z.infer<typeof QuarantineRequest>;
export type Quarantined = z.infer<typeof Quarantined>;
export type AnswerRequest = z.infer<typeof AnswerRequest>;
export type Answered = z.infer<typeof Answered>;
export type AcceptChangeRequest = z.infer<typeof AcceptChangeRequest>;
export type AcceptedChange = z.infer<typeof AcceptedChange>;
export type PublishersRequest = z.infer<typeof PublishersRequest>;
export type ImportedPublishers = z.infer<typeof ImportedPublishers>;
export type AcceptClockRequest = z.infer<typeof AcceptClockRequest>;
export type AcceptedClocks = z.infer<typeof AcceptedClocks>;
export type FollowRequest = z.infer<typeof FollowRequest>;
export type AdoptRequest = z.infer<typeof AdoptRequest>;
