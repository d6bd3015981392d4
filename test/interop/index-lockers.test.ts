import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as environments from '../support/environments.ts';
import { requirePart } from '../support/python.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';
import { wheels as house } from '../support/wheels.ts';
import { newPlace, provedFiles, uv } from './installers.ts';
import { newProject, pdm, pipCompile, poetry } from './lockers.ts';
import { type PypiRig, startPypiRig } from './pypi-rig.ts';

// Tools that lock, behind a mirror of PyPI as it is today: what a lock holds is upstream's, and no wheel is downloaded for it.

const { wheels, real } = await house();
requirePart('a registry with real wheels', real);
const bins = {
  uv: (await environments.uv()) ?? '',
  poetry: (await environments.poetry()) ?? '',
  pdm: (await environments.pdm()) ?? '',
  pipTools: (await environments.pipTools()) ?? '',
};
const NEEDS = ['python-dateutil', 'idna'];
const FIRST = { ...tinyWheel('mill', '1.0'), uploadTime: '2026-02-01T00:00:00Z' };
const SECOND = { ...tinyWheel('mill', '2.0'), uploadTime: '2026-06-01T00:00:00Z' };

let rig: PypiRig;
beforeAll(async () => {
  const uploaded = wheels.map((wheel) => ({ ...wheel, uploadTime: '2026-01-01T00:00:00.000001Z' }));
  rig = await startPypiRig([...uploaded, FIRST, SECOND]);
});
afterAll(() => rig.close());

/** How often each wheel was downloaded from upstream so far. */
const downloads = () => wheels.map((wheel) => rig.fetched(wheel));

/** Every file of the three real wheels lies in the project's environment as its wheel says. */
async function expectInstalled(project: string): Promise<void> {
  const library = join(project, '.venv/lib');
  const [python = ''] = (await readdir(library)).filter((name) => name.startsWith('python'));
  for (const wheel of wheels)
    expect(await provedFiles(join(library, python, 'site-packages'), wheel), wheel.filename).toBeGreaterThan(0);
}

describe.runIf(requirePart('uv', bins.uv || undefined))('uv, locking', { timeout: 240_000 }, () => {
  it('keeps to upload times: exclude-newer locks the release of that day, and the lock keeps the time', async () => {
    const mirror = await rig.mirror();
    const project = await newProject(rig.directory, ['mill']);
    const args = ['lock', '--project', project, '--default-index', mirror.simple];
    await uv(bins.uv, await newPlace(rig.directory), [...args, '--exclude-newer', '2026-03-01T00:00:00Z']);
    const lock = await readFile(join(project, 'uv.lock'), 'utf8');
    expect(lock).toContain(FIRST.filename);
    expect(lock).not.toContain(SECOND.filename);
    expect(lock).toMatch(/upload-time = "2026-02-01T00:00:00/);
    expect(lock).toContain(`size = ${FIRST.bytes.byteLength}`);
  });

  it('syncs a frozen lock through a mirror at the same address that holds nothing', async () => {
    const first = await rig.mirror();
    const project = await newProject(rig.directory, NEEDS);
    const place = await newPlace(rig.directory);
    await uv(bins.uv, place, ['lock', '--project', project, '--default-index', first.simple]);
    await first.close();
    await rig.mirror(['--port', new URL(first.simple).port]);
    await uv(bins.uv, await newPlace(rig.directory), ['sync', '--frozen', '--project', project]);
    await expectInstalled(project);
  });
});

describe.runIf(requirePart('Poetry', bins.poetry || undefined))('Poetry', { timeout: 120_000 }, () => {
  it('locks through the mirror without downloading a wheel, and installs from the lock', async () => {
    const mirror = await rig.mirror();
    const before = downloads();
    const source = `[tool.poetry]\npackage-mode = false\n[[tool.poetry.source]]\nname = "mirror"\nurl = "${mirror.simple}"`;
    const project = await newProject(rig.directory, NEEDS, source);
    await poetry(bins.poetry, project, ['lock']);
    expect(downloads()).toEqual(before);
    const lock = await readFile(join(project, 'poetry.lock'), 'utf8');
    for (const { sha256 } of wheels) expect(lock).toContain(`sha256:${sha256}`);
    await poetry(bins.poetry, project, ['install']);
    await expectInstalled(project);
  });
});

describe.runIf(requirePart('PDM', bins.pdm || undefined))('PDM', { timeout: 120_000 }, () => {
  it('locks through the mirror without downloading a wheel, and installs from the lock', async () => {
    const mirror = await rig.mirror();
    const before = downloads();
    const source = `[tool.pdm]\ndistribution = false\n[[tool.pdm.source]]\nname = "pypi"\nurl = "${mirror.simple}"`;
    const project = await newProject(rig.directory, NEEDS, source);
    await pdm(bins.pdm, project, ['venv', 'create', '--with', 'venv']);
    await pdm(bins.pdm, project, ['use', '-f', '.venv']);
    await pdm(bins.pdm, project, ['lock']);
    expect(downloads()).toEqual(before);
    const lock = await readFile(join(project, 'pdm.lock'), 'utf8');
    for (const { sha256 } of wheels) expect(lock).toContain(`sha256:${sha256}`);
    await pdm(bins.pdm, project, ['sync', '--no-self']);
    await expectInstalled(project);
  });
});

describe.runIf(requirePart('PDM', bins.pdm || undefined))('PDM that asks for legacy JSON', { timeout: 120_000 }, () => {
  it.each([
    ['an index that has it', true],
    ['an index that has none', false],
  ])('locks what a release requires, of %s', async (_, api) => {
    const index = await startPypiRig(wheels, { api });
    try {
      const mirror = await index.mirror();
      const source = `[tool.pdm]\ndistribution = false\n[[tool.pdm.source]]\nname = "pypi"\nurl = "${mirror.simple}"`;
      const project = await newProject(index.directory, ['python-dateutil'], source);
      await pdm(bins.pdm, project, ['venv', 'create', '--with', 'venv']);
      await pdm(bins.pdm, project, ['use', '-f', '.venv']);
      await pdm(bins.pdm, project, ['config', '--local', 'pypi.json_api', 'true']);
      await pdm(bins.pdm, project, ['lock']);
      expect(await readFile(join(project, 'pdm.lock'), 'utf8')).toContain('name = "six"');
      // It did ask.
      expect(index.pypi.requests.some(({ url }) => /^\/pypi\/python-dateutil\/.*\/json$/.test(url))).toBe(true);
    } finally {
      await index.close();
    }
  });
});

describe.runIf(requirePart('pip-tools', bins.pipTools || undefined))('pip-compile', { timeout: 120_000 }, () => {
  it('pins with hashes without downloading a wheel', async () => {
    const mirror = await rig.mirror();
    const before = downloads();
    const project = await newProject(rig.directory, NEEDS);
    const args = ['--generate-hashes', '--index-url', mirror.simple, '--output-file', 'requirements.txt'];
    await pipCompile(bins.pipTools, project, [...args, 'pyproject.toml']);
    const pinned = await readFile(join(project, 'requirements.txt'), 'utf8');
    for (const { sha256 } of wheels) expect(pinned).toContain(`--hash=sha256:${sha256}`);
    expect(downloads()).toEqual(before);
  });
});
