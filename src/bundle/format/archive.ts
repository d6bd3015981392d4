import { promisify } from 'node:util';
import { constants, zstdCompress, zstdDecompress } from 'node:zlib';
import { sha256Hex, startSha256 } from '../../bytes/digest.ts';
import { Refusal } from '../../bytes/refusal.ts';
import { LIMITS } from './limits.ts';
import type { Member } from './members.ts';
import type { Entry, Piece } from './model.ts';
import { BLOCK, padding, sizeInHeader, TAR_END, tarHeader } from './tar.ts';

/** A bundle, or a part of one: a file that is open. What is read twice need not be the same: it is checked as it is used. */
export interface BundleBytes {
  readonly size: number;
  /** Fills `into` from `position` on. Resolves with the number of bytes, fewer only at the end. */
  read(into: Uint8Array, position: number): Promise<number>;
}

/** What comes before the body: the manifest, and the signature over its digest where there is one. */
export interface BundleHead {
  readonly manifest: { readonly position: number; readonly size: number };
  readonly seal: Uint8Array | undefined;
  /** Where the body begins. */
  readonly end: number;
}

export const MANIFEST_NAME = 'manifest.jsonl';
export const SEAL_NAME = 'seal.json';
const CHUNK = 256 * 1024;
const LEVEL = 9;

/** Throws `format` for what is no bundle, `truncated` where it ends too early, and `limit`. */
export async function readHead(bundle: BundleBytes): Promise<BundleHead> {
  const manifestSize = sizeInHeader(await exactly(bundle, 0, BLOCK), MANIFEST_NAME, LIMITS.manifest);
  const after = BLOCK + manifestSize + padding(manifestSize);
  await zeros(bundle, BLOCK + manifestSize, padding(manifestSize));
  const manifest = { position: BLOCK, size: manifestSize };
  const next = Buffer.alloc(BLOCK);
  const isSealed =
    (await bundle.read(next, after)) === BLOCK && next.toString('latin1', 0, SEAL_NAME.length + 1) === `${SEAL_NAME}\0`;
  if (!isSealed) return { manifest, seal: undefined, end: after };
  const sealSize = sizeInHeader(next, SEAL_NAME, LIMITS.seal);
  const seal = await exactly(bundle, after + BLOCK, sealSize);
  await zeros(bundle, after + BLOCK + sealSize, padding(sealSize));
  return { manifest, seal, end: after + BLOCK + sealSize + padding(sealSize) };
}

/** The headers and fillings around the manifest and the signature. */
export function headMember(name: typeof MANIFEST_NAME | typeof SEAL_NAME, size: number) {
  return { header: tarHeader(name, size), filling: Buffer.alloc(padding(size)) };
}

/** A part of a bundle, chunk by chunk; a chunk may be used until the next is asked for. Throws `truncated`. */
export async function* chunksOf(
  bundle: BundleBytes,
  position: number,
  size: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  const into = Buffer.allocUnsafe(Math.min(CHUNK, size));
  for (let at = 0; at < size; ) {
    const part = into.subarray(0, Math.min(into.length, size - at));
    if ((await bundle.read(part, position + at)) < part.length) throw truncated();
    yield part;
    at += part.length;
  }
}

/** Pieces of a body, one behind the other, as one. */
export function joined(pieces: readonly BundleBytes[]): BundleBytes {
  const starts: number[] = [];
  let size = 0;
  for (const piece of pieces) {
    starts.push(size);
    size += piece.size;
  }
  return {
    size,
    async read(into, position) {
      let done = 0;
      for (const [place, piece] of pieces.entries()) {
        const from = position + done - (starts[place] ?? 0);
        if (from < 0 || from >= piece.size || done === into.byteLength) continue;
        const wanted = Math.min(into.byteLength - done, piece.size - from);
        const got = await piece.read(into.subarray(done, done + wanted), from);
        done += got;
        if (got < wanted) break;
      }
      return done;
    },
  };
}

