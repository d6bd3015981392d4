import { type Caller, internalCaller } from '../../async/caller.ts';
import { secondsSince } from '../../async/elapsed.ts';
import { createFlights, type Flights } from '../../async/flight.ts';
import { Mutex } from '../../async/mutex.ts';
import type { Instant } from '../../bytes/instant.ts';
import { Refusal } from '../../bytes/refusal.ts';
import type { Heard } from '../../ports/newest.ts';
import type { UpstreamMetadata } from '../../ports/upstream.ts';
import type { Generation } from '../../tuf/stages.ts';
import type { TrustedRoot } from '../../tuf/trusted-root.ts';
import type { LastError } from '../evidence.ts';
import { inTurn } from '../in-turn.ts';
import { looksMovedOn } from '../moved-on.ts';
import { isRecent } from '../recent.ts';
import { ClockWord } from './clock-floor.ts';
import { earliestExpiry, expiredOffline, expiries, lastErrorOf, versions } from './generations.ts';
import type { KeeperOptions } from './keeper-options.ts';
import { Overdue } from './overdue.ts';
import { Refresher, SUPERSEDED_MOST } from './refresher.ts';
import { restoreTrust } from './restore.ts';

/** Seconds before a failed refresh is tried again by a request that has nothing else to go on. */
const RETRY_AFTER = 2;
const WALKS = '';

/** Says which generation of one index is believed. Only its refresher swaps it; one refresh runs at a time. */
export class Keeper {
  readonly #options: KeeperOptions;
  readonly #refresher: Refresher;
  /** One walk or publication at a time. */
  readonly #walks = new Mutex();
  readonly #refreshes: Flights<Generation> = createFlights();
  readonly #word: ClockWord;
  readonly overdue: Overdue;
  #lastRefresh: Instant | undefined;
  /** How often upstream was asked to the end, here or by another process. */
  #refreshed = 0;
  #lastError: LastError | undefined;
  #failure: { readonly error: unknown; readonly at: Instant } | undefined;
  #expiry: { readonly generation: Generation; readonly at: Instant } | undefined;
  #fruitless: { readonly generation: Generation; readonly at: Instant } | undefined;

