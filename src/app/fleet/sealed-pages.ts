import { BoundedMap } from '../../bytes/bounded-map.ts';
import { sha256Hex } from '../../bytes/digest.ts';
import { lend } from '../../bytes/proof.ts';
import { Refusal } from '../../bytes/refusal.ts';
import type { GuardedCache } from '../../mirror/guarded-cache.ts';
import type { CommonList, CommonPages } from '../../ports/common-pages.ts';
import type { PageState } from '../../ports/index-state.ts';
import { pageKind } from '../../state/page-codec.ts';

/** What nobody has asked for in so long may go. Seconds. */
const KEPT_FOR = 30 * 24 * 3600;
/** Most bytes of one as it is written down. */
const MOST_BYTES = 32 * 1024 * 1024;
/** Projects of which is known what was said last, or what others were not told. */
const SAID_MOST = 20_000;
/** Projects of which is told again at once. */
const RETOLD_MOST = 100;

interface SealedPagesOptions {
  readonly cache: GuardedCache;
  readonly list: CommonList;
  /** Whose word they are. */
  readonly upstream: string;
  /** Bytes of a page as upstream sent it; undefined for the most that are kept anywhere. */
  readonly projectBytes: number | undefined;
  /** Others hear that something new is said of a project. False where they may not. */
  tell(project: string, said: string): Promise<boolean>;
}

/** Pages where replicas share them, as they are written down, under our seal. */
export class SealedPages implements CommonPages {
  readonly #options: SealedPagesOptions;
  /** What others know, or were told. */
  readonly #said = new BoundedMap<string>({ entries: SAID_MOST });
  /** What may not have reached others. */
  readonly #untold = new BoundedMap<true>({ entries: SAID_MOST });
  /** What is to be told again, as news. */
  readonly #due = new BoundedMap<true>({ entries: SAID_MOST });

  constructor(options: SealedPagesOptions) {
    this.#options = options;
  }

  get list(): CommonList {
    return this.#options.list;
  }

  async find(project: string): Promise<PageState | undefined> {
    const sealed = await this.#options.cache.get(this.#keyOf(project), MOST_BYTES);
    const state = sealed && (await pageKind(project).decode(lend(sealed.bytes)));
    if (state !== undefined) this.#said.set(project, saidBy(state));
    return state;
  }

  stored(project: string, state: PageState): void {
    const said = saidBy(state);
    const isNews = this.#due.has(project) || this.#said.get(project) !== said;
    this.#said.set(project, said);
    this.#due.delete(project);
    this.#untold.delete(project);
    void this.#share(project, state, isNews ? said : undefined);
  }

  isUntold(project: string): boolean {
    return this.#due.has(project);
  }

  /** Redis is there again: some projects of which others were not told, what waited longest first. Each is to be compared with what lies there. */
  retell(): readonly string[] {
    const projects: string[] = [];
    for (let count = 0; count < RETOLD_MOST; count++) {
      const [project] = this.#untold.pop() ?? [];
      if (project === undefined) break;
      this.#due.set(project, true);
      projects.push(project);
    }
    return projects;
  }

  async #share(project: string, state: PageState, said: string | undefined): Promise<void> {
    const lost = () => this.#untold.set(project, true);
    if (!(await this.#put(project, state, lost)) || said === undefined) return;
    if (!(await this.#options.tell(project, said))) lost();
  }

  /** False for what is too large to be shared. */
  async #put(project: string, state: PageState, lost: () => void): Promise<boolean> {
    try {
      const encoded = await pageKind(project, this.#options.projectBytes).encode(state);
      this.#options.cache.put(this.#keyOf(project), encoded, KEPT_FOR, lost);
      return true;
    } catch (error) {
      if (error instanceof Refusal) return false;
      throw error;
    }
  }

  #keyOf(project: string): readonly string[] {
    return ['page', this.#options.upstream, project];
  }
}

/** What is new where it is another: when it was looked at last is not. */
function saidBy({ page, gone }: PageState): string {
  return page === undefined
    ? `gone ${gone?.serial}`
    : `${sha256Hex(page.bytes)} ${page.serial} ${page.seenSerial} ${page.twice}`;
}
