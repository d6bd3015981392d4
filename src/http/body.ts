import type { Readable } from 'node:stream';
import { timeLimit } from '../async/timeout.ts';
import { Refusal } from '../bytes/refusal.ts';

/** What the body of a request may take. */
export interface BodyLimits {
  readonly bytes: number;
  /** From the first look at it to its end. Milliseconds. */
  readonly within: number;
}

/** What the headers say of it. */
interface Announced {
  readonly length: string | undefined;
  readonly coding: string | undefined;
}

/**
 * A request's body, whole in memory. Refuses `limit`, `slow`, and `encoding` for one that is packed; the connection must end then, for the rest of the
 * body is unread. Rejects with `left()` where the client leaves before its end.
 */
export async function readBody(
  body: Readable,
  { length: announced = '0', coding = 'identity' }: Announced,
  { bytes, within }: BodyLimits,
  left: () => Error,
): Promise<Buffer> {
  const tooLarge = () => refused('limit', `What is asked has more than ${bytes} bytes.`);
  if (coding.toLowerCase() !== 'identity')
    throw refused('encoding', 'Send what is asked as it is, without Content-Encoding.');
  if (Number(announced) > bytes) throw tooLarge();
  const { promise, resolve, reject } = Promise.withResolvers<undefined>();
  const chunks: Buffer[] = [];
  let length = 0;
  const take = (chunk: Buffer) => {
    length += chunk.byteLength;
    if (length > bytes) reject(tooLarge());
    else chunks.push(chunk);
  };
  const whole = () => resolve(undefined);
  const gone = () => reject(left());
  const callOff = timeLimit(within, () => reject(refused('slow', 'What is asked did not come in time.')));
  body.on('data', take).on('end', whole).on('close', gone);
  try {
    await promise;
    return Buffer.concat(chunks);
  } finally {
    callOff();
    body.off('data', take).off('end', whole).off('close', gone);
    // What still comes is let fall.
    body.resume();
  }
}

function refused(reason: 'limit' | 'slow' | 'encoding', message: string): Refusal {
  return new Refusal(reason, message, { subject: 'request' });
}
