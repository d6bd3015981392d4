import { z } from 'zod';
import { isEverything, parsePattern } from '../../policy/pattern.ts';
import { conditions } from './conditions-schema.ts';
import { AGE_ALONE } from './settings.ts';
import { action, duration, pattern, since } from './values.ts';

// What a policy may say: in verbatim.yaml below an index, or in a file of its own.

const MOST_PATTERNS = 10_000;

const age = z
  .union(
    [
      duration.transform((files) => ({ ...AGE_ALONE, files })),
      z.strictObject({
        files: duration.default(0).describe('What a file must have been there for: 7d, 36h, 90m, 2w.'),
        projects: duration.default(0).describe('The same of the oldest file of a project: names made up today wait.'),
        since: since.optional().describe('What was there before is served, however young: a line in the sand.'),
        action: action
          .default('hide')
          .describe('hide = left out of pages, so that resolvers take an older one; deny = listed, and refused.'),
        fixes: z
          .enum(['wait', 'pass'], { error: 'must be wait or pass' })
          .default('wait')
          .describe(
            'pass = a new release that an advisory names as the one that mends an older one is served at once; needs advisories.',
          ),
      }),
    ],
    { error: 'must be a time such as 7d, or keys and values: files, projects, since, action, fixes' },
  )
  .describe('What a file must have been there for before it is served.');

const names = z
  .strictObject({
    allow: z
      .array(pattern)
      .max(MOST_PATTERNS)
      .min(1, 'is empty, which would allow nothing: leave it out, or name what is allowed')
      .optional()
      .describe('Nothing else is served.'),
    deny: z.array(pattern).max(MOST_PATTERNS).default([]).describe('Not served; goes before allow.'),
    action: action.default('deny'),
  })
  .superRefine(({ allow = [], deny }, context) => {
    for (const [at, text] of deny.entries()) {
      const parsed = parsePattern(text);
      if (parsed === undefined) continue;
      const fault = (message: string) => context.addIssue({ code: 'custom', path: ['deny', at], message });
      if (isEverything(parsed) && parsed.versions === undefined)
        fault('denies every name: say allow with what is meant, and all others are denied');
      if (allow.includes(text)) fault('is allowed as well: one of the two must go');
    }
  })
  .describe('Projects, and versions of them, by globs and PEP 440 ranges.');

const exception = z.strictObject({
  project: pattern,
  file: z.string().min(1).max(255).optional().describe('One file by its whole name.'),
  rule: z.string().min(1).max(100).optional().describe('From which rule alone; from every one where it is left out.'),
  reason: z.string().trim().min(1, 'must say why').max(500),
  until: since.optional().describe('It ends then; never where it is left out.'),
});

/** A policy, whole. */
export const policySchema = z
  .strictObject({
    minimum_age: age.optional(),
    projects: z
      .record(pattern, z.strictObject({ minimum_age: duration.optional().describe('In place of that of the index.') }))
      .default({})
      .describe('What is otherwise for some projects, by globs: the first that matches counts.'),
    missing_upload_time: z
      .enum(['omit', 'first-sight'], { error: 'must be omit or first-sight' })
      .default('omit')
      .describe(
        'What pages carry as upload-time of a file of which upstream states none: nothing, or when this mirror first saw it, so that age limits of clients (uv, pip) work.',
      ),
    names: names.optional(),
    conditions: conditions.default([]),
    exceptions: z.array(exception).max(MOST_PATTERNS).default([]),
  })
  .superRefine(({ exceptions, conditions: given, projects }, context) => {
    for (const [at, { project, file, rule }] of exceptions.entries()) {
      const parsed = parsePattern(project);
      const fault = (key: string, message: string) =>
        context.addIssue({ code: 'custom', path: ['exceptions', at, key], message });
      if (parsed !== undefined && isEverything(parsed) && rule === undefined)
        fault('project', 'lets everything pass from every rule: name the rule, or the projects');
      if (file !== undefined && parsed?.versions !== undefined)
        fault('file', 'says already which version it is: leave out the range, or the file');
    }
    const named = new Set<string>();
    for (const [at, each] of given.entries()) {
      const { when, name = when } = each;
      if (each.when === 'licence' && each.allow === undefined && each.deny.length === 0)
        context.addIssue({
          code: 'custom',
          path: ['conditions', at],
          message: 'needs allow or deny: without either it says nothing',
        });
      if (named.has(name))
        context.addIssue({
          code: 'custom',
          path: ['conditions', at],
          message: `is called ${name} as another one is: give it a name of its own`,
        });
      named.add(name);
    }
    for (const match of Object.keys(projects)) {
      const parsed = parsePattern(match);
      const fault = (message: string) => context.addIssue({ code: 'custom', path: ['projects', match], message });
      if (parsed?.versions !== undefined) fault('must be a name without a range');
      if (parsed !== undefined && isEverything(parsed))
        fault('matches every project: say it as minimum_age, which is for all that projects does not name');
    }
  });

interface GivenPolicy {
  readonly minimum_age?: number | undefined;
  readonly policy?: z.output<typeof policySchema> | undefined;
  readonly policy_file?: string | undefined;
  readonly reuploads: boolean;
}

/** What contradicts itself in one index: the key, and why. */
export function policyFaults(given: GivenPolicy): readonly (readonly [key: string, why: string])[] {
  const { minimum_age: own, policy, policy_file: file, reuploads } = given;
  const faults: (readonly [string, string])[] = [];
  if (policy !== undefined && file !== undefined)
    faults.push(['policy_file', 'has no meaning beside policy: leave one of them out']);
  if (own !== undefined && policy?.minimum_age !== undefined)
    faults.push(['minimum_age', 'is said by policy.minimum_age as well: leave one of them out']);
  if (reuploads && (own !== undefined || policy?.minimum_age !== undefined))
    faults.push(['minimum_age', 'has no meaning with reuploads: true: nothing is kept of when files were first seen']);
  return faults;
}