  private constructor(options: KeeperOptions, refresher: Refresher) {
    this.#options = options;
    this.#refresher = refresher;
    this.#word = new ClockWord(options);
    this.overdue = new Overdue({
      ...options,
      lastRefresh: () => this.#lastRefresh,
      // Where there is nothing to go on, or by this clock nothing can be judged, whoever asks finds that out.
      isAsking: () =>
        this.current !== undefined &&
        !options.clock.isWrong &&
        (this.#isRefreshing || this.#isDue(options.clock.now())),
      refresh: (caller) => this.refresh(caller),
    });
  }

  /** Proves again what a run before this one had accepted. Throws `state`. */
  static async open(options: KeeperOptions): Promise<Keeper> {
    // Nothing is served before that.
    const source = options.source(internalCaller(options.index, 'start', 'client'));
    const restored = await restoreTrust({ ...options, source, now: options.clock.judged() });
    options.clock.stored(restored.clockFloor);
    return new Keeper(options, new Refresher(options, restored));
  }

  /** Unexpired at this instant. Waits for a refresh only where there is none; throws `expired`, `clock`, or what the refresh threw. */
  async generation(caller: Caller): Promise<Generation> {
    if (this.overdue.isDue) await this.overdue.wait(caller);
    const warm = this.warm();
    if (warm !== undefined) return warm;
    const { clock, time } = this.#options;
    if (clock.isWrong) await this.#word.refuseWrong();
    if (this.current !== undefined && this.isSpent) throw time?.refusal(this.#expiryOf(this.current));
    if (this.#options.offline && this.current !== undefined) throw expiredOffline(this.#expiryOf(this.current));
    const failure = this.#failure;
    if (!this.#isRefreshing && failure !== undefined && isRecent(failure.at, RETRY_AFTER, clock.now()))
      throw failure.error;
    return this.refresh(caller);
  }

  /** Runs under the current generation; where upstream has moved on meanwhile, once more under the next. */
  async underCurrent<T>(run: (generation: Generation) => Promise<T>, caller: Caller): Promise<T> {
    const generation = await this.generation(caller);
    try {
      return await run(generation);
    } catch (error) {
      if (!looksMovedOn(error)) throw error;
      const next = await this.following(generation, caller);
      if (next === undefined) throw error;
      return run(next);
    }
  }

  /** The newest published, expired or not: what TUF clients downstream get to judge themselves. */
  async newest(caller: Caller): Promise<Generation> {
    try {
      return await this.generation(caller);
    } catch (error) {
      const { current } = this;
      const wrongClock = error instanceof Refusal && error.reason === 'clock';
      if (current === undefined || wrongClock) throw error;
      return current;
    }
  }

  /** The current one if it may be served this instant; starts a refresh behind it when it is due. No I/O. */
  warm(judged = this.#options.clock.judged()): Generation | undefined {
    const { clock } = this.#options;
    const { current } = this;
    if (current === undefined || clock.isPast(judged) || this.#expiryOf(current) <= judged) return undefined;
    if (this.isSpent) return undefined;
    if (!this.#isRefreshing && this.#isDue(clock.now())) this.#refreshBehind();
    return current;
  }

  /** True where what was imported is older than it may be. */
  get isSpent(): boolean {
    const { current } = this;
    return current !== undefined && this.#options.time?.isSpent(this.#expiryOf(current)) === true;
  }

  /** Refreshes now, or joins the refresh under way: a client's as soon as a client waits for it. It goes on when all have left. */
  refresh(caller: Caller): Promise<Generation> {
    const isUnderway = this.#isRefreshing;
    const joined = this.#refreshes.join(WALKS, caller, this.#walk);
    if (!isUnderway && this.#isRefreshing) this.#refreshBehind();
    return joined;
  }

  /**
   * Refreshes from another source, as of another time where one is given. `beforePublish` looks into what was proved, for as long as it likes: other refreshes go
   * on meanwhile, and where one of them publishes, it is asked again about what comes after that. Where it throws, nothing
   * is published.
   */
  async refreshFrom(
    source: UpstreamMetadata,
    beforePublish: (next: Generation) => Promise<void>,
    asOf?: Instant | undefined,
  ): Promise<void> {
    for (let superseded = 0; superseded <= SUPERSEDED_MOST; superseded++) {
      const { clock } = this.#options;
      if (asOf === undefined) await this.#word.refuseWrong();
      if (asOf !== undefined && clock.isPast(asOf)) throw clock.refusal(asOf);
      const now = asOf ?? clock.judged();
      const started = performance.now();
      const before = this.current?.timestamp;
      const walk = await this.#walks.run(WALKS, () => this.#refresher.walk(source, now));
      await beforePublish(walk.next);
      const isPublished = await this.#walks.run(WALKS, () => this.#refresher.publish(walk));
      if (isPublished) return this.#succeeded(walk.next, walk.next.timestamp !== before, started);
    }
    throw new Refusal('mix-and-match', 'Other refreshes went ahead each time before this one could be published.', {
      subject: 'timestamp',
      transient: true,
    });
  }

  /** The generation that came after this one, asking upstream for it; undefined where there is none, or none can be had. */
  async following(before: Generation, caller: Caller): Promise<Generation | undefined> {
    const { current } = this;
    if (current !== undefined && current !== before) return current;
    const now = this.#options.clock.now();
    const fruitless = this.#fruitless;
    // Whoever asks for what upstream has lost must not make us ask upstream each time.
    if (fruitless?.generation === before && isRecent(fruitless.at, RETRY_AFTER, now)) return undefined;
    const next = await this.refresh(caller).catch(() => undefined);
    if (next !== undefined && next !== before) return next;
    this.#fruitless = { generation: before, at: now };
    return undefined;
  }

  /** Another replica believes this timestamp; of what it is published by, nothing is believed that does not prove here. */
  hear(timestamp: Uint8Array): Promise<Heard> {
    const { clock, source, index } = this.#options;
    return this.#walks.run(WALKS, async () => {
      if (clock.isWrong) return 'unusable';
      const started = performance.now();
      const heard = await this.#refresher.hear(timestamp, source(internalCaller(index)), clock.judged());
      if (heard === 'newer' && this.current !== undefined) this.#told(this.current, 'changed', started);
      return heard;
    });
  }

  /** Another replica has published: its generation is believed once it is proved here. Upstream is asked for nothing that is held. */
  adopt(): Promise<void> {
    return this.#walks.run(WALKS, () => this.#refresher.adopt());
  }

  /** Another process on the same state asked upstream just now. */
  confirmed(): void {
    this.#refreshed++;
    this.#lastRefresh = this.#options.clock.now();
    this.#lastError = undefined;
    this.#failure = undefined;
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

  get #isRefreshing(): boolean {
    return this.#refreshes.size > 0;
  }

  /** The mirror itself waits for it: no client that leaves ends it. */
  #refreshBehind(): void {
    const refreshing = this.#refreshes.join(WALKS, internalCaller(this.#options.index), this.#walk);
    refreshing.catch(() => undefined);
    this.#options.background.add(refreshing);
  }

  /** Where another process asks upstream at this moment, what that comes to is believed here, too. */
  readonly #walk = (all: Caller) => {
    const { lease, index } = this.#options;
    const before = this.#refreshed;
    return inTurn(all, {
      lease,
      key: `metadata of ${index}`,
      work: () => this.#walks.run(WALKS, () => this.#run(all)),
      done: () => (this.#refreshed === before ? undefined : this.warm()),
    });
  };

  async #run(caller: Caller): Promise<Generation> {
    const started = performance.now();
    try {
      const { clock } = this.#options;
      await this.#word.refuseWrong();
      const now = clock.judged();
      const before = this.current?.timestamp;
      const next = await this.#refresher.refresh(this.#options.source(caller), now);
      this.#succeeded(next, next.timestamp !== before, started);
      return next;
    } catch (error) {
      this.#failed(error, secondsSince(started));
      throw error;
    }
  }

  #succeeded(next: Generation, changed: boolean, started: number): void {
    this.confirmed();
    this.#told(next, changed ? 'changed' : 'unchanged', started);
  }

  #told(next: Generation, result: 'changed' | 'unchanged', started: number): void {
    const said = { versions: versions(next), expires: expiries(next) };
    this.#options.reports.refreshed({ result, seconds: secondsSince(started), ...said });
  }

  #failed(error: unknown, seconds: number): void {
    const { reports, clock } = this.#options;
    const now = clock.now();
    this.#failure = { error, at: now };
    this.#lastError = lastErrorOf(error, now);
    reports.refreshed({ result: 'failed', seconds });
    if (!(error instanceof Refusal)) return;
    const { subject = 'timestamp' } = error;
    reports.refused({ subject, name: error.subject ?? 'metadata' }, error);
  }

  /** Asked for with each warm page. */
  #expiryOf(generation: Generation): Instant {
    if (this.#expiry?.generation !== generation) this.#expiry = { generation, at: earliestExpiry(generation) };
    return this.#expiry.at;
  }

  #isDue(now: Instant): boolean {
    if (this.#options.offline) return false;
    const last = Math.max(this.#lastRefresh ?? 0, this.#failure?.at ?? 0);
    return now - last >= this.#options.refreshAfter || last > now;
  }
}
