import { startSha256 } from '../../bytes/digest.ts';
import { Refusal } from '../../bytes/refusal.ts';
import { DigestSet } from './digest-set.ts';
import { LIMITS } from './limits.ts';
import { decodeChange, decodeEntry, decodeHeader, decodePiece } from './manifest-lines.ts';
import { type Member, MemberPlaces } from './members.ts';
import { type Change, type Entry, type Header, hasKind, isCarriedAsItIs, type Piece } from './model.ts';
import { compareChanges, compareEntries, isNamedRight } from './order.ts';

/** One line of a manifest, judged. */
export type ManifestLine =
  | { readonly line: 'header'; readonly header: Header }
  /** `member`: where its bytes lie in the body, of an entry whose bytes are `here`. */
  | { readonly line: 'entry'; readonly entry: Entry; readonly member: Member | undefined }
  | { readonly line: 'change'; readonly change: Change }
  | { readonly line: 'piece'; readonly piece: Piece };

const LINE_END = 0x0a;
const SECTIONS = ['header', 'entry', 'change', 'piece'] as const;

/**
 * Reads a manifest line by line; memory grows by the digest of each content alone. Throws `format` where a line is not as it has
 * to be, and `limit`. What the manifest says is believed by whoever holds its digest under a signature; until then it is a stranger's.
 */
export class ManifestReader {
  readonly #hash = startSha256();
  readonly #contents = new DigestSet();
  readonly #places = new MemberPlaces();
  #header: Header | undefined;
  #section = 0;
  #entries = 0;
  #changes = 0;
  #pieces = 0;
  #piecesBytes = 0;
  #content = 0;
  #lastEntry: Entry | undefined;
  #lastChange: Change | undefined;

