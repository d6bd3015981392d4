import type { Caller } from '../async/caller.ts';
import { enterIfFree, type Gate } from '../async/gate.ts';
import { CHUNK } from './limits.ts';

/** Buffers of one chunk, shared by all readers, so that memory does not grow with their number. */
export interface ChunkBuffers {
  /** Waits for one; throws Refusal `limit` where too many wait already or none came in time, or the signal's reason. */
  take(caller: Caller): Promise<Lent>;
  /** One more, if nobody has to wait for it. */
  takeSpare(caller: Caller): Promise<Lent | undefined>;
  inUse(): number;
}

export interface Lent {
  readonly buffer: Buffer;
  /** Gives a buffer back, this one or the one it was exchanged for; once. */
  giveBack(buffer: Buffer): void;
}

/** As many buffers as the gate has places; `idle` are kept for the next reader. */
export function createChunkBuffers(gate: Gate, idle: number): ChunkBuffers {
  const free: Buffer[] = [];
  const lend = (leave: () => void): Lent => ({
    buffer: free.pop() ?? Buffer.allocUnsafeSlow(CHUNK),
    giveBack(buffer) {
      // Whoever waits takes it at once.
      if (free.length < idle || gate.usage.waiting > 0) free.push(buffer);
      leave();
    },
  });
  return {
    take: async (caller) => lend(await gate.enter(caller)),
    async takeSpare(caller) {
      const leave = await enterIfFree(gate, caller);
      return leave && lend(leave);
    },
    inUse: () => gate.usage.busy,
  };
}
