import { type Background, createBackground } from '../async/background.ts';
import type { Caller } from '../async/caller.ts';
import type { Blobs } from '../ports/blobs.ts';
import type { Clock } from '../ports/clock.ts';
import type { ReleaseDocument } from '../ports/contents/inside.ts';
import type { Emit } from '../ports/events.ts';
import type { PageStore, Pins } from '../ports/index-state.ts';
import type { Lease } from '../ports/lease.ts';
import type { Tallies } from '../ports/left-out.ts';
import type { PageWork } from '../ports/page-work.ts';
import type { Policy } from '../ports/policy.ts';
import type { Journal } from '../ports/records.ts';
import type { Upstream } from '../ports/upstream.ts';
import type { LookAheadRules } from './ahead/look-ahead.ts';
import type { CommonDocuments } from './common-documents.ts';
import { Fetch } from './files/fetch.ts';
import type { FirstSightRules } from './files/first-sights.ts';
import { HeldVariants } from './files/held-variants.ts';
import type { JudgeFile } from './files/judge.ts';
import type { CarriedIndex, SignedRepository, UnverifiedDocuments } from './package-index.ts';
import type { DrawnBodies } from './projects/drawn-bodies.ts';
import type { OfflinePages } from './projects/held-files.ts';
import type { ProjectPages } from './projects/project-pages.ts';
import { createReports, type Reports } from './projects/reports.ts';
import { createSightPins, type SightPins } from './projects/sight-pins.ts';
import type { SeenQuarantines } from './seen-quarantines.ts';

/** What the world gives an index, whatever its pages are believed by. */
export interface IndexOptions {
  readonly name: string;
  readonly work: PageWork;
  readonly pins: Pins;
  /** What is left of projects that are gone; where it is left out, their pins alone tell that they were here. */
  readonly floors?: Pick<PageStore, 'gone'> | undefined;
  readonly blobs: Blobs;
  readonly upstream: Upstream;
  readonly policy: Policy;
  readonly clock: Clock;
  readonly emit: Emit;
  readonly journal: Journal;
  readonly tallies: Tallies;
  /** Where drawn pages are found again that memory has no room for; undefined where there is no such place. */
  readonly drawn?: DrawnBodies | undefined;
  /** What other replicas had of what is proved here again; undefined where this one is alone. */
  readonly shared?: CommonDocuments | undefined;
  /** Who asks upstream, where other processes on the same state could, too. */
  readonly lease?: Lease | undefined;
  /** Bytes of memory for pages, and as much again for what they are made from. */
  readonly memory: number;
  /** True where upstream may put other bytes under a name it used before. */
  readonly reuploads: boolean;
  /** True where upstream is never asked, and what is held is all there is. */
  readonly offline: boolean;
  /** What becomes of listed files that are not held, where upstream is never asked. */
  readonly offlinePages?: OfflinePages | undefined;
  /** How files that nobody states a digest of are believed; undefined where they are withheld, as of every signed index. */
  readonly firstSight?: FirstSightRules | undefined;
  /** Of projects that upstream removes, what it had said of them; a test of other things leaves it out. */
  readonly quarantines?: SeenQuarantines | undefined;
  /** True where files that upstream removed, and that are held, are served on by their addresses. */
  readonly servesRemoved?: boolean | undefined;
  /** What is looked at before a client asks for it; undefined for nothing. */
  readonly lookAhead?: LookAheadRules | undefined;
  /** What links to files begin with, absolute and with a slash at the end; absent where they are relative. */
  readonly linkBase?: string | undefined;
}

/** The same with what its rooms share. */
export interface IndexParts extends IndexOptions {
  /** Seconds after which upstream is asked again for a page, or whether there is one; undefined where signatures say that. */
  readonly maxAge?: number | undefined;
  readonly index: string;
  readonly reports: Reports;
  readonly background: Background;
  readonly fetch: Fetch;
  readonly heldVariants: HeldVariants;
  readonly sightPins: SightPins;
}

export function partsOf<O extends IndexOptions>(options: O): O & IndexParts {
  const { name: index } = options;
  const reports = createReports({ ...options, index });
  const background = createBackground();
  const fetch = new Fetch({ ...options, index, reports, background });
  return {
    ...options,
    index,
    reports,
    background,
    fetch,
    heldVariants: new HeldVariants(options.blobs),
    sightPins: createSightPins(options),
  };
}

/** What an index has besides pages, list and files. */
export interface Facets<P> {
  readonly introduce?: ((caller: Caller) => Promise<void>) | undefined;
  readonly signed?: ((judge: JudgeFile) => SignedRepository) | undefined;
  readonly carried?: ((signed: SignedRepository | undefined) => CarriedIndex | undefined) | undefined;
  readonly unverified?: ((pages: ProjectPages<P>) => UnverifiedDocuments) | undefined;
  readonly release?: ReleaseDocument | undefined;
}