/** The body of a bundle that lies in one file. */
export function partOf(bundle: BundleBytes, start: number): BundleBytes {
  return {
    size: Math.max(0, bundle.size - start),
    read: (into, position) => bundle.read(into, start + position),
  };
}

/** Throws `digest` where these bytes are not that piece, or `length`. */
export async function checkPiece(bytes: BundleBytes, piece: Piece): Promise<void> {
  if (bytes.size !== piece.size)
    throw new Refusal('length', `Piece ${piece.piece} has ${bytes.size} bytes and should have ${piece.size}.`);
  const hash = startSha256();
  for await (const chunk of chunksOf(bytes, 0, bytes.size)) hash.update(chunk);
  if (hash.hex() !== piece.sha256) throw new Refusal('digest', `Piece ${piece.piece} is damaged: carry it again.`);
}

/**
 * The content of a member, chunk by chunk, hashed as it goes: it is what the manifest says only once this ends. Throws `format` where another member
 * lies there, `length`, `digest` or `truncated`. Where whoever takes it hashes it (`hashes` false), what is carried as it is, is not hashed here.
 */
export async function* readMember(
  body: BundleBytes,
  entry: Entry,
  member: Member,
  hashes = true,
): AsyncGenerator<Uint8Array, void, undefined> {
  const header = await exactly(body, member.position - BLOCK, BLOCK);
  if (!header.equals(member.header))
    throw new Refusal('format', `Where ${nameOf(entry)} should begin in the bundle lies something else.`);
  if (entry.coding === 'zstd') yield await compressedMember(body, entry, member);
  else {
    const hash = startSha256();
    for await (const chunk of chunksOf(body, member.position, member.stored)) {
      if (hashes) hash.update(chunk);
      yield chunk;
    }
    if (hashes && hash.hex() !== entry.sha256) throw differs(entry);
  }
  await zeros(body, member.position + member.stored, padding(member.stored));
}

/** Throws `format` where the body does not end as it has to: behind its last member, with nothing more. */
export async function checkEnd(body: BundleBytes, size: number): Promise<void> {
  if (body.size !== size) throw new Refusal('length', `The bundle has ${body.size} bytes where ${size} should be.`);
  await zeros(body, size - TAR_END.byteLength, TAR_END.byteLength);
}

/** A document as it is stored where that is smaller. */
export async function compressed(content: Uint8Array): Promise<Buffer> {
  return promisify(zstdCompress)(content, { params: { [constants.ZSTD_c_compressionLevel]: LEVEL } });
}

async function compressedMember(body: BundleBytes, entry: Entry, member: Member): Promise<Buffer> {
  const stored = await exactly(body, member.position, member.stored);
  let content: Buffer;
  try {
    // One byte more, so that a content that is too long is told from one that fits.
    content = await promisify(zstdDecompress)(stored, { maxOutputLength: entry.size + 1 });
  } catch (cause) {
    throw new Refusal('encoding', `${nameOf(entry)} cannot be unpacked to what the manifest says.`, { cause });
  }
  if (content.length !== entry.size)
    throw new Refusal('length', `${nameOf(entry)} has another size than the manifest says.`);
  if (sha256Hex(content) !== entry.sha256) throw differs(entry);
  return content;
}

async function exactly(bundle: BundleBytes, position: number, size: number): Promise<Buffer> {
  const into = Buffer.alloc(size);
  if ((await bundle.read(into, position)) < size) throw truncated();
  return into;
}

/** What fills a block says nothing. */
async function zeros(bundle: BundleBytes, position: number, size: number): Promise<void> {
  if ((await exactly(bundle, position, size)).some((byte) => byte !== 0))
    throw new Refusal('format', 'The bundle has bytes where none belong.');
}

function nameOf({ kind, project, name, version }: Entry): string {
  return [kind, project, name, version].filter((part) => part !== undefined).join(' ');
}

function differs(entry: Entry): Refusal {
  return new Refusal('digest', `${nameOf(entry)} is not what the manifest says.`);
}

function truncated(): Refusal {
  return new Refusal('truncated', 'The bundle ends before its end.');
}
