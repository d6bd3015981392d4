import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { uv as uvOfToday } from '../support/environments.ts';
import { requirePart } from '../support/python.ts';
import { type Rig, startRig } from '../support/rig.ts';
import { wheels as house } from '../support/wheels.ts';
import { hashedRequirements, lockedUrl, newPlace, provedFiles, uv } from './installers.ts';

const { wheels, real } = await house();
requirePart('a registry with real wheels', real);
const bin = (await uvOfToday()) ?? '';

let rig: Rig;
beforeAll(async () => {
  rig = await startRig({ wheels, claimed: ['idna'], binKind: 'succinct', pageFormat: 'html' });
});
afterAll(() => rig.close());

describe.runIf(requirePart('uv', bin || undefined))('uv', { timeout: 240_000 }, () => {
  it('installs a wheel and what it needs, cold and warm, with one upstream fetch of each file', async () => {
    const mirror = await rig.mirror();
    const cold = await newPlace(rig.directory);
    const args = ['pip', 'install', '--default-index', mirror.simple, 'python-dateutil', 'idna', '--target'];
    await uv(bin, cold, [...args, cold.target]);
    for (const wheel of wheels) expect(await provedFiles(cold.target, wheel)).toBeGreaterThan(0);
    expect(wheels.map(({ filename }) => rig.fetched(filename))).toEqual([1, 1, 1]);

    const asked = rig.upstream.requests.length;
    const warm = await newPlace(rig.directory);
    await uv(bin, warm, [...args, warm.target]);
    for (const wheel of wheels) expect(await provedFiles(warm.target, wheel)).toBeGreaterThan(0);
    expect(rig.upstream.requests.slice(asked).filter(({ url }) => url.startsWith('/targets/'))).toEqual([]);
  });

  it('installs with hashes required, from a mirror that has nothing yet and again', async () => {
    const mirror = await rig.mirror();
    const requirements = join(rig.directory, 'requirements.txt');
    await writeFile(requirements, hashedRequirements(wheels));
    for (const _ of ['cold', 'warm']) {
      const place = await newPlace(rig.directory);
      const args = ['pip', 'install', '--require-hashes', '-r', requirements, '--default-index', mirror.simple];
      await uv(bin, place, [...args, '--target', place.target]);
      for (const wheel of wheels) expect(await provedFiles(place.target, wheel)).toBeGreaterThan(0);
    }
  });

  it('installs from direct file URLs, through a mirror that never saw the page', async () => {
    const mirror = await rig.mirror();
    const place = await newPlace(rig.directory);
    const urls = wheels.map(
      (wheel) => `${wheel.project} @ ${lockedUrl(mirror.simple, rig.index.filePath(wheel))}#sha256=${wheel.sha256}`,
    );
    await uv(bin, place, ['pip', 'install', '--no-index', '--no-deps', '--target', place.target, ...urls]);
    for (const wheel of wheels) expect(await provedFiles(place.target, wheel)).toBeGreaterThan(0);
  });

  it('locks through one mirror, and syncs the frozen lock through a new one at the same address', async () => {
    const first = await rig.mirror();
    const project = join(rig.directory, 'project');
    await mkdir(project);
    await writeFile(
      join(project, 'pyproject.toml'),
      [
        '[project]',
        'name = "reader"',
        'version = "1"',
        'requires-python = ">=3.8"',
        'dependencies = ["python-dateutil", "idna"]',
        '',
      ].join('\n'),
    );
    await uv(bin, await newPlace(rig.directory), ['lock', '--default-index', first.simple, '--project', project]);
    await first.close();

    await rig.mirror(['--port', new URL(first.simple).port]);
    await uv(bin, await newPlace(rig.directory), ['sync', '--frozen', '--project', project]);
    const library = `lib/python${await pythonVersion()}/site-packages`;
    for (const wheel of wheels) expect(await provedFiles(join(project, '.venv', library), wheel)).toBeGreaterThan(0);
    expect(rig.upstream.requests.at(-1)?.url).toMatch(/\.whl$/);
  });

  it('says why it does not install a wheel whose bytes changed upstream', async () => {
    const mirror = await rig.mirror();
    const wheel = wheels.find(({ project }) => project === 'idna');
    if (wheel === undefined) throw new Error('no idna');
    const path = `/targets/${rig.index.filePath(wheel).replace(/([^/]+)$/, `${wheel.sha256}.$1`)}`;
    rig.upstream.fault(path, { kind: 'flip', at: 100 });
    const place = await newPlace(rig.directory);
    const args = ['pip', 'install', '--target', place.target, '--default-index', mirror.simple, 'idna'];
    await expect(uv(bin, place, args)).rejects.toThrow(/Verbatim refused this file: digest mismatch/);
    rig.upstream.heal();
  });

  async function pythonVersion(): Promise<string> {
    const said = await uv(bin, await newPlace(rig.directory), ['python', 'find', '--show-version']);
    return said.trim().split('.').slice(0, 2).join('.');
  }
});
