import type { Gate } from '../async/gate.ts';
import type { OnCrowding, Queue } from '../async/shares.ts';
import { type Emit, QUEUES } from '../ports/events.ts';
import type { OnSilence } from '../upstream/silence.ts';

/** What callers wait for. `index`: whose it is; empty where all indexes share it. */
export interface NamedQueue {
  readonly queue: Queue;
  readonly index: string;
  readonly gate: Gate;
}

export function queuesOf(index: string, shares: Partial<Record<Queue, Gate>>): readonly NamedQueue[] {
  return QUEUES.flatMap((queue) => {
    const gate = shares[queue];
    return gate === undefined ? [] : [{ queue, index, gate }];
  });
}

/** Tells of each queue that refuses callers, or has room again. */
export function crowding(emit: Emit, index: string): OnCrowding {
  return (queue, change) => emit({ name: 'queued', index, queue, largest: change.full ? change.largest : undefined });
}

/** Tells of each host that brings nothing, or answers again. */
export function silence(emit: Emit, index: string): OnSilence {
  return (host, silent) => emit({ name: 'hostSilence', index, host, silent });
}
