import { LRUCache } from 'lru-cache';
import { type Caller, type Standing, standingFor } from '../async/caller.ts';
import { createFlights, type Flights } from '../async/flight.ts';
import { type Gate, withPlace } from '../async/gate.ts';
import type { Statement } from '../bytes/digest.ts';
import { agree, type Digests } from '../bytes/digest.ts';
import { about, Refusal } from '../bytes/refusal.ts';
import type { Blob } from '../ports/blob.ts';
import type { Wanted } from '../ports/blobs.ts';
import type { OpenDownload } from '../ports/upstream.ts';
import { type Waiting, WRONG } from './download.ts';
import { BACK_OFF_ENTRIES, BACK_OFF_MS, MAX_BACK_OFF_MS } from './limits.ts';
import type { SharedWork } from './peers/shared-work.ts';

/** What a download is for: bytes of which something is expected, or (`sight`) of which nobody states a digest. */
export interface Filling extends Omit<Wanted, 'expected'> {
  readonly expected: Statement;
  readonly sight?: true | undefined;
}

/** One download: what it does with the bytes is the store's. */
export type RunFill = (wanted: Filling, download: OpenDownload, waiting: Waiting) => Promise<Blob>;

export interface FillsOptions {
  readonly run: RunFill;
  readonly gate: Gate;
  /** Where others may be at the same, or have it. */
  readonly shared: SharedWork;
  /** Downloads that go on although everybody who asked has left … */
  readonly maxOrphans: number;
  /** … as long as something comes. Milliseconds. */
  readonly orphanStallMs: number;
  /** Milliseconds, for back-off. */
  readonly nowMs: () => number;
}

interface Failure {
  readonly refusal: unknown;
  readonly until: number;
  readonly pause: number;
}

/**
 * Downloads under way, one for each origin and expectation. Only a proof is shared between origins, never a failure.
 *
 * A download ends when everybody who asked for it has left. It goes on as an orphan, for whoever asks again, where
 * something of it has come, nobody waits for its place, and there are not too many of them; one that stalls ends.
 */
