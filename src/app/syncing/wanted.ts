import { realpath } from 'node:fs/promises';
import { basename, dirname, join, sep } from 'node:path';
import { Refusal } from '../../bytes/refusal.ts';
import { readPlainFile, UnusableFile } from '../../config/plain-file.ts';
import type { EnvironmentConfig, SyncWords } from '../../config/sync.ts';
import { type Environment, environmentOf } from '../../pypi/resolving/environment.ts';
import type { Wanted } from '../../sync/plan.ts';
import { Gathering, type Selection } from '../../sync/selection/asked.ts';
import { MAX_TEXT } from '../../sync/selection/limits.ts';
import { readLock } from '../../sync/selection/locks.ts';
import { askedBy, readRequirements } from '../../sync/selection/requirements.ts';
import { readSbom } from '../../sync/selection/sbom.ts';

/** Reads the lists and locks that are named. Throws Refusal, which names the file and the line. */
export async function wantedOf(
  words: SyncWords,
  environments: ReadonlyMap<string, EnvironmentConfig>,
): Promise<Wanted> {
  const gathering = new Gathering();
  for (const path of words.requirements) gathering.add(await readList(path));
  for (const path of words.locks)
    gathering.add(/\.(?:lock|toml)$/.test(path) ? readLock(basename(path), textOf(path)) : await readList(path));
  for (const path of words.sboms) gathering.add(readSbom(basename(path), bytesOf(path)));
  const { asked, constraints, passedOver } = gathering;
  return {
    names: words.projects.filter((word) => !isPattern(word)).map(askedBy),
    globs: words.projects.filter(isPattern),
    asked,
    constraints,
    passedOver,
    listed: words.listed,
    held: words.held,
    environments: words.environments.map((name) => environmentNamed(name, environments)),
  };
}

/** `==1.*` is no pattern of names. */
function isPattern(word: string): boolean {
  return /[*?]/.test(word) && !/[<>=!~]/.test(word);
}

/** One of the configuration, or PYTHON/PLATFORM outright. */
function environmentNamed(name: string, environments: ReadonlyMap<string, EnvironmentConfig>): Environment {
  const named = environments.get(name);
  if (named !== undefined) return environmentOf(name, named);
  const [python = '', platform] = name.split('/', 2);
  if (platform === undefined)
    throw new Refusal(
      'format',
      `No environment "${name}" is configured (sync.environments); PYTHON/PLATFORM says one outright, such as 3.12/linux.`,
      { subject: 'request' },
    );
  return environmentOf(name, { python, platform });
}

async function readList(path: string): Promise<Selection> {
  const directory = dirname(path);
  const root = await realpath(directory).catch(() => directory);
  return readRequirements(basename(path), textOf(path), async (beside) => {
    const target = await realpath(join(directory, beside)).catch(() => join(directory, beside));
    if (!target.startsWith(root.endsWith(sep) ? root : root + sep))
      throw new Refusal('format', `${beside} leads out of ${directory}, which is all that is read.`, {
        subject: 'request',
      });
    return textOf(target);
  });
}

function textOf(path: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytesOf(path));
  } catch (cause) {
    if (cause instanceof Refusal) throw cause;
    throw new Refusal('format', `${path} is not well-formed UTF-8.`, { subject: 'request', cause });
  }
}

function bytesOf(path: string): Buffer {
  try {
    return readPlainFile(path, MAX_TEXT);
  } catch (cause) {
    if (!(cause instanceof UnusableFile)) throw cause;
    throw new Refusal('format', `${path} ${cause.message}.`, { subject: 'request', cause });
  }
}
