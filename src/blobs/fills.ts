import { LRUCache } from 'lru-cache';
import { type Caller, withSignal } from '../async/caller.ts';
import { createFlights } from '../async/flight.ts';
import { type Gate, withPlace } from '../async/gate.ts';
import type { Blob } from '../bytes/blob.ts';
import { agree, type Digests } from '../bytes/digest.ts';
import { about, Refusal } from '../bytes/refusal.ts';
import type { Wanted } from '../ports/blobs.ts';
import type { OpenDownload } from '../ports/upstream.ts';
import { BACK_OFF_ENTRIES, BACK_OFF_MS, MAX_BACK_OFF_MS } from './limits.ts';

export interface FillsOptions {
  readonly gate: Gate;
  readonly nowMs: () => number;
}

/** Downloads under way, one for each origin and expectation. Only a proof is shared between origins, never a failure. */
export interface Fills {
  /** Joins the download of the same file, or starts it; it ends when everybody who asked has left. */
  join(want: Wanted, download: OpenDownload, caller: Caller): Promise<Blob>;
  /** Joins the download under way for it, if there is one. */
  underway(want: Wanted, caller: Caller): Promise<Blob> | undefined;
  /** A blob is held now: every download it satisfies ends with it. */
  proved(digests: Digests, open: (want: Wanted) => Promise<Blob | undefined>): Promise<void>;
  /** Aborts everything and waits until it is over. */
  close(): Promise<void>;
  readonly active: () => number;
}

/** One download: what it does with the bytes is the caller's. */
export type RunFill = (want: Wanted, download: OpenDownload, caller: Caller) => Promise<Blob>;

interface Fill {
  readonly want: Wanted;
  /** Ends the download: it is no longer wanted. */
  readonly stop: AbortController;
  readonly outcome: PromiseWithResolvers<Blob>;
}

interface Failure {
  readonly refusal: unknown;
  readonly until: number;
  readonly pause: number;
}

function keyOf(want: Wanted): string {
  const digests = [...want.expected.digests].map(([algorithm, hex]) => `${algorithm}:${hex}`).sort();
  return JSON.stringify([want.origin, want.expected.length ?? null, digests]);
}

/** A failure of a moment ago: whoever asks again so soon is told to come back, not that the bytes were wrong again. */
function remembered(refusal: unknown): unknown {
  if (!(refusal instanceof Refusal)) return refusal;
  const { reason, message, subject } = refusal;
  return new Refusal(reason, message, { subject, transient: true, cause: refusal });
}

export function createFills(run: RunFill, { gate, nowMs }: FillsOptions): Fills {
  const flights = createFlights<Blob>();
  /** Until each is over, which for one that was stopped is after its callers were told. */
  const fills = new Map<Fill, Promise<void>>();
  const failures = new LRUCache<string, Failure>({ max: BACK_OFF_ENTRIES });
  let closed = false;

  const remember = (key: string, refusal: unknown) => {
    if (refusal instanceof Refusal && refusal.reason === 'limit' && refusal.transient) return;
    const pause = Math.min(MAX_BACK_OFF_MS, (failures.get(key)?.pause ?? BACK_OFF_MS / 2) * 2);
    failures.set(key, { refusal, until: nowMs() + pause, pause });
  };

  const fill = async (key: string, { want, stop, outcome }: Fill, download: OpenDownload, caller: Caller) => {
    const { signal } = stop;
    const asking = withSignal(caller, signal);
    try {
      outcome.resolve(await withPlace(gate, asking, () => run(want, download, asking)));
      failures.delete(key);
    } catch (error) {
      const refusal = signal.aborted ? signal.reason : about(error, want.subject);
      // Stopped by us: not upstream's failure, so nothing to back off from.
      if (!signal.aborted) remember(key, refusal);
      outcome.reject(refusal);
    }
  };

  const start = (key: string, want: Wanted, download: OpenDownload, caller: Caller): Promise<Blob> => {
    const one: Fill = { want, stop: new AbortController(), outcome: Promise.withResolvers() };
    const abandoned = () => one.stop.abort(caller.signal.reason);
    caller.signal.addEventListener('abort', abandoned, { once: true });
    const over = fill(key, one, download, caller).finally(() => {
      fills.delete(one);
      caller.signal.removeEventListener('abort', abandoned);
    });
    fills.set(one, over);
    return one.outcome.promise;
  };

  return {
    async join(want, download, caller) {
      if (closed)
        throw new Refusal('state', 'The mirror is shutting down.', { subject: want.subject, transient: true });
      const key = keyOf(want);
      const known = flights.joinUnderway(key, caller);
      if (known !== undefined) return known;
      const failure = failures.get(key);
      if (failure !== undefined && nowMs() < failure.until) throw remembered(failure.refusal);
      return flights.join(key, caller, (shared) => start(key, want, download, shared));
    },
    underway: (want, caller) => flights.joinUnderway(keyOf(want), caller),
    async proved(digests, open) {
      for (const { want, stop, outcome } of [...fills.keys()]) {
        if (!agree(want.expected.digests, digests)) continue;
        const blob = await open(want);
        if (blob === undefined) continue;
        outcome.resolve(blob);
        stop.abort(new Refusal('state', 'Another download proved the same file first.', { transient: true }));
      }
    },
    async close() {
      closed = true;
      for (const { stop } of fills.keys())
        stop.abort(new Refusal('state', 'The mirror is shutting down.', { transient: true }));
      await Promise.all(fills.values());
    },
    active: () => fills.size,
  };
}
