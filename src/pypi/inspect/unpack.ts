import { crc32, createGunzip, createInflateRaw } from 'node:zlib';

/** Most bytes that one file may unpack to: a wheel of a GPU library has some 6 GB. */
export const UNPACKED_MOST = 32 * 1024 ** 3;

/** What is packed goes in, in pieces; what comes out is seen piece by piece and kept by nobody. */
export class Unpacking {
  readonly #stream: ReturnType<typeof createInflateRaw> | ReturnType<typeof createGunzip>;
  readonly #over = Promise.withResolvers<void>();

  /** `seen` may throw, which ends it. */
  constructor(form: 'deflate' | 'gzip', seen: (bytes: Uint8Array) => void) {
    this.#stream = form === 'gzip' ? createGunzip() : createInflateRaw();
    this.#over.promise.catch(() => undefined);
    this.#stream.on('error', (error) => this.#over.reject(error));
    this.#stream.on('end', () => this.#over.resolve());
    this.#stream.on('data', (bytes: Uint8Array) => {
      try {
        seen(bytes);
      } catch (error) {
        this.#stream.destroy(error instanceof Error ? error : new Error(String(error)));
      }
    });
  }

  /** Resolves when it was unpacked. Rejects where it cannot be. */
  async write(bytes: Uint8Array): Promise<void> {
    const written = new Promise<void>((resolve) => void this.#stream.write(bytes, () => resolve()));
    await Promise.race([written, this.#over.promise]);
  }

  /** Resolves when everything was seen. */
  async end(): Promise<void> {
    this.#stream.end();
    await this.#over.promise;
  }

  destroy(): void {
    this.#stream.destroy();
  }
}

/** The checksum of zip and gzip over bytes that come in pieces. */
export function nextCrc(bytes: Uint8Array, before: number): number {
  return crc32(bytes, before);
}
