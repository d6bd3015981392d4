import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sha256Hex } from '../../src/bytes/digest.ts';
import * as environments from '../support/environments.ts';
import { type FakePypi, startFakePypi } from '../support/fake-pypi.ts';
import { requirePart } from '../support/python.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';
import { type RunningVerbatim, startVerbatim } from '../support/verbatim.ts';
import { newPlace, pipInstall, uv } from './installers.ts';
import { newProject, pdm, poetry } from './lockers.ts';

// A release that is too young is not there for whoever resolves: each installer takes the one before, and says nothing strange. A lock
// that was made before the age was asked for names it, and whoever installs from it is told as much as the installer passes on.

const bins = {
  pip: await environments.pipOfToday(),
  uv: await environments.uv(),
  poetry: await environments.poetry(),
  pdm: await environments.pdm(),
};
const OLD = { ...tinyWheel('mill', '1.0'), uploadTime: '2020-01-01T00:00:00Z' };
const YOUNG = { ...tinyWheel('mill', '2.0'), uploadTime: new Date().toISOString() };
const sha256 = sha256Hex(YOUNG.bytes);
/** The answer's status line, which is all that some print. */
const PHRASE = '403 Client Error: Policy of this mirror holds back this file';
const SENTENCE = `${YOUNG.filename} was uploaded at ${YOUNG.uploadTime.slice(0, 19)}Z, as upstream says; this mirror waits for 7 days: it is served from `;
/** What no client says that has simply found the older release. */
const STRANGE = /warn|error|403|hold|yank|retry|mismatch|2\.0/i;

type Locker = (project: string, args: readonly string[]) => Promise<string>;

let scratch: string;
let pypi: FakePypi;
/** What holds the young one back, where the open one was: addresses in locks go on leading here. */
let mirror: RunningVerbatim;
/** Made while nothing was held back. */
const locked: Record<string, string> = {};

const poet: Locker = (project, args) => poetry(bins.poetry ?? '', project, args);
const pdmOf: Locker = (project, args) => pdm(bins.pdm ?? '', project, args);
const newUv: Locker = async (project, args) =>
  uv(bins.uv ?? '', await newPlace(scratch), [...args, '--project', project]);

async function serve(name: string, more: string, flags: readonly string[] = []): Promise<RunningVerbatim> {
  const file = join(scratch, name);
  const hosts = `file_hosts: ["${pypi.files.url.replace(/\/$/, '')}"]`;
  await writeFile(
    file,
    `indexes:\n  main: { upstream: "${pypi.url}simple/", evidence: index, ${hosts}, policy: ${more} }\n`,
  );
  return startVerbatim(['--config', file, ...flags]);
}

/** A project that needs what is held back, with the mirror as its only source. */
async function poetryProject(simple: string): Promise<string> {
  return newProject(
    scratch,
    ['mill'],
    `[tool.poetry]\npackage-mode = false\n[[tool.poetry.source]]\nname = "mirror"\nurl = "${simple}"`,
  );
}

async function pdmProject(simple: string): Promise<string> {
  const source = `[tool.pdm]\ndistribution = false\n[[tool.pdm.source]]\nname = "pypi"\nurl = "${simple}"`;
  const project = await newProject(scratch, ['mill'], source);
  await pdmOf(project, ['venv', 'create', '--with', 'venv']);
  await pdmOf(project, ['use', '-f', '.venv']);
  return project;
}

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'verbatim-held-back-'));
  pypi = await startFakePypi();
  for (const wheel of [OLD, YOUNG]) pypi.upload('mill', wheel);
  const open = await serve('open.yaml', '{}');
  const { simple } = open;
  if (bins.uv !== undefined) {
    locked['uv'] = await newProject(scratch, ['mill']);
    await newUv(locked['uv'], ['lock', '--default-index', simple]);
  }
  if (bins.poetry !== undefined) {
    locked['poetry'] = await poetryProject(simple);
    await poet(locked['poetry'], ['lock']);
  }
  if (bins.pdm !== undefined) {
    locked['pdm'] = await pdmProject(simple);
    locked['pdm, by address'] = await pdmProject(simple);
    await pdmOf(locked['pdm'], ['lock']);
    await pdmOf(locked['pdm, by address'], ['lock', '--static-urls']);
  }
  await open.close();
  // What the locking tools keep of the page is gone on the machine that installs.
  for (const project of Object.values(locked)) await rm(`${project}-own`, { recursive: true, force: true });
  mirror = await serve('held.yaml', '{ minimum_age: 7d }', ['--port', new URL(simple).port]);
}, 240_000);
afterAll(async () => {
  await mirror?.close();
  await pypi?.close();
  await rm(scratch, { recursive: true, force: true });
});

/** What a client says that fails; anything else is none. */
async function failure(work: Promise<string>): Promise<string> {
  const said = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (!(said instanceof Error) || !('stdout' in said) || !('stderr' in said)) throw new Error('it did not fail');
  // Lines are broken where the terminal would end.
  return `${said.stdout}${said.stderr}`.replace(/\s+/g, ' ');
}

