import { startSha256 } from '../../bytes/digest.ts';
import { existing } from '../../bytes/existing.ts';
import { type BundleBytes, chunksOf, headMember, MANIFEST_NAME, SEAL_NAME } from '../format/archive.ts';
import type { SigningKey } from '../format/keys.ts';
import { encodeHeader, encodePiece } from '../format/manifest-lines.ts';
import { readManifest } from '../format/manifest-reader.ts';
import type { Entry, Header, Piece } from '../format/model.ts';
import { seal } from '../format/seal.ts';
import { memberBytes } from '../format/tar.ts';
import { bodyOf, type Sources } from './body.ts';
import { digestOfFile } from './copy.ts';
import { BUNDLE_NAME, type Cut, PieceWriter, pieceName } from './pieces.ts';
import type { BundleOutput, GrowingFile, NewBundle, RememberedBundle } from './places.ts';

const NO_DIGEST = '0'.repeat(64);
export const REPORT_NAME = 'report.txt';
export const SBOM_NAME = 'sbom.cdx.json';
export const SUMS_NAME = 'SHA256SUMS';
export const SIGNATURE_NAME = 'SHA256SUMS.sig';

/** What a manifest consists of besides its pieces: its lines as they were collected. */
export interface ManifestParts {
  readonly header: Omit<Header, 'totals'> & { readonly totals: Omit<Header['totals'], 'pieces'> };
  /** Encoded; in their order. */
  readonly lines: readonly BundleBytes[];
  readonly keys: readonly SigningKey[];
}

/** Bytes of everything before the body, where it is cut into pieces of these sizes: known before any digest is. */
export function headBytes(parts: ManifestParts, sizes: readonly number[]): number {
  const manifest = manifestBytes(parts, sizes);
  return memberBytes(manifest) + sealBytes(parts, manifest);
}

function manifestBytes({ header, lines }: ManifestParts, sizes: readonly number[]): number {
  const pieces = sizes.reduce(
    (sum, size, at) => sum + encodePiece({ piece: at + 1, size, sha256: NO_DIGEST }).length,
    0,
  );
  return headerLine(header, sizes.length).length + lines.reduce((sum, { size }) => sum + size, 0) + pieces;
}

function sealBytes({ header, keys }: ManifestParts, size: number): number {
  if (keys.length === 0) return 0;
  const sealed = { index: header.index.name, number: header.number, manifest: { sha256: NO_DIGEST, size } };
  return memberBytes(seal(sealed, keys).length);
}

function headerLine(header: ManifestParts['header'], pieces: number): Buffer {
  return encodeHeader({ ...header, totals: { ...header.totals, pieces } });
}

/** Writes the manifest where it is remembered, and its signature. */
export async function writeManifest(
  { header, lines, keys }: ManifestParts,
  pieces: readonly Piece[],
  into: Pick<NewBundle, 'create'>,
): Promise<{ readonly manifest: GrowingFile; readonly seal: GrowingFile | undefined; readonly sha256: string }> {
  const manifest = await into.create('manifest.jsonl');
  const hash = startSha256();
  const put = async (bytes: Uint8Array) => {
    hash.update(bytes);
    await manifest.append(bytes);
  };
  await put(headerLine(header, pieces.length));
  for (const file of lines) for await (const chunk of chunksOf(file, 0, file.size)) await put(chunk);
  for (const piece of pieces) await put(encodePiece(piece));
  const sha256 = hash.hex();
  if (keys.length === 0) return { manifest, seal: undefined, sha256 };
  const file = await into.create('seal.json');
  const { index, number } = header;
  await file.append(seal({ index: index.name, number, manifest: { sha256, size: manifest.size } }, keys));
  return { manifest, seal: file, sha256 };
}

/** Writes the body into the files of a bundle; its head is to be written by `writeHead`. */
export async function writeBody(
  entries: AsyncIterable<Entry>,
  sources: Sources,
  place: { readonly output: BundleOutput; readonly cut: Cut; readonly headBytes: number },
  onBytes: (bytes: number) => void,
): Promise<{ readonly head: GrowingFile; readonly pieces: readonly Piece[] }> {
  const { output, cut } = place;
  const head = await output.create(cut.isWhole ? BUNDLE_NAME : pieceName(0));
  const writer = new PieceWriter(output, cut, cut.isWhole ? { file: head, headBytes: place.headBytes } : undefined);
  for await (const chunk of bodyOf(entries, sources)) {
    await writer.take(chunk);
    onBytes(chunk.byteLength);
  }
  return { head, pieces: writer.finish() };
}

/** At the beginning of its file, where the body may stand behind it already. */
export async function writeHead(
  file: GrowingFile,
  manifest: BundleBytes,
  sealed: BundleBytes | undefined,
): Promise<void> {
  let at = 0;
  const put = async (bytes: Uint8Array) => {
    await file.write(bytes, at);
    at += bytes.byteLength;
  };
  const member = async (name: typeof MANIFEST_NAME | typeof SEAL_NAME, content: BundleBytes) => {
    const { header, filling } = headMember(name, content.size);
    await put(header);
    for await (const chunk of chunksOf(content, 0, content.size)) await put(chunk);
    await put(filling);
  };
  await member(MANIFEST_NAME, manifest);
  if (sealed !== undefined) await member(SEAL_NAME, sealed);
}

/** Entries of a manifest that is remembered, and its pieces once the entries were read. */
export async function readRemembered(remembered: RememberedBundle): Promise<{
  readonly header: Header;
  readonly pieces: readonly Piece[];
  readonly sha256: string;
  readonly entries: () => AsyncGenerator<Entry, void, undefined>;
}> {
  const manifest = needed(remembered, 'manifest.jsonl');
  const pieces: Piece[] = [];
  const reading = readManifest(chunksOf(manifest, 0, manifest.size));
  for (;;) {
    const { value, done } = await reading.next();
    if (done === true) return { ...value, pieces, entries: () => entriesOf(manifest) };
    if (value.line === 'piece') pieces.push(value.piece);
  }
}

async function* entriesOf(manifest: BundleBytes): AsyncGenerator<Entry, void, undefined> {
  for await (const line of readManifest(chunksOf(manifest, 0, manifest.size)))
    if (line.line === 'entry') yield line.entry;
}

/** What every bundle has of itself. */
export function needed(remembered: RememberedBundle, name: Parameters<RememberedBundle['file']>[0]): BundleBytes {
  return existing(remembered.file(name), `a remembered bundle has no ${name}`);
}

/** The line of `SHA256SUMS` for a file, which is read again from where it was written. */
export async function sumLine(name: string, file: BundleBytes): Promise<string> {
  return `${await digestOfFile(file)}  ${name}\n`;
}
