import { execFile } from 'node:child_process';
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from '../../config/config.ts';
import { installerEnvironment } from '../../config/environment.ts';
import type { PackageIndex } from '../../mirror/package-index.ts';
import { type Finding, findingsIn, wordsOf } from './finding.ts';
import type { Sample } from './sample.ts';
import type { TrialMirror } from './trial-mirror.ts';

const { good, note, error } = findingsIn('install');

const MOST_OUTPUT = 4 * 1024 * 1024;
const MOST_MS = 120_000;

interface Installer {
  readonly name: string;
  readonly program: string;
  install(index: string, requirement: string, into: string): readonly string[];
}

const PIP_FLAGS = [
  '--no-cache-dir',
  '--disable-pip-version-check',
  '--no-input',
  '--no-deps',
  '--only-binary',
  ':all:',
];

const INSTALLERS: readonly (Installer & { readonly version: readonly string[] })[] = [
  {
    name: 'pip',
    program: 'python3',
    version: ['-m', 'pip', '--version'],
    install: (index, requirement, into) => [
      '-m',
      'pip',
      'install',
      ...PIP_FLAGS,
      '--index-url',
      index,
      '--target',
      into,
      requirement,
    ],
  },
  {
    name: 'uv',
    program: 'uv',
    version: ['--version'],
    install: (index, requirement, into) => [
      'pip',
      'install',
      '--no-config',
      '--no-cache',
      '--no-deps',
      '--only-binary',
      ':all:',
      '--default-index',
      index,
      '--target',
      into,
      requirement,
    ],
  },
];

/** Installs one small wheel of each index with the pip and the uv that are here, into a folder that goes with the trial. */
export async function examineInstall(
  config: Config,
  trial: TrialMirror,
  sampleOf: (index: PackageIndex) => Promise<Sample | undefined>,
): Promise<readonly Finding[]> {
  if (config.offline) return [note('install', 'Nothing was installed: nobody is asked for anything (offline).')];
  const here = await Promise.all(
    INSTALLERS.map(async (each) => ((await run(each.program, each.version)).isOk ? [each] : [])),
  );
  const installers = here.flat();
  if (installers.length === 0)
    return [note('install', 'Nothing was installed: there is neither "python3 -m pip" nor uv here.')];
  const found: Finding[] = [];
  for (const index of trial.composition.indexes) {
    if (config.indexes[index.name]?.import !== undefined) continue;
    try {
      const sample = await sampleOf(index);
      if (sample === undefined)
        found.push(
          note(
            'install',
            `${index.name}: nothing was installed, as no small wheel for every Python 3 was found among what it lists first.`,
          ),
        );
      else for (const installer of installers) found.push(await installed(installer, index.name, sample, trial));
    } catch (cause) {
      found.push(
        note('install', `${index.name}: nothing was installed, as nothing could be looked for: ${wordsOf(cause)}`),
      );
    }
  }
  return found;
}

async function installed(
  installer: Installer,
  index: string,
  { project, version }: Sample,
  trial: TrialMirror,
): Promise<Finding> {
  const requirement = `${project}==${version}`;
  const into = join(trial.folder, `${index}-${installer.name}`);
  await mkdir(into);
  const { isOk, said } = await run(installer.program, installer.install(trial.simple(index), requirement, into));
  const there = await readdir(into);
  if (isOk && there.length > 0)
    return good('install', `${installer.name} installed ${requirement} from ${index}, every byte proved.`);
  return error(
    'install',
    `${installer.name} did not install ${requirement} from ${index}: ${said}`,
    'What Verbatim refused is in "Upstream and trust" above; docs/trust.md tells of each reason.',
  );
}

/** A program to its end; `said`: the last line that it wrote for people. */
function run(program: string, args: readonly string[]): Promise<{ readonly isOk: boolean; readonly said: string }> {
  return new Promise((resolve) => {
    const options = { env: installerEnvironment(), timeout: MOST_MS, maxBuffer: MOST_OUTPUT };
    execFile(program, args, options, (failure, stdout, stderr) => {
      const lines = `${stdout}\n${stderr}`
        .split('\n')
        .map((line) => line.trim())
        .filter(Boolean);
      const said = lines.findLast((line) => /^(?:ERROR|error|x|×)/.test(line)) ?? lines.at(-1);
      resolve({ isOk: failure === null, said: said ?? failure?.message ?? '' });
    });
  });
}
