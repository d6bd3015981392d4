import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';

/** Why a file that somebody named cannot be used: completes "PATH …". */
export class UnusableFile extends Error {
  override readonly name = 'UnusableFile';
}

/**
 * The bytes of a file that the operator named. A symbolic link is followed, as secrets and certificates are mounted; what it
 * leads to is opened without waiting and must be a file: a FIFO would wait for ever, a device may have no end. Throws UnusableFile.
 */
export function readPlainFile(path: string, mostBytes: number): Buffer {
  let descriptor: number;
  try {
    descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (cause) {
    throw new UnusableFile(`cannot be read (${codeOf(cause)})`, { cause });
  }
  try {
    if (!fstatSync(descriptor).isFile()) throw new UnusableFile('is not a file');
    const bytes = Buffer.alloc(mostBytes + 1);
    let length = 0;
    for (let read = -1; read !== 0 && length < bytes.byteLength; length += read)
      read = readSync(descriptor, bytes, length, bytes.byteLength - length, null);
    if (length > mostBytes) throw new UnusableFile(`is larger than ${mostBytes} bytes`);
    return bytes.subarray(0, length);
  } catch (cause) {
    throw cause instanceof UnusableFile ? cause : new UnusableFile(`cannot be read (${codeOf(cause)})`, { cause });
  } finally {
    closeSync(descriptor);
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
}
