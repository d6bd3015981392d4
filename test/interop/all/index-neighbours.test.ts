import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { filePath } from '../../../src/repository/index-pages.ts';
import { bandersnatch, indexServers, pipOfToday } from '../../support/environments.ts';
import { clientEnvironment, requirePart } from '../../support/python.ts';
import { tinyWheel } from '../../support/tiny-wheel.ts';
import { wheels as house } from '../../support/wheels.ts';
import { startDevpi } from '../devpi.ts';
import { newPlace, pipInstall, provedFiles } from '../installers.ts';
import { type PypiRig, startPypiRig } from '../pypi-rig.ts';

const run = promisify(execFile);
const { wheels } = await house();
const pip = (await pipOfToday()) ?? '';
const bins = { devpi: (await indexServers()) ?? '', bandersnatch: (await bandersnatch()) ?? '' };

const FIRST = tinyWheel('mill', '1.0');
const SECOND = tinyWheel('mill', '2.0');
const files = wheels.map((wheel) => ({ ...wheel, uploadTime: '2026-01-01T00:00:00.000001Z' }));

let rig: PypiRig;
beforeAll(async () => {
  rig = await startPypiRig([...files, FIRST]);
});
afterAll(() => rig.close());

async function expectInstallable(simple: string): Promise<void> {
  const place = await newPlace(rig.directory);
  await pipInstall(pip, place, ['--index-url', simple, 'python-dateutil', 'idna']);
  for (const wheel of wheels) expect(await provedFiles(place.target, wheel), wheel.filename).toBeGreaterThan(0);
}

describe.runIf(requirePart('devpi-server', bins.devpi || undefined))('together with devpi', () => {
  it('is the mirror_url of a devpi-server', async () => {
    const mirror = await rig.mirror();
    const server = await startDevpi(bins.devpi, mirror.simple);
    onTestFinished(server.close);
    await expectInstallable(server.simple);
    expect(wheels.every((wheel) => rig.fetched(wheel) === 1)).toBe(true);
  });

  it('takes the place of the index that a devpi-server has mirrored so far', async () => {
    // devpi takes no page with a lower serial than it has seen.
    const server = await startDevpi(bins.devpi, `${rig.pypi.url}simple/`);
    onTestFinished(server.close);
    const install = async (release: string) =>
      pipInstall(pip, await newPlace(rig.directory), ['--index-url', server.simple, release]);
    await install('mill==1.0');
    const mirror = await rig.mirror(['--log-level', 'debug']);
    await server.turnTo(mirror.simple);
    rig.pypi.upload('mill', SECOND);
    await install('mill==2.0');
    expect(mirror.log()).toContain('GET /simple/mill/ 200');
  });

  it('mirrors a devpi-server', async () => {
    const server = await startDevpi(bins.devpi, `${rig.pypi.url}simple/`);
    onTestFinished(server.close);
    const mirror = await rig.mirror(['--upstream', server.simple]);
    await expectInstallable(mirror.simple);
    // As pip.conf says it that was written for the devpi-server.
    await expectInstallable(new URL('../root/pypi/+simple/', mirror.simple).href);
    await server.close();
    await expectInstallable(mirror.simple);
  });
});

describe.runIf(requirePart('bandersnatch', bins.bandersnatch || undefined))('together with bandersnatch', () => {
  it('has its projects mirrored one by one', async () => {
    const mirror = await rig.mirror();
    const { cache: directory } = await newPlace(rig.directory);
    const conf = `${directory}.conf`;
    const master = new URL('..', mirror.simple).href.replace(/\/$/, '');
    const lines = [
      '[mirror]',
      `directory = ${directory}`,
      `master = ${master}`,
      'allow-non-https = true',
      'json = true',
    ];
    await writeFile(conf, [...lines, ''].join('\n'));
    await run(join(bins.bandersnatch, 'bandersnatch'), ['--config', conf, 'sync', 'idna', 'six'], {
      env: clientEnvironment(),
    });
    for (const wheel of wheels.filter(({ project }) => ['idna', 'six'].includes(project))) {
      const held = await readFile(join(directory, 'web', filePath(wheel)));
      expect(held.equals(wheel.bytes), wheel.filename).toBe(true);
      expect(await readFile(join(directory, 'web', 'simple', wheel.project, 'index.html'), 'utf8')).toContain(
        wheel.sha256,
      );
    }
  });
});
