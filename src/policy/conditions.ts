import { dateText, type Instant } from '../bytes/instant.ts';
import { normalizeName } from '../pypi/names.ts';
import { compareVersions, type Version } from '../pypi/requirement/version.ts';
import { birthOf } from './birth.ts';
import { licenceRules } from './contents/licence.ts';
import { metadataDiffersRules } from './contents/metadata-differs.ts';
import { newStartupRules } from './contents/new-startup.ts';
import { durationText } from './duration.ts';
import { type ReleaseFiles, releasesIn } from './read-once.ts';
import type { PageWords, Rule, SeenPage, Word } from './rule.ts';
import type { ConditionSettings } from './settings.ts';
import { isSimilar } from './similar.ts';

/** One of the closed list of conditions, as rules of its own. */
export function conditionRules(settings: ConditionSettings): readonly Rule[] {
  const ruleOf = (page: (seen: SeenPage) => PageWords): readonly Rule[] => [
    { name: settings.name, version: JSON.stringify(settings), page },
  ];
  switch (settings.when) {
    case 'sdist-only':
      return ruleOf((seen) => sdistOnly(settings, seen));
    case 'late-file':
      return ruleOf((seen) => lateFiles(settings, seen));
    case 'status':
      return ruleOf((seen) => statusIn(settings, seen));
    case 'similar-name':
      return ruleOf((seen) => similarName(settings, seen));
    case 'licence':
      return licenceRules(settings);
    case 'new-pth':
      return newStartupRules(settings);
    case 'metadata-differs':
      return metadataDiffersRules(settings);
  }
}

type Of<W extends ConditionSettings['when']> = Extract<ConditionSettings, { readonly when: W }>;

/** When the earliest of its files was there. */
function firstOf({ files }: ReleaseFiles, { page, pins, now }: SeenPage): Instant {
  let first = Number.POSITIVE_INFINITY;
  for (const filename of files) {
    const file = page.files.get(filename);
    const birth = file && birthOf(file, pins.get(filename), now);
    first = Math.min(first, birth?.at ?? now);
  }
  return first;
}

/** What has no version that can be compared is left out. */
function inOrder(releases: readonly ReleaseFiles[]): readonly ReleaseFiles[] {
  const parsed = releases.flatMap((release): readonly (readonly [Version, ReleaseFiles])[] =>
    release.parsed === undefined ? [] : [[release.parsed, release]],
  );
  return parsed.sort(([a], [b]) => compareVersions(a, b)).map(([, release]) => release);
}

const isWheel = (filename: string) => filename.endsWith('.whl');

/** A release that has to be built where the one before it had wheels: building runs the project's own code. */
function sdistOnly({ action }: Of<'sdist-only'>, seen: SeenPage): PageWords {
  const releases = inOrder(releasesIn(seen.page));
  const files = new Map<string, Word>();
  let before: ReleaseFiles | undefined;
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
  for (const release of releasesIn(page)) {
    const { files: names, version } = release;
    // A file alone is the first of its release.
    if (names.length === 1) continue;
    const first = firstOf(release, seen);
    for (const filename of names) {
      const file = page.files.get(filename);
      const birth = file && birthOf(file, pins.get(filename), now);
      if (birth === undefined || birth.at <= first + after) continue;
      const sentence = (name: string) =>
        `${name} joined release ${version} on ${dateText(birth.at)}, which is there since ${dateText(first)}: more than ${durationText(after)} later.`;
      files.set(filename, { action, sentence });
    }
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
  const firsts = releasesIn(page).map((release) => firstOf(release, seen));
  const since = firsts.length === 0 ? seen.now : firsts.reduce((a, b) => Math.min(a, b));
  const until = since + youngerThan;
  if (until <= seen.now) return {};
  const sentence = (filename: string) =>
    `${filename} is of ${page.name}, a project that is there since ${dateText(since)} and is called almost as ${meant} is. Is that the one you mean?`;
  return { others: { action, sentence, until } };
}
