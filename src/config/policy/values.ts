import { z } from 'zod';
import { parseInstant } from '../../bytes/instant.ts';
import { parseDuration } from '../../policy/duration.ts';
import { parsePattern } from '../../policy/pattern.ts';
import { instant } from '../values.ts';

// The small values that a policy is made of.

export const action = z.enum(['report', 'hide', 'deny'], {
  error: 'must be report (served, and told), hide (left out of pages) or deny (listed, and refused)',
});

export const duration = z
  .union([z.string(), z.literal(0)])
  .refine((text) => parseDuration(String(text)) !== undefined, 'must be a time such as 7d, 36h, 90m or 2w, or 0')
  .transform((text) => parseDuration(String(text)) ?? 0);

export const pattern = z
  .string()
  .refine(
    (text) => parsePattern(text) !== undefined,
    'must be a project, such as requests or acme-*, and may have a range of versions behind it, as in urllib3 <2 (PEP 440)',
  );

/** A day begins in UTC. */
export const since = z.union([instant, z.iso.date().transform((day) => parseInstant(`${day}T00:00:00Z`) ?? 0)], {
  error: 'must be a day such as 2026-11-01, or a time such as 2026-11-01T12:00:00Z',
});
