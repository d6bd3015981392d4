import { type BundleBytes, compressed, headMember, MANIFEST_NAME, SEAL_NAME } from '../../src/bundle/format/archive.ts';
import type { SigningKey } from '../../src/bundle/format/keys.ts';
import { encodeChange, encodeEntry, encodeHeader, encodePiece } from '../../src/bundle/format/manifest-lines.ts';
import { MemberPlaces } from '../../src/bundle/format/members.ts';
import { type Change, type Entry, formatFor, type Header } from '../../src/bundle/format/model.ts';
import { seal } from '../../src/bundle/format/seal.ts';
import { padding, TAR_END } from '../../src/bundle/format/tar.ts';
import { sha256Hex } from '../../src/bytes/digest.ts';

// Bundles made in memory, byte by byte, for tests of whoever reads them.

export interface Content
  extends Pick<Entry, 'kind' | 'project' | 'name' | 'version' | 'url' | 'type' | 'confirmed' | 'also'> {
  readonly content: Uint8Array;
  readonly coding?: 'zstd' | undefined;
  /** `here` unless stated. */
  readonly bytes?: Entry['bytes'] | undefined;
}

export interface MadeOf {
  readonly header?: Partial<Header> | undefined;
  /** In the order of the format. */
  readonly contents: readonly Content[];
  readonly changes?: readonly Change[] | undefined;
  readonly keys?: readonly SigningKey[] | undefined;
  /** Bytes; one piece unless stated. */
  readonly pieceSize?: number | undefined;
}

export interface MadeBundle {
  readonly manifest: Buffer;
  readonly manifestSha256: string;
  readonly head: Buffer;
  readonly body: Buffer;
  readonly pieces: readonly Buffer[];
  /** Head and body: a bundle in one file. */
  readonly whole: Buffer;
}

export const HEADER: Omit<Header, 'totals'> = {
  format: formatFor('file'),
  index: { name: 'main', evidence: 'index', upstream: 'https://index.example/simple/' },
  number: 1,
  stateAt: '2026-01-02T03:04:05Z',
  referenceTime: '2026-01-02T03:04:05Z',
  policy: {},
  keys: [],
};

export async function makeBundle({
  header,
  contents,
  changes = [],
  keys = [],
  pieceSize,
}: MadeOf): Promise<MadeBundle> {
  const places = new MemberPlaces();
  const body: Uint8Array[] = [];
  const entries: Entry[] = [];
  for (const { content, coding, bytes = 'here', ...named } of contents) {
    const stored = coding === 'zstd' && bytes === 'here' ? await compressed(content) : content;
    const coded = coding === 'zstd' && bytes === 'here' ? { coding, stored: stored.byteLength } : {};
    const entry: Entry = { ...named, size: content.byteLength, sha256: sha256Hex(content), bytes, ...coded };
    entries.push(entry);
    if (bytes === 'here') body.push(places.add(entry).header, stored, Buffer.alloc(padding(stored.byteLength)));
  }
  const whole = Buffer.concat([...body, TAR_END]);
  const pieces = cut(whole, pieceSize ?? whole.length);
  const totals = {
    entries: entries.length,
    members: places.count,
    content: entries.reduce((sum, { bytes, size }) => sum + (bytes === 'here' ? size : 0), 0),
    body: whole.length,
    changes: changes.length,
    pieces: pieces.length,
  };
  const manifest = Buffer.concat([
    encodeHeader({ ...HEADER, totals, ...header }),
    ...entries.map(encodeEntry),
    ...changes.map(encodeChange),
    ...pieces.map((piece, at) => encodePiece({ piece: at + 1, size: piece.length, sha256: sha256Hex(piece) })),
  ]);
  const number = header?.number ?? HEADER.number;
  const index = (header?.index ?? HEADER.index).name;
  const sealed = { index, number, manifest: { sha256: sha256Hex(manifest), size: manifest.length } };
  const head = Buffer.concat([
    member(MANIFEST_NAME, manifest),
    ...(keys.length === 0 ? [] : [member(SEAL_NAME, seal(sealed, keys))]),
  ]);
  return {
    manifest,
    manifestSha256: sealed.manifest.sha256,
    head,
    body: whole,
    pieces,
    whole: Buffer.concat([head, whole]),
  };
}

/** A file that lies in memory. */
export function bytesOf(buffer: Uint8Array): BundleBytes {
  return {
    size: buffer.byteLength,
    read: async (into, position) => {
      const part = buffer.subarray(position, position + into.byteLength);
      into.set(part);
      return part.byteLength;
    },
  };
}

function member(name: typeof MANIFEST_NAME | typeof SEAL_NAME, content: Buffer): Buffer {
  const { header, filling } = headMember(name, content.length);
  return Buffer.concat([header, content, filling]);
}

function cut(body: Buffer, size: number): readonly Buffer[] {
  const pieces: Buffer[] = [];
  for (let at = 0; at < body.length; at += size) pieces.push(body.subarray(at, at + size));
  return pieces;
}
