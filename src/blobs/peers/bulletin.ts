import type { BlobChange, Peers } from '../../ports/peers.ts';
import { NEWS_EVERY_MS, NEWS_MOST } from '../limits.ts';

const EVICTION = 'eviction';
/** Another process that evicts is waited for so often, and so long each time; then it is left to that. Milliseconds. */
const TURNS = 3;
const TURN_MS = 5000;

/** What processes that share blobs tell each other of them, so that all know the same order of use, and one evicts at a time. */
export class Bulletin {
  readonly #changes = new Map<string, BlobChange>();
  readonly #peers: Pick<Peers, 'tell' | 'lease'> | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** Undefined where there is one process. */
  constructor(peers: Pick<Peers, 'tell' | 'lease'> | undefined) {
    this.#peers = peers;
  }

  /** Told a moment later: what is used again and again is told once. */
  add(change: BlobChange): void {
    if (this.#peers === undefined) return;
    const { sha256 } = change;
    // That it is kept is true however it is used since.
    const keptKey = `kept ${sha256}`;
    const key = change.kind === 'kept' || change.kind === 'vouched' ? `${change.kind} ${sha256}` : sha256;
    const before = this.#changes.get(key);
    this.#changes.delete(key);
    // What nobody has heard of yet is new to them, however often it was used since.
    this.#changes.set(key, before?.kind === 'added' && change.kind === 'used' ? before : change);
    const kept = this.#changes.get(keptKey);
    // It can be kept where it is known.
    if (kept !== undefined && this.#changes.delete(keptKey)) this.#changes.set(keptKey, kept);
    if (this.#changes.size >= NEWS_MOST) void this.flush();
    else this.#timer ??= setTimeout(() => void this.flush(), NEWS_EVERY_MS).unref();
  }

  /** Resolves when the others know all of it. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const changes = [...this.#changes.values()];
    this.#changes.clear();
    if (changes.length > 0) await this.#peers?.tell({ kind: 'blobs', changes });
  }

  /** Runs it while no other process does; what it removed is known to them before another may. Where others go on for long it is theirs. */
  async alone(evict: () => Promise<void>): Promise<void> {
    if (this.#peers === undefined) return evict();
    const { lease } = this.#peers;
    for (let turn = 0; turn < TURNS; turn++) {
      const holding = await lease.take(EVICTION);
      if (!holding.held) {
        await lease.ended(EVICTION, AbortSignal.timeout(TURN_MS));
        continue;
      }
      try {
        await evict();
        await this.flush();
      } finally {
        await holding.release();
      }
      return;
    }
  }
}