async function lockedVersion(project: string, lock: string): Promise<string | undefined> {
  return /name = "mill"\nversion = "([^"]*)"/.exec(await readFile(join(project, lock), 'utf8'))?.[1];
}

/** Addresses of the loopback and paths of the scratch have digits of their own. */
function plain(said: string): string {
  return said.replaceAll(scratch, '').replace(/\S*127\.0\.0\.1\S*/g, '');
}

describe.runIf(requirePart('pip', bins.pip))('pip before a release that is held back', { timeout: 240_000 }, () => {
  const pip = async (args: readonly string[]) =>
    pipInstall(bins.pip ?? '', await newPlace(scratch), ['--index-url', mirror.simple, '--retries', '0', ...args]);
  const pinned = async (line: string) => {
    const file = join(await mkdtemp(join(scratch, 'pins-')), 'requirements.txt');
    await writeFile(file, `${line}\n`);
    return file;
  };

  it('takes the one before, and says nothing strange', async () => {
    const said = plain(await pip(['mill']));
    expect(said).toContain('Successfully installed mill-1.0');
    expect(said).not.toMatch(STRANGE);
  });

  it('finds none where a pin with a hash names it, and says which there are', async () => {
    const pins = await pinned(`mill==2.0 --hash=sha256:${sha256}`);
    const said = await failure(pip(['--require-hashes', '-r', pins]));
    expect(said).toContain('No matching distribution found for mill==2.0');
    expect(said).toContain('(from versions: 1.0)');
  });

  it('says that policy holds it back where a pin names its address', async () => {
    const address = new URL(`..${pypi.storedAt(YOUNG)}`, mirror.simple);
    const pins = await pinned(`mill @ ${address}#sha256=${sha256}`);
    expect(await failure(pip(['-r', pins]))).toContain(PHRASE);
  });
});

describe.runIf(requirePart('uv', bins.uv))('uv before a release that is held back', { timeout: 240_000 }, () => {
  it('takes the one before, and says nothing strange', async () => {
    const { target } = await newPlace(scratch);
    const args = ['pip', 'install', '--target', target, '--default-index', mirror.simple, 'mill'];
    const installed = plain(await uv(bins.uv ?? '', await newPlace(scratch), args));
    expect(installed).toContain('+ mill==1.0');
    expect(installed).not.toMatch(STRANGE);
    const project = await newProject(scratch, ['mill']);
    expect(plain(await newUv(project, ['lock', '--default-index', mirror.simple]))).not.toMatch(STRANGE);
    expect(await lockedVersion(project, 'uv.lock')).toBe('1.0');
  });

  it('prints the whole sentence where a lock names it', async () => {
    expect(await lockedVersion(locked['uv'] ?? '', 'uv.lock')).toBe('2.0');
    for (const how of ['--frozen', '--locked']) {
      const said = await failure(newUv(locked['uv'] ?? '', ['sync', how, '--default-index', mirror.simple]));
      expect(said, how).toContain(SENTENCE);
    }
  });
});

describe.runIf(requirePart('Poetry', bins.poetry))(
  'Poetry before a release that is held back',
  {
    timeout: 240_000,
  },
  () => {
    it('takes the one before, and says nothing strange', async () => {
      const project = await poetryProject(mirror.simple);
      expect(plain(await poet(project, ['lock']))).not.toMatch(STRANGE);
      expect(await lockedVersion(project, 'poetry.lock')).toBe('1.0');
      expect(await poet(project, ['install'])).toContain('Installing mill (1.0)');
    });

    it('finds no candidate where a lock names it', async () => {
      expect(await lockedVersion(locked['poetry'] ?? '', 'poetry.lock')).toBe('2.0');
      const said = await failure(poet(locked['poetry'] ?? '', ['install']));
      expect(said).toContain('Unable to find installation candidates for mill (2.0)');
    });
  },
);

describe.runIf(requirePart('PDM', bins.pdm))('PDM before a release that is held back', { timeout: 240_000 }, () => {
  it('takes the one before, and says nothing strange', async () => {
    const project = await pdmProject(mirror.simple);
    expect(plain(await pdmOf(project, ['lock']))).not.toMatch(STRANGE);
    expect(await lockedVersion(project, 'pdm.lock')).toBe('1.0');
    expect(await pdmOf(project, ['sync', '--no-self'])).toContain('Install mill 1.0 successful');
  });

  it.each([
    ['finds no candidate where a lock names it', 'pdm', 'No candidate is found for `mill`'],
    ['passes on the status alone where a lock names its address', 'pdm, by address', "Client error '403 Forbidden'"],
  ])('%s', async (_, which, told) => {
    expect(await lockedVersion(locked[which] ?? '', 'pdm.lock')).toBe('2.0');
    expect(await failure(pdmOf(locked[which] ?? '', ['sync', '--no-self']))).toContain(told);
  });
});

describe('what no client prints', () => {
  it('is at the address that it prints: the whole sentence, for whoever asks there', async () => {
    const answer = await fetch(new URL(`..${pypi.storedAt(YOUNG)}`, mirror.simple));
    expect(answer.status).toBe(403);
    expect(await answer.text()).toContain(SENTENCE);
  });
});
