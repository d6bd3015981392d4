import { firstSightTimes, minimumAge, newProjects, uploadTimes } from './age.ts';
import { conditionRules } from './conditions.ts';
import type { Exception } from './exceptions.ts';
import { namesRule } from './names.ts';
import { patternOf } from './patterns.ts';
import type { Rule } from './rule.ts';
import type { ExceptionSettings, PolicySettings } from './settings.ts';

const NO_AGE = { files: 0, projects: 0, since: undefined, action: 'hide', fixes: 'wait' } as const;

/** What the settings of an index ask for. Their patterns were read before: the schema refuses what is none. */
export function rulesOf(policy: PolicySettings): readonly Rule[] {
  const { minimumAge: age, missingUploadTime, projects, names, conditions } = policy;
  const overrides = projects.flatMap(({ match, minimumAge: files }) =>
    files === undefined ? [] : [{ pattern: patternOf(match), files }],
  );
  const settings = { ...NO_AGE, ...age, overrides };
  const hasAge = settings.files > 0 || overrides.some(({ files }) => files > 0);
  return [
    ...(hasAge ? [minimumAge(settings)] : []),
    ...(settings.projects > 0 ? [newProjects(settings)] : []),
    ...(hasAge || settings.projects > 0 ? [uploadTimes] : []),
    ...(missingUploadTime === 'first-sight' ? [firstSightTimes] : []),
    ...(names === undefined ? [] : [namesRule(names)]),
    ...conditions.flatMap(conditionRules),
  ];
}

export function exceptionOf({ project, file, rule, reason, until }: ExceptionSettings): Exception {
  return { pattern: patternOf(project), file, rule, reason, until };
}
