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
/** Projects of which is known what was said last. */
const SAID_MOST = 20_000;

interface SealedPagesOptions {
  readonly cache: GuardedCache;
  readonly list: CommonList;
  /** Whose word they are. */
  readonly upstream: string;
  /** Bytes of a page as upstream sent it; undefined for the most that are kept anywhere. */
  readonly projectBytes: number | undefined;
  /** Others hear that something new is said of a project. */
  tell(project: string, said: string): void;
}

/** Pages where replicas share them, as they are written down, under our seal. */
export class SealedPages implements CommonPages {
  readonly #options: SealedPagesOptions;
  /** What others know, or were told. */
  readonly #said = new BoundedMap<string>({ entries: SAID_MOST });

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
    const isNews = this.#said.get(project) !== said;
    this.#said.set(project, said);
    void this.#put(project, state).then((isThere) => isThere && isNews && this.#options.tell(project, said));
  }

  /** False for what is too large to be shared. */
  async #put(project: string, state: PageState): Promise<boolean> {
    try {
      const encoded = await pageKind(project, this.#options.projectBytes).encode(state);
      this.#options.cache.put(this.#keyOf(project), encoded, KEPT_FOR);
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
