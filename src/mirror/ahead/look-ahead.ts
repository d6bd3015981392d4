import type { Background } from '../../async/background.ts';
import type { Caller } from '../../async/caller.ts';
import { createLoopLoad } from '../../async/loop-load.ts';
import { BoundedMap } from '../../bytes/bounded-map.ts';
import type { Instant } from '../../bytes/instant.ts';
import { type Reason, Refusal } from '../../bytes/refusal.ts';
import type { Clock } from '../../ports/clock.ts';
import type { LookKind } from '../../ports/events.ts';
import type { OwnFile } from '../../pypi/listing.ts';
import { newestWheel, tagsOf } from '../../pypi/resolving/newest.ts';
import { requiredProjects } from '../../pypi/resolving/requirements.ts';
import { isUnlisted } from '../absence.ts';
import { METADATA } from '../files/addresses.ts';
import type { Files } from '../files/files.ts';
import { LIMITS } from '../limits.ts';
import type { BelievedPage } from '../projects/believed-page.ts';
import type { Breaker } from '../projects/breaker.ts';
import type { ProjectPages } from '../projects/project-pages.ts';
import type { Reports } from '../projects/reports.ts';
import { isRecent } from '../recent.ts';
import { Budget } from './budget.ts';
import { LookQueue } from './look-queue.ts';
import { UnusedLooks } from './unused.ts';

/** How much is looked at before anybody asks. */
export interface LookAheadRules {
  /** Steps of requirements from what a client asked for; 0: no page that no client asked for. */
  readonly depth: number;
  /** Looks a minute at what no client asks for afterwards. */
  readonly requests: number;
  /** Bytes a minute of those. */
  readonly bytes: number;
  /** The largest wheel that is fetched when its core metadata is asked for. Bytes. */
  readonly largestWheel: number;
}

interface LookAheadOptions<P> {
  readonly index: string;
  readonly rules: LookAheadRules;
  readonly pages: Pick<ProjectPages<P>, 'get' | 'atHand'>;
  readonly files: Pick<Files<P>, 'open' | 'openCoreMetadata' | 'mayLookAt'>;
  readonly breaker: Pick<Breaker, 'isOpen'>;
  readonly clock: Clock;
  readonly reports: Pick<Reports, 'lookedAhead'>;
  readonly background: Background;
}

/** At once; an upstream has 32 connections for documents and 24 for files unless it is configured otherwise. */
const MOST_DOCUMENTS = 16;
/** Few: a client that has resolved what it wants asks for all its files, and would find the places taken. */
const MOST_FILES = 4;
/** Seconds within which nothing is looked at twice. */
const AGAIN_AFTER = 300;
/** Seconds without a look after upstream failed, and after a client needed a place. */
const REST_AFTER_FAILURE = 30;
const REST_AFTER_GIVING_WAY = 1;
/** Names, files and tags remembered; forgetting costs one more look. */
const MOST_REMEMBERED = 10_000;
const MOST_TAGS = 32;
/** Upstream could not be had, or does not want to be asked. */
const AWAY: ReadonlySet<Reason> = new Set(['unreachable', 'slow', 'truncated', 'forbidden', 'limit', 'offline']);

interface Looked {
  readonly left: number;
  readonly at: Instant;
}

/** Decides what is looked at when a client asks for something. */
export class LookAhead<P> {
  readonly #options: LookAheadOptions<P>;
  readonly #documents: LookQueue;
  readonly #files: LookQueue;
  readonly #requests: Budget;
  readonly #bytes: Budget;
  readonly #unused = new UnusedLooks();
  /** Projects by name, files and core metadata by path: when, and with how many steps left. */
  readonly #looked = new BoundedMap<Looked>({ entries: MOST_REMEMBERED });
  /** What core metadata requires, by its path. */
  readonly #required = new BoundedMap<readonly string[]>({ entries: MOST_REMEMBERED });
  readonly #newest = new WeakMap<BelievedPage<P>, OwnFile>();
  /** Of wheels that clients asked for lately. */
  readonly #tags = new BoundedMap<true>({ entries: MOST_TAGS });
  /** Files and core metadata that clients asked for, by path. */
  readonly #asked = new BoundedMap<true>({ entries: MOST_REMEMBERED });
  /** Pages that clients wait for, and how many of them. */
  readonly #asking = new Map<string, number>();
  #restsUntil: Instant = 0;

