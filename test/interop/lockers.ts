import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { clientEnvironment } from '../support/python.ts';

// Tools that lock a project's requirements and install from the lock, each with settings and caches of its own.

const run = promisify(execFile);

/** A project that needs these, in a directory of its own under `directory`; `more` ends its pyproject.toml. */
export async function newProject(directory: string, needs: readonly string[], more = ''): Promise<string> {
  const project = await mkdtemp(join(directory, 'project-'));
  const lines = [
    '[project]',
    'name = "reader"',
    'version = "1"',
    'requires-python = ">=3.9,<4"',
    `dependencies = ${JSON.stringify(needs)}`,
    more,
    '',
  ];
  await writeFile(join(project, 'pyproject.toml'), lines.join('\n'));
  return project;
}

/** `poetry ARGS` in a project; its virtual environment is the project's `.venv`. Returns what it said. */
export async function poetry(bin: string, project: string, args: readonly string[]): Promise<string> {
  return said(join(bin, 'poetry'), [...UNASKED, ...args], project, await poetryEnvironment(project));
}

/** The same as a command for another place. */
export async function poetryCommand(bin: string, project: string, args: readonly string[]): Promise<readonly string[]> {
  const environment = Object.entries(await poetryEnvironment(project)).map(([name, value]) => `${name}=${value}`);
  return ['env', '-C', project, ...environment, join(bin, 'poetry'), ...UNASKED, ...args];
}

const UNASKED = ['--no-interaction', '--no-ansi'];

async function poetryEnvironment(project: string): Promise<Readonly<Record<string, string>>> {
  const own = await ownDirectory(project);
  return {
    HOME: own,
    POETRY_CACHE_DIR: join(own, 'cache'),
    POETRY_CONFIG_DIR: join(own, 'config'),
    POETRY_DATA_DIR: join(own, 'data'),
    POETRY_VIRTUALENVS_IN_PROJECT: 'true',
    // No keyring of this machine is asked for credentials.
    PYTHON_KEYRING_BACKEND: 'keyring.backends.null.Keyring',
  };
}

/** `pdm ARGS` in a project; its virtual environment is the project's `.venv`. Returns what it said. */
export async function pdm(bin: string, project: string, args: readonly string[]): Promise<string> {
  const own = await ownDirectory(project);
  return said(join(bin, 'pdm'), args, project, {
    HOME: own,
    PDM_CACHE_DIR: join(own, 'cache'),
    PDM_CONFIG_FILE: join(own, 'config.toml'),
    PDM_CHECK_UPDATE: '0',
    PDM_IGNORE_SAVED_PYTHON: '0',
    PYTHON_KEYRING_BACKEND: 'keyring.backends.null.Keyring',
  });
}

/** `pip-compile ARGS` in a project. Returns what it said. */
export async function pipCompile(bin: string, project: string, args: readonly string[]): Promise<string> {
  const own = await ownDirectory(project);
  const all = ['--no-config', '--cache-dir', join(own, 'cache'), ...args];
  return said(join(bin, 'pip-compile'), all, project, { HOME: own, PIP_CACHE_DIR: join(own, 'pip') });
}

async function ownDirectory(project: string): Promise<string> {
  const own = `${project}-own`;
  await mkdir(own, { recursive: true });
  return own;
}

async function said(
  program: string,
  args: readonly string[],
  cwd: string,
  environment: Readonly<Record<string, string>>,
): Promise<string> {
  const { stdout, stderr } = await run(program, [...args], { cwd, env: clientEnvironment(environment) });
  return stdout + stderr;
}
