import { z } from 'zod';
import { size } from './values.ts';

/** Steps of requirements where nothing is said, of an index that may be asked for names that only it has named. */
export const USUAL_DEPTH = 3;

/** What is looked at before a client asks for it, and at what cost. */
export const lookAhead = z
  .strictObject({
    enabled: z.boolean().default(true).describe('false looks at nothing that no client has asked for.'),
    depth: z
      .int()
      .min(0)
      .max(8)
      .optional()
      .describe(
        'Steps of requirements that are followed from what a client asked for; 0 asks for no project that no client asked for. 3 where nothing is said, and 0 where the index wants credentials or sends whoever asks elsewhere.',
      ),
    requests: z
      .int()
      .min(1)
      .max(100_000)
      .default(600)
      .describe('Looks a minute at what no client asks for afterwards.'),
    bytes: size.prefault('64 MB').describe('Bytes a minute of those.'),
    largest_wheel: size
      .prefault(0)
      .describe(
        'The largest wheel that is fetched when its core metadata is asked for. 0 for none: whoever only resolves is after no file.',
      ),
  })
  .prefault({});
