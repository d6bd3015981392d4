import type { Caller } from '../async/caller.ts';
import { secondsSince } from '../async/elapsed.ts';
import type { Blob } from '../ports/blob.ts';
import type { Heard } from '../ports/newest.ts';
import type { Choice } from '../render/negotiate.ts';
import { isUnlisted } from './absence.ts';
import { LookAhead } from './ahead/look-ahead.ts';
import type { EvidenceKind } from './believed.ts';
import { insideOf } from './contents/inside.ts';
import type { Evidence } from './evidence.ts';
import { type Explanation, explain } from './explain.ts';
import type { FileAddress } from './files/addresses.ts';
import { CoreMetadata } from './files/core-metadata.ts';
import { Expectations } from './files/expectations.ts';
import type { FileAnswer } from './files/file-answer.ts';
import { Files } from './files/files.ts';
import { FirstSights } from './files/first-sights.ts';
import { judgeByName } from './files/judge.ts';
import { coreMetadataFor } from './files/metadata-for-jobs.ts';
import { OnceListed } from './files/once-listed.ts';
import { RemovedFiles } from './files/removed-files.ts';
import type { Facets, IndexParts } from './index-parts.ts';
import { isKeptName } from './kept-name.ts';
import { listedSerials } from './listed-serials.ts';
import type {
  CarriedIndex,
  IndexStatus,
  IndexTally,
  KnownListing,
  ListedSerials,
  LookedAt,
  PackageIndex,
  ServedPage,
  SignedRepository,
  UnverifiedDocuments,
} from './package-index.ts';
import type { BelievedPage } from './projects/believed-page.ts';
import { Breaker } from './projects/breaker.ts';
import { HeldFiles } from './projects/held-files.ts';
import { ProjectPins } from './projects/pins.ts';
import { ProjectList } from './projects/project-list.ts';
import { type FoundPage, ProjectPages } from './projects/project-pages.ts';

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
  /** Undefined where what upstream removed is not served. */
  readonly #removed: RemovedFiles | undefined;
  readonly #ahead: LookAhead<P> | undefined;
  readonly #parts: IndexParts;
  /** Pages that jobs were given. */
  readonly #listed = new WeakSet<BelievedPage<unknown>>();

  constructor(
    parts: IndexParts,
    evidence: Evidence<P>,
    { signed, carried, unverified, introduce, release }: Facets<P> = {},
  ) {
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
      isKept: (project) => isKeptName(parts, project),
      heldFiles: offline ? new HeldFiles(parts.blobs, offlinePages) : undefined,
    });
    this.#list = new ProjectList(shared);
    const coreMetadata = new CoreMetadata(parts);
    const expectations = new Expectations({ evidence, upstream: parts.upstream });
    this.#files = new Files({
      ...parts,
      pages: this.#pages,
      pins: this.#pins,
      expectations,
      coreMetadata,
      firstSights:
        firstSight &&
        new FirstSights({
          ...parts,
          ...firstSight,
          pins: parts.sightPins,
          onPinned: (project) => this.#pages.seen(project),
        }),
      onAsked: (page, file, isMetadata) => this.#ahead?.fileAsked(page, file, isMetadata),
    });
    const [pages, files] = [this.#pages, this.#files];
    parts.policy.seeInside?.(insideOf({ ...parts, pages, files, coreMetadata, expectations, release }));
    const onceListed = new OnceListed({ ...parts, pins: this.#pins });
    if (parts.servesRemoved === true)
      this.#removed = new RemovedFiles({
        ...parts,
        quarantines: parts.quarantines,
        pages,
        pins: this.#pins,
        onceListed,
      });
    const { lookAhead: rules } = parts;
    if (rules !== undefined && !offline) this.#ahead = new LookAhead({ ...shared, rules, pages, files });
    this.introduce = introduce ?? (async () => undefined);
    this.signed = signed?.(judgeByName({ ...parts, pages: this.#pages, onceListed }));
    this.carried = carried?.(this.signed);
    this.unverified = unverified?.(this.#pages);
  }

  get evidence(): EvidenceKind {
    return this.#evidence.kind;
  }

  warmPage(project: string, choice: Choice): ServedPage | undefined {
    if (this.#evidence.overdue?.isDue === true) return undefined;
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
      await this.#evidence.overdue?.wait(caller);
      found = await this.#pages.find(project, caller);
    } finally {
      answered?.(found !== undefined);
    }
    return this.#counted('page', found, asked);
  }

  isAbsent(project: string): boolean {
    return this.#pages.isAbsent(project);
  }

  mayBeKept(project: string): boolean {
    return this.#pages.isKept(project) ?? true;
  }

  async isKept(project: string): Promise<boolean> {
    return this.#pages.isKept(project) ?? isKeptName(this.#parts, project);
  }

  async has(project: string, caller: Caller): Promise<boolean> {
    try {
      await this.#evidence.overdue?.wait(caller);
      await this.#pages.find(project, caller);
      return true;
    } catch (error) {
      if (isUnlisted(error)) return false;
      throw error;
    }
  }

  holds(project: string, caller: Caller): Promise<boolean> {
    return this.#pages.isHeld(project, caller);
  }

  async list(caller: Caller): Promise<ServedPage> {
    const asked = performance.now();
    await this.#evidence.overdue?.wait(caller);
    return this.#counted('list', await this.#list.find(caller), asked);
  }

  async file(at: FileAddress, caller: Caller): Promise<FileAnswer> {
    try {
      await this.#evidence.overdue?.wait(caller);
      return await this.#files.find(at, caller);
    } catch (error) {
      const removed = isUnlisted(error) ? await this.#removed?.find(at, caller) : undefined;
      if (removed === undefined) throw error;
      return removed;
    }
  }

  explain(name: string, caller: Caller, { held } = { held: false }): Promise<Explanation> {
    const { reuploads } = this.#parts;
    const parts = { evidence: this.#evidence, pages: this.#pages, pins: this.#pins, removed: this.#removed };
    return explain({ ...parts, reuploads, held }, name, caller);
  }

  async known(project: string, caller: Caller): Promise<KnownListing | undefined> {
    const known = await this.#pages.known(project, caller);
    if (known !== undefined) this.#listed.add(known.page);
    return known;
  }

  async status(): Promise<IndexStatus> {
    const { name, evidence } = this;
    const silent = this.#breaker.isSilent;
    return { name, evidence, ...(await this.#evidence.status()), ...(await this.tally()), silent };
  }

  async tally(): Promise<IndexTally> {
    return { ...(await this.#pages.totals()), quarantined: this.#parts.policy.quarantined };
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

  projects(caller: Caller, how?: { readonly held: boolean }): AsyncIterable<string> {
    return this.#list.names(caller, how);
  }

  async listed(caller: Caller): Promise<ListedSerials | undefined> {
    const isTold = this.signed !== undefined || this.carried !== undefined;
    return isTold ? undefined : listedSerials(await this.#list.serials(caller), this);
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
