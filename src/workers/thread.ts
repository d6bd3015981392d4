import { Worker } from 'node:worker_threads';
import { Refusal } from '../bytes/refusal.ts';
import { HEAP_MB, STEP_MS, YOUNG_MB } from './limits.ts';
import type { Answered, Calls, Kind } from './protocol.ts';

/** One step on the other thread. Throws what it refuses, or `ThreadDied`. */
export type Call = <K extends Kind>(
  kind: K,
  ask: Calls[K]['ask'],
  /** Memory that is given away instead of copied. */
  transfer?: readonly ArrayBuffer[],
) => Promise<Calls[K]['answer']>;

export interface Thread {
  readonly call: Call;
  readonly alive: boolean;
  /** Keeps the process from ending while there is work. */
  hold(busy: boolean): void;
  end(): Promise<void>;
}

/** The thread ended before it answered: out of memory, out of time, or killed. */
export class ThreadDied extends Error {
  override readonly name = 'ThreadDied';
}

/** The same file from a checkout and built. */
const ENTRY = new URL(import.meta.url.endsWith('.ts') ? './entry.ts' : './entry.js', import.meta.url);

interface Waiting {
  readonly resolve: (answer: Calls[Kind]['answer']) => void;
  readonly reject: (error: Error) => void;
}

/** Starts a thread. `started` is for tests, which end it from outside. */
export function startThread({ heapMb = HEAP_MB, stepMs = STEP_MS, started }: ThreadOptions = {}): Thread {
  // Its own settings: what this process was started with (an inspector, a test runner) is not for it.
  const worker = new Worker(ENTRY, {
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: heapMb, maxYoungGenerationSizeMb: YOUNG_MB },
  });
  const waiting = new Map<number, Waiting>();
  let alive = true;
  let calls = 0;
  let watch: NodeJS.Timeout | undefined;

  const died = (cause: unknown) => {
    alive = false;
    clearTimeout(watch);
    for (const { reject } of waiting.values()) reject(new ThreadDied('the thread ended before it answered', { cause }));
    waiting.clear();
  };
  /** Restarted with every answer: a thread in good health answers within one step. */
  const rewatch = () => {
    clearTimeout(watch);
    watch = waiting.size === 0 ? undefined : setTimeout(() => void worker.terminate(), stepMs);
  };

  worker.unref();
  worker.on('error', died);
  worker.on('exit', () => died(undefined));
  worker.on('message', (answered: Answered) => {
    const asker = waiting.get(answered.call);
    waiting.delete(answered.call);
    rewatch();
    if ('answer' in answered) asker?.resolve(answered.answer);
    else if ('refusal' in answered) asker?.reject(refusalOf(answered.refusal));
    else asker?.reject(new Error(answered.error));
  });
  started?.(worker);

  return {
    call: <K extends Kind>(kind: K, ask: Calls[K]['ask'], transfer: readonly ArrayBuffer[] = []) =>
      new Promise<Calls[K]['answer']>((resolve, reject) => {
        if (!alive) {
          reject(new ThreadDied('the thread has ended'));
          return;
        }
        const call = calls++;
        // The answer to a call is of its kind: desk.ts sees to it.
        waiting.set(call, { resolve: (answer) => resolve(answer as Calls[K]['answer']), reject });
        if (waiting.size === 1) rewatch();
        worker.postMessage({ call, kind, ask }, transfer);
      }),
    get alive() {
      return alive;
    },
    hold(busy) {
      if (busy) worker.ref();
      else worker.unref();
    },
    async end() {
      await worker.terminate();
    },
  };
}

export interface ThreadOptions {
  readonly heapMb?: number;
  readonly stepMs?: number;
  readonly started?: (worker: Worker) => void;
}

function refusalOf({ reason, message, ...options }: Extract<Answered, { refusal: unknown }>['refusal']): Refusal {
  return new Refusal(reason, message, options);
}
