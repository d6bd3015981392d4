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

/** A thread that lives, and who waits for its answers. */
interface Session {
  readonly worker: Worker;
  readonly waiting: Map<number, Waiting>;
}

export interface DatabaseThreadOptions {
  /** Ends the thread, and gives its memory back, when it was asked for nothing for so long; for one that keeps nothing open. */
  readonly idleMs?: number | undefined;
}

/**
 * A thread for databases, started when it is first asked. What it was doing when it died may be done or not; it is started again
 * at the next call, and what was open in it has to be opened again.
 */
export class DatabaseThread {
  readonly #idleMs: number | undefined;
  #session: Session | undefined;
  #calls = 0;
  #idle: NodeJS.Timeout | undefined;

  constructor({ idleMs }: DatabaseThreadOptions = {}) {
    this.#idleMs = idleMs;
  }

  /** The same object for as long as the thread lives; starts it. */
  session(): object {
    return this.#running();
  }

  /** Whether the thread of that session still lives. */
  isRunning(session: object): boolean {
    return this.#session === session;
  }

  /** Throws Refusal. */
  call<K extends Kind>(kind: K, ask: Calls[K]['ask']): Promise<Calls[K]['answer']> {
    const { worker, waiting } = this.#running();
    return new Promise<Calls[K]['answer']>((resolve, reject) => {
      const call = this.#calls++;
      // The answer to a call is of its kind: thread-dispatch.ts sees to it.
      waiting.set(call, { resolve: (answer) => resolve(answer as Calls[K]['answer']), reject });
      // Nobody's write is lost because the process had nothing else to do.
      worker.ref();
      worker.postMessage({ call, kind, ask });
    });
  }

  async end(): Promise<void> {
    clearTimeout(this.#idle);
    const ended = this.#session;
    this.#session = undefined;
    await ended?.worker.terminate();
  }

  #running(): Session {
    if (this.#session !== undefined) return this.#session;
    // Its own settings: what this process was started with (an inspector, a test runner) is not for it.
    const worker = new Worker(ENTRY, { execArgv: [] });
    const session: Session = { worker, waiting: new Map() };
    this.#session = session;
    worker.unref();
    worker.on('message', (answered: Answered) => {
      for (const [call, outcome] of answered) settle(session.waiting, call, outcome);
      if (session.waiting.size > 0) return;
      worker.unref();
      this.#endWhenIdle(session);
    });
    const died = (cause: unknown) => {
      if (this.#session === session) this.#session = undefined;
      const waiting = [...session.waiting.values()];
      session.waiting.clear();
      for (const { reject } of waiting) reject(new ThreadEnded(cause));
    };
    worker.on('error', died);
    worker.on('exit', () => died(undefined));
    return session;
  }

  #endWhenIdle(session: Session): void {
    if (this.#idleMs === undefined) return;
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => {
      if (this.#session === session && session.waiting.size === 0) void this.end();
    }, this.#idleMs).unref();
  }
}

function settle(all: Map<number, Waiting>, call: number, outcome: Outcome): void {
  const waiting = all.get(call);
  all.delete(call);
  if ('answer' in outcome) waiting?.resolve(outcome.answer);
  else if ('refusal' in outcome) {
    const { reason, message, ...options } = outcome.refusal;
    waiting?.reject(new Refusal(reason, message, options));
  } else waiting?.reject(new Error(outcome.error));
}
