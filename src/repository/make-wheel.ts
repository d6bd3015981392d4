import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';

/** A wheel that says what it is for. */
export interface WheelContent {
  readonly project: string;
  readonly version: string;
  readonly summary: string;
  /** Taken from an existing wheel where one is to be passed off as it. */
  readonly filename?: string | undefined;
  readonly requiresPython?: string | undefined;
}

interface Member {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** A small pure-Python wheel (PEP 427) with one module in it, the same bytes for the same content. */
export function makeWheel(content: WheelContent): { readonly filename: string; readonly bytes: Uint8Array } {
  const { project, version, summary, requiresPython } = content;
  const module = project.replaceAll('-', '_');
  const info = `${module}-${version}.dist-info`;
  const members = [
    member(`${module}.py`, [JSON.stringify(summary), `__version__ = ${JSON.stringify(version)}`]),
    member(`${info}/METADATA`, [
      'Metadata-Version: 2.1',
      `Name: ${project}`,
      `Version: ${version}`,
      `Summary: ${summary}`,
      ...(requiresPython === undefined ? [] : [`Requires-Python: ${requiresPython}`]),
    ]),
    member(`${info}/WHEEL`, [
      'Wheel-Version: 1.0',
      'Generator: verbatim-demo',
      'Root-Is-Purelib: true',
      'Tag: py3-none-any',
    ]),
  ];
  const record = `${info}/RECORD`;
  return {
    filename: content.filename ?? `${module}-${version}-py3-none-any.whl`,
    bytes: zip([...members, member(record, [...members.map(recordLine), `${record},,`])]),
  };
}

function member(name: string, lines: readonly string[]): Member {
  return { name, bytes: Buffer.from(`${lines.join('\n')}\n`) };
}

/** PEP 376: path, digest in unpadded base64url, size. */
function recordLine({ name, bytes }: Member): string {
  return `${name},sha256=${createHash('sha256').update(bytes).digest('base64url')},${bytes.byteLength}`;
}

const LOCAL_ENTRY = 0x04034b50;
const DIRECTORY_ENTRY = 0x02014b50;
const END_OF_DIRECTORY = 0x06054b50;
const VERSION_NEEDED = 20;
/** 1980-01-01, the first day a zip can name. */
const FIRST_DAY = 0x21;
const REGULAR_FILE = 0o100644 << 16;
const UNIX = 3 << 8;

/** A zip of stored, uncompressed members. */
function zip(members: readonly Member[]): Uint8Array {
  const locals: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const { name, bytes } of members) {
    const path = Buffer.from(name);
    const common = commonFields(path, bytes);
    const local = Buffer.concat([uint32(LOCAL_ENTRY), common, path, bytes]);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(REGULAR_FILE >>> 0, 6);
    tail.writeUInt32LE(offset, 10);
    directory.push(Buffer.concat([uint32(DIRECTORY_ENTRY), uint16(UNIX | VERSION_NEEDED), common, tail, path]));
    locals.push(local);
    offset += local.length;
  }
  const listed = Buffer.concat(directory);
  const end = Buffer.concat([
    uint32(END_OF_DIRECTORY),
    Buffer.alloc(4),
    uint16(members.length),
    uint16(members.length),
    uint32(listed.length),
    uint32(offset),
    uint16(0),
  ]);
  return Buffer.concat([...locals, listed, end]);
}

/** What the entry before the data and the one in the directory have in common. */
function commonFields(path: Uint8Array, bytes: Uint8Array): Buffer {
  return Buffer.concat([
    uint16(VERSION_NEEDED),
    Buffer.alloc(6),
    uint16(FIRST_DAY),
    uint32(crc32(bytes)),
    uint32(bytes.byteLength),
    uint32(bytes.byteLength),
    uint16(path.byteLength),
    uint16(0),
  ]);
}

function uint16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return bytes;
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}