  /** `line` is without its end. */
  take(line: Uint8Array): ManifestLine {
    this.#hash.update(line);
    this.#hash.update(Buffer.of(LINE_END));
    if (this.#header === undefined) {
      this.#header = checkedHeader(decodeHeader(line));
      return { line: 'header', header: this.#header };
    }
    const kind = kindOf(line);
    this.#enter(kind);
    const { totals } = this.#header;
    if (kind === 'entry') return this.#entry(decodeEntry(line), this.#header);
    if (kind === 'change') return this.#change(decodeChange(line), totals);
    return this.#piece(decodePiece(line), totals);
  }

  /** Throws where lines are missing. Returns what was read and the digest of all lines. */
  finish(): { readonly header: Header; readonly sha256: string } {
    const header = this.#header;
    if (header === undefined) throw wrong('has no line');
    const { totals } = header;
    const counted =
      totals.entries === this.#entries &&
      totals.changes === this.#changes &&
      totals.pieces === this.#pieces &&
      totals.members === this.#places.count &&
      totals.content === this.#content &&
      totals.body === this.#places.body &&
      totals.body === this.#piecesBytes;
    if (!counted) throw wrong('does not add up to the totals of its header');
    return { header, sha256: this.#hash.hex() };
  }

  #enter(kind: (typeof SECTIONS)[number]): void {
    const section = SECTIONS.indexOf(kind);
    if (section < this.#section) throw wrong('has its lines in another order');
    this.#section = section;
  }

  #entry(entry: Entry, { totals, format }: Header): ManifestLine {
    const last = this.#lastEntry;
    if (++this.#entries > totals.entries) throw wrong('has more entries than its header says');
    if (!isNamedRight(entry) || !isCodedRight(entry)) throw wrong(`has an entry that no ${entry.kind} is`);
    if (!hasKind(format, entry.kind)) throw wrong(`has a ${entry.kind}, which its format does not have`);
    if (last !== undefined && compareEntries(last, entry) >= 0) throw wrong('has entries twice or in another order');
    this.#lastEntry = entry;
    if (entry.bytes === 'held') return { line: 'entry', entry, member: undefined };
    const isNew = entry.bytes === 'here' ? this.#contents.add(entry.sha256) : !this.#contents.has(entry.sha256);
    if (isNew !== (entry.bytes === 'here')) throw wrong('carries a content twice, or not where it says');
    if (entry.bytes === 'above') return { line: 'entry', entry, member: undefined };
    const member = this.#places.add(entry);
    this.#content += entry.size;
    if (this.#places.count > totals.members || this.#places.body > totals.body || this.#content > totals.content)
      throw wrong('has more members than its header says');
    return { line: 'entry', entry, member };
  }

  #change(change: Change, totals: Header['totals']): ManifestLine {
    const last = this.#lastChange;
    if (++this.#changes > totals.changes) throw wrong('has more changes than its header says');
    if (last !== undefined && compareChanges(last, change) >= 0) throw wrong('has changes twice or in another order');
    this.#lastChange = change;
    return { line: 'change', change };
  }

  #piece(piece: Piece, totals: Header['totals']): ManifestLine {
    if (piece.piece !== ++this.#pieces || this.#pieces > totals.pieces) throw wrong('has its pieces in another order');
    this.#piecesBytes += piece.size;
    if (this.#piecesBytes > totals.body) throw wrong('has more in its pieces than its header says');
    return { line: 'piece', piece };
  }
}

/** The lines of a manifest that comes in chunks, as many bytes as whoever opened it lets it have. Throws as ManifestReader does, at its end where it is not whole. */
export async function* readManifest(
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<ManifestLine, { readonly header: Header; readonly sha256: string }, undefined> {
  const reader = new ManifestReader();
  let most: number = LIMITS.header;
  for await (const line of linesOf(chunks, () => most)) {
    yield reader.take(line);
    most = LIMITS.line;
  }
  return reader.finish();
}

/** Lines without their ends; the last one must have its end. */
async function* linesOf(
  chunks: AsyncIterable<Uint8Array>,
  most: () => number,
): AsyncGenerator<Uint8Array, void, undefined> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of chunks) {
    const bytes = Buffer.concat([rest, chunk]);
    let from = 0;
    for (let end = bytes.indexOf(LINE_END, from); end !== -1; end = bytes.indexOf(LINE_END, from)) {
      if (end - from >= most()) throw tooLong(most());
      yield bytes.subarray(from, end);
      from = end + 1;
    }
    rest = bytes.subarray(from);
    if (rest.length >= most()) throw tooLong(most());
  }
  if (rest.length > 0) throw wrong('ends in the middle of a line');
}

/** By the member that each line begins with. */
function kindOf(line: Uint8Array): 'entry' | 'change' | 'piece' {
  const start = Buffer.from(line.subarray(0, 10)).toString('latin1');
  if (start.startsWith('{"kind":')) return 'entry';
  if (start.startsWith('{"change":')) return 'change';
  if (start.startsWith('{"piece":')) return 'piece';
  throw wrong('has a line of no known kind');
}

function checkedHeader(header: Header): Header {
  const { index, number, previous, base, keys } = header;
  if ((index.evidence === 'tuf') !== (index.rootSha256 !== undefined))
    throw wrong('names a pinned root where its evidence has none, or none where it has one');
  if ((number === 1) !== (previous === undefined)) throw wrong('does not say which manifest came before it');
  if (base !== undefined && base.number >= number) throw wrong('builds on a number that is not before its own');
  if (new Set(keys.map((key) => key.public)).size < keys.length) throw wrong('announces a key twice');
  return header;
}

function isCodedRight(entry: Entry): boolean {
  const { bytes, coding, stored, size } = entry;
  if (bytes !== 'here' || coding === undefined) return coding === undefined && stored === undefined;
  return stored !== undefined && size <= LIMITS.document && !isCarriedAsItIs(entry);
}

function wrong(what: string): Refusal {
  return new Refusal('format', `The manifest of this bundle ${what}.`);
}

function tooLong(most: number): Refusal {
  return new Refusal('limit', `A line of the manifest is longer than ${most} bytes.`);
}
