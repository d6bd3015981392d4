import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as environments from '../support/environments.ts';
import { requirePart } from '../support/python.ts';
import type { RunningVerbatim } from '../support/verbatim.ts';
import { wheels as house } from '../support/wheels.ts';
import { hashedRequirements, newPlace, pipInstall, provedFiles, uv } from './installers.ts';
import { newProject } from './lockers.ts';
import { type PypiRig, startPypiRig } from './pypi-rig.ts';

// Installers behind a mirror of an index that states no usable digest: MD5 alone, or none.

const { wheels, real } = await house();
requirePart('a registry with real wheels', real);
const bins = { pip: (await environments.pipOfToday()) ?? '', uv: (await environments.uv()) ?? '' };
const NEEDS = ['python-dateutil', 'idna'];

let rig: PypiRig;
beforeAll(async () => {
  rig = await startPypiRig(wheels);
  for (const [at, { project, filename, bytes }] of wheels.entries())
    rig.pypi.edit(project, filename, {
      hashes: at === 0 ? {} : { md5: createHash('md5').update(bytes).digest('hex') },
    });
});
afterAll(() => rig.close());

async function expectInstalled(target: string): Promise<void> {
  for (const wheel of wheels) expect(await provedFiles(target, wheel), wheel.filename).toBeGreaterThan(0);
}

/** Until every page carries the digests of what was seen. */
async function shown(mirror: RunningVerbatim): Promise<void> {
  for (const { project, sha256 } of wheels)
    for (;;) {
      const page = await fetch(`${mirror.simple}${project}/`, {
        headers: { accept: 'application/vnd.pypi.simple.v1+json' },
      });
      if ((await page.text()).includes(sha256)) break;
      await sleep(200);
    }
}

describe.runIf(requirePart('pip of today', bins.pip || undefined))('pip', { timeout: 240_000 }, () => {
  it('installs, with a file of hashes as well before anything was seen, and with the hashes of the page later', async () => {
    const mirror = await rig.mirror();
    const requirements = join(rig.directory, 'requirements.txt');
    await writeFile(requirements, hashedRequirements(wheels));
    const hashed = ['--index-url', mirror.simple, '--require-hashes', '-r', requirements];
    for (const args of [hashed, ['--index-url', mirror.simple, ...NEEDS], hashed]) {
      const place = await newPlace(rig.directory);
      await pipInstall(bins.pip, place, args);
      await expectInstalled(place.target);
    }
    await shown(mirror);
    const place = await newPlace(rig.directory);
    await pipInstall(bins.pip, place, hashed);
    await expectInstalled(place.target);
  });
});

describe.runIf(requirePart('uv', bins.uv || undefined))('uv', { timeout: 240_000 }, () => {
  it('a lock made before the files were seen holds afterwards, and one made then has their hashes', async () => {
    const mirror = await rig.mirror();
    const early = await newProject(rig.directory, NEEDS);
    const lock = (project: string) => ['lock', '--project', project, '--default-index', mirror.simple];
    await uv(bins.uv, await newPlace(rig.directory), lock(early));
    const install = async () => {
      const place = await newPlace(rig.directory);
      await uv(bins.uv, place, [
        'pip',
        'install',
        '--default-index',
        mirror.simple,
        '--target',
        place.target,
        ...NEEDS,
      ]);
      await expectInstalled(place.target);
    };
    await install();
    await shown(mirror);
    await install();
    await uv(bins.uv, await newPlace(rig.directory), ['sync', '--frozen', '--project', early]);
    const late = await newProject(rig.directory, NEEDS);
    await uv(bins.uv, await newPlace(rig.directory), lock(late));
    const text = await readFile(join(late, 'uv.lock'), 'utf8');
    for (const { sha256 } of wheels) expect(text).toContain(`sha256:${sha256}`);
    await uv(bins.uv, await newPlace(rig.directory), ['sync', '--frozen', '--project', late]);
  });
});
