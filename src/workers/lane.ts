import { Refusal } from '../bytes/refusal.ts';
import { AT_ONCE, IDLE_MS, WAITING } from './limits.ts';
import { type Call, startThread, type Thread, ThreadDied, type ThreadOptions } from './thread.ts';

export interface LaneOptions extends ThreadOptions {
  readonly atOnce?: number;
  readonly waiting?: number;
  readonly idleMs?: number;
}

/** One thread and the queue before it: started when first needed, ended when idle, replaced when it dies. */
export interface Lane {
  /** Throws Refusal `limit` (transient) where too many wait, or where the thread died over this job. */
  run<T>(job: (call: Call) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

export function createLane(options: LaneOptions = {}): Lane {
  const { atOnce = AT_ONCE, waiting: most = WAITING, idleMs = IDLE_MS } = options;
  const queue: (() => void)[] = [];
  let running = 0;
  let thread: Thread | undefined;
  let idle: NodeJS.Timeout | undefined;
  let closed = false;

  const enter = async (): Promise<void> => {
    if (running < atOnce) {
      running++;
      return;
    }
    if (queue.length >= most)
      throw new Refusal('limit', 'Too many large pages are being read already. Try again in a moment.', {
        transient: true,
      });
    // Whoever leaves hands its place on.
    await new Promise<void>((resolve) => {
      queue.push(resolve);
    });
  };

  const leave = (): void => {
    const next = queue.shift();
    if (next !== undefined) next();
    else if (--running === 0) {
      thread?.hold(false);
      idle = setTimeout(end, idleMs).unref();
    }
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
    async run(job) {
      await enter();
      try {
        return await job(current().call);
      } catch (cause) {
        if (!(cause instanceof ThreadDied)) throw cause;
        throw new Refusal('limit', 'A large page could not be read: the work on it broke off.', {
          transient: true,
          cause,
        });
      } finally {
        leave();
      }
    },
    async close() {
      closed = true;
      await end();
    },
  };
}