export class Fills {
  readonly #options: FillsOptions;
  readonly #flights: Flights<Blob> = createFlights();
  /** Until each is over, which for one that was stopped is after its callers were told. */
  readonly #fills = new Set<Fill>();
  /** Those nobody waits for, by their key, longest first. */
  readonly #orphans = new Map<string, Fill>();
  /** Told again as what they were: what is permanent is never said to pass. */
  readonly #failures = new LRUCache<string, Failure>({ max: BACK_OFF_ENTRIES });
  #watch: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(options: FillsOptions) {
    this.#options = options;
  }

  get active(): number {
    return this.#fills.size;
  }

  /** Joins the download of the same file, or starts it. */
  async join(wanted: Filling, download: OpenDownload, caller: Caller): Promise<Blob> {
    if (this.#isClosed)
      throw new Refusal('state', 'The mirror is shutting down.', { subject: wanted.subject, transient: true });
    const key = keyOf(wanted);
    const known = this.#flights.joinUnderway(key, caller);
    if (known !== undefined) return known;
    const failure = this.#failures.get(key);
    if (failure !== undefined && this.#options.nowMs() < failure.until) throw again(failure.refusal);
    return this.#flights.join(key, caller, (all) => this.#adopt(key, all) ?? this.#start(key, wanted, download, all));
  }

  /** Joins the download under way for it, if there is one. */
  underway(wanted: Filling, caller: Caller): Promise<Blob> | undefined {
    const key = keyOf(wanted);
    const known = this.#flights.joinUnderway(key, caller);
    if (known !== undefined || !this.#orphans.has(key)) return known;
    return this.#flights.join(key, caller, async (all) => this.#adopt(key, all) ?? Promise.reject(abandoned()));
  }

  /** A blob is stored now: every download it satisfies ends with it. */
  async proved(digests: Digests, open: (wanted: Filling) => Promise<Blob | undefined>): Promise<void> {
    for (const fill of [...this.#fills]) {
      if (!agree(fill.wanted.expected.digests, digests)) continue;
      const blob = await open(fill.wanted);
      if (blob === undefined) continue;
      fill.outcome.resolve(blob);
      fill.stop(new Refusal('state', 'Another download proved the same file first.', { transient: true }));
    }
  }

  /** Ends everything and waits until it is over. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#watch);
    const fills = [...this.#fills];
    for (const fill of fills) fill.stop(new Refusal('state', 'The mirror is shutting down.', { transient: true }));
    await Promise.all(fills.map(({ over }) => over.promise));
  }

  #adopt(key: string, callers: Caller): Promise<Blob> | undefined {
    const fill = this.#orphans.get(key);
    if (fill === undefined) return undefined;
    this.#orphans.delete(key);
    this.#attach(key, fill, callers);
    return fill.outcome.promise;
  }

  #start(key: string, wanted: Filling, download: OpenDownload, callers: Caller): Promise<Blob> {
    const fill = new Fill(wanted, callers);
    this.#fills.add(fill);
    this.#attach(key, fill, callers);
    void this.#run(key, fill, download).finally(() => {
      this.#fills.delete(fill);
      if (this.#orphans.get(key) === fill) this.#orphans.delete(key);
      fill.over.resolve();
    });
    return fill.outcome.promise;
  }

  async #run(key: string, fill: Fill, download: OpenDownload): Promise<void> {
    const { run, gate, shared } = this.#options;
    const { wanted, outcome, caller } = fill;
    const waiting: Waiting = { caller, received: () => fill.received() };
    const inPlace = (work: () => Promise<Blob>) =>
      withPlace(gate, caller, () => {
        fill.begin();
        return work();
      });
    try {
      outcome.resolve(await shared.fill({ key, wanted, waiting, inPlace, run: () => run(wanted, download, waiting) }));
      this.#failures.delete(key);
    } catch (error) {
      const refusal = caller.signal.aborted ? caller.signal.reason : about(error, wanted.subject);
      // Stopped by us: not upstream's failure, so nothing to back off from.
      if (!caller.signal.aborted) this.#remember(key, refusal);
      outcome.reject(refusal);
    }
  }

  /** Follows those who wait for a fill, until all have left. */
  #attach(key: string, fill: Fill, callers: Caller): void {
    fill.follow(callers, () => {
      if (!fill.hasCome || this.#isStalled(fill) || this.#orphans.size >= this.#options.maxOrphans)
        return fill.stop(callers.signal.reason);
      this.#orphans.set(key, fill);
      fill.abandon(() => this.#endOrphan(key, fill));
      this.#watchOrphans();
    });
  }

  #isStalled(fill: Fill): boolean {
    return performance.now() - fill.cameAt > this.#options.orphanStallMs;
  }

  #watchOrphans(): void {
    this.#watch ??= setInterval(() => {
      for (const [key, fill] of this.#orphans) if (this.#isStalled(fill)) this.#endOrphan(key, fill);
      if (this.#orphans.size > 0) return;
      clearInterval(this.#watch);
      this.#watch = undefined;
    }, this.#options.orphanStallMs / 2).unref();
  }

  #endOrphan(key: string, fill: Fill): void {
    this.#orphans.delete(key);
    fill.stop(abandoned());
  }

  #remember(key: string, refusal: unknown): void {
    // What was cut may come whole the next time: whoever asks again is not told what was.
    if (
      refusal instanceof Refusal &&
      (refusal.reason === 'truncated' || (refusal.reason === 'limit' && refusal.transient))
    )
      return;
    const pause = Math.min(MAX_BACK_OFF_MS, (this.#failures.get(key)?.pause ?? BACK_OFF_MS / 2) * 2);
    this.#failures.set(key, { refusal, until: this.#options.nowMs() + pause, pause });
  }
}

/** One download under way, and who waits for it. */
class Fill {
  readonly wanted: Filling;
  readonly outcome = Promise.withResolvers<Blob>();
  readonly over = Promise.withResolvers<void>();
  /** All who wait, as one, whoever they are by now. */
  readonly caller: Caller;
  readonly #stop = new AbortController();
  readonly #looks = new Set<() => void>();
  #callers: Caller | undefined;
  /** As whom it is counted when all have left. */
  #last: Standing;
  /** Ends it, once nobody waits for it. */
  #end: (() => void) | undefined;
  /** When it got its place, or a part of the body last came. Milliseconds that never go back. */
  cameAt = performance.now();
  hasCome = false;

  constructor(wanted: Filling, first: Caller) {
    this.wanted = wanted;
    // Everybody may have left before it fails.
    this.outcome.promise.catch(() => undefined);
    this.#last = { party: first.party, connection: first.connection, priority: 'background' };
    this.caller = standingFor(() => this.#callers ?? this.#last, {
      index: first.index,
      signal: this.#stop.signal,
      onChange: (look) => {
        this.#looks.add(look);
        return () => this.#looks.delete(look);
      },
      giveWay: () => {
        // Those who look ahead leave it, and may leave it an orphan.
        const left = this.#callers?.giveWay?.() === true;
        const end = this.#end;
        this.#end = undefined;
        end?.();
        return left || end !== undefined;
      },
    });
  }

  begin(): void {
    this.cameAt = performance.now();
  }

  received(): void {
    this.cameAt = performance.now();
    this.hasCome = true;
  }

  /** Is done for these from now on. `left` is called when all of them have left before it is over. */
  follow(callers: Caller, left: () => void): void {
    this.#callers = callers;
    this.#end = undefined;
    const unlook = callers.onChange?.(() => this.#look());
    this.#look();
    const onAbort = () => {
      unlook?.();
      const { party, connection } = callers;
      this.#last = { party, connection, priority: 'background' };
      this.#callers = undefined;
      left();
    };
    callers.signal.addEventListener('abort', onAbort, { once: true });
    void this.over.promise.then(() => {
      unlook?.();
      callers.signal.removeEventListener('abort', onAbort);
    });
  }

  /** Goes on for nobody: `end` is called as soon as a client waits for a place that it holds. */
  abandon(end: () => void): void {
    this.#end = end;
    this.#look();
  }

  #look(): void {
    for (const look of [...this.#looks]) look();
  }

  stop(reason: unknown): void {
    this.#stop.abort(reason);
  }
}

function keyOf(wanted: Filling): string {
  const digests = [...wanted.expected.digests].map(([algorithm, hex]) => `${algorithm}:${hex}`).sort();
  return JSON.stringify([wanted.origin, wanted.expected.length ?? null, digests]);
}

/**
 * A failure of a moment ago, told as what it was. Bytes that were wrong may be right at the next try, which is a moment away:
 * whoever asks meanwhile is told to come back for it.
 */
function again(failure: unknown): unknown {
  if (!(failure instanceof Refusal) || !WRONG.has(failure.reason)) return failure;
  const { reason, message, subject, said } = failure;
  return new Refusal(reason, message, { subject, said, transient: true, cause: failure });
}

function abandoned(): Refusal {
  return new Refusal('state', 'Everybody who asked for this download has left.', { transient: true });
}
