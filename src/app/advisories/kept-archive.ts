import { promisify } from 'node:util';
import { crc32, inflateRaw } from 'node:zlib';
import type { RecordPlace } from '../../advisories/advisories.ts';
import { isStored } from '../../advisories/archive.ts';
import { MAX_ARCHIVE } from '../../advisories/limits.ts';
import { Refusal } from '../../bytes/refusal.ts';
import type { FileOps, OpenFile } from '../../disk/file-ops.ts';
import { readFull, readWhole } from '../../disk/read-file.ts';
import { isMissing } from '../../disk/storage-errors.ts';

const inflate = promisify(inflateRaw);
const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);

/** The archive that is kept, held open: what replaces it under its name changes nothing here. */
export class KeptArchive {
  readonly #file: OpenFile;
  readonly #path: string;
  readonly #onDamage: (cause: unknown) => void;
  #isClosed = false;

  private constructor(file: OpenFile, path: string, onDamage: (cause: unknown) => void) {
    this.#file = file;
    this.#path = path;
    this.#onDamage = onDamage;
  }

  /** Undefined where none is kept. `onDamage` hears why a record could not be read; it must not throw. */
  static async open(
    ops: Pick<FileOps, 'openRead'>,
    path: string,
    onDamage: (cause: unknown) => void,
  ): Promise<KeptArchive | undefined> {
    const file = await ops.openRead(path).catch((error: unknown) => {
      if (isMissing(error)) return undefined;
      throw error;
    });
    return file && new KeptArchive(file, path, onDamage);
  }

  /** All of it. Anything but a regular file within the limit of archives throws. */
  whole(): Promise<Buffer> {
    return readWhole(this.#file, this.#path, MAX_ARCHIVE);
  }

  /** Its bytes as they lie there, for as long as it is open. */
  async given(): Promise<{ readonly size: number; read(into: Uint8Array, position: number): Promise<number> }> {
    const { size } = await this.#file.facts();
    return { size, read: (into, position) => readFull(this.#file, into, position) };
  }

  /** The record, held to the checksum of its place, with blanks for a byte order mark. Off the event loop. Refuses `state`. */
  async record(place: RecordPlace): Promise<Uint8Array> {
    try {
      const packed = Buffer.alloc(place.compressed);
      // What is missing at the end shows in the checksum.
      await readFull(this.#file, packed, place.offset);
      const bytes = isStored(place) ? packed : await inflate(packed, { maxOutputLength: Math.max(1, place.size) });
      if (bytes.byteLength !== place.size || crc32(bytes) !== place.crc) throw new Error('its checksum is another');
      if (bytes.subarray(0, BYTE_ORDER_MARK.length).equals(BYTE_ORDER_MARK)) bytes.fill(' ', 0, BYTE_ORDER_MARK.length);
      return bytes;
    } catch (cause) {
      if (!this.#isClosed) this.#onDamage(cause);
      throw new Refusal('state', 'An advisory cannot be read from the archive that this mirror keeps.', {
        subject: 'state',
        transient: true,
        cause,
      });
    }
  }

  /** A record that is being read is refused then. */
  close(): Promise<void> {
    this.#isClosed = true;
    return this.#file.close();
  }
}
