import { type Instant, instantText } from '../bytes/instant.ts';
import { isVariants } from '../pypi/names.ts';
import { type Birth, birthOf, birthText, sealedBefore } from './birth.ts';
import { durationText } from './duration.ts';
import { lettingFixesPass } from './fixes.ts';
import { matchesName, type Pattern } from './pattern.ts';
import type { Action, PageWords, Rule, SeenPage, Word } from './rule.ts';
import type { Fixes } from './settings.ts';

export interface AgeSettings {
  /** Seconds that a file must be there; 0 for none. */
  readonly files: number;
  /** Seconds that the oldest file of a project must be there; 0 for none. */
  readonly projects: number;
  /** What was there before is served, however young. */
  readonly since: Instant | undefined;
  readonly action: Action;
  readonly fixes: Fixes;
  /** Of some projects, in place of `files`: the first that matches counts. */
  readonly overrides: readonly { readonly pattern: Pattern; readonly files: number }[];
}

const AGE = 'minimum age';
const NEW_PROJECT = 'minimum age of projects';
const TIME = 'upload-time';

/** Files are held back until they have been there for so long: most of what is malicious is found within days. */
export function minimumAge(settings: AgeSettings): Rule {
  const { files, overrides, since, action, fixes } = settings;
  const written = overrides.map((each) => [each.pattern.text, each.files]);
  return {
    name: AGE,
    version: JSON.stringify([files, since, action, written, fixes]),
    page: (seen) => agesOf(seen, settings),
    /** What upstream removed while it was young is no older for that. */
    unlisted(project, filename, _, was) {
      const least = leastOf(project, settings);
      if (was === undefined || least === 0 || isVariants(filename)) return undefined;
      const { pin, now } = was;
      const birth = birthOf({ entry: { filename, digests: pin.digests }, path: filename }, pin, now);
      const isOld = birth !== undefined && isOldEnough(birth.at, { least, since, now });
      return isOld ? undefined : tooYoung(birth, least, action);
    },
  };
}

/** Seconds. */
function leastOf(project: string, { overrides, files }: AgeSettings): number {
  return overrides.find(({ pattern }) => matchesName(pattern, project))?.files ?? files;
}

function agesOf(seen: SeenPage, settings: AgeSettings): PageWords {
  const { page, pins, now } = seen;
  const { since, action, fixes } = settings;
  const least = leastOf(page.name, settings);
  const held = new Map<string, Word>();
  if (least === 0) return {};
  for (const [filename, file] of page.files) {
    if (isVariants(filename)) continue;
    const birth = birthOf(file, pins.get(filename), now);
    if (birth !== undefined && isOldEnough(birth.at, { least, since, now })) continue;
    held.set(filename, tooYoung(birth, least, action));
  }
  return { files: fixes === 'pass' ? lettingFixesPass(held, seen) : held };
}

interface Wanted {
  readonly least: number;
  readonly since: Instant | undefined;
  readonly now: Instant;
}

function isOldEnough(at: Instant, { least, since, now }: Wanted): boolean {
  return at + least <= now || (since !== undefined && at < since);
}

function tooYoung(birth: Birth | undefined, least: number, action: Action): Word {
  if (birth === undefined)
    return {
      action,
      sentence: (filename) =>
        `${filename} has no age that can be told: its page states neither a digest nor when it was uploaded, and this mirror waits for ${durationText(least)}.`,
    };
  const until = birth.at + least;
  return {
    action,
    until,
    sentence: (filename) =>
      `${filename} ${birthText(birth)}; this mirror waits for ${durationText(least)}: it is served from ${instantText(until)} on.`,
  };
}

/** Projects are held back whose oldest file has not been there for so long: names that were made up to be mistaken for others are new. */
export function newProjects({ projects, since, action }: AgeSettings): Rule {
  return {
    name: NEW_PROJECT,
    version: JSON.stringify([projects, since, action]),
    page({ page, pins, now }) {
      let oldest: Birth | undefined;
      for (const [filename, file] of page.files) {
        const birth = birthOf(file, pins.get(filename), now);
        if (birth !== undefined && (oldest === undefined || birth.at < oldest.at)) oldest = birth;
      }
      if (oldest === undefined || isOldEnough(oldest.at, { least: projects, since, now })) return {};
      const { at } = oldest;
      const until = at + projects;
      const sentence = (filename: string) =>
        `${filename} is of a project that is new: its oldest file is there since ${instantText(at)}, and this mirror waits for ${durationText(projects)}: it is served from ${instantText(until)} on.`;
      return { others: { action, until, sentence } };
    },
  };
}

/** An upload-time that moved back is told: what counts is what was stated first. */
export const uploadTimes: Rule = {
  name: TIME,
  version: '1',
  page({ page, pins }) {
    const files = new Map<string, Word>();
    for (const [filename, file] of page.files) {
      const sealed = sealedBefore(file, pins.get(filename));
      if (sealed === undefined) continue;
      const { uploadTime } = file.entry;
      const sentence = (name: string) =>
        `${name} was uploaded at ${sealed} when it was first seen here, and upstream now says ${uploadTime}: the first word counts.`;
      files.set(filename, { action: 'report', sentence });
    }
    return { files };
  },
};

/** What upstream states no upload-time of gets our first sight as one: clients that have a limit of their own take nothing without. */
export const firstSightTimes: Rule = {
  name: 'first sight as upload-time',
  version: '1',
  page({ page, pins }) {
    const files = new Map<string, Word>();
    const times = new Map<string, string>();
    for (const [filename, { entry }] of page.files) {
      const pin = pins.get(filename);
      if (entry.uploadTime !== undefined || pin === undefined) continue;
      const time = pin.uploadTime ?? instantText(pin.seen);
      const since = pin.uploadTime === undefined ? 'when this mirror first saw it' : 'as upstream stated once';
      times.set(filename, time);
      files.set(filename, {
        action: 'report',
        sentence: (name) => `${name}: upstream states no upload-time, and its page carries ${time} here, ${since}.`,
      });
    }
    return { files, times };
  },
};
