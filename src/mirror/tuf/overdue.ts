import type { Caller } from '../../async/caller.ts';
import { within } from '../../async/timeout.ts';
import type { Instant } from '../../bytes/instant.ts';
import type { Clock } from '../../ports/clock.ts';
import { LONGEST_WAIT_MS, WHILE_REVALIDATING } from '../limits.ts';

interface OverdueOptions {
  readonly clock: Clock;
  /** Seconds after which a request makes a refresh start behind it. */
  readonly refreshAfter: number;
  /** When upstream was last asked to the end. */
  readonly lastRefresh: () => Instant | undefined;
  /** Whether a refresh is under way, or would be started now. */
  readonly isAsking: () => boolean;
  readonly refresh: (caller: Caller) => Promise<unknown>;
}

/**
 * What an index signed may be served until it expires, and the index may have taken it back long before that. So whoever asks once upstream
 * was not heard for too long waits for its word; where that does not come, what is proved is served at once until it does.
 */
export class Overdue {
  readonly #options: OverdueOptions;
  /** Somebody has waited as long as anybody may, and no refresh has ended since. */
  #isLate = false;

  constructor(options: OverdueOptions) {
    this.#options = options;
  }

  /** Whether a request is to wait. No I/O. */
  get isDue(): boolean {
    const { clock, refreshAfter, lastRefresh, isAsking } = this.#options;
    const age = clock.now() - (lastRefresh() ?? Number.NEGATIVE_INFINITY);
    const isOld = age < 0 || age >= refreshAfter + WHILE_REVALIDATING;
    return isOld && !this.#isLate && isAsking();
  }

  /** Resolves when upstream has spoken or failed, or was waited for long enough. Does not throw. */
  async wait(caller: Caller): Promise<void> {
    if (!this.isDue) return;
    const refreshed = this.#options.refresh(caller).then(
      () => 'over' as const,
      () => 'over' as const,
    );
    if ((await within<'over' | 'late'>(LONGEST_WAIT_MS, refreshed, 'late')) === 'over') return;
    this.#isLate = true;
    void refreshed.then(() => {
      this.#isLate = false;
    });
  }
}
