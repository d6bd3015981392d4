import { crc32, deflateRawSync, inflateRawSync } from 'node:zlib';
import { Refusal } from '../bytes/refusal.ts';
import { findDirectory, noZip, readDirectory, ZIP_TAIL, type ZipMember } from '../pypi/inspect/zip-directory.ts';
import type { RecordPlace } from './advisories.ts';
import { MAX_RECORD, MAX_UNPACKED } from './limits.ts';

// Advisories lie in a zip, one file each, as OSV exports them.

const LOCAL = 0x04034b50;
const LOCAL_BYTES = 30;
const ENTRY = 0x02014b50;
const ENTRY_BYTES = 46;
const END = 0x06054b50;
const END_BYTES = 22;
const STORED = 0;
const DEFLATED = 8;
/** Names are UTF-8. */
const FLAGS = 0x800;
/** 1980-01-01, the first day that a zip can name: the same advisories make the same archive. */
const DATE = 0x21;
/** Members of an archive that this program writes: as many as its directory has numbers for. */
const MAX_PACKED_MEMBERS = 65_534;

/** The members that are advisories, in the order in which they lie there. Refuses `format` for what is no whole zip, and `limit`. */
export function membersOf(archive: Uint8Array): readonly ZipMember[] {
  const tail = archive.subarray(Math.max(0, archive.byteLength - ZIP_TAIL));
  const { start, length } = findDirectory(tail, archive.byteLength);
  const members = readDirectory(archive.subarray(start, start + length), start);
  const unpacked = members.reduce((sum, { size }) => sum + size, 0);
  if (unpacked > MAX_UNPACKED) throw new Refusal('limit', `its members unpack to more than ${MAX_UNPACKED} bytes`);
  return members.filter(({ name }) => name.endsWith('.json'));
}

/** The place of a member's packed bytes. Refuses `format` and `limit`, in words that follow the member's name. */
export function placeOf(
  archive: Uint8Array,
  { offset, compressed, size, method, crc, encrypted }: ZipMember,
): RecordPlace {
  if (encrypted || (method !== STORED && method !== DEFLATED)) throw noZip('it is packed in a way that is not read');
  if (Math.max(size, compressed) > MAX_RECORD)
    throw new Refusal('limit', `it has, or unpacks to, more than ${MAX_RECORD} bytes`);
  const view = new DataView(archive.buffer, archive.byteOffset, archive.byteLength);
  // A local header is shorter than the directory behind it: there is always as much to read.
  if (view.getUint32(offset, true) !== LOCAL) throw noZip('it is not where its directory says');
  const start = offset + LOCAL_BYTES + view.getUint16(offset + 26, true) + view.getUint16(offset + 28, true);
  return { offset: start, compressed, size, method, crc };
}

/** Packed bytes that are those of the record themselves. */
export function isStored({ method }: RecordPlace): boolean {
  return method === STORED;
}

/** The record, unpacked and held to its checksum. Refuses `digest`. */
export function unpacked(packed: Uint8Array, place: RecordPlace): Uint8Array {
  const { size, crc } = place;
  const bytes = isStored(place) ? packed : inflated(packed, size);
  if (bytes.byteLength !== size || crc32(bytes) !== crc)
    throw new Refusal('digest', 'is not what the directory of its archive states', { subject: 'file' });
  return bytes;
}

function inflated(packed: Uint8Array, size: number): Uint8Array {
  try {
    return inflateRawSync(packed, { maxOutputLength: Math.max(1, size) });
  } catch (cause) {
    throw new Refusal('digest', 'cannot be unpacked', { subject: 'file', cause });
  }
}

/** One file of an archive that this program writes. */
interface Entry {
  readonly name: Buffer;
  readonly packed: Uint8Array;
  readonly size: number;
  readonly crc: number;
  readonly offset: number;
}

/** Writes an archive piece by piece; whoever writes it down does so in the order of the calls. */
export class ArchiveWriter {
  readonly #most: number;
  readonly #entries: Entry[] = [];
  #at = 0;

  constructor(most = MAX_PACKED_MEMBERS) {
    this.#most = most;
  }

  /** The bytes to append. Refuses `limit` for more members than an archive has numbers for. */
  add(name: string, bytes: Uint8Array): Buffer {
    if (this.#entries.length === this.#most)
      throw new Refusal('limit', `There are more than ${this.#most} advisories: give them as one archive.`);
    const packed = deflateRawSync(bytes);
    const entry = { name: Buffer.from(name), packed, size: bytes.byteLength, crc: crc32(bytes), offset: this.#at };
    this.#entries.push(entry);
    const head = Buffer.alloc(LOCAL_BYTES);
    head.writeUInt32LE(LOCAL, 0);
    writeCommon(head, 4, entry);
    const written = Buffer.concat([head, entry.name, packed]);
    this.#at += written.byteLength;
    return written;
  }

  /** The last bytes to append. */
  end(): Buffer {
    const directory = this.#entries.map((entry) => {
      const head = Buffer.alloc(ENTRY_BYTES);
      head.writeUInt32LE(ENTRY, 0);
      head.writeUInt16LE(20, 4);
      writeCommon(head, 6, entry);
      head.writeUInt32LE(entry.offset, 42);
      return Buffer.concat([head, entry.name]);
    });
    const bytes = Buffer.concat(directory);
    const end = Buffer.alloc(END_BYTES);
    end.writeUInt32LE(END, 0);
    end.writeUInt16LE(this.#entries.length, 8);
    end.writeUInt16LE(this.#entries.length, 10);
    end.writeUInt32LE(bytes.byteLength, 12);
    end.writeUInt32LE(this.#at, 16);
    return Buffer.concat([bytes, end]);
  }
}

/** What a local header and an entry of the directory say alike, from the version that is needed on. */
function writeCommon(head: Buffer, at: number, { name, packed, size, crc }: Entry): void {
  head.writeUInt16LE(20, at);
  head.writeUInt16LE(FLAGS, at + 2);
  head.writeUInt16LE(DEFLATED, at + 4);
  head.writeUInt16LE(DATE, at + 8);
  head.writeUInt32LE(crc, at + 10);
  head.writeUInt32LE(packed.byteLength, at + 14);
  head.writeUInt32LE(size, at + 18);
  head.writeUInt16LE(name.byteLength, at + 22);
}
