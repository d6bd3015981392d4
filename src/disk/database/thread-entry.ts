import { parentPort } from 'node:worker_threads';
import { Refusal } from '../../bytes/refusal.ts';
import { Dispatcher } from './thread-dispatch.ts';
import type { Answered, Asked, Outcome } from './thread-protocol.ts';

// The thread that writes databases, and the one that reads them whole: each is asked by messages, and answers each.

const port = parentPort;
const dispatcher = new Dispatcher((results) => {
  const answered: Answered = results.map(([call, result]) => [
    call,
    'error' in result ? failure(result.error) : result,
  ]);
  port?.postMessage(answered);
});

port?.on('message', (asked: Asked) => dispatcher.handle(asked));

function failure(error: unknown): Outcome {
  if (!(error instanceof Refusal)) return { error: error instanceof Error ? (error.stack ?? error.message) : '' };
  const { reason, message, subject, transient } = error;
  return { refusal: { reason, message, subject, transient } };
}
