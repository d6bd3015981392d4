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
  const thread = new WorkerThread(worker, stepMs);
  started?.(worker);
  return thread;
}

/** Invariants: every call is answered once, with the thread's end at the latest; one that answers nothing for a step is ended. */
class WorkerThread implements Thread {
  readonly #worker: Worker;
  readonly #stepMs: number;
  readonly #waiting = new Map<number, Waiting>();
  #isAlive = true;
  #calls = 0;
  #watch: NodeJS.Timeout | undefined;

  constructor(worker: Worker, stepMs: number) {
    this.#worker = worker;
    this.#stepMs = stepMs;
    worker.unref();
    worker.on('error', (error) => this.#died(error));
    worker.on('exit', () => this.#died(undefined));
    worker.on('message', (answered: Answered) => this.#answered(answered));
  }

  get alive(): boolean {
    return this.#isAlive;
  }

  // Bound to its thread: it is handed on.
  readonly call: Call = (kind, ask, transfer = []) =>
    new Promise((resolve, reject) => {
      if (!this.#isAlive) {
        reject(new ThreadDied('the thread has ended'));
        return;
      }
      const call = this.#calls++;
      // The answer to a call is of its kind: desk.ts sees to it.
      this.#waiting.set(call, { resolve: (answer) => resolve(answer as Parameters<typeof resolve>[0]), reject });
      if (this.#waiting.size === 1) this.#rewatch();
      this.#worker.postMessage({ call, kind, ask }, transfer);
    });

  hold(busy: boolean): void {
    if (busy) this.#worker.ref();
    else this.#worker.unref();
  }

  async end(): Promise<void> {
    await this.#worker.terminate();
  }

  #answered(answered: Answered): void {
    const asker = this.#waiting.get(answered.call);
    this.#waiting.delete(answered.call);
    this.#rewatch();
    if ('answer' in answered) asker?.resolve(answered.answer);
    else if ('refusal' in answered) asker?.reject(refusalOf(answered.refusal));
    else asker?.reject(new Error(answered.error));
  }

  #died(cause: unknown): void {
    this.#isAlive = false;
    clearTimeout(this.#watch);
    for (const { reject } of this.#waiting.values())
      reject(new ThreadDied('the thread ended before it answered', { cause }));
    this.#waiting.clear();
  }

  /** Restarted with every answer: a thread in good health answers within one step. */
  #rewatch(): void {
    clearTimeout(this.#watch);
    this.#watch = this.#waiting.size === 0 ? undefined : setTimeout(() => void this.end(), this.#stepMs);
  }
}

export interface ThreadOptions {
  readonly heapMb?: number;
  readonly stepMs?: number;
  readonly started?: (worker: Worker) => void;
}

function refusalOf({ reason, message, ...options }: Extract<Answered, { refusal: unknown }>['refusal']): Refusal {
  return new Refusal(reason, message, options);
}
