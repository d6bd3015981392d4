import { parentPort } from 'node:worker_threads';
import { Refusal } from '../bytes/refusal.ts';
import { createDesk } from './desk.ts';
import type { Answered, Asked } from './protocol.ts';

// The other thread: takes one call after the other, and answers each.

const port = parentPort;
const desk = createDesk();

port?.on('message', async ({ call, ...asked }: Asked) => {
  try {
    const { answer, transfer } = await desk(asked);
    port.postMessage({ call, answer } satisfies Answered, transfer);
  } catch (error) {
    port.postMessage(failure(call, error));
  }
});

function failure(call: number, error: unknown): Answered {
  if (!(error instanceof Refusal)) return { call, error: error instanceof Error ? (error.stack ?? error.message) : '' };
  const { reason, message, subject, transient } = error;
  return { call, refusal: { reason, message, subject, transient } };
}
