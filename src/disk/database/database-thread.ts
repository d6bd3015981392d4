import { Worker } from 'node:worker_threads';
import { Refusal } from '../../bytes/refusal.ts';
import type { Answered, Calls, Kind, Outcome } from './thread-protocol.ts';

/** The same file from a checkout and built. */
const ENTRY = new URL(import.meta.url.endsWith('.ts') ? './thread-entry.ts' : './thread-entry.js', import.meta.url);

/** The thread ended before it answered: what it was asked for may be done or not. */
export class ThreadEnded extends Refusal {
  constructor(cause: unknown) {
    super('state', 'The thread that writes state ended before it answered. Try again in a moment.', {
      subject: 'state',
      cause,
      transient: true,
    });
  }
}

interface Waiting {
  readonly resolve: (answer: Calls[Kind]['answer']) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * A thread for databases, started when it is first asked. What it was doing when it died may be done or not; it is started again
 * at the next call, and what was open in it has to be opened again.
 */
export class DatabaseThread {
  readonly #started: ((worker: Worker) => void) | undefined;
  readonly #waiting = new Map<number, Waiting>();
  #worker: Worker | undefined;
  #calls = 0;

  /** `started` is for tests, which end the thread from outside. */
  constructor({ started }: { readonly started?: (worker: Worker) => void } = {}) {
    this.#started = started;
  }

  /** The same object for as long as the thread lives; starts it. */
  session(): object {
    return this.#running();
  }

  /** Whether the thread of that session still lives. */
  isRunning(session: object): boolean {
    return this.#worker === session;
  }

  /** Throws Refusal. */
  call<K extends Kind>(
    kind: K,
    ask: Calls[K]['ask'],
    /** Memory that is given away instead of copied. */
    transfer: readonly ArrayBuffer[] = [],
  ): Promise<Calls[K]['answer']> {
    const worker = this.#running();
    return new Promise<Calls[K]['answer']>((resolve, reject) => {
      const call = this.#calls++;
      // The answer to a call is of its kind: thread-dispatch.ts sees to it.
      this.#waiting.set(call, { resolve: (answer) => resolve(answer as Calls[K]['answer']), reject });
      // Nobody's write is lost because the process had nothing else to do.
      worker.ref();
      worker.postMessage({ call, kind, ask }, transfer);
    });
  }

  async end(): Promise<void> {
    await this.#worker?.terminate();
  }

  #running(): Worker {
    if (this.#worker !== undefined) return this.#worker;
    // Its own settings: what this process was started with (an inspector, a test runner) is not for it.
    const worker = new Worker(ENTRY, { execArgv: [] });
    this.#worker = worker;
    worker.unref();
    worker.on('message', (answered: Answered) => {
      for (const [call, outcome] of answered) this.#settle(call, outcome);
      if (this.#waiting.size === 0) worker.unref();
    });
    const died = (cause: unknown) => {
      if (this.#worker === worker) this.#worker = undefined;
      const waiting = [...this.#waiting.values()];
      this.#waiting.clear();
      for (const { reject } of waiting) reject(new ThreadEnded(cause));
    };
    worker.on('error', died);
    worker.on('exit', () => died(undefined));
    this.#started?.(worker);
    return worker;
  }

  #settle(call: number, outcome: Outcome): void {
    const waiting = this.#waiting.get(call);
    this.#waiting.delete(call);
    if ('answer' in outcome) waiting?.resolve(outcome.answer);
    else if ('refusal' in outcome) {
      const { reason, message, ...options } = outcome.refusal;
      waiting?.reject(new Refusal(reason, message, options));
    } else waiting?.reject(new Error(outcome.error));
  }
}
