import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { behindTheGap } from '../support/behind-the-gap.ts';
import { pipOfToday, poetry as poetryOfToday, uv as uvOfToday } from '../support/environments.ts';
import { requirePart } from '../support/python.ts';
import { type Rig, startRig } from '../support/rig.ts';
import type { RunningVerbatim } from '../support/verbatim.ts';
import { verbatim } from '../support/verbatim.ts';
import { wheels as house } from '../support/wheels.ts';
import { hashedRequirements, newPlace, pipInstall, provedFiles, uv } from './installers.ts';
import { newProject, poetry, poetryCommand } from './lockers.ts';

// Real wheels from one mirror to another, between which nothing but a file goes: the second one has no network.

const { wheels, real } = await house();
requirePart('a registry with real wheels', real);
const [pip, uvBin, poetryBin] = await Promise.all([pipOfToday(), uvOfToday(), poetryOfToday()]);
/** The same inside and outside, so that a lock made on one side holds on the other. */
const PORT = '34177';

let rig: Rig;
let outside: RunningVerbatim;
beforeAll(async () => {
  rig = await startRig({ wheels, claimed: ['six'] });
  outside = await rig.mirror(['--port', PORT]);
});
afterAll(() => rig.close());

/** What is held outside is exported, and taken in by a mirror that has another copy of the root, the public key, and no address at all. Returns its configuration. */
async function carried(name: string): Promise<string> {
  const { directory, root, upstream } = rig;
  const [key, bundle, config] = ['key', 'tar', 'yaml'].map((kind) => join(directory, `${name}.${kind}`)) as [
    string,
    string,
    string,
  ];
  expect((await verbatim('keygen', key)).code).toBe(0);
  const flags = ['--upstream', upstream.url, '--root', root, '--layout', 'pep458'];
  const where = ['--pages-url', `${upstream.url}targets/`, '--files-url', `${upstream.url}targets/`];
  const exported = await verbatim('export', bundle, '--key', key, '--data', outside.data, ...flags, ...where);
  expect([exported.code, exported.stderr]).toEqual([0, '']);
  await writeFile(
    config,
    `data: ${name}-inside\nindexes:\n  main:\n    root: ${root}\n    import:\n      keys: [{ name: outside, ed25519_file: ${name}.key.pub }]\n`,
  );
  const imported = await verbatim('import', bundle, '--config', config);
  expect([imported.code, imported.stderr]).toEqual([0, '']);
  return config;
}

describe.runIf(requirePart('pip and uv', pip !== undefined && uvBin !== undefined ? true : undefined))(
  'a signed index, carried across a gap',
  { timeout: 240_000 },
  () => {
    it('installs there by pip with hashes required, and by uv from a lock that was made outside', async () => {
      const { directory } = rig;
      const requirements = join(directory, 'requirements.txt');
      await writeFile(requirements, hashedRequirements(wheels));
      const project = join(directory, 'project');
      await mkdir(project);
      await writeFile(
        join(project, 'pyproject.toml'),
        '[project]\nname = "carried"\nversion = "1"\nrequires-python = ">=3.9"\ndependencies = ["python-dateutil", "idna"]\n',
      );
      // Outside: what is asked for is held, and is exported.
      const first = await newPlace(directory);
      await pipInstall(pip ?? '', first, ['--index-url', outside.simple, '--require-hashes', '-r', requirements]);
      await uv(uvBin ?? '', first, ['lock', '--project', project, '--default-index', outside.simple]);
      const config = await carried('bundle');
      const place = await newPlace(directory);
      const python = join(pip ?? '', 'python');
      const [byPip, byUv, bySocket] = await behindTheGap({
        config,
        port: PORT,
        cwd: directory,
        commands: [
          [
            python,
            '-m',
            'pip',
            'install',
            '--no-input',
            '--no-compile',
            '--no-cache-dir',
            '--target',
            place.target,
          ].concat(['--index-url', 'SIMPLE', '--require-hashes', '-r', requirements]),
          [join(uvBin ?? '', 'uv'), 'sync', '--frozen', '--project', project, '--python', join(uvBin ?? '', 'python')],
          [python, '-c', 'import socket; socket.create_connection(("192.0.2.1", 80), 1)'],
        ],
      });
      expect(byPip).toEqual([0, expect.stringContaining('Successfully installed')]);
      for (const wheel of wheels) expect(await provedFiles(place.target, wheel)).toBeGreaterThan(0);
      expect(byUv?.[0], byUv?.[1]).toBe(0);
      // There is no way out: what was installed came from the bundle.
      expect(bySocket?.[1]).toContain('unreachable');
    });
  },
);

describe.runIf(requirePart('Poetry', poetryBin))('a lock of Poetry that was made outside', { timeout: 480_000 }, () => {
  it('is installed behind the gap unchanged, from what was carried across', async () => {
    const { directory } = rig;
    const source = `[tool.poetry]\npackage-mode = false\n[[tool.poetry.source]]\nname = "house"\nurl = "${outside.simple}"`;
    const project = await newProject(directory, ['python-dateutil', 'idna'], source);
    await poetry(poetryBin ?? '', project, ['lock']);
    // What it names is held outside once it was installed there.
    await poetry(poetryBin ?? '', project, ['install']);
    await rm(join(project, '.venv'), { recursive: true });
    await rm(`${project}-own`, { recursive: true });
    const lock = await readFile(join(project, 'poetry.lock'), 'utf8');
    const config = await carried('poetry');
    const commands = [await poetryCommand(poetryBin ?? '', project, ['install'])];
    const [installed] = await behindTheGap({ config, port: PORT, cwd: directory, commands });
    expect(installed?.[0], installed?.[1]).toBe(0);
    const library = join(project, '.venv', 'lib');
    const [python = ''] = (await readdir(library)).filter((name) => name.startsWith('python'));
    for (const wheel of wheels.filter(({ project: name }) => ['python-dateutil', 'six', 'idna'].includes(name)))
      expect(await provedFiles(join(library, python, 'site-packages'), wheel)).toBeGreaterThan(0);
    expect(await readFile(join(project, 'poetry.lock'), 'utf8')).toBe(lock);
  });
});
