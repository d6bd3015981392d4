import { type Caller, withSignal } from '../async/caller.ts';
import { unlessAborted } from '../async/timeout.ts';
import { Refusal } from '../bytes/refusal.ts';
import { StorageError } from '../ports/blob-storage.ts';
import type { OpenDownload } from '../ports/upstream.ts';
import type { FillWriter } from './fill-writer.ts';
import type { Filling } from './fills.ts';
import { ATTEMPTS, WRONG_BODIES } from './limits.ts';

/** For whom something is downloaded. */
export interface Waiting {
  /** All who wait, as one; its signal ends the download. */
  readonly caller: Caller;
  /** Called with each part of the body. */
  received(): void;
}

/** The body broke off or did not come: another connection may do better. */
const BROKEN: ReadonlySet<string> = new Set(['truncated', 'slow', 'unreachable']);
/** The body came and was wrong: once more from the start, in case the connection changed it, or its label misled. */
export const WRONG: ReadonlySet<string> = new Set(['digest', 'length', 'encoding']);

/**
 * Downloads into the writer until it is proved: up to three connections, each going on where the last one broke,
 * a wrong body once more from its start. What was taken up and turns out wrong is forgotten, and counts as nothing.
 */
export async function download(
  writer: FillWriter,
  wanted: Filling,
  open: OpenDownload,
  waiting: Waiting,
): Promise<void> {
  const { signal } = waiting.caller;
  let wrong = 0;
  let unframed = false;
  let most = ATTEMPTS;
  for (let attempt = 1; ; attempt++) {
    try {
      if (!isWhole(writer, wanted)) unframed = await receiveLinked({ writer, wanted, open, attempt, waiting });
      return await writer.prove();
    } catch (error) {
      // What is wrong with our own disk, another connection cannot help.
      if (signal.aborted || error instanceof StorageError) throw error;
      const refusal = whatItIs(error, wanted, writer, unframed);
      if (WRONG.has(refusal.reason) && writer.takenUp > 0) {
        most++;
        await writer.restart();
        continue;
      }
      if (attempt === most) throw refusal;
      if (unframed && refusal.reason === 'truncated') await writer.restart();
      else if (WRONG.has(refusal.reason)) {
        if (++wrong === WRONG_BODIES) throw refusal;
        await writer.restart();
      } else if (!mayPass(refusal)) throw refusal;
      // Of two halves by two connections nobody could tell that they belong together.
      else if (wanted.sight === true) await writer.restart();
    }
  }
}

/** Without a length nobody can tell a body that was cut from a wrong one: that it was cut is likelier, and passes. */
function whatItIs(error: unknown, wanted: Filling, writer: FillWriter, unframed: boolean): Refusal {
  if (!(error instanceof Refusal)) return truncated(wanted, writer.length, error);
  return error.reason === 'digest' && unframed ? truncated(wanted, writer.length, error) : error;
}

/** Everything had come before: the process was ended before it could be proved. */
function isWhole(writer: FillWriter, { expected }: Filling): boolean {
  return writer.takenUp > 0 && writer.length === expected.length;
}

/** Credentials that are refused, or a certificate, another connection does not mend. */
function mayPass({ reason, transient }: Refusal): boolean {
  return BROKEN.has(reason) && (reason !== 'unreachable' || transient);
}

/** True where only the end of the connection said where the body ends. */
async function receiveLinked(receiving: Receiving): Promise<boolean> {
  const { signal } = receiving.waiting.caller;
  // Ends an answer of which nothing was read as well: it would hold its connection until upstream gives up.
  const asking = new AbortController();
  const left = () => asking.abort(signal.reason);
  if (signal.aborted) left();
  else signal.addEventListener('abort', left, { once: true });
  try {
    return await receive(asking, receiving);
  } finally {
    signal.removeEventListener('abort', left);
  }
}

interface Receiving {
  readonly writer: FillWriter;
  readonly wanted: Filling;
  readonly open: OpenDownload;
  readonly attempt: number;
  readonly waiting: Waiting;
}

async function receive(
  asking: AbortController,
  { writer, wanted, open, attempt, waiting }: Receiving,
): Promise<boolean> {
  const { caller, received } = waiting;
  const { signal } = caller;
  const offset = writer.length;
  const { length } = wanted.expected;
  const {
    start,
    bytes,
    unpacked = false,
    unframed = false,
  } = await unlessAborted(
    open({ offset, limit: length ?? wanted.limit, attempt, caller: withSignal(caller, asking.signal) }),
    signal,
  );
  try {
    if (wanted.sight === true && unframed)
      throw new Refusal('truncated', `${wanted.name} came without a length, so nobody can tell whether it was cut.`);
    if (start !== offset) {
      if (start !== 0) throw truncated(wanted, offset);
      await writer.restart();
    }
  } catch (error) {
    asking.abort(error);
    throw error;
  }
  if (unpacked) writer.neverKeep();
  try {
    for await (const part of parts(bytes, signal)) {
      received();
      await writer.write(part);
    }
  } catch (error) {
    // The connection broke after the last byte: nothing is missing, and the proof decides.
    if (error instanceof StorageError || writer.length !== length) throw error;
    if (error instanceof Refusal && !BROKEN.has(error.reason)) throw error;
  }
  if (length !== undefined && writer.length < length) throw truncated(wanted, writer.length);
  return unframed;
}

async function* parts(bytes: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const iterator = bytes[Symbol.asyncIterator]();
  let ended = false;
  try {
    for (;;) {
      // An upstream that ignores the signal must not hold the fill.
      const next = await unlessAborted(iterator.next(), signal);
      ended = next.done === true;
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    // Not awaited: a generator stuck in a read answers only when that read ends.
    if (!ended) iterator.return?.().catch(() => undefined);
  }
}

function truncated(wanted: Filling, got: number, cause?: unknown): Refusal {
  const of = wanted.expected.length === undefined ? '' : ` of ${wanted.expected.length}`;
  return new Refusal(
    'truncated',
    `The download of ${wanted.name} broke off after ${got}${of} bytes, every time it was tried.`,
    { cause, transient: true },
  );
}
