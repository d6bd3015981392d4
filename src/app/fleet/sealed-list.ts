import { lend } from '../../bytes/proof.ts';
import type { GuardedCache } from '../../mirror/guarded-cache.ts';
import type { Clock } from '../../ports/clock.ts';
import type { CommonList } from '../../ports/common-pages.ts';
import type { ListHead, StoredList } from '../../ports/list-store.ts';
import { LIST_BYTES } from '../../state/limits.ts';
import { LIST } from '../../state/list.ts';

/** What nobody has asked for in so long may go. Seconds. */
const KEPT_FOR = 30 * 24 * 3600;
/** Most bytes of what is known of a list. */
const HEAD_BYTES = 16 * 1024;
const NOTHING = new Uint8Array();

interface SealedListOptions {
  readonly cache: GuardedCache;
  /** Whose word it is. */
  readonly upstream: string;
  readonly clock: Pick<Clock, 'now'>;
}

/** The list of all projects where replicas share it, under our seal: what is known of it, and its bytes by their digest. */
export class SealedList implements CommonList {
  readonly #options: SealedListOptions;

  constructor(options: SealedListOptions) {
    this.#options = options;
  }

  async head(): Promise<ListHead | undefined> {
    const { cache, clock } = this.#options;
    const sealed = await cache.get(this.#headKey, HEAD_BYTES);
    const head = sealed && (await LIST.decode(lend(sealed.bytes)))?.head;
    // A clock elsewhere that is ahead makes nothing fresher.
    return head && { ...head, confirmedAt: Math.min(head.confirmedAt, clock.now()) };
  }

  async packed({ sha256 }: ListHead): Promise<Uint8Array | undefined> {
    const sealed = await this.#options.cache.get(this.#bytesKey(sha256), LIST_BYTES);
    return sealed && lend(sealed.bytes);
  }

  async stored({ head, packed }: StoredList, isNew: boolean): Promise<void> {
    const { cache } = this.#options;
    if (isNew) cache.put(this.#bytesKey(head.sha256), packed, KEPT_FOR);
    cache.put(this.#headKey, await LIST.encode({ head, packed: NOTHING }), KEPT_FOR);
  }

  get #headKey(): readonly string[] {
    return ['list', this.#options.upstream];
  }

  #bytesKey(sha256: string): readonly string[] {
    return ['list bytes', this.#options.upstream, sha256];
  }
}
