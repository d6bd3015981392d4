import { MAX_CANDIDATES, MAX_FILE_NAME, MAX_NAME } from './limits.ts';

// ASCII only, checked before any folding: U+212A would lower-case to `k`, full-width letters have no business here.
const NAME = /^[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?$/;
const NORMALIZED = /^[a-z0-9]+(?:-[a-z0-9]+)*$/;

/** The PEP 503 form of a project name, or undefined for what is no name (PEP 508 grammar, length). */
export function normalizeName(name: string): string | undefined {
  if (name.length > MAX_NAME || !NAME.test(name)) return undefined;
  return name.replace(/[-_.]+/g, '-').toLowerCase();
}

export function isNormalized(name: string): boolean {
  return name.length <= MAX_NAME && NORMALIZED.test(name);
}

/** A name that can be one path segment, one header value and one line of a log: no separator, control character or `..`. */
export function isFileName(name: string): boolean {
  if (name === '' || name === '.' || name.length > MAX_FILE_NAME || name.includes('..')) return false;
  if (/^[\x20-\x2e\x30-\x5b\x5d-\x7e]+$/.test(name)) return true;
  if (/[/\\\u0000-\u001f\u007f-\u009f]/.test(name)) return false;
  return name.isWellFormed() && Buffer.byteLength(name) <= MAX_FILE_NAME;
}

/** What PyPI takes now or took once, and what pip unpacks besides. */
const SUFFIX =
  /\.(?:tar\.gz|tar\.bz2|tar\.xz|tar\.lz|tar\.lzma|tar\.Z|tar|tgz|tbz|txz|tlz|zip|egg|exe|msi|rpm|deb|dmg)$/;
/** PEP 427, and PEP 777: a wheel of later rules, whose name may have more or fewer parts. */
const WHEEL = /\.whlx?$/;
/** PEP 825: what wheel variants of one version there are. It grows, so that its bytes change under one name. */
const VARIANTS = '-variants.json';
/** A suffix that means nothing to this program, and perhaps something to an installer. */
const OTHER = /\.[A-Za-z][A-Za-z0-9]{0,14}$/;
/** Pages, and what lies beside a file and is asked for by that file's name. */
const NO_FILE = /\.(?:html?|asc|sig|metadata)$|\.(?:whlx?|gz|bz2|xz|tgz|zip|egg|exe|msi)(?:\.[A-Za-z0-9]+)+$/;

/** A file name cut into the project it would belong to and that project's version. */
export interface Split {
  readonly project: string;
  readonly version: string;
}

/** Every way to read a file name; a wheel has one (its name part holds no `-`), an sdist one for each `-`. */
function splits(filename: string): readonly Split[] {
  if (!isFileName(filename)) return [];
  if (WHEEL.test(filename)) return wheel(filename);
  const suffix = suffixOf(filename);
  if (suffix === undefined) return [];
  const stem = filename.slice(0, -suffix.length);
  const isKnown = SUFFIX.test(filename);
  const found: Split[] = [];
  for (let dash = stem.indexOf('-'); dash !== -1; dash = stem.indexOf('-', dash + 1)) {
    const project = normalizeName(stem.slice(0, dash));
    const version = stem.slice(dash + 1);
    if (project !== undefined && version !== '' && (isKnown || /^v?[0-9]/.test(version)))
      found.push({ project, version });
  }
  return found;
}

function suffixOf(filename: string): string | undefined {
  if (isVariants(filename)) return VARIANTS;
  return SUFFIX.exec(filename)?.[0] ?? (NO_FILE.test(filename) ? undefined : OTHER.exec(filename)?.[0]);
}

function wheel(filename: string): readonly Split[] {
  const parts = filename.replace(WHEEL, '').split('-');
  // PEP 427 has five or six (with a build tag); PEP 825 puts a variant's label behind.
  if (filename.endsWith('.whl') && (parts.length < 5 || parts.length > 7)) return [];
  const [name = '', version = ''] = parts;
  const project = normalizeName(name);
  return project === undefined || version === '' || parts.includes('') ? [] : [{ project, version }];
}

/** PEP 825: the label of a variant wheel; undefined for a plain one. A build tag begins with a digit, and stands third. */
export function variantLabel(filename: string): string | undefined {
  const parts = filename.endsWith('.whl') ? filename.slice(0, -'.whl'.length).split('-') : [];
  const hasBuild = /^[0-9]/.test(parts[2] ?? '');
  return parts.length === (hasBuild ? 7 : 6) ? parts.at(-1) : undefined;
}

/** PEP 825's `NAME-VERSION-variants.json`. */
export function isVariants(filename: string): boolean {
  return filename.endsWith(VARIANTS);
}

/** True for what holds a version of a project; other files lie beside those. */
export function isDistribution(filename: string): boolean {
  return WHEEL.test(filename) || SUFFIX.test(filename);
}

/** True where the name can be read as that of some project's file. */
export function isProjectFile(filename: string): boolean {
  return splits(filename).length > 0;
}

/**
 * The projects a file name may belong to, best first; for a URL that was never listed to this client.
 * `.metadata` and `.asc` are the caller's to cut off.
 */
export function projectCandidates(filename: string): readonly string[] {
  const ranked = splits(filename)
    .map((split, index) => ({ project: split.project, rank: likelihood(split), index }))
    .sort((a, b) => b.rank - a.rank || b.index - a.index);
  return [...new Set(ranked.map(({ project }) => project))].slice(0, MAX_CANDIDATES);
}

/** Versions begin with a digit, and the end of a name rarely looks like one. */
function likelihood({ project, version }: Split): number {
  return (/^v?[0-9]/.test(version) ? 2 : 0) + (/-[0-9]+-[0-9]+$/.test(project) ? 0 : 1);
}

/** True where the file name can be read as a file of this (normalized) project. */
export function belongsTo(filename: string, project: string): boolean {
  return versionOf(filename, project) !== undefined;
}

/** The version in a file name of this project, as written there. */
export function versionOf(filename: string, project: string): string | undefined {
  const split = splits(filename).find((each) => each.project === project);
  if (split === undefined || !filename.endsWith('.egg')) return split?.version;
  // Eggs carry tags after the version, which they escape as wheels do.
  return split.version.replace(/-py[0-9].*$/, '');
}

/** The same as versions are written (PEP 440): wheels write `_` for the `-` in them. */
export function pep440VersionOf(filename: string, project: string): string | undefined {
  return versionOf(filename, project)?.replaceAll('_', '-');
}

/** What distutils put behind a version: the platform and the Python of an installer or a binary archive, and the release of an RPM. */
const BUILT_FOR =
  /(?:\.(?:win32|win-[a-z0-9]+|linux-[a-z0-9-]+|macosx-[0-9.]+-[a-z0-9-]+|cygwin-[a-z0-9.-]+|mingw[a-z0-9-]*))?(?:-py[0-9][0-9.]*)?$/;
const RPM_RELEASE = /-[0-9]+\.[a-z0-9-]+$/;

/** The version that a file is of, for who speaks of versions: an installer for one platform is of its version as well. */
export function releaseVersionOf(filename: string, project: string): string | undefined {
  const version = pep440VersionOf(filename, project);
  return version?.replace(filename.endsWith('.rpm') ? RPM_RELEASE : BUILT_FOR, '');
}
