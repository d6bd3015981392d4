import { z } from 'zod';
import { size } from './values.ts';

/** What may be held, on disk and in memory. */
export const cache = z.strictObject({
  max_bytes: size.prefault('10 GB').describe('Proved files kept on disk; the least recently used make room.'),
  state_bytes: size
    .prefault('16 GB')
    .describe(
      'Of each index, most bytes on disk of pages, pins and signed metadata; past it nothing new is remembered.',
    ),
  memory_bytes: size
    .prefault('192 MiB')
    .describe('Memory for ready-made pages and what they are made from, all indexes together.'),
  warn_free_bytes: size
    .prefault('1 GB')
    .describe('Where the disk of the data directory has less free, that is logged and told; 0 for never.'),
});
