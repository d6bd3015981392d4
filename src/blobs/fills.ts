import { LRUCache } from 'lru-cache';
import { createGate } from '../async/bounded-queue.ts';
import type { Blob } from '../bytes/blob.ts';
import { agree, type Digests } from '../bytes/digest.ts';
import { about, Refusal } from '../bytes/refusal.ts';
import type { Wanted } from '../ports/blobs.ts';
import type { OpenDownload } from '../ports/upstream.ts';
import { BACK_OFF_ENTRIES, BACK_OFF_MS, MAX_BACK_OFF_MS } from './limits.ts';

export interface FillsOptions {
  readonly maxFills: number;
  readonly queue: number;
  readonly maxOrphans: number;
  readonly nowMs: () => number;
}

/** Downloads under way, one for each origin and expectation. Only a proof is shared between origins, never a failure. */
export interface Fills {
  /** Joins the download of the same file, or starts it; the caller's signal ends its wait, not the download. */
  join(want: Wanted, download: OpenDownload, signal?: AbortSignal): Promise<Blob>;
  /** The download under way for it, if there is one. */
  underway(want: Wanted, signal?: AbortSignal): Promise<Blob> | undefined;
  /** A blob is held now: every download it satisfies ends with it. */
  proved(digests: Digests, open: (want: Wanted) => Promise<Blob | undefined>): Promise<void>;
  /** Aborts everything and waits until it is over. */
  close(): Promise<void>;
  readonly active: () => number;
}

/** One download: what it does with the bytes is the caller's. */
export type RunFill = (want: Wanted, download: OpenDownload, signal: AbortSignal) => Promise<Blob>;

interface Fill {
  readonly want: Wanted;
  readonly promise: Promise<Blob>;
  readonly settle: (blob: Blob) => void;
  readonly stop: AbortController;
  readonly over: Promise<void>;
  waiting: number;
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

function tooMany(): Refusal {
  return new Refusal('limit', 'Too many files are being downloaded at this moment. Try again in a moment.', {
    subject: 'file',
    transient: true,
  });
}

/** A failure of a moment ago: whoever asks again so soon is told to come back, not that the bytes were wrong again. */
function remembered(refusal: unknown): unknown {
  if (!(refusal instanceof Refusal)) return refusal;
  const { reason, message, subject } = refusal;
  return new Refusal(reason, message, { subject, transient: true, cause: refusal });
}

export function createFills(run: RunFill, options: FillsOptions): Fills {
  const fills = new Map<string, Fill>();
  const failures = new LRUCache<string, Failure>({ max: BACK_OFF_ENTRIES });
  const gate = createGate(options.maxFills, options.queue);
  let closed = false;

  const wait = (fill: Fill, signal: AbortSignal | undefined): Promise<Blob> => {
    fill.waiting++;
    if (signal === undefined) return fill.promise;
    return new Promise((resolve, reject) => {
      const leave = () => {
        fill.waiting--;
        reject(signal.reason);
        tooManyOrphans(fill);
      };
      if (signal.aborted) return leave();
      signal.addEventListener('abort', leave, { once: true });
      fill.promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', leave));
    });
  };

  const tooManyOrphans = (last: Fill) => {
    const orphans = [...fills.values()].filter((fill) => fill.waiting === 0).length;
    if (last.waiting === 0 && orphans > options.maxOrphans) last.stop.abort(tooMany());
  };

  const start = (key: string, want: Wanted, download: OpenDownload): Fill => {
    const { promise, resolve, reject } = Promise.withResolvers<Blob>();
    // Everybody may have left: a failure is still recorded below.
    promise.catch(() => undefined);
    const stop = new AbortController();
    const work = async () => {
      try {
        resolve(
          await gate.run(
            () => (stop.signal.aborted ? Promise.reject(stop.signal.reason) : run(want, download, stop.signal)),
            tooMany,
          ),
        );
        failures.delete(key);
      } catch (error) {
        // Stopped by us: not upstream's failure, so nothing to back off from.
        const refusal = stop.signal.aborted ? stop.signal.reason : about(error, want.subject);
        if (!stop.signal.aborted && !(refusal instanceof Refusal && refusal.reason === 'limit' && refusal.transient)) {
          const pause = Math.min(MAX_BACK_OFF_MS, (failures.get(key)?.pause ?? BACK_OFF_MS / 2) * 2);
          failures.set(key, { refusal, until: options.nowMs() + pause, pause });
        }
        reject(refusal);
      } finally {
        fills.delete(key);
      }
    };
    const fill: Fill = { want, promise, settle: resolve, stop, over: Promise.resolve(), waiting: 0 };
    fills.set(key, fill);
    const over = work();
    fills.set(key, Object.assign(fill, { over }));
    return fill;
  };

  return {
    async join(want, download, signal) {
      if (closed)
        throw new Refusal('state', 'The mirror is shutting down.', { subject: want.subject, transient: true });
      const key = keyOf(want);
      const failure = failures.get(key);
      if (failure !== undefined && options.nowMs() < failure.until && !fills.has(key))
        throw remembered(failure.refusal);
      return wait(fills.get(key) ?? start(key, want, download), signal);
    },
    underway(want, signal) {
      const fill = fills.get(keyOf(want));
      return fill === undefined ? undefined : wait(fill, signal);
    },
    async proved(digests, open) {
      for (const fill of [...fills.values()]) {
        if (!agree(fill.want.expected.digests, digests)) continue;
        const blob = await open(fill.want);
        if (blob === undefined) continue;
        fill.settle(blob);
        fill.stop.abort(new Refusal('state', 'Another download proved the same file first.', { transient: true }));
      }
    },
    async close() {
      closed = true;
      const all = [...fills.values()];
      for (const fill of all)
        fill.stop.abort(new Refusal('state', 'The mirror is shutting down.', { transient: true }));
      await Promise.all(all.map((fill) => fill.over));
    },
    active: () => fills.size,
  };
}
