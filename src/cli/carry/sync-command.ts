import { type Command, InvalidArgumentError, Option } from 'commander';
import type { Config } from '../../config/config.ts';
import type { SyncWords } from '../../config/sync.ts';
import { collect } from '../arguments.ts';
import { type CommonFlags, configOf, wholeNumber, withPlace } from '../with-config.ts';
import { INSTALLERS, type Installer } from './installers.ts';

interface Flags extends CommonFlags {
  readonly job?: string;
  readonly project?: readonly string[];
  readonly requirement?: readonly string[];
  readonly lock?: readonly string[];
  readonly sbom?: readonly string[];
  readonly listed?: boolean;
  readonly held?: boolean;
  readonly env?: readonly string[];
  readonly latestRelease?: number;
  readonly preReleases?: boolean;
  readonly only?: 'wheel' | 'sdist';
  readonly excludePlatform?: readonly string[];
  readonly maxFileSize?: number;
  readonly block?: readonly string[];
  readonly parallel?: number;
  readonly dryRun?: boolean;
  readonly check?: boolean;
  readonly resolver?: Installer;
  readonly yes?: boolean;
  readonly writeLocks: string;
  readonly json?: boolean;
}

export function syncCommand(program: Command, fail: () => void): void {
  const command = program
    .command('sync')
    .description('hold what is asked for before anybody asks: by name, list, lock or SBOM, with what it requires')
    .argument('[index]', 'of which index', 'main')
    .option('--job <name>', 'what the configuration says under sync.jobs; further options add to it')
    .option('--project <name[spec]>', 'a project, or a pattern of names; may be repeated', collect)
    .option('--requirement <file>', 'a file of pip requirements; may be repeated', collect)
    .option(
      '--lock <file>',
      'pylock.toml, uv.lock, poetry.lock, pdm.lock, requirements with hashes; may be repeated',
      collect,
    )
    .option('--sbom <file>', 'a CycloneDX SBOM in JSON; may be repeated', collect)
    .option('--listed', 'everything that the index lists')
    .option('--held', 'of each project that is held, what is not older than the newest release held')
    .option(
      '--env <name>',
      'for this environment (sync.environments), or PYTHON/PLATFORM such as 3.12/linux; may be repeated',
      collect,
    )
    .option('--latest-release <number>', 'so many of the newest releases of each project', wholeNumber)
    .option('--pre-releases', 'pre-releases too')
    .addOption(new Option('--only <kind>', 'wheels, or sdists, alone').choices(['wheel', 'sdist']))
    .option(
      '--exclude-platform <name>',
      'not for windows, macos, linux, freebsd, py2, py3.8 …; may be repeated',
      collect,
    )
    .option('--max-file-size <bytes>', 'leave larger files out', wholeNumber)
    .option('--block <name[spec]>', 'never this project, pattern of names, or release; may be repeated', collect)
    .option('--parallel <number>', 'projects and files at once (16)', wholeNumber)
    .option('--dry-run', 'only count what would be fetched')
    .option('--check', 'ask upstream for nothing, and say what of it is not held')
    .addOption(
      new Option('--resolver <program>', 'with --check: has it choose for each environment from what is held').choices(
        INSTALLERS,
      ),
    )
    .option('--yes', 'begin also where it takes more than there is room for')
    .option('--write-locks <dir>', 'where the lock of what nothing pins is written', '.')
    .option('--json', 'for machines, one JSON value a line');
  withPlace(command).action(async (index: string, flags: Flags) => {
    const config = await configOf(flags);
    const { dryRun = false, check = false, json = false } = flags;
    if (dryRun && check) throw new InvalidArgumentError('--dry-run and --check go one without the other.');
    if (flags.resolver !== undefined && !check) throw new InvalidArgumentError('--resolver goes with --check.');
    const { syncNow } = await import('./sync.ts');
    const words = wordsOf(config, index, flags);
    if (!(await syncNow(config, { words, dryRun, check, resolver: flags.resolver, locksTo: flags.writeLocks, json })))
      fail();
  });
}

const NONE = [] as const;

/** What the options say, over the job that they name. */
function wordsOf(config: Config, index: string, flags: Flags): SyncWords {
  const job = jobOf(config, flags.job);
  const words: SyncWords = {
    index: job?.index ?? index,
    projects: [...(job?.projects ?? NONE), ...(flags.project ?? NONE)],
    requirements: [...(job?.requirements ?? NONE), ...(flags.requirement ?? NONE)],
    locks: [...(job?.locks ?? NONE), ...(flags.lock ?? NONE)],
    sboms: [...(job?.sboms ?? NONE), ...(flags.sbom ?? NONE)],
    listed: flags.listed ?? job?.listed ?? false,
    held: flags.held ?? job?.held ?? false,
    environments: [...(job?.environments ?? NONE), ...(flags.env ?? NONE)],
    latestRelease: flags.latestRelease ?? job?.latestRelease,
    preReleases: flags.preReleases ?? job?.preReleases,
    only: flags.only ?? job?.only,
    excludePlatforms: [...(job?.excludePlatforms ?? NONE), ...(flags.excludePlatform ?? NONE)],
    largestFile: flags.maxFileSize ?? job?.largestFile,
    blocklist: [...(job?.blocklist ?? NONE), ...(flags.block ?? NONE)],
    parallel: Math.min(64, Math.max(1, flags.parallel ?? job?.parallel ?? 16)),
    largerThanRoom: flags.yes ?? job?.largerThanRoom ?? false,
  };
  if (asksForNothing(words))
    throw new InvalidArgumentError(
      'Say what is to be held: --project, --requirement, --lock, --sbom, --listed, --held, or --job.',
    );
  return words;
}

function jobOf({ sync }: Config, name: string | undefined) {
  if (name === undefined) return undefined;
  const job = sync?.jobs.find((each) => each.name === name);
  if (job === undefined) throw new InvalidArgumentError(`The configuration has no sync.jobs.${name}.`);
  return job;
}

function asksForNothing({ projects, requirements, locks, sboms, listed, held }: SyncWords): boolean {
  return !listed && !held && [projects, requirements, locks, sboms].every(({ length }) => length === 0);
}
