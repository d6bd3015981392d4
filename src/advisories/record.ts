import { z } from 'zod';
import { type Instant, parseInstant } from '../bytes/instant.ts';
import { openJson } from '../bytes/json-pieces.ts';
import { Refusal } from '../bytes/refusal.ts';
import { normalizeName } from '../pypi/names.ts';
import { versionKey } from '../pypi/versions.ts';
import { MAX_ID, MAX_RECORD, MAX_RECORD_DEPTH, MAX_RECORD_VALUES, MAX_SUMMARY } from './limits.ts';

// One advisory, in the format of OSV (https://ossf.github.io/osv-schema/).

export const ECOSYSTEM = 'PyPI';

/** An event of a range: what happened, and at which version. */
export type Bound = readonly [kind: 'introduced' | 'fixed' | 'last_affected' | 'limit', version: string];

/** What one advisory says of one project. */
export interface Affected {
  readonly project: string;
  /** Each version in the one spelling that `versionKey` gives. */
  readonly versions: readonly string[];
  /** Those by versions; by commits there may be others. */
  readonly ranges: readonly (readonly Bound[])[];
  /** It says nothing of versions at all: every one is meant. */
  readonly all: boolean;
}

export interface Advisory {
  readonly id: string;
  /** As it was written; undefined where it was not. */
  readonly modified: string | undefined;
  readonly modifiedAt: Instant | undefined;
  readonly withdrawn: boolean;
  readonly aliases: readonly string[];
  /** The first line for people; empty where there is none. */
  readonly summary: string;
  /** Of Python packages alone; several of one project are possible. */
  readonly affected: readonly Affected[];
}

const id = z
  .string()
  .max(MAX_ID)
  .regex(/^[A-Za-z0-9_]+-[A-Za-z0-9:._-]+$|^[A-Za-z0-9_]+$/);
/** RFC 3339 in UTC, as the schema wants it. */
const time = z.string().refine((text) => timeOf(text) !== undefined);
const event = z
  .object({
    introduced: z.string().optional(),
    fixed: z.string().optional(),
    last_affected: z.string().optional(),
    limit: z.string().optional(),
  })
  .refine((event) => Object.values(event).filter((each) => each !== undefined).length === 1);
const range = z.discriminatedUnion('type', [
  // The schema: one begins it, and no range says both what fixed it and what was affected last.
  z.object({
    type: z.enum(['ECOSYSTEM', 'SEMVER']),
    events: z
      .array(event)
      .refine((events) => events.some(({ introduced }) => introduced !== undefined))
      .refine(
        (events) =>
          !events.some(({ fixed }) => fixed !== undefined) || !events.some((each) => each.last_affected !== undefined),
      ),
  }),
  z.object({ type: z.literal('GIT') }),
]);
const affected = z.object({
  package: z.object({ ecosystem: z.string(), name: z.string() }).optional(),
  versions: z.array(z.string()).optional(),
  ranges: z.array(range).optional(),
});
const record = z.object({
  id,
  modified: time.optional(),
  withdrawn: time.optional(),
  aliases: z.array(z.string()).optional(),
  summary: z.string().optional(),
  affected: z.array(affected).optional(),
});

type Read = z.output<typeof record>;

/** Undefined for what is no time; fractions of a second are let go. */
export function timeOf(text: string): Instant | undefined {
  const match = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:\.\d{1,12})?Z$/.exec(text);
  return match === null ? undefined : parseInstant(`${match[1]}Z`);
}

/** `MAL-`: the package itself is the harm. */
export function isMalware(id: string): boolean {
  return id.startsWith('MAL-');
}

/** Refuses `format` for what is no advisory, and `limit`. */
export function readAdvisory(bytes: Uint8Array): Advisory {
  return advisoryOf(parsed(bytes));
}

/** One advisory, or an array of them. Refuses `format` and `limit`. */
export function readAdvisories(bytes: Uint8Array, most: number): readonly Advisory[] {
  const value = parsed(bytes, most);
  return Array.isArray(value) ? value.map(advisoryOf) : [advisoryOf(value)];
}

function parsed(bytes: Uint8Array, most = MAX_RECORD): unknown {
  const values = MAX_RECORD_VALUES * Math.ceil(most / MAX_RECORD);
  const limits = { what: 'The advisory', subject: 'request', depth: MAX_RECORD_DEPTH, values, piece: most } as const;
  const pieces = openJson(bytes, limits);
  const value = pieces.value();
  pieces.end();
  return value;
}

function advisoryOf(value: unknown): Advisory {
  const read = record.safeParse(value);
  if (read.data === undefined) {
    const where = read.error.issues[0]?.path.join('.') ?? '';
    throw wrong(`is none in the format of OSV${where === '' ? '' : ` (${where.slice(0, MAX_ID)})`}`);
  }
  const { id, modified, withdrawn, aliases = [], summary = '', affected = [] } = read.data;
  return {
    id,
    modified,
    modifiedAt: modified === undefined ? undefined : timeOf(modified),
    withdrawn: withdrawn !== undefined,
    aliases,
    summary: (summary.split('\n')[0] ?? '').slice(0, MAX_SUMMARY),
    affected: affected.flatMap(affectedOf),
  };
}

function affectedOf({ package: named, versions = [], ranges = [] }: NonNullable<Read['affected']>[number]) {
  if (named?.ecosystem !== ECOSYSTEM) return [];
  const project = normalizeName(named.name);
  if (project === undefined) return [];
  // SEMVER has no meaning for Python packages; whoever wrote it meant their versions.
  const own = ranges.flatMap((range) => (range.type === 'GIT' ? [] : [range.events.map(boundOf)]));
  return [
    {
      project,
      versions: [...new Set(versions.map(versionKey))],
      ranges: own,
      all: versions.length === 0 && ranges.length === 0,
    },
  ];
}

function boundOf({ introduced, fixed, last_affected: last, limit }: z.output<typeof event>): Bound {
  if (introduced !== undefined) return ['introduced', introduced];
  if (fixed !== undefined) return ['fixed', fixed];
  return last === undefined ? ['limit', limit ?? '*'] : ['last_affected', last];
}

function wrong(how: string): Refusal {
  return new Refusal('format', `The advisory ${how}.`, { subject: 'request' });
}
