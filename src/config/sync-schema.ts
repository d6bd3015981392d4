import { CronPattern } from 'croner';
import { z } from 'zod';
import { INDEX_NAME, INDEX_NAME_RULE } from '../bytes/index-name.ts';
import { filePath, size } from './values.ts';

/** Of an environment, and of what is synced: what is written in file names and metrics. */
const name = z.string().regex(/^[a-z0-9](?:[a-z0-9_-]{0,38}[a-z0-9])?$/, 'must be up to 40 of a-z, 0-9, _ and -');
const words = z.array(z.string().min(1).max(1000)).max(10_000).default([]);
const files = z.array(filePath).max(256).default([]);

const environment = z.strictObject({
  python: z
    .string()
    .regex(/^3\.[0-9]{1,3}(?:\.[0-9]{1,3})?t?$/, 'must be a Python version such as 3.12, 3.12.4 or 3.13t')
    .describe('Its Python, such as "3.12"; t behind it for free threads.'),
  platform: z
    .string()
    .regex(/^[a-z0-9_]{2,60}$/, 'must be a platform tag such as manylinux_2_28_x86_64, or linux, macos or windows')
    .describe(
      'A platform tag as wheels have it (manylinux_2_28_x86_64, musllinux_1_2_aarch64, macosx_14_0_arm64, win_amd64), or linux, macos, windows.',
    ),
  implementation: z.enum(['cpython', 'pypy']).default('cpython'),
});

const schedule = z
  .string()
  .max(200)
  .superRefine((text, context) => {
    try {
      new CronPattern(text);
    } catch {
      context.addIssue({ code: 'custom', message: 'must be a cron expression such as "30 3 * * *"' });
    }
  });

const job = z.strictObject({
  index: z.string().regex(INDEX_NAME, INDEX_NAME_RULE).default('main').describe('Of which index.'),
  schedule: schedule.optional().describe('When the server does it: a cron expression, in UTC. None: by hand alone.'),
  jitter: z.int().min(0).max(86_400).default(0).describe('Seconds that it may begin later, another number each time.'),
  projects: words.describe('NAME, NAME[EXTRA]>=1.0, or a pattern of names (django-*).'),
  requirements: files.describe('Files of pip requirements.'),
  locks: files.describe('pylock.toml, uv.lock, poetry.lock, pdm.lock, or requirements with hashes.'),
  sboms: files.describe('CycloneDX SBOMs in JSON.'),
  listed: z.boolean().default(false).describe('Everything that the index lists.'),
  held: z
    .boolean()
    .default(false)
    .describe('Of each project that is held, what is not older than the newest that is held.'),
  environments: z.array(name).max(64).default([]).describe('For which environments; with what is required there.'),
  latest_release: z.int().min(1).max(10_000).optional().describe('Newest releases of each project that are taken.'),
  pre_releases: z.boolean().optional().describe('Pre-releases too; unless stated, where latest_release is not.'),
  only: z.enum(['wheel', 'sdist']).optional(),
  exclude_platforms: z
    .array(z.string().max(20))
    .max(64)
    .default([])
    .describe('windows, macos, linux, freebsd; py2, py3.8.'),
  max_file_size: size.optional().describe('Larger files are left out.'),
  blocklist: words.describe('Names, patterns of names, or NAME>=1.0: never taken.'),
  parallel: z.int().min(1).max(64).default(16).describe('Projects looked at, and files fetched, at once.'),
  larger_than_room: z
    .boolean()
    .default(false)
    .describe('True to begin also where it takes more than there is room for.'),
});

/** What is fetched before anybody asks. */
export const sync = z.strictObject({
  environments: z.record(name, environment).default({}).describe('Where what is synced is to be installed, by name.'),
  jobs: z.record(name, job).default({}).describe('What is synced, by name.'),
  hold_days: z
    .int()
    .min(0)
    .max(36_500)
    .default(30)
    .describe('Days for which what a sync holds is spared from eviction after it ran last; 0: not at all.'),
});
