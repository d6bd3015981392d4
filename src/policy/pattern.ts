import { releaseVersionOf } from '../pypi/names.ts';
import { foldGlob, matchesGlob } from '../pypi/requirement/name-glob.ts';
import { parseSpecifiers, type Specifiers } from '../pypi/requirement/specifier.ts';

const WRITTEN = /^([A-Za-z0-9._*?-]{1,200})[ \t]*((?:===|~=|==|!=|<=|>=|<|>).*)?$/;

/** Projects by a glob on their normalized names, and which versions of them by a PEP 440 range: `acme-*`, `urllib3 <2`. */
export interface Pattern {
  /** As it was written. */
  readonly text: string;
  readonly glob: string;
  /** Undefined: every version. */
  readonly versions: Specifiers | undefined;
}

/** Undefined for what is none. */
export function parsePattern(text: string): Pattern | undefined {
  const [, name, range] = WRITTEN.exec(text.trim()) ?? [];
  if (name === undefined) return undefined;
  const versions = range === undefined ? undefined : parseSpecifiers(range);
  if (range !== undefined && versions === undefined) return undefined;
  return { text: text.trim(), glob: foldGlob(name), versions };
}

/** True where it matches every name there is: none is empty, so that one `?` beside a `*` keeps nothing out. */
export function isEverything({ glob }: Pattern): boolean {
  return /^\**\??\**$/.test(glob) && glob.includes('*');
}

export function matchesName({ glob }: Pattern, project: string): boolean {
  return matchesGlob(glob, project);
}

/** Of a file: its project by name, and its version where the pattern has a range. */
export function matchesFile(pattern: Pattern, project: string, filename: string): boolean {
  if (!matchesGlob(pattern.glob, project)) return false;
  return pattern.versions === undefined || matchesVersion(pattern.versions, project, filename);
}

export function matchesVersion(versions: Specifiers, project: string, filename: string): boolean {
  const version = releaseVersionOf(filename, project);
  return version !== undefined && versions.contains(version);
}
