import type { Instant } from '../../bytes/instant.ts';
import { Refusal } from '../../bytes/refusal.ts';
import type { Clock } from '../../ports/clock.ts';
import type { LastError } from '../evidence.ts';

/** What became of asking an upstream that signs nothing: when it last spoke as a package index, and why its last word was not had. */
export class Hearing {
  readonly #clock: Clock;
  #heardAt: Instant | undefined;
  #failure: LastError | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Undefined where nothing has come yet that only a package index says. */
  get lastRefresh(): Instant | undefined {
    return this.#heardAt;
  }

  /** Of whatever was not had last, also where other things were had since: whoever looks for what is held back finds it. */
  get lastError(): LastError | undefined {
    return this.#failure;
  }

  heard(): void {
    this.#heardAt = this.#clock.now();
  }

  /** It has no such thing: so says an index of what it lacks, and any other server of everything. */
  absent(): void {
    if (this.#heardAt === undefined) this.#failure = undefined;
    else this.heard();
  }

  failed(error: unknown): void {
    if (!(error instanceof Refusal)) return;
    const { reason, message, subject } = error;
    this.#failure = { reason, message, at: this.#clock.now(), subject };
  }
}
