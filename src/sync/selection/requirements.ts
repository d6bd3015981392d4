import { normalizeName } from '../../pypi/names.ts';
import { foldGlob, matchesGlob } from '../../pypi/requirement/name-glob.ts';
import { parseRequirement } from '../../pypi/requirement/requirement.ts';
import { type Asked, Gathering, hashOf, KNOWN_HASHES, type Selection, unusable } from './asked.ts';
import { MAX_HASHES, MAX_INCLUDE_DEPTH, MAX_INCLUDED, MAX_TEXT } from './limits.ts';
import { included } from './places.ts';

/** Reads a file of the list's own directory, by its path below that. */
export type ReadBeside = (path: string) => Promise<string>;

interface Line {
  readonly text: string;
  /** Of its first part, from 1. */
  readonly number: number;
}

/** Options of pip that lead a line and say nothing of what is to be held. */
const OF_THE_INSTALLER =
  /^(?:-i|-f|--(?:index-url|extra-index-url|no-index|find-links|no-binary|only-binary|prefer-binary|require-hashes|trusted-host|use-feature|pre|uploaded-prior-to))(?:[ =]|$)/;
/** A path or a URL, where a requirement would stand. */
const DIRECT = /^(?:\.{0,2}\/|[a-z][a-z0-9+.-]*:\/\/|file:|[^@ ]*\.(?:whl|tar\.gz|zip)(?:$|[ ;#]))/i;

/**
 * What a file of pip's requirements asks for, those that it includes with it (`-r`, `-c`), as far as they lie in its directory. Throws
 * Refusal `format` or `limit`, which names the line.
 */
export async function readRequirements(path: string, text: string, read: ReadBeside): Promise<Selection> {
  const gathering = new Gathering();
  await new Reading(gathering, read).file({ path, text, isConstraint: false, depth: 0 });
  return gathering;
}

interface Included {
  readonly path: string;
  readonly text: string;
  readonly isConstraint: boolean;
  readonly depth: number;
}

class Reading {
  readonly #gathering: Gathering;
  readonly #read: ReadBeside;
  readonly #seen = new Set<string>();

  constructor(gathering: Gathering, read: ReadBeside) {
    this.#gathering = gathering;
    this.#read = read;
  }

  async file(file: Included): Promise<void> {
    // Two that include each other are read once.
    const key = `${file.isConstraint} ${file.path}`;
    if (this.#seen.has(key)) return;
    this.#seen.add(key);
    for (const line of linesOf(file.path, file.text)) await this.#line(file, line);
  }

  async #line(file: Included, { text, number }: Line): Promise<void> {
    const at = `${file.path}:${number}`;
    const [, short, long, target = ''] =
      /^(?:(-[rc])[ =]?|(--requirement|--constraint)[ =])[ \t]*(.+)$/.exec(text) ?? [];
    if (short !== undefined || long !== undefined) {
      const isConstraint = file.isConstraint || short === '-c' || long === '--constraint';
      return this.#include({ ...file, isConstraint }, target, at);
    }
    if (OF_THE_INSTALLER.test(text))
      return this.#gathering.passOver({ what: text, why: 'a setting of the installer', at, isMissing: false });
    if (/^(?:-e|--editable)(?:[ =]|$)/.test(text) || DIRECT.test(text))
      return this.#gathering.passOver({ what: text, why: 'it is taken from no index', at, isMissing: true });
    if (text.startsWith('-')) throw unusable(at, `"${text}" is no option that lists of requirements have`);
    this.#requirement(file, text, at);
  }

  async #include({ path, isConstraint, depth }: Included, target: string, at: string): Promise<void> {
    if (depth === MAX_INCLUDE_DEPTH || this.#seen.size === MAX_INCLUDED)
      throw unusable(
        at,
        `more than ${MAX_INCLUDED} files are included, or more than ${MAX_INCLUDE_DEPTH} deep`,
        'limit',
      );
    const next = included(path, target.replace(/^(["'])(.*)\1$/, '$2'));
    if (next === undefined)
      throw unusable(at, `"${target}" does not lie in the directory of the list, which is all that is read`);
    await this.file({ path: next, text: await this.#read(next), isConstraint, depth: depth + 1 });
  }

  #requirement({ isConstraint }: Included, text: string, at: string): void {
    const [written = '', ...options] = text.split(/[ \t]+(?=--[a-z])/);
    const required = parseRequirement(written);
    if (required === undefined) throw unusable(at, `"${written}" is no requirement (PEP 508)`);
    const { project, extras, specifiers, marker, url } = required;
    const hashes = hashesOf(options, at);
    const asked: Asked = {
      project,
      extras,
      specifiers,
      marker,
      hashes,
      files: undefined,
      isLocked: hashes.size > 0,
      at,
    };
    const why = `it is taken from ${url}`;
    if (url !== undefined) this.#gathering.passOver({ what: project, why, at, isMissing: !isConstraint });
    else if (isConstraint) this.#gathering.constrain(asked);
    else this.#gathering.ask(asked);
  }
}

function hashesOf(options: readonly string[], at: string): ReadonlySet<string> {
  const hashes = new Set<string>();
  let weak = 0;
  for (const option of options) {
    // A setting of how one requirement is built.
    if (/^--(?:config-settings?|global-option)[= ]/.test(option)) continue;
    const found = /^--hash[= ]([^:]+):(\S+)$/.exec(option.trim());
    if (found === null) throw unusable(at, `"${option}" is no option of a requirement`);
    const [, algorithm = '', hex = ''] = found;
    const hash = hashOf(algorithm, hex);
    if (hash === undefined) throw unusable(at, `"${option}" is no hash`);
    if (hash === 'weak') weak++;
    else if (hashes.size === MAX_HASHES) throw unusable(at, `there are more than ${MAX_HASHES} hashes`, 'limit');
    else hashes.add(hash);
  }
  if (weak > 0 && hashes.size === 0) throw unusable(at, `its hashes vouch for nothing; what does is ${KNOWN_HASHES}`);
  return hashes;
}

/** Lines as pip joins them, without comments and blank ones. */
function linesOf(path: string, text: string): readonly Line[] {
  if (text.length > MAX_TEXT) throw unusable(path, `it has more than ${MAX_TEXT} characters`, 'limit');
  const lines: Line[] = [];
  let begun: { parts: string[]; number: number } | undefined;
  for (const [at, raw] of text
    .replace(/^\ufeff/, '')
    .split(/\r\n|\r|\n/)
    .entries()) {
    begun ??= { parts: [], number: at + 1 };
    const isComment = /^[ \t]*#/.test(raw);
    // A comment ends what was continued.
    if (raw.endsWith('\\') && !isComment) {
      begun.parts.push(raw.slice(0, -1));
      continue;
    }
    if (!isComment) begun.parts.push(raw);
    push(lines, begun);
    begun = undefined;
  }
  if (begun !== undefined) push(lines, begun);
  return lines;
}

function push(lines: Line[], { parts, number }: { readonly parts: readonly string[]; readonly number: number }): void {
  const text = parts
    .join('')
    .replace(/(?:^|[ \t])#.*$/, '')
    .trim();
  if (text !== '') lines.push({ text, number });
}

/** `NAME[SPEC]` of a command line. Throws Refusal `format`. */
export function askedBy(word: string): Asked {
  const required = parseRequirement(word);
  if (required === undefined || required.url !== undefined)
    throw unusable(`"${word}"`, 'it is no requirement of an index');
  const { project, extras, specifiers, marker } = required;
  return { project, extras, specifiers, marker, hashes: new Set(), files: undefined, isLocked: false, at: word };
}

/** Whether a normalized name is one of the pattern's: `*` for any characters, `?` for one. */
export function globMatcher(word: string): (project: string) => boolean {
  const folded = foldGlob(word);
  if (normalizeName(folded.replace(/[*?]/g, 'a')) === undefined)
    throw unusable(`"${word}"`, 'it is no pattern of names');
  return (project) => matchesGlob(folded, project);
}
