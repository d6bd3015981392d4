import type { Algorithm, Digests } from '../bytes/digest.ts';
import { hrefOf, type Listing, type OwnFile } from '../pypi/listing.ts';
import type { Entry, Extra } from '../pypi/project-page.ts';
import { HIGHEST_MINOR } from '../pypi/relink.ts';
import { joinedLines, mapped } from './joined.ts';

// Written by hand, key by key: the same bytes for the same content, and `__proto__` stays a key like any other.
// No value is ever null: one of them makes uv reject the whole page.

/** Algorithms that Python's hashlib knows by this name, best first; PDM raises on any other. */
export const HASHLIB: readonly Algorithm[] = ['sha256', 'sha384', 'sha512'];

/** PEP 691 with 700, 714, 740 and 792. */
export function renderPageJson(listing: Listing): Buffer {
  const { meta, name, projectStatus: status, versions, extra } = listing;
  return joinedLines(
    `{"meta":{"api-version":${text(listing.apiVersion)}${unknown(meta)}},"name":${text(name)}` +
      (status === undefined
        ? ''
        : `,"project-status":{"status":${text(status.status)}${member('reason', status.reason)}}`) +
      `,"versions":${JSON.stringify(versions)},"files":[\n`,
    mapped(listing.files.values(), (file) => fileJson(file, listing.linkBase)),
    ',\n',
    `\n]${unknown(extra)}}`,
  );
}

/** PEP 691, the project list. */
export function renderListJson(names: readonly string[]): Buffer {
  const projects = mapped(names, (name) => `{"name":${text(name)}}`);
  return joinedLines(`{"meta":{"api-version":"1.${HIGHEST_MINOR}"},"projects":[\n`, projects, ',\n', '\n]}');
}

/** The names of a list as `renderListJson` writes it, one a line, of its pieces. */
export async function* namesOfListJson(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<string, void, undefined> {
  let rest = '';
  let isFirst = true;
  // Normalized names are ASCII: no piece ends within a character.
  for await (const piece of pieces) {
    const lines = (rest + Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength).toString('latin1')).split('\n');
    rest = lines.pop() ?? '';
    // A list without projects has one empty line.
    for (const line of isFirst ? lines.slice(1) : lines)
      if (line !== '') yield JSON.parse(line.endsWith(',') ? line.slice(0, -1) : line).name;
    if (lines.length > 0) isFirst = false;
  }
}

function fileJson(file: OwnFile, linkBase: string | undefined): string {
  const { entry } = file;
  return (
    `{"filename":${text(entry.filename)},"url":${text(hrefOf(file, linkBase))},"hashes":${hashes(entry.digests, entry.blake2b) ?? weakHashes(entry)}` +
    (entry.size === undefined ? '' : `,"size":${entry.size}`) +
    member('upload-time', entry.uploadTime) +
    member('requires-python', entry.requiresPython) +
    `,"yanked":${JSON.stringify(entry.yanked ?? false)}` +
    coreMetadata(entry) +
    member('provenance', entry.provenance) +
    (entry.gpgSig === undefined ? '' : `,"gpg-sig":${entry.gpgSig}`) +
    (entry.extra?.has(EVIDENCE) === true ? '' : member(EVIDENCE, evidenceOf(file))) +
    (file.unheld === true && entry.extra?.has(HELD) !== true ? `,"${HELD}":false` : '') +
    (entry.extra === undefined ? '' : unknown(entry.extra)) +
    '}'
  );
}

/** PEP 691 leaves keys that begin so to the index. */
const EVIDENCE = '_verbatim-evidence';
const HELD = '_verbatim-held';

/** Of a file whose evidence is not its page's: `first-sight`, `none`, or "as carried by KEY on DATE". */
export function evidenceOf({ firstSight, carried, unproved }: OwnFile): string | undefined {
  if (carried !== undefined) return carried;
  if (firstSight === true) return 'first-sight';
  return unproved === true ? 'none' : undefined;
}

/** As upstream has them, until there is a digest that proves something; checked by clients that know no better. */
function weakHashes({ weak }: Entry): string {
  return `{${[...(weak ?? [])].map(([name, hex]) => `"${name}":"${hex}"`).join(',')}}`;
}

/** Never a bare `true`: PDM then parses an error page as metadata. */
function coreMetadata({ coreMetadata: stated }: Entry): string {
  const named = stated === undefined || stated === 'announced' ? undefined : hashes(stated);
  return named === undefined ? '' : `,"core-metadata":${named}`;
}

/** Hex and hashlib's names need no escapes. `blake2b`, as uv reads it, only where upstream says so: a client may demand it. */
function hashes(digests: Digests, blake2b?: true): string | undefined {
  const named = HASHLIB.filter((algorithm) => digests.has(algorithm)).map(
    (algorithm) => `"${algorithm}":"${digests.get(algorithm)}"`,
  );
  const blake = digests.get('blake2b-256');
  if (blake2b === true && blake !== undefined) named.push(`"blake2b":"${blake}"`);
  return named.length === 0 ? undefined : `{${named.join(',')}}`;
}

function unknown(extra: Extra): string {
  return [...extra].map(([key, value]) => `,${text(key)}:${value}`).join('');
}

function member(key: string, value: string | undefined): string {
  return value === undefined ? '' : `,"${key}":${text(value)}`;
}

function text(value: string): string {
  return JSON.stringify(value);
}
