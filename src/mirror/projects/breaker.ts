import type { Instant } from '../../bytes/instant.ts';
import { type Reason, Refusal } from '../../bytes/refusal.ts';
import type { Clock } from '../../ports/clock.ts';
import { isRecent } from '../recent.ts';
import type { Reports } from './reports.ts';

/** Seconds between two looks whether a silent upstream is back. */
const REST = 5;
/** Seconds that such a look is waited for before another may be taken. */
const LOOK_FOR = 30;

/** Upstream took too long: the next document would take as long. */
const SILENT: ReadonlySet<Reason> = new Set(['slow']);
/** Says nothing of how long the next one would take. */
const FAILED: ReadonlySet<Reason> = new Set(['unreachable', 'truncated', 'offline']);

interface BreakerOptions {
  readonly clock: Clock;
  readonly reports: Pick<Reports, 'silence'>;
  /** True where upstream is never asked. */
  readonly offline: boolean;
}

/**
 * Whether one upstream is worth a wait. A silent one is waited for once, and not once a document: what is held is served at once
 * from then on, and one request at a time looks whether upstream is back.
 */
export class Breaker {
  readonly #options: BreakerOptions;
  #isOpen = false;
  #silentAt: Instant = 0;
  #lookedAt: Instant | undefined;

  constructor(options: BreakerOptions) {
    this.#options = options;
  }

  /** True where nobody who can be served otherwise should wait. */
  get isOpen(): boolean {
    return this.#options.offline || this.#isOpen;
  }

  /** True while upstream is not waited for because it was silent. */
  get isSilent(): boolean {
    return this.#isOpen;
  }

  /** Whether a document that is held may be asked for; while upstream is silent, one look after the other. */
  mayAsk(): boolean {
    if (this.#options.offline) return false;
    if (!this.#isOpen) return true;
    const now = this.#options.clock.now();
    if (isRecent(this.#silentAt, REST, now)) return false;
    if (this.#lookedAt !== undefined && isRecent(this.#lookedAt, LOOK_FOR, now)) return false;
    this.#lookedAt = now;
    return true;
  }

  /** A client waited as long as it may, and there was no word. */
  late(): void {
    const { clock, reports } = this.#options;
    this.#silentAt = clock.now();
    this.#lookedAt = undefined;
    if (this.#isOpen) return;
    this.#isOpen = true;
    reports.silence(true);
  }

  answered(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#options.reports.silence(false);
  }

  /** Asking ended so. What upstream said and was not believed was an answer, too. */
  failed(error: unknown): void {
    if (!(error instanceof Refusal)) return;
    if (SILENT.has(error.reason)) this.late();
    else if (!FAILED.has(error.reason)) this.answered();
  }
}
