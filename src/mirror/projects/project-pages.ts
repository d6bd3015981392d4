import type { Background } from '../../async/background.ts';
import type { Caller } from '../../async/caller.ts';
import { Refusal } from '../../bytes/refusal.ts';
import type { Clock } from '../../ports/clock.ts';
import type { PageWork } from '../../ports/page-work.ts';
import type { Policy } from '../../ports/policy.ts';
import type { Upstream } from '../../ports/upstream.ts';
import type { Page } from '../../render/page.ts';
import type { Evidence } from '../evidence.ts';
import type { BelievedPage } from './believed-page.ts';
import { PageDrawer } from './draw.ts';
import { KeptDocuments } from './kept-documents.ts';
import { LeftOutLines } from './left-out.ts';
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
  readonly upstream: Pick<Upstream, 'mayFetch'>;
  readonly linkBase?: string | undefined;
  readonly background: Background;
  /** Bytes. */
  readonly memory: number;
}

/** The project pages of one index. */
export class ProjectPages<P> {
  readonly #documents: KeptDocuments<P, BelievedPage<P>>;
  readonly #leftOut = new LeftOutLines();
  readonly #policy: Policy;

  constructor(options: ProjectPagesOptions<P>) {
    const strangeHosts = new StrangeHosts(options);
    const drawer = new PageDrawer({ ...options, leftOut: this.#leftOut, strangeHosts });
    this.#policy = options.policy;
    this.#documents = new KeptDocuments({
      ...options,
      subject: 'page',
      drawer,
      absent: (project) => new Refusal('unlisted', `The index has no project called ${project}.`, { subject: 'page' }),
    });
  }

  /** `project` is a normalized name. No I/O. */
  warm(project: string): Page | undefined {
    return this.#policy.name(project).action === 'serve' ? this.#documents.warm(project)?.page : undefined;
  }

  /** Throws Refusal; `unlisted` where the index provably has no such project. */
  async get(project: string, caller: Caller): Promise<BelievedPage<P>> {
    return (await this.find(project, caller)).page;
  }

  /** `how`: where the answer came from. */
  async find(project: string, caller: Caller) {
    const verdict = this.#policy.name(project);
    if (verdict.action !== 'serve') throw verdict.refusal(project);
    const { drawing, how } = await this.#documents.find(project, caller);
    return { page: drawing.view, how };
  }

  /** The page as upstream has it now, whatever its tag says: something that this one says is gone. Throws Refusal. */
  async again(page: BelievedPage<P>, caller: Caller): Promise<BelievedPage<P> | undefined> {
    return (await this.#documents.again(page.believed, caller))?.drawing.view;
  }

  /** A file is not what this page says. */
  doubt(page: BelievedPage<P>): void {
    this.#documents.doubt(page.believed);
  }

  /** Lines that the pages in force do not pass on, by why. */
  get leftOut(): ReadonlyMap<string, number> {
    return this.#leftOut.totals;
  }
}
