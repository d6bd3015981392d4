import { startSha256 } from '../../bytes/digest.ts';
import { Refusal } from '../../bytes/refusal.ts';
import type { Incoming } from './incoming.ts';
import { checkRecord } from './record.ts';
import { nextCrc, UNPACKED_MOST, Unpacking } from './unpack.ts';
import { noZip, readDirectory, type ZipMember } from './zip-directory.ts';

const LOCAL = 0x04034b50;
const LOCAL_BYTES = 30;
const STORED = 0;
const DEFLATED = 8;
const RECORD = /^[^/]+\.dist-info\/RECORD$/;
/** Bytes of a RECORD that are read: 300,000 lines. */
const RECORD_MOST = 64 * 1024 * 1024;

/** A zip's directory, and where it lies. */
export interface Directory {
  readonly bytes: Uint8Array;
  readonly start: number;
}

/**
 * Reads a zip from its first byte on: every member's CRC and size must be what the directory states, and RECORD's digests must
 * be those of the members. Refuses `digest`, `format` and `limit`, in words that follow the file's name.
 */
export async function checkZip(incoming: Incoming, directory: Directory): Promise<void> {
  const members = readDirectory(directory.bytes, directory.start);
  if (members.reduce((sum, { size }) => sum + size, 0) > UNPACKED_MOST)
    throw new Refusal('limit', `it unpacks to more than ${UNPACKED_MOST} bytes`);
  const sha256 = new Map<string, string>();
  let record: string | undefined;
  let at = 0;
  for (const member of members) {
    await skip(incoming, member.offset - at);
    const header = await localHeader(incoming, member);
    const content = await checkMember(incoming, member);
    sha256.set(member.name, content.sha256);
    record = content.text ?? record;
    at = member.offset + header + member.compressed;
  }
  while ((await incoming.next(Number.MAX_SAFE_INTEGER)) !== undefined);
  if (record !== undefined) checkRecord(record, sha256);
}

/** Resolves to the bytes it takes before the member's content. */
async function localHeader(incoming: Incoming, { name }: ZipMember): Promise<number> {
  const fixed = Buffer.from(await take(incoming, LOCAL_BYTES));
  if (fixed.readUInt32LE(0) !== LOCAL) throw noZip(`${name} is not where its directory says`);
  const nameLength = fixed.readUInt16LE(26);
  const extra = fixed.readUInt16LE(28);
  const own = Buffer.from(await take(incoming, nameLength)).toString('utf8');
  if (own !== name) throw noZip(`its directory calls ${name} what calls itself ${own}`);
  await skip(incoming, extra);
  return LOCAL_BYTES + nameLength + extra;
}

async function checkMember(incoming: Incoming, member: ZipMember): Promise<{ sha256: string; text?: string }> {
  const { name, method, encrypted, compressed, size, crc } = member;
  if (encrypted || (method !== STORED && method !== DEFLATED))
    throw noZip(`${name} is packed in a way that no installer of wheels reads`);
  const hash = startSha256();
  const kept: Uint8Array[] | undefined = RECORD.test(name) && size <= RECORD_MOST ? [] : undefined;
  let actual = 0;
  let length = 0;
  const seen = (bytes: Uint8Array) => {
    length += bytes.byteLength;
    if (length > size) throw new Refusal('digest', `${name} in it is longer than its directory states`);
    actual = nextCrc(bytes, actual);
    hash.update(bytes);
    kept?.push(Uint8Array.from(bytes));
  };
  if (method === STORED) for await (const piece of whole(incoming, compressed)) seen(piece);
  else await inflate(incoming, member, seen);
  if (length !== size || actual !== crc) throw new Refusal('digest', `the checksum of ${name} in it does not hold`);
  const sha256 = hash.hex();
  return kept === undefined ? { sha256 } : { sha256, text: Buffer.concat(kept).toString('utf8') };
}

async function inflate(incoming: Incoming, member: ZipMember, seen: (bytes: Uint8Array) => void): Promise<void> {
  const unpacking = new Unpacking('deflate', seen);
  try {
    for await (const piece of whole(incoming, member.compressed)) await unpacking.write(piece);
    await unpacking.end();
  } catch (cause) {
    if (cause instanceof Refusal) throw cause;
    throw new Refusal('digest', `${member.name} in it cannot be unpacked`, { cause });
  } finally {
    unpacking.destroy();
  }
}

/** Exactly so many bytes, however they come. */
async function* whole(incoming: Incoming, length: number): AsyncGenerator<Uint8Array> {
  if (!(yield* incoming.pieces(length))) throw noZip('it ends within a member');
}

async function take(incoming: Incoming, length: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const piece of whole(incoming, length)) parts.push(Uint8Array.from(piece));
  return Buffer.concat(parts);
}

async function skip(incoming: Incoming, length: number): Promise<void> {
  if (length < 0) throw noZip('its members overlap');
  for await (const _ of whole(incoming, length));
}
