import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import * as environments from '../support/environments.ts';
import { type FakePypi, startFakePypi } from '../support/fake-pypi.ts';
import { requirePart } from '../support/python.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';
import { type RunningVerbatim, startVerbatim, verbatim } from '../support/verbatim.ts';
import { newPlace, uv } from './installers.ts';
import { newProject, poetry } from './lockers.ts';

// A lock that was made through a mirror outside installs unchanged inside: from a mirror under the same name that holds what the lock names, and
// asks nobody.

const MILL = tinyWheel('mill', '1.0', '', ['grain']);
const GRAIN = tinyWheel('grain');
const bins = { uv: (await environments.uv()) ?? '', poetry: (await environments.poetry()) ?? '' };

let directory: string;
let pypi: FakePypi;
let outside: RunningVerbatim;
let inside: RunningVerbatim | undefined;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'verbatim-locks-'));
  pypi = await startFakePypi();
  for (const wheel of [MILL, GRAIN]) pypi.upload(wheel.project, wheel);
  outside = await startVerbatim(upstream(), join(directory, 'outside'));
});
afterEach(async () => {
  await inside?.close();
  inside = undefined;
  await outside.close();
  await pypi.close();
  await rm(directory, { recursive: true });
});

const upstream = () => ['--upstream', `${pypi.url}simple/`, '--file-host', `127.0.0.1:${pypi.files.port}`];

/** What the lock names is held by another mirror, which takes the place of the one outside. */
async function goInside(lock: string): Promise<() => void> {
  const data = join(directory, 'inside');
  const { code, stdout } = await verbatim('sync', '--lock', lock, '--data', data, ...upstream());
  expect([code, stdout]).toEqual([0, expect.stringContaining('new: 2 files')]);
  await outside.close();
  inside = await startVerbatim([...upstream(), '--offline', '--port', new URL(outside.simple).port], data);
  const asked = pypi.requests.length + pypi.files.requests.length;
  return () => expect(pypi.requests.length + pypi.files.requests.length).toBe(asked);
}

/** What the lock names stands in the project's own environment. */
async function expectInstalled(project: string): Promise<void> {
  const library = join(project, '.venv', 'lib');
  const [python = ''] = (await readdir(library)).filter((name) => name.startsWith('python'));
  for (const module of ['mill.py', 'grain.py'])
    expect(await readFile(join(library, python, 'site-packages', module), 'utf8')).toContain("VERSION = '1.0'");
}

describe.runIf(requirePart('uv', bins.uv || undefined))('uv', { timeout: 120_000 }, () => {
  it('installs from its own lock', async () => {
    const project = await newProject(directory, ['mill']);
    await uv(bins.uv, await newPlace(directory), ['lock', '--project', project, '--default-index', outside.simple]);
    const lock = join(project, 'uv.lock');
    const before = await readFile(lock, 'utf8');
    const expectNobodyAsked = await goInside(lock);
    await uv(bins.uv, await newPlace(directory), ['sync', '--frozen', '--project', project]);
    await expectInstalled(project);
    expect(await readFile(lock, 'utf8')).toBe(before);
    expectNobodyAsked();
  });

  it('installs from a pylock.toml', async () => {
    const project = await newProject(directory, ['mill']);
    const place = await newPlace(directory);
    const lock = join(directory, 'pylock.toml');
    await uv(bins.uv, place, ['lock', '--project', project, '--default-index', outside.simple]);
    await uv(bins.uv, place, [
      'export',
      '--frozen',
      '--project',
      project,
      '--no-emit-project',
      '--format',
      'pylock.toml',
      '-o',
      lock,
    ]);
    const expectNobodyAsked = await goInside(lock);
    const target = join(directory, 'target');
    await uv(bins.uv, await newPlace(directory), ['pip', 'install', '--target', target, '-r', lock]);
    expect(await readFile(join(target, 'grain.py'), 'utf8')).toContain("VERSION = '1.0'");
    expectNobodyAsked();
  });
});

describe.runIf(requirePart('uv', bins.uv || undefined))('a lock that was made inside', { timeout: 180_000 }, () => {
  it('installs outside, as uv.lock and as pylock.toml, and each file that it names is at the same address on both', async () => {
    const port = new URL(outside.simple).port;
    const data = join(directory, 'inside');
    const words = ['--project', 'mill', '--env', '3.12/linux', '--write-locks', directory];
    expect((await verbatim('sync', ...words, '--data', data, ...upstream())).code).toBe(0);
    await outside.close();
    inside = await startVerbatim([...upstream(), '--offline', '--port', port], data);
    const project = await newProject(directory, ['mill']);
    const place = await newPlace(directory);
    await uv(bins.uv, place, ['lock', '--project', project, '--default-index', inside.simple]);
    const pylock = join(directory, 'pylock.toml');
    const exporting = ['export', '--frozen', '--project', project, '--no-emit-project', '--format', 'pylock.toml'];
    await uv(bins.uv, place, [...exporting, '-o', pylock]);
    const locks = [await readFile(join(project, 'uv.lock'), 'utf8'), await readFile(pylock, 'utf8')];
    const urls = [...new Set(locks.flatMap((lock) => lock.match(/https?:[^"]*\.whl(?=")/g) ?? []))];
    expect(urls.map((url) => new URL(url).pathname.replace(/[0-9a-f]{60}/, '…'))).toEqual(
      expect.arrayContaining([MILL, GRAIN].map(({ filename }) => expect.stringMatching(`^/packages/.*/${filename}$`))),
    );
    const bytesOf = () => Promise.all(urls.map(async (url) => Buffer.from(await (await fetch(url)).arrayBuffer())));
    const there = await bytesOf();
    await inside.close();
    inside = undefined;
    outside = await startVerbatim([...upstream(), '--port', port], join(directory, 'outside'));
    expect(await bytesOf()).toEqual(there);
    expect(there.every((bytes) => [MILL, GRAIN].some((wheel) => bytes.equals(wheel.bytes)))).toBe(true);
    await uv(bins.uv, await newPlace(directory), ['sync', '--frozen', '--project', project]);
    await expectInstalled(project);
    const target = join(directory, 'target');
    await uv(bins.uv, await newPlace(directory), ['pip', 'install', '--target', target, '-r', pylock]);
    expect(await readFile(join(target, 'grain.py'), 'utf8')).toContain("VERSION = '1.0'");
  });
});

describe.runIf(requirePart('Poetry', bins.poetry || undefined))('Poetry', { timeout: 120_000 }, () => {
  it('installs from its own lock', async () => {
    const source = `[tool.poetry]\npackage-mode = false\n[[tool.poetry.source]]\nname = "house"\nurl = "${outside.simple}"`;
    const project = await newProject(directory, ['mill'], source);
    await poetry(bins.poetry, project, ['lock']);
    const expectNobodyAsked = await goInside(join(project, 'poetry.lock'));
    await poetry(bins.poetry, project, ['install']);
    await expectInstalled(project);
    expectNobodyAsked();
  });
});
