import { resolve } from 'node:path';
import type { ParsedFile } from './schema.ts';

/** Where something is to be installed. */
export interface EnvironmentConfig {
  readonly python: string;
  readonly platform: string;
  readonly implementation: 'cpython' | 'pypy';
}

/** What is to be held of one index, in the operator's words. */
export interface SyncWords {
  readonly index: string;
  readonly projects: readonly string[];
  /** Paths. */
  readonly requirements: readonly string[];
  readonly locks: readonly string[];
  readonly sboms: readonly string[];
  readonly listed: boolean;
  readonly held: boolean;
  readonly environments: readonly string[];
  readonly latestRelease?: number | undefined;
  readonly preReleases?: boolean | undefined;
  readonly only?: 'wheel' | 'sdist' | undefined;
  readonly excludePlatforms: readonly string[];
  /** Bytes. */
  readonly largestFile?: number | undefined;
  readonly blocklist: readonly string[];
  readonly parallel: number;
  readonly largerThanRoom: boolean;
}

export interface SyncJob extends SyncWords {
  readonly name: string;
  /** A cron expression, in UTC; undefined for what is done by hand. */
  readonly schedule: string | undefined;
  /** Seconds. */
  readonly jitter: number;
}

export interface SyncConfig {
  readonly environments: ReadonlyMap<string, EnvironmentConfig>;
  readonly jobs: readonly SyncJob[];
  /** For how long what a sync held is spared from eviction after it ran last. */
  readonly holdDays: number;
}

type Parsed = NonNullable<ParsedFile['sync']>;

export function toSync({ environments, jobs, hold_days: holdDays }: Parsed): SyncConfig {
  return {
    holdDays,
    environments: new Map(Object.entries(environments)),
    jobs: Object.entries(jobs).map(([name, job]) => ({
      name,
      schedule: job.schedule,
      jitter: job.jitter,
      index: job.index,
      projects: job.projects,
      requirements: job.requirements.map((path) => resolve(path)),
      locks: job.locks.map((path) => resolve(path)),
      sboms: job.sboms.map((path) => resolve(path)),
      listed: job.listed,
      held: job.held,
      environments: job.environments,
      latestRelease: job.latest_release,
      preReleases: job.pre_releases,
      only: job.only,
      excludePlatforms: job.exclude_platforms,
      largestFile: job.max_file_size,
      blocklist: job.blocklist,
      parallel: job.parallel,
      largerThanRoom: job.larger_than_room,
    })),
  };
}

/** Names that a job speaks of and nobody has given. */
export function syncFaults({
  sync,
  indexes,
}: Pick<ParsedFile, 'sync' | 'indexes'>): readonly { readonly path: readonly string[]; readonly message: string }[] {
  return Object.entries(sync?.jobs ?? {}).flatMap(([name, { index, environments }]) => [
    ...(indexes[index]?.of !== undefined
      ? [
          {
            path: ['sync', 'jobs', name, 'index'],
            message: `${index} is over several indexes: name the one that is meant`,
          },
        ]
      : Object.hasOwn(indexes, index) || index === 'main'
        ? []
        : [{ path: ['sync', 'jobs', name, 'index'], message: `there is no index "${index}"` }]),
    ...environments.flatMap((each) =>
      Object.hasOwn(sync?.environments ?? {}, each)
        ? []
        : [{ path: ['sync', 'jobs', name, 'environments'], message: `sync.environments has no "${each}"` }],
    ),
  ]);
}
