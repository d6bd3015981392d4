import type { Background } from '../../async/background.ts';
import type { Caller } from '../../async/caller.ts';
import { existing } from '../../bytes/existing.ts';
import { Refusal } from '../../bytes/refusal.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Emit } from '../../ports/events.ts';
import type { Lease } from '../../ports/lease.ts';
import type { Tallies } from '../../ports/left-out.ts';
import type { Heard } from '../../ports/newest.ts';
import type { PageWork } from '../../ports/page-work.ts';
import type { Policy } from '../../ports/policy.ts';
import type { Upstream } from '../../ports/upstream.ts';
import type { OwnFile } from '../../pypi/listing.ts';
import { isUnlisted } from '../absence.ts';
import type { Evidence, Standing } from '../evidence.ts';
import type { LookedAt, ServedPage } from '../package-index.ts';
import { ToldRules } from '../policy/told-rules.ts';
import type { BelievedPage } from './believed-page.ts';
import type { Breaker } from './breaker.ts';
import { PageDrawer, type PageView } from './draw.ts';
import type { Found } from './drawing.ts';
import type { DrawnBodies } from './drawn-bodies.ts';
import type { HeldFiles } from './held-files.ts';
import { KeptDocuments } from './kept-documents.ts';
import { PageTallies, type TallyTotals } from './left-out.ts';
import type { ProjectPins } from './pins.ts';
import type { Reports } from './reports.ts';
import { placesOf, StrangeHosts } from './strange-hosts.ts';

export interface ProjectPagesOptions<P> {
  readonly index: string;
  readonly evidence: Evidence<P>;
  readonly work: PageWork;
  readonly pins: ProjectPins;
  readonly policy: Policy;
  readonly clock: Clock;
  readonly reports: Reports;
  readonly emit: Emit;
  readonly tallies: Tallies;
  readonly upstream: Pick<Upstream, 'mayFetch'>;
  readonly linkBase?: string | undefined;
  readonly heldFiles?: HeldFiles | undefined;
  readonly background: Background;
  readonly breaker: Breaker;
  readonly lease?: Lease | undefined;
  readonly drawn?: DrawnBodies | undefined;
  readonly maxAge?: number | undefined;
  readonly backOff?: number | undefined;
  /** Bytes. */
  readonly memory: number;
  readonly undigested: 'first-sight' | 'withhold';
  readonly remembers: boolean;
  /** Whether the name of a project that the index does not have is kept for it. Must not reject. */
  readonly isKept: (project: string) => Promise<boolean>;
}

/** A page as it is sent. `how`: where the answer came from. `standsIn`: upstream's own could not be had. */
export interface FoundPage extends ServedPage, Pick<Found<unknown, unknown>, 'how'> {
  readonly standsIn: boolean;
}

/** A page that is held. `age`: seconds since upstream stood by it; undefined where signatures say how long it holds. */
export interface KnownPage<P> {
  readonly page: BelievedPage<P>;
  readonly standing: Standing;
  readonly age: number | undefined;
}

/** The project pages of one index. */
export class ProjectPages<P> {
  readonly #documents: KeptDocuments<P, PageView<P>>;
  readonly #tallies: PageTallies;
  readonly #policy: Policy;
  readonly #strangeHosts: StrangeHosts;
  readonly #drawer: PageDrawer<P>;
  readonly #evidence: Evidence<P>;

  constructor(options: ProjectPagesOptions<P>) {
    this.#evidence = options.evidence;
    this.#tallies = new PageTallies(options);
    this.#strangeHosts = new StrangeHosts(options);
    const told = new ToldRules(options);
    const drawer = new PageDrawer({ ...options, tallies: this.#tallies, told, strangeHosts: this.#strangeHosts });
    this.#drawer = drawer;
    this.#policy = options.policy;
    this.#documents = new KeptDocuments({
      ...options,
      subject: 'page',
      drawer,
      absent: (project, keptFor) =>
        new Refusal('unlisted', `The index has no project called ${project}.`, { subject: 'page', keptFor }),
    });
  }

