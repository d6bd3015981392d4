import { dateText } from '../../bytes/instant.ts';
import type { Release, Word } from '../../provenance/releases.ts';
import type { ExpectedFrom, KnownFile, KnownProvenance } from './known.ts';

// The one home of what is said of provenance: commands and pages say the same.

const MEANING: Readonly<Record<Word, string>> = {
  'full-provenance': 'every file says who published it',
  'partial-provenance': 'some of its files say who published them',
  'inconsistent-provenance': 'its files were published by different publishers',
  'no-provenance': 'no file says who published it',
  'lost-provenance': 'no file says who published it, and the release before did',
  'changed-provenance': 'somebody else published the release before',
};

/** What a word of PyPI's means, in a sentence's part. */
export function wordSays(word: Word): string {
  return MEANING[word];
}

/** `full-provenance: every file says who published it`. */
export function releaseSays({ words }: Pick<Release, 'words'>): string {
  const said = words.map((word) => `${word}: ${MEANING[word]}`).join('; ');
  return said === '' ? 'nobody can say from what is held' : said;
}

/** What is known of one file, in a sentence. */
export function fileSays({ result, publishers, why, at }: KnownFile, mode: KnownProvenance['mode']): string {
  const checked = at === undefined ? '' : ` (checked ${dateText(at)})`;
  switch (result) {
    case 'verified':
      return `Published by ${publishers.join(' and ')}; that is verified${checked}.`;
    case 'refused':
      return `What it says of who published it is wrong: ${why}${checked}.`;
    case 'unchecked':
      return `Who published it cannot be checked here, which does not make it bad: ${why}.`;
    case 'unavailable':
      return `It announces who published it, and that cannot be had: ${why}.`;
    case 'unknown':
      return mode === 'off'
        ? 'It says who published it; that is passed on and not checked here (the setting: provenance of its index).'
        : 'It says who published it; that is checked when the file is first asked for.';
    case 'none':
      return 'It does not say who published it.';
  }
}

const BY: Readonly<Record<ExpectedFrom['by'], string>> = {
  'first-sight': 'as they were first seen',
  operator: 'an operator accepted that',
  configuration: 'the configuration says so',
};

/** Whom files are expected from, and what an operator let differ. */
export function rememberedSays({ expected, accepted, project, mode }: KnownProvenance): readonly string[] {
  const held = mode === 'require' || mode === 'require-when-present' ? 'held back' : 'told';
  return [
    ...expected.map(
      ({ name, since, by }) =>
        `Files of ${project} are expected from ${name}${since === undefined ? '' : ` since ${dateText(since)}`} (${BY[by]}); what comes from somebody else is ${held}.`,
    ),
    ...accepted.map(
      ({ version, reason, at }) => `An operator let release ${version} differ on ${dateText(at)}: ${reason}.`,
    ),
  ];
}

/** Releases that are told one by one. */
const MOST_RELEASES = 10;

/** All of it as lines, of a project or of one file of it. Empty where nothing of it says anything. */
export function provenanceSays(known: KnownProvenance, filename?: string): readonly string[] {
  const { releases, files, mode } = known;
  const file = filename === undefined ? undefined : files.get(filename);
  if (filename !== undefined) {
    if (file === undefined) return [];
    const release = releases.find((each) => each.files.some((one) => one.filename === filename));
    return [
      `Provenance: ${fileSays(file, mode)}`,
      ...(release === undefined ? [] : [`  its release ${release.version}: ${releaseSays(release)}`]),
      ...rememberedSays(known).map((each) => `  ${each}`),
    ];
  }
  if ([...files.values()].every(({ result }) => result === 'none') && known.expected.length === 0) return [];
  if (mode === 'off')
    return ['Provenance: it is passed on and not checked here (the setting: provenance of its index).'];
  return [
    `Provenance (${mode}):`,
    ...releases.slice(0, MOST_RELEASES).map((each) => `  ${each.version}  ${releaseSays(each)}`),
    ...rememberedSays(known).map((each) => `  ${each}`),
  ];
}
