import { dateText, type Instant } from '../bytes/instant.ts';
import { normalizeName, pep440VersionOf } from '../pypi/names.ts';
import { compareVersions, parseVersion, type Version } from '../pypi/requirement/version.ts';
import { versionKey } from '../pypi/versions.ts';
import { birthOf } from './birth.ts';
import { durationText } from './duration.ts';
import type { PageWords, Rule, SeenPage, Word } from './rule.ts';
import type { ConditionSettings } from './settings.ts';
import { isSimilar } from './similar.ts';

/** One of the closed list of conditions, as a rule of its own. */
export function conditionRule(settings: ConditionSettings): Rule {
  return { name: settings.name, version: JSON.stringify(settings), page: (seen) => wordsOf(settings, seen) };
}

function wordsOf(settings: ConditionSettings, seen: SeenPage): PageWords {
  switch (settings.when) {
    case 'sdist-only':
      return sdistOnly(settings, seen);
    case 'late-file':
      return lateFiles(settings, seen);
    case 'status':
      return statusIn(settings, seen);
    case 'similar-name':
      return similarName(settings, seen);
  }
}

type Of<W extends ConditionSettings['when']> = Extract<ConditionSettings, { readonly when: W }>;

interface Release {
  readonly version: string;
  readonly files: string[];
  /** The earliest of its files. */
  first: Instant;
}

/** By the key that every spelling of a version has. */
function releasesOf({ page, pins, now }: SeenPage): ReadonlyMap<string, Release> {
  const releases = new Map<string, Release>();
  for (const [filename, file] of page.files) {
    const version = pep440VersionOf(filename, page.name);
    if (version === undefined) continue;
    const at = birthOf(file, pins.get(filename), now)?.at ?? now;
    const key = versionKey(version);
    const release = releases.get(key) ?? { version, files: [], first: at };
    release.files.push(filename);
    release.first = Math.min(release.first, at);
    releases.set(key, release);
  }
  return releases;
}

/** What has no version that can be compared is left out. */
function inOrder(releases: Iterable<Release>): readonly Release[] {
  const parsed = [...releases].flatMap((release): readonly (readonly [Version, Release])[] => {
    const version = parseVersion(release.version);
    return version === undefined ? [] : [[version, release]];
  });
  return parsed.sort(([a], [b]) => compareVersions(a, b)).map(([, release]) => release);
}

const isWheel = (filename: string) => filename.endsWith('.whl');

/** A release that has to be built where the one before it had wheels: building runs the project's own code. */
function sdistOnly({ action }: Of<'sdist-only'>, seen: SeenPage): PageWords {
  const releases = inOrder(releasesOf(seen).values());
  const files = new Map<string, Word>();
  let before: Release | undefined;
  for (const release of releases) {
    const isBuilt = !release.files.some(isWheel);
    if (isBuilt && before !== undefined) {
      const { version } = before;
      const sentence = (filename: string) =>
        `${filename} is of a release without any wheel, and ${version} before it had some: installing it runs code of the project.`;
      for (const filename of release.files) files.set(filename, { action, sentence });
    }
    if (!isBuilt) before = release;
  }
  return { files };
}

/** A file that joins a release long after its first: what everybody trusts gets a file that nobody looked at. */
function lateFiles({ action, after }: Of<'late-file'>, seen: SeenPage): PageWords {
  const { page, pins, now } = seen;
  const files = new Map<string, Word>();
  for (const { first, files: names, version } of releasesOf(seen).values())
    for (const filename of names) {
      const file = page.files.get(filename);
      const birth = file && birthOf(file, pins.get(filename), now);
      if (birth === undefined || birth.at <= first + after) continue;
      const sentence = (name: string) =>
        `${name} joined release ${version} on ${dateText(birth.at)}, which is there since ${dateText(first)}: more than ${durationText(after)} later.`;
      files.set(filename, { action, sentence });
    }
  return { files };
}

/** What the index itself says of the project (PEP 792). */
function statusIn({ action, in: statuses }: Of<'status'>, { page: { name, projectStatus } }: SeenPage): PageWords {
  const status = projectStatus?.status;
  if (status === undefined || !statuses.includes(status)) return {};
  const why = projectStatus?.reason === undefined ? '' : ` (${projectStatus.reason})`;
  const sentence = (filename: string) => `${filename} is of ${name}, which its index calls ${status}${why}.`;
  return { others: { action, sentence } };
}

/** A new project whose name is a slip of the pen away from one that is meant. */
function similarName({ action, to, youngerThan }: Of<'similar-name'>, seen: SeenPage): PageWords {
  const { page } = seen;
  const names = to.map((each) => normalizeName(each) ?? each);
  if (names.includes(page.name)) return {};
  const meant = names.find((each) => isSimilar(each, page.name));
  if (meant === undefined) return {};
  const firsts = [...releasesOf(seen).values()].map(({ first }) => first);
  const since = firsts.length === 0 ? seen.now : firsts.reduce((a, b) => Math.min(a, b));
  const until = since + youngerThan;
  if (until <= seen.now) return {};
  const sentence = (filename: string) =>
    `${filename} is of ${page.name}, a project that is there since ${dateText(since)} and is called almost as ${meant} is. Is that the one you mean?`;
  return { others: { action, sentence, until } };
}
