import type { Largest } from '../async/groups.ts';
import type { Instant } from '../bytes/instant.ts';
import type { Reason, Subject } from '../bytes/refusal.ts';
import { CHANGE_KINDS, type Change } from '../pypi/changes.ts';
import type { AskedUpstream } from './asked-upstream.ts';
import type { FetchedAgain, Scrubbed } from './blobs.ts';
import type { CacheResult, CacheTier } from './byte-cache.ts';
import type { Condition } from './conditions.ts';
import type { LeftOutReason } from './left-out.ts';
import type { Heard, RedisCommand, RedisOutcome } from './newest.ts';
import type { Ruled } from './policy.ts';
import type { ProvenanceJudged } from './provenance/told.ts';
import type { Gone, LookedThrough } from './records.ts';

/** Where refused bytes came from. */
export const ORIGINS = ['upstream', 'disk', 'client'] as const;
/** What a client can be answered with. */
export const SERVED_KINDS = [
  'page',
  'list',
  'file',
  'first-sight',
  'removed',
  'core-metadata',
  'metadata',
  'target',
] as const;
/** Where an answer came from. */
export const SERVED_FROM = ['memory', 'disk', 'upstream'] as const;
/** What the records keep of upstream. */
export const EVENT_KINDS = CHANGE_KINDS;
/** What becomes of a first sight: `pinned` by this process, or by another that was quicker; or `refused`. */
export const SIGHT_RESULTS = ['pinned', 'refused'] as const;
/** `alone`: granted because nothing could say who has it. `lost`: another has it before it was given up. */
export const LEASE_RESULTS = ['granted', 'elsewhere', 'alone', 'lost'] as const;
export type LeaseResult = (typeof LEASE_RESULTS)[number];
/** What came of asking another replica for a file: `proved` here, `absent` there, `wrong` bytes; or it `failed`. */
export const PEER_RESULTS = ['proved', 'absent', 'wrong', 'failed'] as const;
/** What another replica that asks for a file is told: `refused` where it does not show that it is one. */
export const PEER_ANSWERS = ['sent', 'absent', 'refused'] as const;
/** What replicas hear of each other. */
export const HEARD_OF = ['timestamp', 'page'] as const;
export type HeardOf = (typeof HEARD_OF)[number];
/**
 * How it stands with a document that upstream's word could not be had of: what is held stands in because upstream is `away`, or because what it
 * said was `refused`; it is `over`.
 */
export const STALE_STATES = ['away', 'refused', 'over'] as const;
/** What a replica does with the log that its fleet shares: `jumped` where it lagged behind what is left of it. */
export const FLEET_STEPS = ['founded', 'joined', 'jumped', 'cut', 'failed'] as const;
export type FleetStep = (typeof FLEET_STEPS)[number];
export const REFRESH_RESULTS = ['changed', 'unchanged', 'failed'] as const;
/** What is looked at before any client asks for it. */
export const LOOK_KINDS = ['page', 'core-metadata', 'file'] as const;
export type LookKind = (typeof LOOK_KINDS)[number];
/**
 * What became of a look: it was `looked` at, and then `used` by a client or, as none asked for it in time, `wasted`; upstream has no such thing
 * (`absent`); it `failed`; it gave its place to a client; or there was no budget for it.
 */
export const LOOK_RESULTS = ['looked', 'used', 'wasted', 'absent', 'failed', 'gave-way', 'over-budget'] as const;
export type LookResult = (typeof LOOK_RESULTS)[number];
/** What a sync by schedule came to: all that was asked for is held; something is missing, or was refused; it failed; another replica does it. */
export const SYNC_RESULTS = ['whole', 'missing', 'failed', 'elsewhere'] as const;
export type SyncResult = (typeof SYNC_RESULTS)[number];
/** What was asked for; `redirect`: whoever asks is sent elsewhere, and gets nothing here. */
export const ROUTES = [
  'page',
  'list',
  'file',
  'core-metadata',
  'metadata',
  'target',
  'relayed',
  'peer',
  'home',
  'health',
  'metrics',
  'advisories',
  'options',
  'redirect',
  'none',
] as const;
export type Route = (typeof ROUTES)[number];
export const METHODS = ['GET', 'HEAD', 'OPTIONS', 'POST', 'other'] as const;
/** Which part of this program met an error that is no refusal. */
export const FAULT_PLACES = ['answer', 'store'] as const;

