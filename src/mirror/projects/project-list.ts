import type { Background } from '../../async/background.ts';
import type { Caller } from '../../async/caller.ts';
import { yieldToEventLoop } from '../../async/yield.ts';
import { existing } from '../../bytes/existing.ts';
import { Refusal } from '../../bytes/refusal.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Lease } from '../../ports/lease.ts';
import type { CountedProjects, PageWork } from '../../ports/page-work.ts';
import type { Page } from '../../render/page.ts';
import { namesOfListJson } from '../../render/render-json.ts';
import type { Evidence } from '../evidence.ts';
import type { Breaker } from './breaker.ts';
import type { For } from './drawing.ts';
import type { DrawnBodies } from './drawn-bodies.ts';
import { KeptDocuments } from './kept-documents.ts';
import { ListDrawer } from './list-drawer.ts';
import { type FoundPage, isStandIn } from './project-pages.ts';
import type { Reports } from './reports.ts';

interface ProjectListOptions<P> {
  readonly index: string;
  readonly evidence: Evidence<P>;
  readonly work: PageWork;
  readonly clock: Clock;
  readonly reports: Reports;
  readonly background: Background;
  readonly breaker: Breaker;
  readonly lease?: Lease | undefined;
  readonly backOff?: number | undefined;
  readonly drawn?: DrawnBodies | undefined;
}

const LIST = '';
/** A list of some 50,000 projects stays in memory, compressed; a larger one as long as it is asked for, and lies on disk. Bytes. */
const LIST_MEMORY = 2 * 1024 * 1024;
/** A millisecond of work. */
const NAMES_A_TURN = 2000;

/**
 * The list of all projects of one index: up to 40 MB, that no client waits for where an older one may be served. Of an index that
 * signs nothing it lies on disk, as upstream sent it and as it was drawn.
 */
export class ProjectList<P> {
  readonly #documents: KeptDocuments<P, Page>;
  readonly #evidence: Evidence<P>;
  readonly #work: Pick<PageWork, 'serials'>;

  constructor(options: ProjectListOptions<P>) {
    this.#evidence = options.evidence;
    this.#work = options.work;
    this.#documents = new KeptDocuments({
      ...options,
      subject: 'list',
      drawer: new ListDrawer(options.work, options.drawn),
      absent: () => new Refusal('unlisted', 'This index lists no projects.', { subject: 'list' }),
      backOffCold: true,
      // Where evidence does not remember it, it is nowhere else.
      memory: options.evidence.recall === undefined ? Number.MAX_SAFE_INTEGER : LIST_MEMORY,
      staysInUse: true,
    });
  }

  /** Throws Refusal; `unlisted` or `policy` where there is no list to pass on. */
  async find(caller: Caller): Promise<FoundPage> {
    const warm = this.#documents.warm(LIST);
    if (warm !== undefined) return { page: warm.view, life: warm.life, how: 'memory', standsIn: false };
    const { drawing, how } = await this.#documents.find(LIST, caller);
    const { believed, view } = drawing;
    const { standing } = this.#evidence.standing(believed);
    return { page: view, how, life: this.#evidence.life(believed), standsIn: isStandIn(standing) };
  }

  /** What is stored of it was changed by others: what memory holds is given up. */
  follow(caller: Caller): Promise<void> {
    return this.#documents.follow(LIST, caller);
  }

  /** What the list, as upstream has it now, counts for each project. Throws Refusal. */
  async serials(caller: Caller): Promise<CountedProjects> {
    const { source } = existing((await this.#documents.look(LIST, caller)).now, 'there is a list or a refusal');
    return this.#work.serials(await existing(source, 'a list has a source').read(caller), caller);
  }

  /** The names of all projects, normalized, in the list's order. `held`: of the list that is held, and upstream is not asked. */
  async *names(caller: Caller, { held = false }: For = {}): AsyncGenerator<string, void, undefined> {
    const page = held
      ? (await this.#documents.find(LIST, caller, { held })).drawing.view
      : (await this.find(caller)).page;
    let given = 0;
    for await (const name of namesOfListJson(page.plain('json'))) {
      if (++given % NAMES_A_TURN === 0) await yieldToEventLoop();
      yield name;
    }
  }
}
