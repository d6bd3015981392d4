import type { Caller } from '../../async/caller.ts';
import type { Waiting } from '../../blobs/scrub/scrub.ts';
import type { Instant } from '../../bytes/instant.ts';
import { Refusal } from '../../bytes/refusal.ts';
import type { PackageIndex } from '../../mirror/package-index.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Emit } from '../../ports/events.ts';
import type { IndexState } from '../../ports/index-state.ts';

interface LookAgainOptions {
  readonly mirror: PackageIndex;
  readonly state: Pick<IndexState, 'page' | 'projects'>;
  readonly clock: Clock;
  readonly emit: Emit;
  readonly waiting: Waiting;
}

// What was looked at within DUE is passed over, and the next round comes to it at the latest REST and ROUND later: within a day.
/** Seconds since upstream last stood by a page. */
const DUE = 12 * 3600;
const ROUND_MS = 10 * 3_600_000;
const REST_MS = 3_600_000;
/** After the start. */
const BEGIN_MS = 60_000;
/** Between two looks, however few pages there are. */
const LONGEST_PAUSE_MS = 30_000;
/** Of a pause, where upstream need not be asked: after a restart a round soon is where it was. */
const PASSED_OVER = 1 / 20;
/** An upstream that is away is waited for, so often. */
const ATTEMPTS = 3;
const AWAY_MS = 60_000;

/**
 * Asks upstream about everything that is held of an index and that nobody has asked for lately, slowly: what it took away is gone within a day.
 * Of an index that arrives by import each bundle is looked through, which asks nobody.
 */
export class LookAgain {
  readonly #options: LookAgainOptions;
  readonly #leaving = new AbortController();
  readonly #running: Promise<void>;
  /** When the last walk through the pages of a signed index began. */
  #walkedAt: Instant | undefined;
  /** The bundle that was looked through. */
  #bundle: number | undefined;

  constructor(options: LookAgainOptions) {
    this.#options = options;
    this.#running = this.#run().catch((error: unknown) => {
      if (!this.#leaving.signal.aborted) options.emit({ name: 'faulted', at: 'store', error });
    });
  }

  async close(): Promise<void> {
    this.#leaving.abort(new Error('the mirror is shutting down'));
    await this.#running;
  }

  async #run(): Promise<void> {
    await this.#wait(BEGIN_MS);
    while (!this.#leaving.signal.aborted) {
      const { mirror, waiting, emit } = this.#options;
      const began = waiting.now();
      const round = { asked: 0, failed: 0, why: undefined };
      if (mirror.carried !== undefined) await this.#carried();
      else await (mirror.signed === undefined ? this.#throughPages(round) : this.#signed(round));
      const seconds = (waiting.now() - began) / 1000;
      if (round.asked > 0) emit({ name: 'lookedThrough', index: mirror.name, seconds, ...round });
      await this.#wait(REST_MS);
    }
  }

  /** What signatures bind together is asked for as one; then each page is looked at under them. */
  async #signed(round: Round): Promise<void> {
    const { mirror, state, clock } = this.#options;
    const { lastRefresh } = await mirror.status();
    const isFresh = lastRefresh !== undefined && Math.abs(clock.now() - lastRefresh) < DUE;
    if (!isFresh && !(await this.#asked(round, (caller) => mirror.signed?.refresh({ caller })))) return;
    if (this.#walkedAt !== undefined && Math.abs(clock.now() - this.#walkedAt) < DUE) return;
    this.#walkedAt = clock.now();
    await this.#through(round, () => state.projects('pins'));
  }

  /** What a bundle does not carry, and the index may have, is no news. */
  async #carried(): Promise<void> {
    const { mirror, state } = this.#options;
    const { carried } = await mirror.status();
    if (carried === undefined || carried.number === this.#bundle) return;
    await this.#through({ asked: 0, failed: 0, why: undefined }, () => state.projects('pins'));
    this.#bundle = carried.number;
  }

  #throughPages(round: Round): Promise<void> {
    const { state } = this.#options;
    return this.#through(
      round,
      () => state.projects('pages'),
      (project) => this.#isDue(project),
    );
  }

  /** Asks about one after the other, spread over a round. */
  async #through(
    round: Round,
    projects: () => AsyncIterable<string>,
    isDue: (project: string) => Promise<boolean> = async () => true,
  ): Promise<void> {
    let count = 0;
    for await (const _ of projects()) count++;
    const pause = Math.min(ROUND_MS / Math.max(1, count), LONGEST_PAUSE_MS);
    for await (const project of projects()) {
      const due = await isDue(project);
      if (due) await this.#asked(round, (caller) => this.#options.mirror.confirm(project, caller));
      await this.#wait(due ? pause : pause * PASSED_OVER);
    }
  }

  /** What cannot be read is told to whoever asks for it. A page that was let go vouches for no file. */
  async #isDue(project: string): Promise<boolean> {
    const { state, clock } = this.#options;
    const known = await state.page(project).read().catch(refusedOnly);
    const page = known?.value.page;
    return page !== undefined && page.letGo === undefined && Math.abs(clock.now() - page.confirmedAt) >= DUE;
  }

  /** False where upstream did not answer. */
  async #asked(round: Round, ask: (caller: Caller) => Promise<void> | undefined): Promise<boolean> {
    const { mirror } = this.#options;
    const { signal } = this.#leaving;
    round.asked++;
    // What was not carried is not there a moment later either.
    const attempts = mirror.carried === undefined ? ATTEMPTS : 1;
    for (let attempt = 1; ; attempt++)
      try {
        await ask({ index: mirror.name, party: 'look again', priority: 'background', signal });
        return true;
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        round.why = error.message;
        if (error.transient && attempt < attempts) await this.#wait(AWAY_MS);
        else break;
      }
    round.failed++;
    return false;
  }

  #wait(ms: number): Promise<unknown> {
    return this.#options.waiting.wait(ms, this.#leaving.signal);
  }
}

interface Round {
  asked: number;
  failed: number;
  why: string | undefined;
}

function refusedOnly(error: unknown): undefined {
  if (!(error instanceof Refusal)) throw error;
}
