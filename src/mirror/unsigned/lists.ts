import type { Caller } from '../../async/caller.ts';
import { yieldToEventLoop } from '../../async/yield.ts';
import { startSha256 } from '../../bytes/digest.ts';
import type { Instant } from '../../bytes/instant.ts';
import { Refusal } from '../../bytes/refusal.ts';
import type { Clock } from '../../ports/clock.ts';
import { Superseded } from '../../ports/index-state.ts';
import type { ListHead, ListStore } from '../../ports/list-store.ts';
import { inUtf8 } from '../../pypi/charset.ts';
import type { Source } from '../believed.ts';
import { LIMITS } from '../limits.ts';
import type { Reports } from '../projects/reports.ts';
import type { PagePlaces } from './places.ts';

interface ListsOptions {
  readonly places: Pick<PagePlaces, 'list'>;
  readonly lists: ListStore;
  readonly clock: Clock;
  readonly reports: Reports;
  /** False where the list of all projects is not to be fetched. */
  readonly projectList: boolean;
}

/** The list as it was heard: what is known of it, and how its bytes are had. */
export interface HeardList {
  readonly head: ListHead;
  readonly source: Source;
}

/** The list of all projects as upstream says it: in memory is only what is known of it, its bytes are on disk. */
export class Lists {
  readonly #options: ListsOptions;
  /** What is stored, or was confirmed since. */
  #last: HeardList | undefined;

  constructor(options: ListsOptions) {
    this.#options = options;
  }

  /** As it was heard last, by this process or an earlier one. */
  async recall(): Promise<HeardList | undefined> {
    if (!this.#options.projectList) return undefined;
    const { lists } = this.#options;
    const before = this.#last;
    if (before !== undefined && (await lists.isCurrent())) return before;
    const head = await lists.load();
    // What was heard meanwhile is newer.
    if (this.#last === before) this.#last = head && { head, source: this.#sourceOf(head, undefined) };
    return this.#last;
  }

  /** As upstream has it now. `before`: of the same upstream. Throws Refusal. */
  async ask(before: HeardList | undefined, caller: Caller): Promise<HeardList> {
    const { places, projectList, clock } = this.#options;
    if (!projectList)
      throw new Refusal('policy', 'This mirror does not pass the project list on.', { subject: 'list' });
    const answer = await places.list({ etag: before?.head.etag, fresh: false, held: before !== undefined }, caller);
    const confirmedAt = clock.now();
    if (answer.kind === 'unchanged' && before !== undefined) return this.#confirmed(before, confirmedAt);
    if (answer.kind !== 'document' && before === undefined)
      throw new Refusal('unlisted', 'Upstream has no project list, in JSON or in HTML.', { subject: 'list' });
    if (answer.kind !== 'document')
      throw new Refusal('unreachable', 'Upstream has no project list any more.', { subject: 'list', transient: true });
    const { bytes } = inUtf8(answer.bytes, answer.contentType, LIMITS.list);
    const { url, etag } = answer;
    const head = { url, etag, confirmedAt, sha256: await sha256OfLarge(bytes), size: bytes.byteLength };
    const isSame = before?.head.sha256 === head.sha256 && before.head.url === url;
    return isSame ? this.#confirmed({ ...before, head }, confirmedAt) : this.#changed(head, bytes);
  }

  async #confirmed({ head, source }: HeardList, confirmedAt: Instant): Promise<HeardList> {
    const heard = { head: { ...head, confirmedAt }, source };
    // What could not be stored is not there for the next who asks.
    if (this.#last?.head.sha256 === head.sha256) this.#last = heard;
    await this.#kept(() => this.#options.lists.confirm(heard.head));
    return heard;
  }

  async #changed(head: ListHead, bytes: Uint8Array): Promise<HeardList> {
    const isKept = await this.#kept(() => this.#options.lists.save(head, bytes));
    const heard = { head, source: this.#sourceOf(head, bytes) };
    this.#last = isKept ? heard : undefined;
    return heard;
  }

  /** It can be had again: what cannot be stored is told, and the answer goes out all the same. */
  async #kept(store: () => Promise<void>): Promise<boolean> {
    try {
      await store();
      return true;
    } catch (error) {
      this.#options.reports.refused({ subject: 'list', name: 'the project list', at: 'disk' }, error);
      return false;
    }
  }

  /** Bytes that just came are handed out once and given away: a list is large, and seldom drawn twice. */
  #sourceOf(head: ListHead, came: Uint8Array | undefined): Source {
    let fresh = came;
    const read = async (): Promise<Uint8Array> => {
      const whole = fresh ?? (await this.#options.lists.bytes(head));
      fresh = undefined;
      if (whole !== undefined) return whole;
      // Another process stored another one: that is what is believed from now on.
      this.#last = undefined;
      throw new Superseded('the project list');
    };
    return { sha256: head.sha256, url: head.url, serial: undefined, weight: 0, read };
  }
}

/** A millisecond of work. */
const BYTES_A_TURN = 1024 * 1024;

async function sha256OfLarge(bytes: Uint8Array): Promise<string> {
  const hash = startSha256();
  for (let at = 0; at < bytes.byteLength; at += BYTES_A_TURN) {
    hash.update(bytes.subarray(at, at + BYTES_A_TURN));
    await yieldToEventLoop();
  }
  return hash.hex();
}
