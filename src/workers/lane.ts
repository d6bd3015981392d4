import type { Caller } from '../async/caller.ts';
import { type Gate, withPlace } from '../async/gate.ts';
import { Refusal } from '../bytes/refusal.ts';
import { IDLE_MS } from './limits.ts';
import { type Call, startThread, type Thread, ThreadDied, type ThreadOptions } from './thread.ts';

export interface LaneOptions extends ThreadOptions {
  readonly idleMs?: number;
}

/** Threads and the queue before them: started when first needed, ended when idle, replaced when they die. */
export interface Lane {
  /** Throws Refusal `limit` (transient) where too many wait, or where the thread died over this job. */
  run<T>(caller: Caller, job: (call: Call) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/** The thread of one index: what takes another index long does not hold it up. */
interface Desk {
  index: string;
  thread: Thread;
  /** Jobs in work. */
  jobs: number;
}

/** As many jobs at once as the gate has places. Those of one index share a thread; there are never more threads than jobs. */
export function createLane(gate: Gate, options: LaneOptions = {}): Lane {
  const { idleMs = IDLE_MS } = options;
  const desks = new Set<Desk>();
  let idle: NodeJS.Timeout | undefined;
  let closed = false;

  const end = async (): Promise<void> => {
    clearTimeout(idle);
    const ended = [...desks];
    desks.clear();
    await Promise.all(ended.map(({ thread }) => thread.end()));
  };

  const deskOf = (index: string): Desk => {
    let free: Desk | undefined;
    for (const desk of desks) {
      if (desk.index === index) return desk;
      if (desk.jobs === 0) free = desk;
    }
    if (free !== undefined) {
      free.index = index;
      return free;
    }
    const desk = { index, thread: startThread(options), jobs: 0 };
    desks.add(desk);
    return desk;
  };

  const begin = (index: string): Desk => {
    if (closed) throw new Refusal('limit', 'The mirror is stopping.', { transient: true });
    clearTimeout(idle);
    const desk = deskOf(index);
    if (!desk.thread.alive) desk.thread = startThread(options);
    desk.jobs++;
    desk.thread.hold(true);
    return desk;
  };

  const rest = (desk: Desk): void => {
    desk.jobs--;
    if (desk.jobs > 0) return;
    desk.thread.hold(false);
    if (gate.usage.busy > 1 || closed) return;
    clearTimeout(idle);
    idle = setTimeout(end, idleMs).unref();
  };

  return {
    async run(caller, job) {
      try {
        return await withPlace(gate, caller, async () => {
          const desk = begin(caller.index);
          try {
            return await job(desk.thread.call);
          } finally {
            rest(desk);
          }
        });
      } catch (cause) {
        if (!(cause instanceof ThreadDied)) throw cause;
        throw new Refusal('limit', 'What came could not be read: the work on it broke off.', {
          transient: true,
          cause,
        });
      }
    },
    async close() {
      closed = true;
      await end();
    },
  };
}
