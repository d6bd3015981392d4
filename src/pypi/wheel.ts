import { Refusal } from '../bytes/refusal.ts';
import { inflate } from './inflate.ts';

/** Reads a part of a wheel; what it returns was checked by whoever holds the file. */
export type ReadPart = (start: number, end: number) => Promise<Uint8Array>;

const END_OF_DIRECTORY = 0x06054b50;
const DIRECTORY_ENTRY = 0x02014b50;
const LOCAL_ENTRY = 0x04034b50;
const END_BYTES = 22;
const COMMENT_MOST = 0xffff;
const ENTRY_BYTES = 46;
const LOCAL_BYTES = 30;
const STORED = 0;
const DEFLATED = 8;

/** Bytes of a zip's directory that are read for one file in it: 300,000 entries, in some 50 ms. */
const DIRECTORY_MOST = 16 * 1024 * 1024;
/** What deflate may add to a file that does not get smaller. */
const PACKING_MOST = 64 * 1024;

interface Member {
  readonly method: number;
  readonly compressed: number;
  readonly size: number;
  readonly offset: number;
}

/** What is read of a wheel's `.dist-info`: PEP 427's core metadata, PEP 825's variant. */
export type InfoFile = 'METADATA' | 'variant.json';

/** `readInfo` for METADATA. */
export function wheelMetadata(size: number, read: ReadPart, limit: number): Promise<Uint8Array | undefined> {
  return readInfo('METADATA', size, read, limit);
}

/**
 * A file of a wheel's `.dist-info` (PEP 427: a zip with exactly one NAME-VERSION.dist-info/METADATA), at most `limit` bytes.
 * Undefined where the file is no such zip, or one this reader does not know (zip64), or has none; throws `limit`.
 */
export async function readInfo(
  info: InfoFile,
  size: number,
  read: ReadPart,
  limit: number,
): Promise<Uint8Array | undefined> {
  const tailStart = Math.max(0, size - END_BYTES - COMMENT_MOST);
  const tail = viewOf(await read(tailStart, size));
  const end = endOfDirectory(tail);
  if (end === undefined) return undefined;
  const length = tail.getUint32(end + 12, true);
  const start = tail.getUint32(end + 16, true);
  if (length > DIRECTORY_MOST || start + length > size) return undefined;
  const member = findInfo(info, viewOf(await read(start, start + length)));
  if (member === undefined || member.offset + LOCAL_BYTES > size) return undefined;
  if (member.size > limit)
    throw new Refusal('limit', `The wheel's ${info} has ${member.size} bytes; at most ${limit} are read.`);
  // Its packed size is the directory's word as well: nothing larger is read on its account.
  if (member.compressed > limit + PACKING_MOST) return undefined;
  if (member.method === STORED && member.compressed !== member.size) return undefined;
  return extract(member, size, read);
}

async function extract(member: Member, size: number, read: ReadPart): Promise<Uint8Array | undefined> {
  const local = viewOf(await read(member.offset, member.offset + LOCAL_BYTES));
  if (local.getUint32(0, true) !== LOCAL_ENTRY) return undefined;
  const from = member.offset + LOCAL_BYTES + local.getUint16(26, true) + local.getUint16(28, true);
  if (from + member.compressed > size) return undefined;
  const packed = await read(from, from + member.compressed);
  if (member.method === STORED) return packed;
  return member.method === DEFLATED ? inflate(packed, member.size) : undefined;
}

/** The last end-of-directory record whose comment reaches exactly to the end of the file. */
function endOfDirectory(tail: DataView): number | undefined {
  for (let at = tail.byteLength - END_BYTES; at >= 0; at--)
    if (
      tail.getUint32(at, true) === END_OF_DIRECTORY &&
      at + END_BYTES + tail.getUint16(at + 20, true) === tail.byteLength
    )
      return at;
  return undefined;
}

/** Two of them would be read differently by different tools: then there is none. */
function findInfo(info: InfoFile, directory: DataView): Member | undefined {
  let found: Member | undefined;
  for (let at = 0; at + ENTRY_BYTES <= directory.byteLength && directory.getUint32(at, true) === DIRECTORY_ENTRY; ) {
    const name = directory.getUint16(at + 28, true);
    const next = at + ENTRY_BYTES + name + directory.getUint16(at + 30, true) + directory.getUint16(at + 32, true);
    if (next > directory.byteLength) return undefined;
    if (isInfo(textAt(directory, at + ENTRY_BYTES, name), info)) {
      if (found !== undefined) return undefined;
      found = {
        method: directory.getUint16(at + 10, true),
        compressed: directory.getUint32(at + 20, true),
        size: directory.getUint32(at + 24, true),
        offset: directory.getUint32(at + 42, true),
      };
    }
    at = next;
  }
  return found;
}

function isInfo(path: string, info: InfoFile): boolean {
  return path.endsWith(`.dist-info/${info}`) && path.indexOf('/') === path.lastIndexOf('/') && path[0] !== '.';
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function textAt(view: DataView, at: number, length: number): string {
  return Buffer.from(view.buffer, view.byteOffset + at, length).toString('utf8');
}