/** How much room the state of an index has. */
export const ROOMS = ['ample', 'crowded', 'full'] as const;

/** What callers wait for a place of. */
export const QUEUES = [
  'chunks',
  'fills',
  'proofs',
  'knownPasswords',
  'passwords',
  'pages',
  'lists',
  'legacies',
  'inspections',
  'advisories',
  'documents',
  'downloads',
] as const;

/** Everything that happens and is told to an operator, by name: each has a counter, a word and a level in telemetry. */
interface EventMap {
  /** Bytes, a request or state did not hold. */
  readonly rejected: {
    readonly index: string;
    readonly reason: Reason;
    readonly subject: Subject;
    /** What of that kind: a project, a file, a role. */
    readonly thing: string;
    readonly message: string;
    readonly at: (typeof ORIGINS)[number];
  };
  /** A client got something that was proved. */
  readonly served: {
    readonly index: string;
    readonly kind: (typeof SERVED_KINDS)[number];
    readonly how: (typeof SERVED_FROM)[number];
    /** From when it was asked for until proved bytes were at hand. */
    readonly seconds: number;
  };
  /** Upstream was asked for something. */
  readonly askedUpstream: AskedUpstream & { readonly index: string };
  /** The records keep a line of upstream: what it took away or changed. */
  readonly changed: { readonly index: string; readonly project: string; readonly kind: Change['kind'] };
  /** What is held of a document begins to stand in for upstream's word, or no longer; once a change. `thing`: a project, or the list. */
  readonly stale: {
    readonly index: string;
    readonly state: (typeof STALE_STATES)[number];
    readonly thing: string;
    readonly message: string;
  };
  /** A client got something older, because upstream's word could not be had. */
  readonly stoodIn: {
    readonly index: string;
    readonly kind: Extract<(typeof SERVED_KINDS)[number], 'page' | 'list' | 'file'>;
  };
  /** An upstream is waited for no longer, because it was silent; or it answers again. */
  readonly silence: { readonly index: string; readonly silent: boolean };
  /** The same of one host of an upstream, for whoever nothing is held for. */
  readonly hostSilence: { readonly index: string; readonly host: string; readonly silent: boolean };
  /** A byte cache was asked for what memory did not have. */
  readonly cached: { readonly index: string; readonly tier: CacheTier; readonly result: CacheResult };
  /** Redis is there, or is away; once a change. `why`: in words, without a secret. */
  readonly redis: { readonly up: true } | { readonly up: false; readonly why: string };
  readonly askedRedis: { readonly command: RedisCommand; readonly outcome: RedisOutcome };
  /** What came of asking whether another replica does the same work. */
  readonly leased: { readonly result: LeaseResult };
  readonly peered: { readonly result: (typeof PEER_RESULTS)[number] };
  readonly peerAsked: { readonly result: (typeof PEER_ANSWERS)[number] };
  /** What came of something that another replica believes. */
  readonly heard: { readonly index: string; readonly what: HeardOf; readonly result: Heard };
  /** `entry`: where it now stands, or the snapshot does. `why`: of what failed. */
  readonly fleet: {
    readonly index: string;
    readonly step: FleetStep;
    readonly entry: number;
    /** Of what was founded, read or written as a whole. */
    readonly bytes: number;
    /** Entries. */
    readonly removed: number;
    readonly why?: string | undefined;
  };
  /** One round of asking upstream came to an end. */
  readonly refreshed: {
    readonly index: string;
    readonly result: (typeof REFRESH_RESULTS)[number];
    readonly seconds: number;
    readonly versions?: ReadonlyMap<string, number> | undefined;
    readonly expires?: ReadonlyMap<string, Instant> | undefined;
  };
  /** What a project's page does not pass on of what upstream lists, once for each change; empty where it passes on everything again. */
  readonly leftOut: {
    readonly index: string;
    readonly project: string;
    readonly leftOut: ReadonlyMap<LeftOutReason, number>;
    /** Files that are listed on the evidence `first-sight`. */
    readonly firstSight: number;
    /** Files that are listed by the digest that a signed manifest names. */
    readonly byManifest: number;
    /** Files that are listed and cannot be fetched, by host: this mirror may not go there. */
    readonly outOfReach: ReadonlyMap<string, number>;
  };
  /** A file that nobody states a digest of was asked for the first time, and looked into. */
  readonly sighted: {
    readonly index: string;
    readonly project: string;
    readonly file: string;
    readonly result: (typeof SIGHT_RESULTS)[number];
    /** Of a pinned one. */
    readonly sha256?: string | undefined;
  };
  /** Something was looked at that no client had asked for yet, or that came to its end. */
  readonly lookedAhead: {
    readonly index: string;
    readonly kind: LookKind;
    readonly result: LookResult;
    /** Of a page, what it takes in memory; as far as they are known. */
    readonly bytes: number;
  };
  /** Something worth a line. */
  readonly noted: {
    readonly index: string;
    readonly message: string;
    readonly detail?: Readonly<Record<string, string | number>> | undefined;
  };
  /** A request's answer came to its end. Holds no header a client sent. */
  readonly answered: {
    readonly route: Route;
    readonly method: (typeof METHODS)[number];
    /** 0 where the client left before there was one. */
    readonly status: number;
    readonly reason: Reason | undefined;
    readonly seconds: number;
    /** Of the body, as far as they were handed on. */
    readonly bytes: number;
    /** The answer did not reach its end: the client left, or we cut it. */
    readonly aborted: boolean;
    /** As sent, without the query; for a log, never a label. */
    readonly path: string;
    /** The client's address; for a log, never a label. */
    readonly client: string;
    /** What the client calls the request; for a log, never a label. */
    readonly requestId?: string | undefined;
  };
  /** Connections begin to be refused or closed for others (`party` has most of them), or there is room again. */
  readonly crowded:
    | { readonly full: true; readonly party: string; readonly held: number; readonly limit: number }
    | { readonly full: false };
  /** An error that is no refusal: a defect of this program, or a disk that fails behind the answers. */
  readonly faulted: { readonly at: (typeof FAULT_PLACES)[number]; readonly error: unknown };
  /** A queue refuses callers, or has room again. `index`: empty where all indexes share it. */
  readonly queued: {
    readonly index: string;
    readonly queue: (typeof QUEUES)[number];
    /** Who holds and waits for most of what is full; undefined where there is room again. */
    readonly largest: Largest | undefined;
  };
  /** A project's page was let go to make room in the state of its index: what the next one is held to stays. */
  readonly letGo: { readonly index: string; readonly project: string };
  /** How much room the state of an index has, once a change. `crowded`: pages are let go. `full`: none is left that could be, and new projects are refused. */
  readonly stateRoom: {
    readonly index: string;
    readonly room: (typeof ROOMS)[number];
    readonly bytes: number;
    readonly limit: number;
  };
  /** Something that an operator should know begins to be so, or is over; once a change. */
  readonly condition: Condition & { readonly begins: boolean };
  /**
   * One of several processes behind one port answers from now on, or ended unasked. `again`: milliseconds until it is replaced; `why`: by what it
   * ended, and what it said of that.
   */
  readonly worker: {
    readonly worker: number;
    readonly pid: number | undefined;
    readonly ended?: { readonly why: string; readonly again: number } | undefined;
  };
  /** A sync that the configuration has a schedule for came to its end. */
  readonly synced: {
    readonly index: string;
    readonly job: string;
    readonly result: SyncResult;
    readonly seconds: number;
    /** Files, and their bytes; projects whose pages were not asked for: the list says that they are what they were. */
    readonly fetched: number;
    readonly bytes: number;
    readonly notAsked: number;
    readonly missing: number;
    readonly refused: number;
    /** Of the first thing that is missing or was refused. */
    readonly why: string | undefined;
  };
  readonly gone: Gone;
  readonly provenance: ProvenanceJudged;
  readonly ruled: Ruled;
  readonly lookedThrough: LookedThrough;
  readonly scrubbed: Scrubbed;
  readonly fetchedAgain: FetchedAgain;
  /**
   * What the configuration names was read again (`read`, in words); `error` where something could not be, and nothing was changed. `quiet`: another
   * process of the same server tells it.
   */
  readonly reloaded: { readonly read: readonly string[]; readonly quiet?: boolean; readonly error?: unknown };
}

export type EventName = keyof EventMap;

/** One event, or any: a closed union by `name`. */
export type Event<N extends EventName = EventName> = { [K in N]: { readonly name: K } & EventMap[K] }[N];

/** Counts and logs. Never throws, never waits. */
export type Emit = (event: Event) => void;
