import { setTimeout } from 'node:timers/promises';
import type { Log } from '../../telemetry/log.ts';

interface Leaving {
  /** From now on it is not ready, and connections end with their next answer; it serves all the same. */
  leave(): void;
}

/** Lets balancers see that this server is about to stop, for so many seconds in which it serves. */
export async function drain(server: Leaving, seconds: number, log: Log): Promise<void> {
  if (seconds === 0) return;
  server.leave();
  log.info(`draining: not ready any more, and serving for ${seconds} more seconds (server.drain)`, {
    event: 'stopping',
  });
  await setTimeout(seconds * 1000);
}
