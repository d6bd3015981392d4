import type { IncomingMessage } from 'node:http';
import { timeLimit } from '../async/timeout.ts';
import { Refusal } from '../bytes/refusal.ts';

/** What the body of a request may take. */
export interface BodyLimits {
  readonly bytes: number;
  /** From the first look at it to its end. Milliseconds. */
  readonly within: number;
}

/**
 * A request's body, whole in memory. Refuses `limit`, `slow`, and `encoding` for one that is packed; the connection must end then, for the rest of the
 * body is unread. Rejects with `left()` where the client leaves before its end.
 */
export function readBody(incoming: IncomingMessage, { bytes, within }: BodyLimits, left: () => Error): Promise<Buffer> {
  const { 'content-length': stated, 'content-encoding': coding = 'identity' } = incoming.headers;
  const tooLarge = refused('limit', `What is asked has more than ${bytes} bytes.`);
  if (coding.toLowerCase() !== 'identity')
    return Promise.reject(refused('encoding', 'Send what is asked as it is, without Content-Encoding.'));
  if (Number(stated ?? 0) > bytes) return Promise.reject(tooLarge);
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const end = (settle: () => void) => {
      callOff();
      incoming.off('data', take).off('end', whole).off('close', gone);
      // What still comes is let fall.
      incoming.resume();
      settle();
    };
    const take = (chunk: Buffer) => {
      length += chunk.byteLength;
      if (length > bytes) end(() => reject(tooLarge));
      else chunks.push(chunk);
    };
    const whole = () => end(() => resolve(Buffer.concat(chunks)));
    const gone = () => end(() => reject(left()));
    const callOff = timeLimit(within, () => end(() => reject(refused('slow', 'What is asked did not come in time.'))));
    incoming.on('data', take).on('end', whole).on('close', gone);
  });
}

function refused(reason: 'limit' | 'slow' | 'encoding', message: string): Refusal {
  return new Refusal(reason, message, { subject: 'request' });
}