  constructor(options: LookAheadOptions<P>) {
    const { rules, clock } = options;
    this.#options = options;
    const isBusy = createLoopLoad();
    this.#documents = new LookQueue({ ...options, isBusy, most: MOST_DOCUMENTS });
    this.#files = new LookQueue({ ...options, isBusy, most: MOST_FILES });
    this.#requests = new Budget(rules.requests, clock);
    this.#bytes = new Budget(rules.bytes, clock);
  }

  /** A client asks for a page. Returns what to call with the outcome. */
  pageAsked(project: string): (found: boolean) => void {
    this.#use(project);
    this.#asking.set(project, (this.#asking.get(project) ?? 0) + 1);
    return (found) => {
      const others = (this.#asking.get(project) ?? 1) - 1;
      if (others > 0) this.#asking.set(project, others);
      else this.#asking.delete(project);
      if (found) this.#follow(project, this.#options.rules.depth);
    };
  }

  /** A client was sent a page at once. */
  pageSent(project: string): void {
    this.#use(project);
    this.#follow(project, this.#options.rules.depth);
  }

  /** A client asks for a file, or for its core metadata. */
  fileAsked(page: BelievedPage<P>, file: OwnFile, isMetadata: boolean): void {
    const { filename } = file.entry;
    const key = isMetadata ? file.path + METADATA : file.path;
    this.#use(key);
    if (filename.endsWith('.whl')) this.#tags.set(tagsOf(filename), true);
    if (!isMetadata) return void this.#asked.set(key, true);
    const { depth } = this.#options.rules;
    this.#asked.set(key, true);
    const isDue = this.#isDue(key, depth);
    const known = this.#required.get(key);
    if (known === undefined)
      this.#add(async (caller) => {
        if (isDue) await this.#require(page, file, depth, caller);
        // Behind what the client asks for itself.
        this.#wantFile(page, file);
      });
    else {
      if (isDue) this.#wantPages(known, depth);
      this.#wantFile(page, file);
    }
  }

  close(): void {
    this.#documents.close();
    this.#files.close();
  }

  #follow(project: string, left: number): void {
    if (this.#isDue(project, left)) this.#walk(project, left);
  }

  /** Goes on from a page that is at hand, as far as everything is known, and looks at what is not. */
  #walk(project: string, left: number): void {
    const page = this.#options.pages.atHand(project);
    if (page === undefined) return;
    const file = this.#newest.get(page);
    const known = file && this.#required.get(file.path + METADATA);
    if (known === undefined) this.#add((caller) => this.#followPage(page, left, caller));
    else this.#wantPages(known, left);
  }

  async #followPage(page: BelievedPage<P>, left: number, caller: Caller): Promise<void> {
    const file = this.#newest.get(page) ?? newestWheel(page.listing, (tags) => this.#tags.has(tags));
    if (file === undefined) return;
    this.#newest.set(page, file);
    if (this.#isDue(file.path + METADATA, left)) await this.#require(page, file, left, caller);
  }

  /** Reads what a file requires, and looks at the pages of that. */
  async #require(page: BelievedPage<P>, file: OwnFile, left: number, caller: Caller): Promise<void> {
    const key = file.path + METADATA;
    const look = async () => {
      const blob = await this.#options.files.openCoreMetadata(page, file, caller);
      if (blob !== undefined) this.#required.set(key, requiredProjects(await blob.bytes(LIMITS.coreMetadata)));
      return blob?.size;
    };
    if (!this.#required.has(key)) {
      const isOurs = !this.#asked.has(key) && (await this.#options.files.mayLookAt(page, file, true));
      if (isOurs) await this.#look({ kind: 'core-metadata', key }, look, caller);
      // A client fetches it, or has: what becomes of that is told to the client.
      else if (left > 0 || this.#asked.has(key)) await look().catch(() => undefined);
    }
    this.#wantPages(this.#required.get(key) ?? [], left);
  }

  #wantPages(projects: readonly string[], left: number): void {
    if (left > 0) for (const project of projects) this.#wantPage(project, left - 1);
  }

  #wantPage(project: string, left: number): void {
    // Whoever asks for it now has it followed as well.
    if (this.#asking.has(project) || !this.#isDue(project, left)) return;
    if (this.#options.pages.atHand(project) !== undefined) this.#walk(project, left);
    else this.#add((caller) => this.#lookAtPage(project, left, caller));
  }

  async #lookAtPage(project: string, left: number, caller: Caller): Promise<void> {
    const { pages } = this.#options;
    if (this.#asking.has(project)) return;
    const look = async () => (await pages.get(project, caller)).page.size;
    if (pages.atHand(project) === undefined) await this.#look({ kind: 'page', key: project }, look, caller);
    this.#walk(project, left);
  }

  #wantFile(page: BelievedPage<P>, file: OwnFile): void {
    const { entry, path, firstSight, unproved } = file;
    const { size, digests, filename } = entry;
    if (size === undefined || size > this.#options.rules.largestWheel) return;
    // At its first sight a file is held to what came: that is for whoever asks for it.
    if (digests.size === 0 || firstSight === true || unproved === true || !this.#isDue(path, 0)) return;
    const { files } = this.#options;
    this.#add(async (caller) => {
      if (this.#asked.has(path) || !(await files.mayLookAt(page, file, false))) return;
      const look = async () => (await files.open(page, filename, caller)).size;
      await this.#look({ kind: 'file', key: path, bytes: size }, look, caller);
    }, this.#files);
  }

  /** One look within the budgets; `look` says how many bytes came of it, undefined for nothing. */
  async #look(
    { kind, key, bytes = 0 }: { readonly kind: LookKind; readonly key: string; readonly bytes?: number },
    look: () => Promise<number | undefined>,
    caller: Caller,
  ): Promise<void> {
    const { reports, clock } = this.#options;
    for (const wasted of this.#unused.wasted(clock.now())) reports.lookedAhead(wasted.kind, 'wasted', wasted.bytes);
    if (!this.#requests.take(1)) return reports.lookedAhead(kind, 'over-budget', 0);
    if (!this.#bytes.take(bytes)) {
      this.#requests.giveBack(1);
      return reports.lookedAhead(kind, 'over-budget', 0);
    }
    this.#unused.add(key, { kind, since: clock.now(), bytes });
    try {
      const came = await look();
      if (came === undefined) this.#cameToNothing(key, kind, 'absent');
      else {
        reports.lookedAhead(kind, 'looked', came);
        // What a client has asked for meanwhile is no more of this.
        if (this.#unused.came(key, came)) this.#bytes.spend(came - bytes);
      }
    } catch (error) {
      this.#failed(key, kind, error, caller);
    }
  }

  #failed(key: string, kind: LookKind, error: unknown, { signal }: Caller): void {
    const isAway = error instanceof Refusal && AWAY.has(error.reason);
    if (signal.aborted) this.#rest(REST_AFTER_GIVING_WAY);
    else if (isAway) this.#rest(REST_AFTER_FAILURE);
    this.#cameToNothing(key, kind, signal.aborted ? 'gave-way' : isUnlisted(error) ? 'absent' : 'failed');
  }

  #cameToNothing(key: string, kind: LookKind, result: 'absent' | 'failed' | 'gave-way'): void {
    this.#bytes.giveBack(this.#unused.take(key)?.bytes ?? 0);
    this.#options.reports.lookedAhead(kind, result, 0);
  }

  #use(key: string): void {
    const look = this.#unused.size === 0 ? undefined : this.#unused.take(key);
    if (look === undefined) return;
    this.#requests.giveBack(1);
    this.#bytes.giveBack(look.bytes);
    this.#options.reports.lookedAhead(look.kind, 'used', look.bytes);
  }

  /** True where it was not looked at lately, or with fewer steps left; it is from now on. */
  #isDue(key: string, left: number): boolean {
    const now = this.#options.clock.now();
    const before = this.#looked.get(key);
    if (before !== undefined && before.left >= left && isRecent(before.at, AGAIN_AFTER, now)) return false;
    if (this.#isResting(now)) return false;
    this.#looked.set(key, { left, at: now });
    return true;
  }

  #add(look: (caller: Caller) => Promise<void>, queue: LookQueue = this.#documents): void {
    queue.add(async (caller) => {
      if (!this.#isResting(this.#options.clock.now())) await look(caller);
    });
  }

  #isResting(now: Instant): boolean {
    return now < this.#restsUntil || this.#options.breaker.isOpen;
  }

  #rest(seconds: number): void {
    this.#restsUntil = Math.max(this.#restsUntil, this.#options.clock.now() + seconds);
  }
}
