import { z } from 'zod';

/** How an upstream says that it does not have something, besides 404 and 410. */
export const absent = z.strictObject({
  statuses: z
    .array(z.literal([401, 403, 404, 410], { error: 'must be of 401, 403, 404, 410' }))
    .max(4)
    .default([])
    .describe(
      'Further statuses by which upstream says that it has no such thing; 404 and 410 always say so. Believed only while something else of the index can be read. An object store that answers 403 is known by its words, and under tuf any 403 without a reason counts.',
    ),
  redirect_elsewhere: z
    .boolean()
    .default(false)
    .describe(
      'True where an index sends those who ask for what it does not have to another index, which is not asked. A redirect to PyPI is taken so in any case.',
    ),
  known: z
    .string()
    .max(200)
    .regex(/^[a-z0-9]+(?:-[a-z0-9]+)*$/, 'must be the normalized name of a project')
    .optional()
    .describe(
      'index only: a project that upstream is known to have. It is asked for before another answer is taken for absence where nothing else was seen yet.',
    ),
});
