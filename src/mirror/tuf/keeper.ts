import type { Background } from '../../async/background.ts';
import { type Instant, instantText } from '../../bytes/instant.ts';
import { Refusal } from '../../bytes/refusal.ts';
import type { Clock } from '../../ports/clock.ts';
import type { TrustStore } from '../../ports/index-state.ts';
import type { MetadataSource } from '../../tuf/refresh.ts';
import type { Runner } from '../../tuf/sliced.ts';
import type { Generation } from '../../tuf/stages.ts';
import type { TrustedRoot } from '../../tuf/trusted-root.ts';
import type { LastError } from '../evidence.ts';
import { looksMovedOn } from '../moved-on.ts';
import type { Reports } from '../projects/reports.ts';
import { isRecent } from '../recent.ts';
import { earliestExpiry, expiries, versions } from './generations.ts';
import { type BeforePublish, Refresher } from './refresher.ts';
import { restoreTrust } from './restore.ts';

export interface KeeperOptions {
  readonly pinnedRoot: Uint8Array;
  readonly store: TrustStore;
  readonly source: MetadataSource;
  readonly clock: Clock;
  readonly runner: Runner;
  readonly reports: Reports;
  readonly background: Pick<Background, 'add'>;
  /** Seconds after which a request makes a refresh start behind it. */
  readonly refreshAfter: number;
  /** No time before it is believed: this program did not exist then. */
  readonly notBefore: Instant;
}

/** Seconds before a failed refresh is tried again by a request that has nothing else to go on. */
const RETRY_AFTER = 2;

interface Failure {
  readonly error: unknown;
  readonly at: Instant;
}

/** Says which generation of one index is believed. Only its refresher swaps it; one refresh runs at a time. */
export class Keeper {
  readonly #options: KeeperOptions;
  readonly #refresher: Refresher;
  /** Start of the last refresh that came to its end here, and never before this program existed. */
  #started: Instant;
  #lastRefresh: Instant | undefined;
  #lastError: LastError | undefined;
  #failure: Failure | undefined;
  #refreshing: Promise<Generation> | undefined;
  #fruitless: { readonly generation: Generation; readonly at: Instant } | undefined;

  private constructor(options: KeeperOptions, refresher: Refresher) {
    this.#options = options;
    this.#refresher = refresher;
    this.#started = options.notBefore;
  }

  /** Proves again what a run before this one had accepted. Throws `state`. */
  static async open(options: KeeperOptions): Promise<Keeper> {
    const restored = await restoreTrust({ ...options, now: options.clock.now() });
    return new Keeper(options, new Refresher(options, restored));
  }

