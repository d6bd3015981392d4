import { type Caller, withSignal } from '../async/caller.ts';
import { unlessAborted } from '../async/timeout.ts';
import { Refusal } from '../bytes/refusal.ts';
import type { Wanted } from '../ports/blobs.ts';
import type { OpenDownload } from '../ports/upstream.ts';
import type { Spool } from './fill-writer.ts';
import { ATTEMPTS, WRONG_BODIES } from './limits.ts';
import type { Proof } from './proofs.ts';

/** The body broke off or did not come: another connection may do better. */
const BROKEN: ReadonlySet<string> = new Set(['truncated', 'slow', 'unreachable']);
/** The body came and was wrong: once more from the start, in case the connection changed it. */
const WRONG: ReadonlySet<string> = new Set(['digest', 'length']);

function truncated(want: Wanted, got: number, cause?: unknown): Refusal {
  const of = want.expected.length === undefined ? '' : ` of ${want.expected.length}`;
  return new Refusal(
    'truncated',
    `The download of ${want.name} broke off after ${got}${of} bytes, every time it was tried.`,
    { cause, transient: true },
  );
}

/** An error of the disk while a download arrives: no other connection can help. */
class DiskError extends Error {
  override readonly name = 'DiskError';
}

/** The disk's own error, where the fill gave up because of it. */
export function diskErrorOf(error: unknown): unknown {
  return error instanceof DiskError ? error.cause : undefined;
}

async function onDisk<T>(task: Promise<T>): Promise<T> {
  try {
    return await task;
  } catch (error) {
    if (error instanceof Refusal) throw error;
    throw new DiskError('disk', { cause: error });
  }
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

async function receive(
  spool: Spool,
  want: Wanted,
  download: OpenDownload,
  attempt: number,
  caller: Caller,
): Promise<void> {
  const { signal } = caller;
  const offset = spool.length;
  // Ends an answer of which nothing was read: it would hold its connection until upstream gives up.
  const unread = new AbortController();
  const asking = withSignal(caller, AbortSignal.any([signal, unread.signal]));
  const { start, bytes } = await unlessAborted(
    download({ offset, limit: want.expected.length ?? want.limit, attempt, caller: asking }),
    signal,
  );
  try {
    if (start !== offset) {
      if (start !== 0) throw truncated(want, offset);
      await onDisk(spool.restart());
    }
  } catch (error) {
    unread.abort(error);
    throw error;
  }
  try {
    for await (const part of parts(bytes, signal)) {
      await onDisk(spool.write(part));
    }
  } catch (error) {
    // The connection broke after the last byte: nothing is missing, and the proof decides.
    if (signal.aborted || error instanceof DiskError || spool.length !== want.expected.length) throw error;
    if (error instanceof Refusal && !BROKEN.has(error.reason)) throw error;
  }
  if (want.expected.length !== undefined && spool.length < want.expected.length) throw truncated(want, spool.length);
}

/**
 * Downloads into the spool until it is proved: up to three connections, each going on where the last one broke,
 * a wrong body once more from its start (DESIGN J2).
 */
export async function download(spool: Spool, want: Wanted, open: OpenDownload, caller: Caller): Promise<Proof> {
  let wrong = 0;
  for (let attempt = 1; ; attempt++) {
    try {
      await receive(spool, want, open, attempt, caller);
      return await onDisk(spool.prove());
    } catch (error) {
      if (caller.signal.aborted || error instanceof DiskError) throw error;
      const refusal = error instanceof Refusal ? error : truncated(want, spool.length, error);
      if (attempt === ATTEMPTS) throw refusal;
      if (WRONG.has(refusal.reason)) {
        if (++wrong === WRONG_BODIES) throw refusal;
        await onDisk(spool.restart());
      } else if (!BROKEN.has(refusal.reason)) throw refusal;
    }
  }
}
