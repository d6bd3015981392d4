import type { Caller } from '../async/caller.ts';
import type { WeakDigests } from '../pypi/digests.ts';
import { checksumsOf, directoryIn, type Inspected } from '../pypi/inspect/inspect.ts';
import { ZIP_TAIL } from '../pypi/inspect/zip-directory.ts';
import type { CheckedReader } from './blob.ts';

/** A stored file that nobody states a usable digest of. */
export interface Unstated {
  readonly filename: string;
  /** Bytes. */
  readonly size: number;
  /** MD5 and SHA-1 that its page states. */
  readonly weak?: WeakDigests | undefined;
  /** Its stored bytes, each chunk checked as it is read. */
  readonly read: CheckedReader['send'];
}

/** Work on whole files that takes seconds, in which no request may have to wait. */
export interface FileWork {
  /**
   * Holds a file to its own checksums (every CRC of a zip, RECORD's digests, gzip's CRC) and to MD5 and SHA-1 of its page. Refuses
   * `digest`, `format` and `limit`. The caller's signal ends it.
   */
  inspect(file: Unstated, caller: Caller): Promise<void>;
  /** What of a wheel Python runs each time that it starts, by the zip's directory. Refuses `format` and `limit`. */
  startupFiles(wheel: Omit<Unstated, 'weak'>, caller: Caller): Promise<readonly string[]>;
}

/** What an inspection needs before its first byte: the directory of a zip, which lies at its end. */
export async function inspectedOf(file: Unstated, caller: Caller): Promise<Inspected> {
  const { filename, weak, size } = file;
  if (checksumsOf(filename) !== 'zip') return { filename, weak };
  const tail = await partOf(file, Math.max(0, size - ZIP_TAIL), size, caller);
  const { start, length } = directoryIn(filename, tail, size);
  return { filename, weak, directory: { start, bytes: await partOf(file, start, start + length, caller) } };
}

async function partOf({ read }: Unstated, start: number, end: number, caller: Caller): Promise<Uint8Array> {
  const part = new Uint8Array(end - start);
  let at = 0;
  const keep = async (chunk: Uint8Array) => {
    part.set(chunk, at);
    at += chunk.byteLength;
  };
  if (end > start) await read({ start, end }, keep, caller);
  return part;
}
