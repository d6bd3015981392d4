import type { ContentsOfProject, KeptContents } from '../../ports/contents/kept.ts';
import { compareVersions, parseVersion } from '../../pypi/requirement/version.ts';
import type { Rule } from '../rule.ts';
import { type ContentsSettings, contentsRules, type Finding } from './of-file.ts';

/** A wheel that has Python run something at each start, of a project whose earlier wheels had nothing of the kind. */
export function newStartupRules(settings: ContentsSettings): readonly Rule[] {
  return contentsRules(settings, 'new-pth', (filename, kept, contents) =>
    filename.endsWith('.whl') ? findingOn(filename, kept, contents) : undefined,
  );
}

function findingOn(filename: string, kept: KeptContents | undefined, all: ContentsOfProject): Finding | undefined {
  if (kept?.startup === undefined)
    return {
      is: 'unjudged',
      why: 'is not judged yet: nobody has looked for files in it that Python runs at each start',
    };
  const [member] = kept.startup;
  if (member === undefined) return undefined;
  const before = wheelsBefore(filename, kept, all);
  const what = `has ${JSON.stringify(member)}, which Python runs at each start`;
  if (before.length === 0) return { is: 'unjudged', why: `${what}, and no earlier wheel of its project is known here` };
  return isNew(before)
    ? { is: 'held', why: `${what}, and no earlier wheel of its project has such a file` }
    : undefined;
}

type Known = readonly [filename: string, kept: KeptContents];

/** Wheels that were looked into and were there before, of other versions, the first one first. */
export function wheelsBefore(filename: string, { born }: KeptContents, all: ContentsOfProject): readonly Known[] {
  const version = versionIn(filename);
  return [...all]
    .filter(([name, { startup }]) => startup !== undefined && versionIn(name) !== version)
    .filter(([name, kept]) => kept.born < born || (kept.born === born && isBefore(versionIn(name), version)))
    .sort(([a, one], [b, other]) => one.born - other.born || (isBefore(versionIn(a), versionIn(b)) ? -1 : 1));
}

/**
 * Of wheels in this order. One that came with such a file when none before it had any is an example for nobody: of two bad releases in a row the second is
 * as new as the first.
 */
function isNew(before: readonly Known[]): boolean {
  const [first] = before;
  return first !== undefined && first[1].startup?.length === 0;
}

function isBefore(one: string, other: string): boolean {
  const [a, b] = [parseVersion(one), parseVersion(other)];
  return a !== undefined && b !== undefined ? compareVersions(a, b) < 0 : one < other;
}

/** PEP 427: the second part of its name. */
function versionIn(wheel: string): string {
  return (wheel.split('-')[1] ?? '').replaceAll('_', '-');
}
