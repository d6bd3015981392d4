import { z } from 'zod';
import { existing } from '../../bytes/existing.ts';
import { INDEX_NAME } from '../../bytes/index-name.ts';
import { type Instant, parseInstant } from '../../bytes/instant.ts';
import { LIMITS } from './limits.ts';

// The lines of a manifest, as docs/bundle-format.md describes them. Members stand in the order in which they are written.

/** Oldest first. A bundle is in the oldest one that can say what it carries, so that who reads no later one reads it. */
export const FORMATS = ['verbatim-bundle/1', 'verbatim-bundle/2', 'verbatim-bundle/3'] as const;
export type Format = (typeof FORMATS)[number];

/** What an entry is. In this order they stand, those of one file together. */
export const KINDS = [
  'report',
  'sbom',
  'root',
  'timestamp',
  'snapshot',
  'targets',
  'list',
  'page',
  'file',
  'core-metadata',
  'signature',
  'provenance',
  'target',
  'advisories',
] as const;
export type Kind = (typeof KINDS)[number];

/** What became different of a project or file since the base: for people, and for whoever serves it. */
export const CHANGE_KINDS = ['removed', 'left-out', 'yanked', 'unyanked', 'quarantined', 'unquarantined'] as const;

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const size = z.int().min(0);
const name = z.string().min(1).max(LIMITS.name);
const time = z.string().refine((text) => parseInstant(text) !== undefined);
const number = z.int().min(1).max(LIMITS.number);
const atMost = (most: number) => z.int().min(0).max(most);

const AnnouncedKey = z.strictObject({
  /** Ed25519, 32 bytes in lower-case hex. */
  public: sha256,
  /** For people. */
  name: z.string().min(1).max(LIMITS.name),
  from: time.optional(),
  until: time.optional(),
});
export type AnnouncedKey = z.infer<typeof AnnouncedKey>;

export const Header = z.strictObject({
  format: z.enum(FORMATS),
  index: z.strictObject({
    name: z.string().regex(INDEX_NAME),
    evidence: z.enum(['tuf', 'index']),
    /** Of the pinned root: present under `tuf`. */
    rootSha256: sha256.optional(),
    /** Where the exporter has it from; for people. */
    upstream: z.string().max(LIMITS.url),
  }),
  number,
  /** Of the manifest before; absent in number 1. */
  previous: sha256.optional(),
  /** What the far side must have before this one; absent where it needs nothing. */
  base: z.strictObject({ number, manifest: sha256 }).optional(),
  /** Of the state that is carried: when upstream last stood by it, not when the bundle was made. */
  stateAt: time,
  /** At which time its evidence held. */
  referenceTime: time,
  policy: z.strictObject({
    /** How long it may be served after the reference time, by the exporter's word. */
    maxAgeDays: z.int().min(1).max(36_500).optional(),
  }),
  /** Names and globs of projects; absent for everything held. */
  selection: z.array(z.string().min(1).max(LIMITS.pattern)).min(1).max(LIMITS.patterns).optional(),
  keys: z.array(AnnouncedKey).max(LIMITS.keys),
  totals: z.strictObject({
    entries: atMost(LIMITS.entries),
    /** Members of the body: what is carried here, each content once. */
    members: atMost(LIMITS.entries),
    /** Bytes of their contents, uncompressed. */
    content: atMost(LIMITS.body),
    /** Bytes of the body, from its first header to its end. */
    body: atMost(LIMITS.body),
    changes: atMost(LIMITS.changes),
    pieces: z.int().min(1).max(LIMITS.pieces),
  }),
});
export type Header = z.infer<typeof Header>;

export const Entry = z.strictObject({
  kind: z.enum(KINDS),
  /** Normalized. */
  project: name.optional(),
  /** Of the file or the targets role; the path of a target. */
  name: name.optional(),
  /** Of a role. */
  version: z.int().min(1).optional(),
  /** Of an unsigned document: what its links are relative to, and what it came with; of advisories where they came from. */
  url: z.string().min(1).max(LIMITS.url).optional(),
  type: z.string().max(LIMITS.name).optional(),
  serial: size.optional(),
  /** When upstream last stood by it; of advisories when the newest of them was changed. */
  confirmed: time.optional(),
  /** Of the content. */
  size: atMost(LIMITS.member),
  sha256,
  /** Other digests by which a role or page lists it. */
  also: z
    .strictObject({
      sha384: z
        .string()
        .regex(/^[0-9a-f]{96}$/)
        .optional(),
      sha512: z
        .string()
        .regex(/^[0-9a-f]{128}$/)
        .optional(),
      'blake2b-256': sha256.optional(),
    })
    .optional(),
  /** `here`: a member of this bundle; `above`: of an earlier line; `held`: the far side has it from before. */
  bytes: z.enum(['here', 'above', 'held']),
  /** Of a member that is compressed. */
  coding: z.literal('zstd').optional(),
  /** Its bytes as they lie in the archive. */
  stored: atMost(LIMITS.member).optional(),
});
export type Entry = z.infer<typeof Entry>;

export const Change = z.strictObject({
  change: z.enum(CHANGE_KINDS),
  project: name,
  /** Of the file; absent for the whole project. */
  name: name.optional(),
  /** What upstream says of it. */
  reason: z.string().max(LIMITS.reason).optional(),
});
export type Change = z.infer<typeof Change>;

export const Piece = z.strictObject({
  /** From 1 on. */
  piece: z.int().min(1).max(LIMITS.pieces),
  size: z.int().min(1).max(LIMITS.body),
  sha256,
});
export type Piece = z.infer<typeof Piece>;

/** The first format that has such an entry. */
export function formatFor(kind: Kind): Format {
  if (kind === 'advisories') return FORMATS[2];
  return kind === 'target' ? FORMATS[1] : FORMATS[0];
}

/** Whether an entry of the kind can stand in that format. */
export function hasKind(format: Format, kind: Kind): boolean {
  return FORMATS.indexOf(formatFor(kind)) <= FORMATS.indexOf(format);
}

/** Carried as it is, and read from the store when a bundle is made again. */
export function isStoredFile({ kind }: Pick<Entry, 'kind'>): boolean {
  return kind === 'file' || kind === 'target';
}

/** Never compressed: everything else is a document. */
export function isCarriedAsItIs(entry: Pick<Entry, 'kind'>): boolean {
  return isStoredFile(entry) || entry.kind === 'advisories';
}

/** Seconds since the epoch of a time in a line that was decoded. */
export function timeOf(text: string): Instant {
  return existing(parseInstant(text), 'a time that was decoded is none');
}
