import { z } from 'zod';
import { normalizeName } from '../../pypi/names.ts';
import { action, duration } from './values.ts';

// The closed list of conditions that a policy can have.

const common = {
  name: z
    .string()
    .regex(/^[a-z0-9][a-z0-9 .-]{0,59}$/, 'must be lower-case letters, digits, spaces, dots and hyphens')
    .optional()
    .describe('What it is called in sentences, logs and exceptions; as its condition is where it is left out.'),
  do: action,
};

const projectName = z.string().refine((text) => normalizeName(text) !== undefined, 'must be the name of a project');

/** Of conditions on what lies in a file. */
const unjudged = action
  .default('report')
  .describe('What becomes of a file that cannot be judged, or not yet: nobody has looked into it, or it does not say.');

const licences = z.array(z.string().trim().min(1).max(200)).max(1000);

const STATUSES = ['active', 'archived', 'deprecated'] as const;

const condition = z.discriminatedUnion(
  'when',
  [
    z.strictObject({ when: z.literal('sdist-only'), ...common }),
    z.strictObject({
      when: z.literal('late-file'),
      after: duration.prefault('14d').describe('Of the first file of its release.'),
      ...common,
    }),
    z.strictObject({ when: z.literal('status'), in: z.array(z.enum(STATUSES)).min(1), ...common }),
    z.strictObject({
      when: z.literal('similar-name'),
      to: z.array(projectName).min(1).max(10_000).describe('Names that are meant.'),
      younger_than: duration.prefault('30d').describe('Of the oldest file of the project.'),
      ...common,
    }),
    z.strictObject({
      when: z.literal('licence'),
      allow: licences
        .min(1, 'is empty, which would allow nothing: leave it out, or name what is allowed')
        .optional()
        .describe('SPDX ids, such as MIT or BSD-*, or the names of classifiers: every other is held.'),
      deny: licences.default([]).describe('The same that are held; goes before allow.'),
      unjudged,
      ...common,
    }),
    z.strictObject({ when: z.literal('new-pth'), unjudged, ...common }),
    z.strictObject({ when: z.literal('metadata-differs'), unjudged, ...common }),
  ],
  {
    error: 'must be one of sdist-only, late-file, status, similar-name, licence, new-pth, metadata-differs',
  },
);

export const conditions = z.array(condition).max(100).describe('A closed list, each with report, hide or deny.');
