import type { OwnFile } from '../pypi/listing.ts';
import { parseRequirement } from '../pypi/requirement/requirement.ts';
import type { Specifiers } from '../pypi/requirement/specifier.ts';
import { unusable } from './selection/asked.ts';
import { globMatcher } from './selection/requirements.ts';

/** Which files and releases are left out, as people say it who keep mirrors with bandersnatch. */
export interface FilterWords {
  /** Newest releases of each project; undefined for all. */
  readonly latestRelease?: number | undefined;
  /** Whether pre-releases and development releases are taken, too; unless stated, where the newest releases are not counted. */
  readonly preReleases?: boolean | undefined;
  readonly only?: 'wheel' | 'sdist' | undefined;
  /** `windows`, `macos`, `linux`, `freebsd`; `py2`, `py3.8`. */
  readonly excludePlatforms?: readonly string[] | undefined;
  /** Bytes. */
  readonly largestFile?: number | undefined;
  /** Names, patterns of names, or `NAME[SPEC]` for some of its releases. */
  readonly blocklist?: readonly string[] | undefined;
}

/** Why something is left out, in a few words; undefined where nothing says so. */
export interface Filters {
  readonly latestRelease: number | undefined;
  readonly preReleases: boolean | undefined;
  project(project: string): string | undefined;
  release(project: string, version: string): string | undefined;
  file(file: { readonly entry: Pick<OwnFile['entry'], 'filename' | 'size'> }): string | undefined;
}

const PLATFORMS: Readonly<Record<string, RegExp>> = {
  windows: /[-.](?:win32|win[-_]amd64|win[-_]arm64)\b|\.(?:exe|msi)$/,
  macos: /[-.]macosx[-_]|\.dmg$/,
  linux: /[-.](?:linux|manylinux|musllinux)|\.(?:rpm|deb)$/,
  freebsd: /[-.]freebsd/,
};
const PYTHON = /^py([23])(?:\.([0-9]{1,2}))?$/;
const SDIST = /\.(?:tar\.(?:gz|bz2|xz|Z|lz|lzma)|tgz|tbz|txz|tlz|tar|zip)$/;

/** Throws Refusal `format` for words that mean nothing. */
export function filtersOf(words: FilterWords): Filters {
  const platforms = (words.excludePlatforms ?? []).map((name) => ({ name, isOf: platformOf(name) }));
  const projects = (words.blocklist ?? [])
    .filter((word) => !isOfReleases(word))
    .map((word) => ({ word, is: globMatcher(word) }));
  const releases = (words.blocklist ?? []).filter(isOfReleases).map(releasesOf);
  return {
    latestRelease: words.latestRelease,
    preReleases: words.preReleases,
    project(project) {
      const found = projects.find(({ is }) => is(project));
      return found && `on the list of what is not taken (${found.word})`;
    },
    release(project, version) {
      const found = releases.find((each) => each.project === project && each.specifiers.contains(version));
      return found && `on the list of what is not taken (${found.word})`;
    },
    file({ entry: { filename, size } }) {
      const isWheel = filename.endsWith('.whl');
      if (words.only === 'wheel' && !isWheel) return 'no wheel';
      if (words.only === 'sdist' && !SDIST.test(filename)) return 'no sdist';
      const platform = platforms.find(({ isOf }) => isOf(filename));
      if (platform !== undefined) return `for ${platform.name}`;
      const { largestFile } = words;
      return largestFile !== undefined && size !== undefined && size > largestFile
        ? `larger than ${largestFile} bytes`
        : undefined;
    },
  };
}

function isOfReleases(word: string): boolean {
  return /[<>=!~]/.test(word);
}

function releasesOf(word: string): {
  readonly word: string;
  readonly project: string;
  readonly specifiers: Specifiers;
} {
  const required = parseRequirement(word);
  if (required === undefined)
    throw unusable(`"${word}"`, 'it is neither a name, a pattern of names, nor a requirement');
  return { word, project: required.project, specifiers: required.specifiers };
}

function platformOf(name: string): (filename: string) => boolean {
  const pattern = PLATFORMS[name];
  if (pattern !== undefined) return (filename) => pattern.test(filename);
  const [, major, minor] = PYTHON.exec(name) ?? [];
  if (major === undefined)
    throw unusable(
      `"${name}"`,
      `it is no platform that can be left out: ${Object.keys(PLATFORMS).join(', ')}, py2, py3.8`,
    );
  const tag = minor === undefined ? `${major}[0-9]*` : major + minor;
  // Every Python that it is for, and not one of several.
  const only = new RegExp(
    `-(?:(?:cp|py|pp)${tag}(?:\\.(?:cp|py|pp)${tag})*)-[^-]+-[^-]+\\.whl$|-py${major}${minor === undefined ? '(?:\\.[0-9]+)?' : `\\.${minor}`}(?:-[^/]*)?\\.(?:egg|exe|msi)$`,
  );
  return (filename) => only.test(filename);
}

/** The same for what is asked for by version, or resolved: nothing is counted there, and whoever asks says what of pre-releases. */
export function forOneRelease(filters: Filters): Filters {
  return { ...filters, latestRelease: undefined, preReleases: undefined };
}
