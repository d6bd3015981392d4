import type { z } from 'zod';
import type { ConditionSettings, PolicySettings } from '../../policy/settings.ts';
import type { policySchema } from './schema.ts';

type Parsed = z.output<typeof policySchema>;

/** What is meant by a time alone. */
export const AGE_ALONE = { projects: 0, since: undefined, action: 'hide', fixes: 'wait' } as const;

export const NO_POLICY: PolicySettings = {
  minimumAge: undefined,
  missingUploadTime: 'omit',
  projects: [],
  names: undefined,
  conditions: [],
  exceptions: [],
};

/** What was read, in the words of the rules. */
export function settingsOf(parsed: Parsed): PolicySettings {
  const { minimum_age, missing_upload_time: missingUploadTime, projects, names, conditions, exceptions } = parsed;
  return {
    minimumAge: minimum_age && { ...minimum_age, since: minimum_age.since },
    missingUploadTime,
    projects: Object.entries(projects).map(([match, { minimum_age: own }]) => ({ match, minimumAge: own })),
    names: names && { allow: names.allow, deny: names.deny, action: names.action },
    conditions: conditions.map(conditionOf),
    exceptions: exceptions.map(({ project, file, rule, reason, until }) => ({ project, file, rule, reason, until })),
  };
}

/** With the age of files that the index says beside it, where it does. */
export function withAge(settings: PolicySettings, files: number | undefined): PolicySettings {
  if (files === undefined) return settings;
  return { ...settings, minimumAge: { ...AGE_ALONE, ...settings.minimumAge, files } };
}

function conditionOf(given: Parsed['conditions'][number]): ConditionSettings {
  const { name = given.when, do: action } = given;
  switch (given.when) {
    case 'sdist-only':
      return { name, action, when: given.when };
    case 'late-file':
      return { name, action, when: given.when, after: given.after };
    case 'status':
      return { name, action, when: given.when, in: given.in };
    case 'similar-name':
      return { name, action, when: given.when, to: given.to, youngerThan: given.younger_than };
    case 'licence':
      return { name, action, when: given.when, allow: given.allow, deny: given.deny, unjudged: given.unjudged };
    case 'new-pth':
    case 'metadata-differs':
      return { name, action, when: given.when, unjudged: given.unjudged };
  }
}