  /** Unexpired at this instant. Waits for a refresh only where there is none; throws `expired`, `clock`, or what the refresh threw. */
  async generation(): Promise<Generation> {
    const warm = this.warm();
    if (warm !== undefined) return warm;
    const now = this.#options.clock.now();
    this.#refuseWrongClock(now);
    const failure = this.#failure;
    if (this.#refreshing === undefined && failure !== undefined && isRecent(failure.at, RETRY_AFTER, now))
      throw failure.error;
    return this.refresh();
  }

  /** Runs under the current generation; where upstream has moved on meanwhile, once more under the next. */
  async underCurrent<T>(run: (generation: Generation) => Promise<T>): Promise<T> {
    const generation = await this.generation();
    try {
      return await run(generation);
    } catch (error) {
      if (!looksMovedOn(error)) throw error;
      const next = await this.following(generation);
      if (next === undefined) throw error;
      return run(next);
    }
  }

  /** The newest published, expired or not: what TUF clients downstream get to judge themselves. */
  async newest(): Promise<Generation> {
    try {
      return await this.generation();
    } catch (error) {
      const { current } = this;
      const wrongClock = error instanceof Refusal && error.reason === 'clock';
      if (current === undefined || wrongClock) throw error;
      return current;
    }
  }

  /** The current one if it may be served this instant; starts a refresh behind it when it is due. No I/O. */
  warm(): Generation | undefined {
    const now = this.#options.clock.now();
    const { current } = this;
    if (current === undefined || this.isClockWrong(now) || earliestExpiry(current) <= now) return undefined;
    if (this.#refreshing === undefined && this.#isDue(now)) this.refresh().catch(() => undefined);
    return current;
  }

  /** True where the clock says a time that has already passed. */
  isClockWrong(now: Instant): boolean {
    return now < this.#clockFloor;
  }

  /** Refreshes now, or joins the refresh under way. */
  refresh(): Promise<Generation> {
    return this.#refreshing ?? this.#begin(this.#options.source, undefined);
  }

  /** Refreshes from another source, after the refresh under way; nothing is published where `beforePublish` throws. */
  async refreshFrom(source: MetadataSource, beforePublish: BeforePublish | undefined): Promise<Generation> {
    while (this.#refreshing !== undefined) await this.#refreshing.catch(() => undefined);
    return this.#begin(source, beforePublish);
  }

  /** The generation that came after this one, asking upstream for it; undefined where there is none, or none can be had. */
  async following(before: Generation): Promise<Generation | undefined> {
    const { current } = this;
    if (current !== undefined && current !== before) return current;
    const now = this.#options.clock.now();
    const fruitless = this.#fruitless;
    // Whoever asks for what upstream has lost must not make us ask upstream each time.
    if (fruitless?.generation === before && isRecent(fruitless.at, RETRY_AFTER, now)) return undefined;
    const next = await this.refresh().catch(() => undefined);
    if (next !== undefined && next !== before) return next;
    this.#fruitless = { generation: before, at: now };
    return undefined;
  }

  /** The newest published, as it is; nothing is asked of upstream. */
  get current(): Generation | undefined {
    return this.#refresher.generation;
  }

  /** The last few it replaced, newest first: clients in mid-walk still have their snapshots. */
  get replaced(): readonly Generation[] {
    return this.#refresher.replaced;
  }

  root(version: number): TrustedRoot | undefined {
    return this.#refresher.root(version);
  }

  get newestRoot(): TrustedRoot {
    return this.#refresher.newestRoot;
  }

  get lastRefresh(): Instant | undefined {
    return this.#lastRefresh;
  }

  get lastError(): LastError | undefined {
    return this.#lastError;
  }

  #begin(source: MetadataSource, beforePublish: BeforePublish | undefined): Promise<Generation> {
    const refreshing = this.#run(source, beforePublish).finally(() => {
      this.#refreshing = undefined;
    });
    this.#refreshing = refreshing;
    this.#options.background.add(refreshing);
    return refreshing;
  }

  async #run(source: MetadataSource, beforePublish: BeforePublish | undefined): Promise<Generation> {
    const now = this.#options.clock.now();
    const started = performance.now();
    const seconds = () => (performance.now() - started) / 1000;
    try {
      this.#refuseWrongClock(now);
      const before = this.current?.timestamp;
      const next = await this.#refresher.refresh(source, now, beforePublish);
      this.#started = Math.max(this.#started, now);
      this.#lastRefresh = now;
      this.#lastError = undefined;
      this.#failure = undefined;
      const result = next.timestamp === before ? 'unchanged' : 'changed';
      const said = { versions: versions(next), expires: expiries(next) };
      this.#options.reports.refreshed({ result, seconds: seconds(), ...said });
      return next;
    } catch (error) {
      this.#failed(error, now, seconds());
      throw error;
    }
  }

  #failed(error: unknown, now: Instant, seconds: number): void {
    const { reports } = this.#options;
    this.#failure = { error, at: now };
    this.#lastError = {
      reason: error instanceof Refusal ? error.reason : 'unreachable',
      message: error instanceof Error ? error.message : String(error),
      at: now,
    };
    reports.refreshed({ result: 'failed', seconds });
    if (!(error instanceof Refusal)) return;
    const { subject = 'timestamp' } = error;
    reports.refused({ subject, name: error.subject ?? 'metadata' }, error);
  }

  #isDue(now: Instant): boolean {
    const last = Math.max(this.#lastRefresh ?? 0, this.#failure?.at ?? 0);
    return now - last >= this.#options.refreshAfter || last > now;
  }

  /** No time before it is believed. */
  get #clockFloor(): Instant {
    return Math.max(this.#started, this.#refresher.acceptedAt);
  }

  #refuseWrongClock(now: Instant): void {
    if (this.isClockWrong(now))
      throw new Refusal(
        'clock',
        `This machine's clock says ${instantText(now)}, which is before ${instantText(this.#clockFloor)}: a time that has already passed. Set the clock.`,
        { subject: 'state', transient: true },
      );
  }
}
