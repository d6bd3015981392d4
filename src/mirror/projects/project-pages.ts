import type { Background } from '../../async/background.ts';
import type { Caller } from '../../async/caller.ts';
import { Refusal } from '../../bytes/refusal.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Emit } from '../../ports/events.ts';
import type { Tallies } from '../../ports/left-out.ts';
import type { PageWork } from '../../ports/page-work.ts';
import type { Policy } from '../../ports/policy.ts';
import type { Upstream } from '../../ports/upstream.ts';
import type { Page } from '../../render/page.ts';
import type { Evidence } from '../evidence.ts';
import type { BelievedPage } from './believed-page.ts';
import { PageDrawer, type PageView } from './draw.ts';
import type { Found } from './drawing.ts';
import type { DrawnBodies } from './drawn-bodies.ts';
import { KeptDocuments } from './kept-documents.ts';
import { PageTallies, type TallyTotals } from './left-out.ts';
import type { ProjectPins } from './pins.ts';
import type { Reports } from './reports.ts';
import { StrangeHosts } from './strange-hosts.ts';

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
  readonly background: Background;
  readonly drawn?: DrawnBodies | undefined;
  readonly maxAge?: number | undefined;
  /** Bytes. */
  readonly memory: number;
  readonly undigested: 'first-sight' | 'withhold';
  readonly remembers: boolean;
}

/** The project pages of one index. */
export class ProjectPages<P> {
  readonly #documents: KeptDocuments<P, PageView<P>>;
  readonly #tallies: PageTallies;
  readonly #policy: Policy;
  readonly #drawer: PageDrawer<P>;
  readonly #areAskedByName: boolean;

  constructor(options: ProjectPagesOptions<P>) {
    this.#areAskedByName = options.evidence.isAskedByName;
    this.#tallies = new PageTallies(options);
    const strangeHosts = new StrangeHosts(options);
    const drawer = new PageDrawer({ ...options, tallies: this.#tallies, strangeHosts });
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
  warm(project: string): Page | undefined {
    return this.#policy.name(project).action === 'serve' ? this.#documents.warm(project)?.page : undefined;
  }

  /** The page with all that it was drawn from. Throws Refusal; `unlisted` where the index provably has no such project. */
  async get(project: string, caller: Caller): Promise<BelievedPage<P>> {
    this.#refuseDenied(project);
    const { whole } = (await this.#documents.findWhole(project, caller)).drawing.view;
    if (whole === undefined) throw new Error('a page that was asked for whole is not');
    return whole;
  }

  /** As it is sent; throws as `get` does. `how`: where the answer came from. */
  async find(project: string, caller: Caller): Promise<Pick<Found<P, unknown>, 'how'> & { readonly page: Page }> {
    this.#refuseDenied(project);
    const { drawing, how } = await this.#documents.find(project, caller);
    return { page: drawing.view.page, how };
  }

  /** True where upstream has to be asked about each name, also about those that it does not have. */
  get areAskedByName(): boolean {
    return this.#areAskedByName;
  }

  /** Whether the page is held here, in memory or on disk. Upstream is not asked. */
  isHeld(project: string, caller: Caller): Promise<boolean> {
    return this.#documents.isHeld(project, caller);
  }

  /** Whether upstream said a short while ago that there is none. */
  isAbsent(project: string): boolean {
    return this.#documents.isAbsent(project);
  }

  /** The page as upstream has it now, whatever its tag says: something that this one says is gone. Throws Refusal. */
  async again(page: BelievedPage<P>, caller: Caller): Promise<BelievedPage<P> | undefined> {
    const found = await this.#documents.again(page.believed, caller);
    return found && this.get(page.project, caller);
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

  /** What the pages in force do not pass on. */
  totals(): Promise<TallyTotals> {
    return this.#tallies.totals();
  }

  #refuseDenied(project: string): void {
    const verdict = this.#policy.name(project);
    if (verdict.action !== 'serve') throw verdict.refusal(project);
  }
}
