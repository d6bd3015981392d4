import type { Condition } from '../../ports/conditions.ts';
import type { Composition } from '../compose.ts';
import { serversOn } from '../control/connect.ts';
import { LiveStatus } from '../control/status-answer.ts';
import type { Facts } from './verdict.ts';

/** As this process knows it. */
export async function ownFacts(
  { clock, indexes, sizes }: Pick<Composition, 'clock' | 'indexes' | 'sizes'>,
  conditions: readonly Condition[],
): Promise<Facts> {
  return {
    now: clock.now(),
    judged: clock.judged(),
    indexes: await Promise.all(indexes.map((index) => index.status())),
    disk: await sizes(),
    conditions,
  };
}

/** As all processes of this server know it together, which its supervisor says; undefined where it cannot be asked. */
export async function commonFacts(data: string, supervisor: number): Promise<Facts | undefined> {
  try {
    for (const server of await serversOn(data)) {
      const status = await server.ask('status', {}, LiveStatus);
      if (status.server.pid === supervisor) return status.report;
    }
  } catch {
    // It is about to start or to end: what this process knows is told.
  }
  return undefined;
}
