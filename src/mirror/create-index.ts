import { type Background, createBackground } from '../async/background.ts';
import type { Caller } from '../async/caller.ts';
import { secondsSince } from '../async/elapsed.ts';
import type { Blob } from '../ports/blob.ts';
import type { Blobs } from '../ports/blobs.ts';
import type { Clock } from '../ports/clock.ts';
import type { Emit } from '../ports/events.ts';
import type { Pins } from '../ports/index-state.ts';
import type { Lease } from '../ports/lease.ts';
import type { Tallies } from '../ports/left-out.ts';
import type { Heard } from '../ports/newest.ts';
import type { PageWork } from '../ports/page-work.ts';
import type { Policy } from '../ports/policy.ts';
import type { Journal } from '../ports/records.ts';
import type { Upstream } from '../ports/upstream.ts';
import type { Choice } from '../render/negotiate.ts';
import { LookAhead, type LookAheadRules } from './ahead/look-ahead.ts';
import type { EvidenceKind } from './believed.ts';
import type { CommonDocuments } from './common-documents.ts';
import type { Evidence } from './evidence.ts';
import { type Explanation, explain } from './explain.ts';
import type { FileAddress } from './files/addresses.ts';
import { CoreMetadata } from './files/core-metadata.ts';
import { Expectations } from './files/expectations.ts';
import { Fetch } from './files/fetch.ts';
import type { FileAnswer } from './files/file-answer.ts';
import { Files } from './files/files.ts';
import { type FirstSightRules, FirstSights } from './files/first-sights.ts';
import { HeldVariants } from './files/held-variants.ts';
import { type JudgeFile, judgeByName } from './files/judge.ts';
import { coreMetadataFor } from './files/metadata-for-jobs.ts';
import type {
  CarriedIndex,
  IndexStatus,
  LookedAt,
  PackageIndex,
  ServedPage,
  SignedRepository,
  UnverifiedDocuments,
} from './package-index.ts';
import type { BelievedPage } from './projects/believed-page.ts';
import { Breaker } from './projects/breaker.ts';
import type { DrawnBodies } from './projects/drawn-bodies.ts';
import { HeldFiles, type OfflinePages } from './projects/held-files.ts';
import type { TallyTotals } from './projects/left-out.ts';
import { ProjectPins } from './projects/pins.ts';
import { ProjectList } from './projects/project-list.ts';
import { type FoundPage, ProjectPages } from './projects/project-pages.ts';
import { createReports, type Reports } from './projects/reports.ts';
import { createSightPins } from './projects/sight-pins.ts';

/** What the world gives an index, whatever its pages are believed by. */
export interface IndexOptions {
  readonly name: string;
  readonly work: PageWork;
  readonly pins: Pins;
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
}

export function partsOf<O extends IndexOptions>(options: O): O & IndexParts {
  const { name: index } = options;
  const reports = createReports({ ...options, index });
  const background = createBackground();
  const fetch = new Fetch({ ...options, index, reports, background });
  return { ...options, index, reports, background, fetch, heldVariants: new HeldVariants(options.blobs) };
}

interface Facets<P> {
  readonly introduce?: ((caller: Caller) => Promise<void>) | undefined;
  readonly signed?: ((judge: JudgeFile) => SignedRepository) | undefined;
  readonly carried?: ((signed: SignedRepository | undefined) => CarriedIndex | undefined) | undefined;
  readonly unverified?: ((pages: ProjectPages<P>) => UnverifiedDocuments) | undefined;
}

/** An index that can be closed. */
export interface RunningIndex extends PackageIndex {
  /** Waits until nothing more is written: the store may close. */
  settled(): Promise<void>;
}

/** Pages, list, files and explanations over one kind of evidence. */
export class EvidencedIndex<P> implements RunningIndex {
  readonly name: string;
  readonly introduce: (caller: Caller) => Promise<void>;
  readonly signed: SignedRepository | undefined;
  readonly carried: CarriedIndex | undefined;
  readonly unverified: UnverifiedDocuments | undefined;
  readonly #evidence: Evidence<P>;
  readonly #breaker: Breaker;
  readonly #pages: ProjectPages<P>;
  readonly #list: ProjectList<P>;
  readonly #files: Files<P>;
  readonly #pins: ProjectPins;
  readonly #ahead: LookAhead<P> | undefined;
  readonly #parts: IndexParts;
  /** Pages that jobs were given. */
  readonly #listed = new WeakSet<BelievedPage<unknown>>();

