import { internalCaller } from '../async/caller.ts';
import { createGate } from '../async/gate.ts';
import { createLane, type LaneOptions } from './lane.ts';

/** Passwords kept with bcrypt, checked on threads of their own. */
export interface PasswordWork {
  /** `queue`: what the caller waited in, one at a time; those of two queues are checked side by side. Throws Refusal `limit` where the thread died. */
  bcrypt(queue: string, password: string, encoded: string): Promise<boolean>;
  close(): Promise<void>;
}

/** A check under way for each of the queues before it, and who comes in the moment in which one ends. */
const QUEUES = 2;

export function createPasswordWork(options: LaneOptions = {}): PasswordWork {
  const gate = createGate({ places: QUEUES, queue: QUEUES, full: 'Too many passwords are being checked already.' });
  const lane = createLane(gate, options);
  return {
    bcrypt: (queue, password, encoded) =>
      lane.run(internalCaller(queue, queue, 'client'), (call) => call('bcrypt', { password, encoded })),
    close: () => lane.close(),
  };
}
