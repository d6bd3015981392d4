import { Refusal } from '../../bytes/refusal.ts';

// The directory at the end of a zip (APPNOTE 4.3), with zip64: what names its members, and states their checksums.

/** One member, as the directory states it. */
export interface ZipMember {
  readonly name: string;
  /** Another name of it, which some readers take in its place; undefined for none. */
  readonly unicodeName: string | undefined;
  readonly method: number;
  readonly encrypted: boolean;
  readonly crc: number;
  /** Bytes, packed and as they unpack. */
  readonly compressed: number;
  readonly size: number;
  /** Of its local header. */
  readonly offset: number;
}

/** Where the directory lies in the file. */
export interface ZipPlace {
  readonly start: number;
  readonly length: number;
}

const END_OF_DIRECTORY = 0x06054b50;
const END_BYTES = 22;
const COMMENT_MOST = 0xffff;
const LOCATOR_64 = 0x07064b50;
const LOCATOR_64_BYTES = 20;
const END_64 = 0x06064b50;
const END_64_BYTES = 56;
const ENTRY = 0x02014b50;
const ENTRY_BYTES = 46;
const EXTRA_64 = 1;
const EXTRA_UNICODE_PATH = 0x7075;
/** Its version and the checksum of the name that it replaces. */
const UNICODE_PATH_HEAD = 5;
const FULL_16 = 0xffff;
const FULL_32 = 0xffffffff;

/** Bytes at the end of a file in which the end of its directory must be. */
export const ZIP_TAIL = END_BYTES + COMMENT_MOST + LOCATOR_64_BYTES + END_64_BYTES;
/** Most bytes of a directory: 300,000 members. */
const DIRECTORY_MOST = 32 * 1024 * 1024;

/** Where the directory is, by the last bytes of the file (`ZIP_TAIL`, or all). Refuses `format` for what is no zip, and `limit`. */
export function findDirectory(tail: Uint8Array, size: number): ZipPlace {
  const view = viewOf(tail);
  const end = endRecord(view);
  if (end === undefined) throw noZip('it has no directory at its end');
  const stated = { start: view.getUint32(end + 16, true), length: view.getUint32(end + 12, true) };
  const place = isFull(view, end) ? directory64(view, end, size - tail.byteLength) : stated;
  if (place.start + place.length > size) throw noZip('its directory lies beyond its end');
  if (place.length > DIRECTORY_MOST)
    throw new Refusal('limit', `its directory has ${place.length} bytes; at most ${DIRECTORY_MOST} are read`);
  return place;
}

/** Every member, in the order in which they lie in the file. Refuses `format`: members that overlap would be read differently by different tools. */
export function readDirectory(bytes: Uint8Array, start: number): readonly ZipMember[] {
  const view = viewOf(bytes);
  const members: ZipMember[] = [];
  for (let at = 0; at < bytes.byteLength; ) {
    if (at + ENTRY_BYTES > bytes.byteLength || view.getUint32(at, true) !== ENTRY)
      throw noZip('its directory is damaged');
    const name = view.getUint16(at + 28, true);
    const extra = view.getUint16(at + 30, true);
    const next = at + ENTRY_BYTES + name + extra + view.getUint16(at + 32, true);
    if (next > bytes.byteLength) throw noZip('its directory is cut');
    members.push(memberAt(view, at, name, extra));
    at = next;
  }
  members.sort((a, b) => a.offset - b.offset);
  let free = 0;
  for (const { offset, compressed } of members) {
    if (offset < free) throw noZip('its members overlap');
    free = offset + compressed;
  }
  if (free > start) throw noZip('its members reach into its directory');
  return members;
}

export function noZip(why: string): Refusal {
  return new Refusal('format', `it is no whole zip: ${why}`);
}

function endRecord(view: DataView): number | undefined {
  for (let at = view.byteLength - END_BYTES; at >= 0; at--)
    if (
      view.getUint32(at, true) === END_OF_DIRECTORY &&
      at + END_BYTES + view.getUint16(at + 20, true) === view.byteLength
    )
      return at;
  return undefined;
}

/** Its fields have no room for what they would say. */
function isFull(view: DataView, end: number): boolean {
  return (
    view.getUint16(end + 10, true) === FULL_16 ||
    view.getUint32(end + 12, true) === FULL_32 ||
    view.getUint32(end + 16, true) === FULL_32
  );
}

function directory64(view: DataView, end: number, tailStart: number): ZipPlace {
  const locator = end - LOCATOR_64_BYTES;
  if (locator < 0 || view.getUint32(locator, true) !== LOCATOR_64) throw noZip('its directory is damaged');
  const at = wide(view, locator + 8) - tailStart;
  if (at < 0 || at + END_64_BYTES > view.byteLength || view.getUint32(at, true) !== END_64)
    throw noZip('its directory is damaged');
  return { length: wide(view, at + 40), start: wide(view, at + 48) };
}

function memberAt(view: DataView, at: number, nameLength: number, extraLength: number): ZipMember {
  const nameAt = at + ENTRY_BYTES;
  const stated = {
    size: view.getUint32(at + 24, true),
    compressed: view.getUint32(at + 20, true),
    offset: view.getUint32(at + 42, true),
  };
  return {
    name: Buffer.from(view.buffer, view.byteOffset + nameAt, nameLength).toString('utf8'),
    unicodeName: unicodeName(view, nameAt + nameLength, extraLength),
    method: view.getUint16(at + 10, true),
    encrypted: (view.getUint16(at + 8, true) & 1) === 1,
    crc: view.getUint32(at + 16, true),
    ...widened(stated, view, nameAt + nameLength, extraLength),
  };
}

/** APPNOTE 4.5.3: the fields that are full, in this order, eight bytes each. */
function widened<S extends Pick<ZipMember, 'size' | 'compressed' | 'offset'>>(
  stated: S,
  view: DataView,
  start: number,
  length: number,
): S {
  for (let at = start; at + 4 <= start + length; at += 4 + view.getUint16(at + 2, true)) {
    if (view.getUint16(at, true) !== EXTRA_64) continue;
    const end = at + 4 + view.getUint16(at + 2, true);
    let field = at + 4;
    const next = (value: number) => {
      if (value !== FULL_32) return value;
      if (field + 8 > Math.min(end, start + length)) throw noZip('its directory is damaged');
      field += 8;
      return wide(view, field - 8);
    };
    const size = next(stated.size);
    const compressed = next(stated.compressed);
    return { ...stated, size, compressed, offset: next(stated.offset) };
  }
  return stated;
}

/** APPNOTE 4.6.9, whether or not its checksum is that of the name beside it. */
function unicodeName(view: DataView, start: number, length: number): string | undefined {
  for (let at = start; at + 4 <= start + length; at += 4 + view.getUint16(at + 2, true)) {
    if (view.getUint16(at, true) !== EXTRA_UNICODE_PATH) continue;
    const [from, end] = [at + 4 + UNICODE_PATH_HEAD, Math.min(at + 4 + view.getUint16(at + 2, true), start + length)];
    if (from < end) return Buffer.from(view.buffer, view.byteOffset + from, end - from).toString('utf8');
  }
  return undefined;
}

function wide(view: DataView, at: number): number {
  const value = view.getBigUint64(at, true);
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw noZip('it states impossible sizes');
  return Number(value);
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