  constructor(parts: IndexParts, evidence: Evidence<P>, { signed, carried, unverified, introduce }: Facets<P> = {}) {
    this.name = parts.index;
    this.#parts = parts;
    this.#evidence = evidence;
    this.#pins = new ProjectPins(parts);
    const { firstSight } = parts;
    const undigested = firstSight === undefined ? 'withhold' : 'first-sight';
    // What bundles brought is asked for here, and nobody is waited for.
    this.#breaker = new Breaker({ ...parts, offline: parts.offline && carried === undefined });
    const backOff = carried === undefined ? undefined : 0;
    const shared = { ...parts, evidence, breaker: this.#breaker, backOff };
    const { offline, offlinePages = 'all' } = parts;
    this.#pages = new ProjectPages({
      ...shared,
      pins: this.#pins,
      undigested,
      remembers: !parts.reuploads,
      heldFiles: offline ? new HeldFiles(parts.blobs, offlinePages) : undefined,
    });
    this.#list = new ProjectList(shared);
    this.#files = new Files({
      ...parts,
      pages: this.#pages,
      pins: this.#pins,
      expectations: new Expectations({ evidence, upstream: parts.upstream }),
      coreMetadata: new CoreMetadata(parts),
      firstSights:
        firstSight &&
        new FirstSights({
          ...parts,
          ...firstSight,
          pins: createSightPins(parts),
          onPinned: (project) => this.#pages.seen(project),
        }),
      onAsked: (page, file, isMetadata) => this.#ahead?.fileAsked(page, file, isMetadata),
    });
    const { lookAhead: rules } = parts;
    if (rules !== undefined && !offline)
      this.#ahead = new LookAhead({ ...shared, rules, pages: this.#pages, files: this.#files });
    this.introduce = introduce ?? (async () => undefined);
    this.signed = signed?.(judgeByName({ ...parts, pages: this.#pages }));
    this.carried = carried?.(this.signed);
    this.unverified = unverified?.(this.#pages);
  }

  get evidence(): EvidenceKind {
    return this.#evidence.kind;
  }

  warmPage(project: string, choice: Choice): ServedPage | undefined {
    const warm = this.#pages.warm(project);
    if (warm?.page.has(choice) !== true) return undefined;
    this.#parts.reports.served('page', 'memory', 0);
    this.#ahead?.pageSent(project);
    return warm;
  }

  async page(project: string, caller: Caller): Promise<ServedPage> {
    const answered = this.#ahead?.pageAsked(project);
    const asked = performance.now();
    let found: FoundPage | undefined;
    try {
      found = await this.#pages.find(project, caller);
    } finally {
      answered?.(found !== undefined);
    }
    return this.#counted('page', found, asked);
  }

  async list(caller: Caller): Promise<ServedPage> {
    const asked = performance.now();
    return this.#counted('list', await this.#list.find(caller), asked);
  }

  file(at: FileAddress, caller: Caller): Promise<FileAnswer> {
    return this.#files.find(at, caller);
  }

  explain(name: string, caller: Caller): Promise<Explanation> {
    const { reuploads } = this.#parts;
    return explain({ evidence: this.#evidence, pages: this.#pages, pins: this.#pins, reuploads }, name, caller);
  }

  async status(): Promise<IndexStatus> {
    const { name, evidence } = this;
    const silent = this.#breaker.isSilent;
    return { name, evidence, ...(await this.#evidence.status()), ...(await this.tally()), silent };
  }

  tally(): Promise<TallyTotals> {
    return this.#pages.totals();
  }

  async look(project: string, caller: Caller): Promise<LookedAt> {
    await this.signed?.refresh({ caller });
    return this.#pages.look(project, caller);
  }

  confirm(project: string, caller: Caller): Promise<void> {
    return this.#pages.confirm(project, caller);
  }

  follow(project: string, caller: Caller): Promise<void> {
    return project === '' ? this.#list.follow(caller) : this.#pages.follow(project, caller);
  }

  judgeAgain(project: string): Promise<void> {
    return this.#parts.policy.follow(project);
  }

  hear(project: string, caller: Caller): Promise<Heard> {
    return this.#pages.hear(project, caller);
  }

  async listing(project: string, caller: Caller): Promise<BelievedPage<P>> {
    const page = await this.#pages.get(project, caller);
    this.#listed.add(page);
    return page;
  }

  projects(caller: Caller): AsyncIterable<string> {
    return this.#list.names(caller);
  }

  async open(page: BelievedPage<unknown>, filename: string, caller: Caller): Promise<Blob> {
    return this.#files.open(this.#own(page), filename, caller);
  }

  settle(sha256: string): Promise<void> {
    return this.#files.settle(sha256);
  }

  async coreMetadata(page: BelievedPage<unknown>, filename: string, caller: Caller): Promise<Uint8Array | undefined> {
    return coreMetadataFor(this.#files, this.#own(page), filename, caller);
  }

  async isHeld(page: BelievedPage<unknown>, filename: string): Promise<boolean> {
    return this.#files.isHeld(this.#own(page), filename);
  }

  async settled(): Promise<void> {
    this.#ahead?.close();
    this.#pins.hurry();
    await this.#parts.background.settled();
    await this.#pages.settled();
  }

  #counted(kind: 'page' | 'list', { page, life, how, standsIn }: FoundPage, asked: number): ServedPage {
    const { reports } = this.#parts;
    reports.served(kind, how, secondsSince(asked));
    if (standsIn) reports.stoodIn(kind);
    return { page, life };
  }

  #own(page: BelievedPage<unknown>): BelievedPage<P> {
    if (!this.#isOwn(page)) throw new TypeError(`This page was not listed by the index ${this.name}.`);
    return page;
  }

  #isOwn(page: BelievedPage<unknown>): page is BelievedPage<P> {
    return this.#listed.has(page);
  }
}