  /** `project` is a normalized name. No I/O. */
  warm(project: string): ServedPage | undefined {
    if (this.#policy.name(project).action !== 'serve') return undefined;
    const warm = this.#documents.warm(project);
    return warm && { page: warm.view.page, life: warm.life };
  }

  /** The same with all that it was drawn from, where that is in memory and upstream need not be asked first. No I/O. */
  atHand(project: string): BelievedPage<P> | undefined {
    return this.#documents.atHand(project)?.view.whole;
  }

  /** The page with all that it was drawn from. Throws Refusal; `unlisted` where the index provably has no such project. */
  async get(project: string, caller: Caller): Promise<BelievedPage<P>> {
    this.#refuseDenied(project);
    return wholeOf(await this.#documents.findWhole(project, caller));
  }

  /** What is held of it, however old that is; upstream is not asked. Undefined where nothing is held. Throws Refusal. */
  async known(project: string, caller: Caller): Promise<KnownPage<P> | undefined> {
    this.#refuseDenied(project);
    const found = await this.#documents.findWhole(project, caller, { held: true }).catch(absentAsNone);
    if (found === undefined) return undefined;
    const { believed } = found.drawing;
    const { standing } = this.#evidence.standing(believed);
    return { page: wholeOf(found), standing, age: this.#evidence.life(believed)?.age };
  }

  /**
   * The same for the sake of a file that is held: where no page may be served any more, the last one that was believed, unless that
   * one cannot speak for any file.
   */
  async getForHeld(project: string, caller: Caller): Promise<BelievedPage<P>> {
    this.#refuseDenied(project);
    return wholeOf(await this.#documents.findWhole(project, caller, { outlived: true }));
  }

  /** True where the page is not served any more, and speaks for nothing but files that are held. */
  isOutlived({ believed }: BelievedPage<P>): boolean {
    return this.#evidence.standing(believed).standing === 'expired';
  }

  /** True where a newer page should have been had. */
  standsIn({ believed }: BelievedPage<P>): boolean {
    return isStandIn(this.#evidence.standing(believed).standing);
  }

  /** As it is sent; throws as `get` does. */
  async find(project: string, caller: Caller): Promise<FoundPage> {
    this.#refuseDenied(project);
    const { drawing, how } = await this.#documents.find(project, caller);
    const { believed, view } = drawing;
    const { standing } = this.#evidence.standing(believed);
    return { page: view.page, how, life: this.#evidence.life(believed), standsIn: isStandIn(standing) };
  }

  /** True where upstream has to be asked about each name, also about those that it does not have. */
  get areAskedByName(): boolean {
    return this.#evidence.isAskedByName;
  }

  /** Whether the page is held here, in memory or on disk. Upstream is not asked. */
  isHeld(project: string, caller: Caller): Promise<boolean> {
    return this.#documents.isHeld(project, caller);
  }

  /** Whether upstream said a short while ago that there is none. */
  isAbsent(project: string): boolean {
    return this.#documents.remembered.isAbsent(project);
  }

  /** Whether the name is kept for a project that there is not; undefined where memory does not know. */
  isKept(project: string): boolean | undefined {
    return this.#documents.remembered.isKept(project);
  }

  /** The page as upstream has it now, whatever its tag says: something that this one says is gone. Throws Refusal. */
  async again(page: BelievedPage<P>, caller: Caller): Promise<BelievedPage<P> | undefined> {
    const found = await this.#documents.again(page.believed, caller);
    return found && this.get(page.project, caller);
  }

  /** Asks upstream for the page now, however fresh the one that is held is. Throws Refusal. */
  async look(project: string, caller: Caller): Promise<LookedAt> {
    this.#refuseDenied(project);
    const { before, now } = await this.#documents.look(project, caller);
    if (now?.source === undefined) return 'absent';
    return before?.source?.sha256 === now.source.sha256 ? 'unchanged' : before === undefined ? 'new' : 'changed';
  }

  /** The same for the sake of nobody who waits: of a page that is held, what has not changed is not drawn. */
  confirm(project: string, caller: Caller): Promise<void> {
    return this.#documents.confirm(project, caller);
  }

  /** What is stored of the project was changed by others: what memory holds is given up. */
  follow(project: string, caller: Caller): Promise<void> {
    return this.#documents.follow(project, caller);
  }

  /** Another replica says something new of the project. What memory does not hold is looked for when it is asked for. */
  async hear(project: string, caller: Caller): Promise<Heard> {
    const heard = this.#documents.isRemembered(project) ? await this.#evidence.hear?.(project) : undefined;
    if (heard === 'newer') await this.follow(project, caller);
    // Upstream says which is right; where it cannot, what is held stays.
    if (heard === 'unusable') await this.#documents.look(project, caller).catch(() => undefined);
    return heard ?? 'known';
  }

  /** A file is not what this page says. */
  doubt(page: BelievedPage<P>): void {
    this.#documents.doubt(page.believed);
  }

  /** A file of the page was pinned at first sight. */
  seen(project: string): void {
    this.#drawer.seen(project);
  }

  /** Resolves when everything that pages leave out is told. */
  settled(): Promise<void> {
    return this.#tallies.settled();
  }

  /** How many of these files lie on each host where this mirror may not go. */
  outOfReach(files: Iterable<OwnFile>): ReadonlyMap<string, number> {
    return this.#strangeHosts.of(placesOf(files));
  }

  /** What the pages in force do not pass on. */
  totals(): Promise<TallyTotals> {
    return this.#tallies.totals();
  }

  #refuseDenied(project: string): void {
    const verdict = this.#policy.name(project);
    if (verdict.action !== 'serve') throw verdict.refusal(project);
  }
}

/** Whoever is served so was to have upstream's word first. */
export function isStandIn(standing: Standing): boolean {
  return standing === 'stale-if-error' || standing === 'expired';
}

function wholeOf<P>({ drawing }: Found<P, PageView<P>>): BelievedPage<P> {
  return existing(drawing.view.whole, 'a page that was asked for whole is not');
}

/** Throws every other error. */
function absentAsNone(error: unknown): undefined {
  if (!isUnlisted(error)) throw error;
}
