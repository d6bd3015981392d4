import { Refusal } from '../../bytes/refusal.ts';
import {
  type BundleBytes,
  type BundleHead,
  checkEnd,
  checkPiece,
  chunksOf,
  joined,
  partOf,
  readHead,
} from '../format/archive.ts';
import { type ManifestLine, readManifest } from '../format/manifest-reader.ts';
import type { Header, Piece } from '../format/model.ts';

/** A file that was given, and what people call it. */
export interface GivenFile {
  readonly name: string;
  readonly bytes: BundleBytes;
}

/** A manifest that was read whole: its lines are as they have to be. Whose it is, only its signature says. */
export interface ReadBundle {
  readonly header: Header;
  readonly manifest: { readonly sha256: string; readonly size: number };
  readonly seal: Uint8Array | undefined;
  readonly pieces: readonly Piece[];
  /** The file that the manifest is in. */
  readonly file: GivenFile;
  /** Where a body would begin in that file. */
  readonly end: number;
  /** Its lines, once more. Throws `changed` at the end where they are not those that were read. */
  lines(): AsyncGenerator<ManifestLine, void, undefined>;
}

/** Undefined for a file that does not begin as a bundle does: a piece, or something else. Throws `format`, `limit`, `truncated`. */
export async function readBundle(file: GivenFile): Promise<ReadBundle | undefined> {
  const head = await headOf(file);
  if (head === undefined) return undefined;
  const { position, size } = head.manifest;
  const pieces: Piece[] = [];
  const once = () => readManifest(chunksOf(file.bytes, position, size));
  const lines = once();
  let next = await lines.next();
  for (; next.done !== true; next = await lines.next()) if (next.value.line === 'piece') pieces.push(next.value.piece);
  const { header, sha256 } = next.value;
  return {
    header,
    manifest: { sha256, size },
    seal: head.seal,
    pieces,
    file,
    end: head.end,
    async *lines() {
      const again = yield* once();
      if (again.sha256 !== sha256)
        throw new Refusal('changed', `${file.name} changed while it was read.`, { subject: 'request' });
    },
  };
}

async function headOf({ bytes, name }: GivenFile): Promise<BundleHead | undefined> {
  try {
    return await readHead(bytes);
  } catch (error) {
    if (await beginsAsBundle(bytes)) throw named(name, error);
    return undefined;
  }
}

/** By the name of its first member. */
async function beginsAsBundle(bytes: BundleBytes): Promise<boolean> {
  const first = Buffer.alloc(FIRST_NAME.length);
  return (await bytes.read(first, 0)) === first.length && first.toString('latin1') === FIRST_NAME;
}

const FIRST_NAME = 'manifest.jsonl\0';

function named(name: string, error: unknown): unknown {
  if (!(error instanceof Refusal)) return error;
  return new Refusal(error.reason, `${name}: ${error.message}`, { subject: 'request', cause: error });
}

/** Pieces of a body that were looked for. */
export interface FoundBody {
  /** Undefined where pieces are missing. */
  readonly body: BundleBytes | undefined;
  /** Their numbers. */
  readonly missing: readonly number[];
  /** Files that are no piece of it, though they are as long as one that is missing: they are damaged, or another bundle's. */
  readonly strange: readonly string[];
}

/**
 * The body: behind the manifest in its own file, or in pieces, which are known by their digests, whatever their files are called and in whatever order
 * they are given. Each piece is hashed once.
 */
export async function findBody(bundle: ReadBundle, others: readonly GivenFile[]): Promise<FoundBody> {
  const { header, end, file, pieces } = bundle;
  const own = partOf(file.bytes, end);
  if (own.size > 0) {
    await checkEnd(own, header.totals.body).catch((error: unknown) => {
      throw named(file.name, error);
    });
    return { body: own, missing: [], strange: [] };
  }
  const found = new Map<number, BundleBytes>();
  const strange: string[] = [];
  for (const other of others) {
    const candidates = pieces.filter(({ piece, size }) => size === other.bytes.size && !found.has(piece));
    const piece = await firstThatIs(other, candidates);
    if (piece !== undefined) found.set(piece.piece, other.bytes);
    else if (candidates.length > 0) strange.push(other.name);
  }
  const missing = pieces.filter(({ piece }) => !found.has(piece)).map(({ piece }) => piece);
  if (missing.length > 0) return { body: undefined, missing, strange };
  const body = joined(pieces.map(({ piece }) => found.get(piece) ?? file.bytes));
  await checkEnd(body, header.totals.body);
  return { body, missing, strange: [] };
}

async function firstThatIs({ bytes }: GivenFile, candidates: readonly Piece[]): Promise<Piece | undefined> {
  for (const piece of candidates)
    try {
      await checkPiece(bytes, piece);
      return piece;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
    }
  return undefined;
}

/** Which piece a place of the body lies in: what people carry again. */
export function pieceAt(pieces: readonly Piece[], position: number): number {
  let end = 0;
  for (const { piece, size } of pieces) {
    end += size;
    if (position < end) return piece;
  }
  return pieces.length;
}

/** Words for pieces that did not come. */
export function missingPieces({ header, pieces }: ReadBundle, { missing, strange }: FoundBody): Refusal {
  const which = missing.length === 1 ? `piece ${missing[0]}` : `pieces ${missing.join(', ')}`;
  const odd =
    strange.length === 0
      ? ''
      : ` ${strange.join(', ')} ${strange.length === 1 ? 'is' : 'are'} as long as one and damaged: carry it again.`;
  return new Refusal(
    'truncated',
    `Of bundle ${header.number}, which has ${pieces.length} pieces, ${which} ${missing.length === 1 ? 'is' : 'are'} missing.${odd}`,
    { subject: 'request' },
  );
}
