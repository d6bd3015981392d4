import { within } from '../../async/timeout.ts';
import type { HeldElsewhere, Holding, Lease } from '../../ports/lease.ts';
import type { ToSupervisor, ToWorker } from './messages.ts';

/** A supervisor that says nothing for so long stands still: whoever asked goes on. Milliseconds. */
const ANSWER_MS = 1000;

const GRANTED: Holding = { held: true, sure: false, release: async () => undefined };

/** Keys that all workers of one supervisor share; it says who has them. Where it is gone, or stands still, every key is granted. */
export class WorkerLease implements Lease {
  readonly #send: (message: ToSupervisor) => boolean;
  readonly #asked = new Map<number, (token: number | undefined) => void>();
  readonly #waiting = new Map<string, Set<() => void>>();
  readonly #answerMs: number;
  #ids = 0;

  /** `send` is false where there is no supervisor any more. */
  constructor(send: (message: ToSupervisor) => boolean, answerMs = ANSWER_MS) {
    this.#send = send;
    this.#answerMs = answerMs;
  }

  async take(key: string): Promise<Holding | HeldElsewhere> {
    const id = ++this.#ids;
    const { promise, resolve } = Promise.withResolvers<number | undefined>();
    this.#asked.set(id, resolve);
    if (!this.#send({ kind: 'take', id, key })) {
      this.#asked.delete(id);
      return GRANTED;
    }
    const token = await within<number | 'late' | undefined>(this.#answerMs, promise, 'late');
    if (token === 'late') {
      void promise.then((late) => late !== undefined && this.#send({ kind: 'release', key, token: late }));
      return GRANTED;
    }
    if (token === undefined) return { held: false, heldBy: 'another worker' };
    return {
      held: true,
      sure: true,
      release: async () => {
        this.#send({ kind: 'release', key, token });
      },
    };
  }

  ended(key: string, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal.aborted) return resolve();
      const others = this.#waiting.get(key) ?? new Set();
      this.#waiting.set(key, others);
      const end = () => {
        others.delete(end);
        if (others.size === 0 && this.#waiting.get(key) === others) this.#waiting.delete(key);
        signal.removeEventListener('abort', end);
        resolve();
      };
      others.add(end);
      signal.addEventListener('abort', end, { once: true });
      if (!this.#send({ kind: 'watch', key })) end();
    });
  }

  /** What the supervisor says. */
  hear(message: Extract<ToWorker, { kind: 'taken' | 'free' }>): void {
    if (message.kind === 'free') {
      for (const end of [...(this.#waiting.get(message.key) ?? [])]) end();
      return;
    }
    this.#asked.get(message.id)?.(message.token);
    this.#asked.delete(message.id);
  }
}
