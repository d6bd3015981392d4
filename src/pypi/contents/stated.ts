import { MAX_METADATA_HEAD } from '../limits.ts';
import { headOf } from '../resolving/metadata-head.ts';

/** What core metadata says of its licence: PEP 639's expression, or what was there before it. */
export interface StatedLicence {
  readonly expression?: string | undefined;
  /** `License`, where it is a name and not a text. */
  readonly licence?: string | undefined;
  /** The last parts of `License ::` classifiers. */
  readonly classifiers: readonly string[];
}

/** What core metadata says that an index says as well. Lines as they are written. */
export interface Stated {
  readonly name: string | undefined;
  readonly version: string | undefined;
  readonly requiresPython: string | undefined;
  readonly requiresDist: readonly string[];
  readonly licence: StatedLicence;
}

const HEADER =
  /^(name|version|requires-python|requires-dist|license-expression|license|classifier):[ \t]*([^\r\n]*(?:\r?\n[ \t]+[^\r\n]*)*)/gim;
/** Characters of an expression, and of a licence that is a name. */
const LONGEST_EXPRESSION = 1000;
const LONGEST_NAME = 100;
const MOST_LINES = 1000;

/** Undefined where its headers are more than is read. */
export function statedIn(metadata: Uint8Array): Stated | undefined {
  const head = headOf(metadata);
  if (head.length >= MAX_METADATA_HEAD) return undefined;
  const found = new Map<string, string[]>();
  for (const [, name = '', folded = ''] of head.matchAll(HEADER)) {
    const key = name.toLowerCase();
    const lines = found.get(key) ?? [];
    if (lines.length >= MOST_LINES) return undefined;
    // What is folded is one line; PEP 566 writes the lines of a text with eight blanks and a bar.
    lines.push(Buffer.from(folded, 'latin1').toString('utf8'));
    found.set(key, lines);
  }
  const first = (key: string) =>
    found
      .get(key)?.[0]
      ?.replace(/\r?\n[ \t]+/g, ' ')
      .trim();
  return {
    name: first('name'),
    version: first('version'),
    requiresPython: first('requires-python'),
    requiresDist: (found.get('requires-dist') ?? []).map((line) => line.replace(/\r?\n[ \t]+/g, ' ').trim()),
    licence: {
      expression: upTo(LONGEST_EXPRESSION, first('license-expression')),
      licence: nameIn(found.get('license')?.[0]),
      classifiers: (found.get('classifier') ?? []).flatMap(licenceIn),
    },
  };
}

/** Undefined for a text of several lines. */
function nameIn(folded: string | undefined): string | undefined {
  return folded === undefined || /[\r\n]/.test(folded) ? undefined : upTo(LONGEST_NAME, folded.trim());
}

function upTo(most: number, text: string | undefined): string | undefined {
  return text === undefined || text === '' || text === 'UNKNOWN' || text.length > most ? undefined : text;
}

/** `License :: OSI Approved` alone names none. */
function licenceIn(classifier: string): readonly string[] {
  const parts = classifier.split('::').map((part) => part.trim());
  const last = parts.at(-1);
  if (parts[0] !== 'License' || parts.length < 2 || last === undefined || last === 'OSI Approved') return [];
  return last.length > LONGEST_NAME ? [] : [last];
}
