import { z } from 'zod';
import { INDEX_NAME } from '../../bytes/index-name.ts';
import type { ProvenanceConfig } from '../config.ts';
import { filePath } from '../values.ts';

// What verbatim.yaml may say of provenance (PEP 740).

const mode = z.enum(['off', 'report', 'require-when-present', 'require'], {
  error: 'must be off, report, require-when-present or require',
});

/** A project's name as PEP 503 normalizes it: any other spelling would never be met. */
const project = z
  .string()
  .regex(/^[a-z0-9]+(?:-[a-z0-9]+)*$/, 'must be a normalized project name, as in its page’s address');

const publisher = z.strictObject({
  id: z
    .string()
    .min(1)
    .max(500)
    .describe(
      'As verbatim provenance --json shows it: https://github.com repository 4711, by the id that names do not change.',
    ),
  workflow: z.string().min(1).max(500).optional().describe('Which workflow; any where it is left out.'),
  environment: z.string().min(1).max(500).optional().describe('Which environment; any where it is left out.'),
});

const whole = z
  .strictObject({
    mode: mode
      .default('report')
      .describe(
        'report = judged and told; require-when-present = a file whose provenance is wrong or cannot be had is not served, nor one of a release by somebody else than before; require = nor one without verified provenance; off = not looked at.',
      ),
    projects: z.record(project, mode).default({}).describe('Projects for which another mode holds.'),
    publishers: z
      .record(project, z.array(publisher).min(1).max(16).readonly())
      .default({})
      .describe(
        'Whom files of a project are expected from, from the first on; left out, who published those that are seen first.',
      ),
    gitlab: z
      .array(z.url({ protocol: /^https$/ }))
      .max(16)
      .default([])
      .describe('Issuers of GitLab instances of your own, to be believed as gitlab.com is.'),
    trusted_root: filePath
      .optional()
      .describe("Sigstore's trusted_root.json in place of the copy that comes with Verbatim."),
    export: z
      .boolean()
      .optional()
      .describe('false = bundles do not say whom files are expected from (docs/provenance.md).'),
    root_from: z
      .string()
      .regex(INDEX_NAME)
      .optional()
      .describe("The index that mirrors Sigstore's own TUF repository: its trusted root, proved and kept current."),
  })
  .refine(({ trusted_root, root_from }) => trusted_root === undefined || root_from === undefined, {
    path: ['root_from'],
    message: 'has no meaning with trusted_root; leave one of them out',
  });

export const provenance = z.union([mode, whole], {
  error: 'must be off, report, require-when-present or require, or a mode with its settings',
});

/** Undefined where nothing is looked at. */
export function toProvenance(
  given: z.infer<typeof provenance> | undefined,
  resolved: (path: string | undefined) => string | undefined,
): ProvenanceConfig | undefined {
  const {
    trusted_root,
    root_from: rootFrom,
    ...rest
  } = typeof given === 'object' ? given : whole.parse({ mode: given });
  const { mode: usual, projects } = rest;
  if (usual === 'off' && Object.values(projects).every((each) => each === 'off')) return undefined;
  return { ...rest, trustedRoot: resolved(trusted_root), rootFrom };
}
