import { startWeak } from '../../bytes/digest.ts';
import { Refusal } from '../../bytes/refusal.ts';
import type { WeakDigests } from '../digests.ts';
import { checkZip, type Directory } from './check-zip.ts';
import { Incoming } from './incoming.ts';
import { UNPACKED_MOST, Unpacking } from './unpack.ts';
import { findDirectory, type ZipPlace } from './zip-directory.ts';

// A file that nobody states a usable digest of, held to what it says of itself: damage on the way is found, design is not.

/** What a file has of its own to be held to; `none` for the kinds that are neither zip nor gzip. */
export type Checksums = 'zip' | 'gzip' | 'none';

export function checksumsOf(filename: string): Checksums {
  if (/\.(?:whlx?|zip|egg)$/i.test(filename)) return 'zip';
  return /\.(?:gz|tgz)$/i.test(filename) ? 'gzip' : 'none';
}

export interface Inspected {
  readonly filename: string;
  /** MD5 and SHA-1 that the page states. */
  readonly weak?: WeakDigests | undefined;
  /** Of a zip. */
  readonly directory?: Directory | undefined;
}

/** Reads one file in pieces. Refuses `digest`, `format` and `limit`, at any piece or at the end. */
export class Inspection {
  readonly #incoming = new Incoming();
  readonly #filename: string;
  readonly #weak: readonly {
    readonly name: string;
    readonly hex: string;
    readonly hash: ReturnType<typeof startWeak>;
  }[];
  readonly #check: Promise<void>;

  constructor({ filename, weak = new Map(), directory }: Inspected) {
    this.#filename = filename;
    this.#weak = [...weak].map(([name, hex]) => ({ name, hex, hash: startWeak(name) }));
    this.#check =
      directory === undefined
        ? checkStream(this.#incoming, checksumsOf(filename))
        : checkZip(this.#incoming, directory);
    this.#check.catch(() => undefined);
  }

  /** Resolves when the bytes were read. */
  async feed(bytes: Uint8Array): Promise<void> {
    for (const { hash } of this.#weak) hash.update(bytes);
    await this.#named(Promise.race([this.#incoming.feed(bytes), this.#check.then(() => undefined)]));
  }

  async end(): Promise<void> {
    this.#incoming.end();
    await this.#named(this.#check);
    for (const { name, hex, hash } of this.#weak) {
      const actual = hash.hex();
      if (actual !== hex)
        throw new Refusal('digest', `${this.#filename} came with ${name} ${actual}; its page states ${hex}.`, {
          subject: 'file',
        });
    }
  }

  async #named<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      throw named(this.#filename, error);
    }
  }
}

/** Where a zip's directory lies, by the last bytes of the file. Refuses `format` and `limit`. */
export function directoryIn(filename: string, tail: Uint8Array, size: number): ZipPlace {
  try {
    return findDirectory(tail, size);
  } catch (error) {
    throw named(filename, error);
  }
}

function named(filename: string, error: unknown): unknown {
  if (!(error instanceof Refusal)) return error;
  const { reason, message, cause } = error;
  const text = `${filename} does not hold by its own checksums: ${message}.`;
  return new Refusal(reason, text, { subject: 'file', cause });
}

async function checkStream(incoming: Incoming, checksums: Checksums): Promise<void> {
  if (checksums === 'none') {
    while ((await incoming.next(Number.MAX_SAFE_INTEGER)) !== undefined);
    return;
  }
  let length = 0;
  const unpacking = new Unpacking('gzip', (bytes) => {
    length += bytes.byteLength;
    if (length > UNPACKED_MOST) throw new Refusal('limit', `it unpacks to more than ${UNPACKED_MOST} bytes`);
  });
  try {
    for (;;) {
      const piece = await incoming.next(Number.MAX_SAFE_INTEGER);
      if (piece === undefined) break;
      await unpacking.write(piece);
    }
    await unpacking.end();
  } catch (cause) {
    if (cause instanceof Refusal) throw cause;
    throw new Refusal('digest', 'it cannot be unpacked, or its checksum is of other bytes', { cause });
  } finally {
    unpacking.destroy();
  }
}
