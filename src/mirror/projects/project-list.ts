import type { Background } from '../../async/background.ts';
import type { Caller } from '../../async/caller.ts';
import { yieldToEventLoop } from '../../async/yield.ts';
import { lend } from '../../bytes/proof.ts';
import { Refusal } from '../../bytes/refusal.ts';
import type { Clock } from '../../ports/clock.ts';
import type { PageWork } from '../../ports/page-work.ts';
import type { Page } from '../../render/page.ts';
import { namesOfListJson } from '../../render/render-json.ts';
import type { Evidence } from '../evidence.ts';
import type { Found } from './drawing.ts';
import { KeptDocuments } from './kept-documents.ts';
import { ListDrawer } from './list-drawer.ts';
import type { Reports } from './reports.ts';

interface ProjectListOptions<P> {
  readonly index: string;
  readonly evidence: Evidence<P>;
  readonly work: PageWork;
  readonly clock: Clock;
  readonly reports: Reports;
  readonly background: Background;
}

const LIST = '';
/** A millisecond of work. */
const NAMES_A_TURN = 2000;

/** The list of all projects of one index: up to 40 MB, that no client waits for where an older one may be served. */
export class ProjectList<P> {
  readonly #documents: KeptDocuments<P, Page>;

  constructor(options: ProjectListOptions<P>) {
    this.#documents = new KeptDocuments({
      ...options,
      subject: 'list',
      drawer: new ListDrawer(options.work),
      absent: () => new Refusal('unlisted', 'This index lists no projects.', { subject: 'list' }),
      backOffCold: true,
      // It is one, and kept however large it is.
      memory: Number.MAX_SAFE_INTEGER,
    });
  }

  /** Throws Refusal; `unlisted` or `policy` where there is no list to pass on. */
  async find(caller: Caller): Promise<Pick<Found<P, Page>, 'how'> & { readonly page: Page }> {
    const warm = this.#documents.warm(LIST);
    if (warm !== undefined) return { page: warm, how: 'memory' };
    const { drawing, how } = await this.#documents.find(LIST, caller);
    return { page: drawing.view, how };
  }

  /** The names of all projects, normalized, in the list's order. */
  async *names(caller: Caller): AsyncGenerator<string, void, undefined> {
    const { page } = await this.find(caller);
    let given = 0;
    for (const name of namesOfListJson(lend(page.variant('json', 'identity').body.bytes))) {
      if (++given % NAMES_A_TURN === 0) await yieldToEventLoop();
      yield name;
    }
  }
}
