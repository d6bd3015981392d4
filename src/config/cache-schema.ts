import { z } from 'zod';
import { size } from './values.ts';

const MOST_OF_A_PROJECT = 64 * 1024 * 1024;

/** What may be held, on disk and in memory. */
export const cache = z.strictObject({
  max_bytes: size.prefault('10 GB').describe('Proved files kept on disk; the least recently used make room.'),
  state_bytes: size
    .prefault('16 GB')
    .describe(
      'Of each index, most bytes on disk of pages, pins and signed metadata. Near it, pages are let go: used longest ago first, what the next ones are held to stays.',
    ),
  project_bytes: size
    .refine((bytes) => bytes <= MOST_OF_A_PROJECT, 'must be at most 64 MiB')
    .prefault('64 MiB')
    .describe('Of each project, most bytes of its page and of its pins, half of it each, before they are compressed.'),
  journal_bytes: size
    .prefault('128 MiB')
    .describe(
      'Of what happened (`verbatim events`), all indexes together: the oldest of the project that has most leaves first.',
    ),
  access_bytes: size
    .prefault('128 MiB')
    .describe(
      'Of who was sent which file (`verbatim who`), all indexes together: the oldest of the client that has most leaves first.',
    ),
  access_days: z
    .int()
    .min(1)
    .max(36_500)
    .optional()
    .describe('Days that it is remembered; left out, for as long as there is room.'),
  access_addresses: z
    .enum(['whole', 'truncated'])
    .default('whole')
    .describe('truncated: of the address of a client only its /24 (IPv6: /48) is written down.'),
  memory_bytes: size
    .prefault('192 MiB')
    .describe('Memory for ready-made pages and what they are made from, all indexes together.'),
  scrub_days: z
    .int()
    .min(0)
    .max(3650)
    .default(30)
    .describe('Days in which everything on disk is read and proved again once, in the background; 0 for never.'),
  scrub_bytes_per_second: size
    .refine((bytes) => bytes > 0, 'must be more than 0: scrub_days: 0 turns it off')
    .optional()
    .describe('Reads at this pace, in place of scrub_days, and begins no round sooner than a day after the last.'),
  warn_free_bytes: size
    .prefault('1 GB')
    .describe('Where the disk of the data directory has less free, that is logged and told; 0 for never.'),
});
