import type { Caller } from '../async/caller.ts';
import { createGate, type Gate, withPlace } from '../async/gate.ts';
import { Refusal } from '../bytes/refusal.ts';
import { AT_ONCE, IDLE_MS, WAITING } from './limits.ts';
import { type Call, startThread, type Thread, ThreadDied, type ThreadOptions } from './thread.ts';

const FULL = 'Too many large pages are being read already. Try again in a moment.';

export interface LaneOptions extends ThreadOptions {
  readonly atOnce?: number;
  readonly waiting?: number;
  readonly idleMs?: number;
  /** One plain sentence for whoever is refused a place in the queue. */
  readonly full?: string;
}

/** One thread and the queue before it: started when first needed, ended when idle, replaced when it dies. */
export interface Lane {
  /** Throws Refusal `limit` (transient) where too many wait, or where the thread died over this job. */
  run<T>(caller: Caller, job: (call: Call) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/** `threads`: what the jobs of all lanes wait for. */
export function createLane(threads: Gate, options: LaneOptions = {}): Lane {
  const { atOnce = AT_ONCE, waiting = WAITING, idleMs = IDLE_MS, full = FULL } = options;
  const gate = createGate({ places: atOnce, queue: waiting, full });
  let thread: Thread | undefined;
  let idle: NodeJS.Timeout | undefined;
  let closed = false;

  const rest = (): void => {
    if (gate.usage.busy > 0) return;
    clearTimeout(idle);
    thread?.hold(false);
    idle = setTimeout(end, idleMs).unref();
  };

  const end = (): Promise<void> => {
    clearTimeout(idle);
    const ended = thread;
    thread = undefined;
    return ended?.end() ?? Promise.resolve();
  };

  const current = (): Thread => {
    if (closed) throw new Refusal('limit', 'The mirror is stopping.', { transient: true });
    clearTimeout(idle);
    if (thread?.alive !== true) thread = startThread(options);
    thread.hold(true);
    return thread;
  };

  return {
    async run(caller, job) {
      try {
        return await withPlace(gate, caller, () => withPlace(threads, caller, () => job(current().call)));
      } catch (cause) {
        if (!(cause instanceof ThreadDied)) throw cause;
        throw new Refusal('limit', 'What came could not be read: the work on it broke off.', {
          transient: true,
          cause,
        });
      } finally {
        rest();
      }
    },
    async close() {
      closed = true;
      await end();
    },
  };
}
