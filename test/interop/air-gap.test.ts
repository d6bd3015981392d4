import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { behindTheGap } from '../support/behind-the-gap.ts';
import { pipOfToday, uv as uvOfToday } from '../support/environments.ts';
import { requirePart } from '../support/python.ts';
import { type Rig, startRig } from '../support/rig.ts';
import type { RunningVerbatim } from '../support/verbatim.ts';
import { verbatim } from '../support/verbatim.ts';
import { wheels as house } from '../support/wheels.ts';
import { hashedRequirements, newPlace, pipInstall, provedFiles, uv } from './installers.ts';

// Real wheels from one mirror to another, between which nothing but a file goes: the second one has no network.

const { wheels, real } = await house();
requirePart('a registry with real wheels', real);
const [pip, uvBin] = await Promise.all([pipOfToday(), uvOfToday()]);
/** The same inside and outside, so that a lock made on one side holds on the other. */
const PORT = '34177';

let rig: Rig;
let outside: RunningVerbatim;
beforeAll(async () => {
  rig = await startRig({ wheels, claimed: ['six'] });
  outside = await rig.mirror(['--port', PORT]);
});
afterAll(() => rig.close());

describe.runIf(requirePart('pip and uv', pip !== undefined && uvBin !== undefined ? true : undefined))(
  'a signed index, carried across a gap',
  { timeout: 240_000 },
  () => {
    it('installs there by pip with hashes required, and by uv from a lock that was made outside', async () => {
      const { directory, root } = rig;
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
      const key = join(directory, 'outside.key');
      expect((await verbatim('keygen', key)).code).toBe(0);
      const bundle = join(directory, 'bundle.tar');
      const flags = ['--upstream', rig.upstream.url, '--root', root, '--layout', 'pep458'];
      const where = ['--pages-url', `${rig.upstream.url}targets/`, '--files-url', `${rig.upstream.url}targets/`];
      const exported = await verbatim('export', bundle, '--key', key, '--data', outside.data, ...flags, ...where);
      expect([exported.code, exported.stderr]).toEqual([0, '']);
      // Inside: another pinned copy of the root, the public key, and no address at all.
      const config = join(directory, 'inside.yaml');
      await writeFile(
        config,
        `data: inside\nindexes:\n  main:\n    root: ${root}\n    import:\n      keys: [{ name: outside, ed25519_file: outside.key.pub }]\n`,
      );
      const imported = await verbatim('import', bundle, '--config', config);
      expect([imported.code, imported.stderr]).toEqual([0, '']);
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
