import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { filePath } from '../../../src/demo/index-pages.ts';
import { bandersnatch, devpi, pipOfToday } from '../../support/environments.ts';
import { clientEnvironment, requirePart } from '../../support/python.ts';
import { wheels as house } from '../../support/wheels.ts';
import { newPlace, pipInstall, provedFiles } from '../installers.ts';
import { type PlainRig, startPlainRig } from '../plain-rig.ts';
import { startDevpi } from './devpi.ts';

const run = promisify(execFile);
const { wheels } = await house();
const pip = (await pipOfToday()) ?? '';
const bins = { devpi: (await devpi()) ?? '', bandersnatch: (await bandersnatch()) ?? '' };

const files = wheels.map((wheel) => ({ ...wheel, uploadTime: '2026-01-01T00:00:00.000001Z' }));

/** devpi takes a page without a media type for HTML; bandersnatch wants what only JSON says. */
let rig: PlainRig;
let json: PlainRig;
beforeAll(async () => {
  [rig, json] = await Promise.all([startPlainRig(files, 'html'), startPlainRig(files)]);
});
afterAll(() => Promise.all([rig.close(), json.close()]));

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
    expect(wheels.every(({ filename }) => rig.fetched(filename) === 1)).toBe(true);
  });

  it('mirrors a devpi-server', async () => {
    const server = await startDevpi(bins.devpi, `${rig.upstream.url}simple/`);
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
    for (const name of ['idna', 'six'])
      json.serve(`pypi/${name}/json`, JSON.stringify({ info: { name }, last_serial: 7, releases: {}, urls: [] }));
    // As PyPI does; bandersnatch believes no document without.
    json.upstream.fault('*', { kind: 'headers', headers: { 'x-pypi-last-serial': '7' } });
    onTestFinished(() => json.upstream.heal());
    const mirror = await json.mirror();
    const { cache: directory } = await newPlace(json.directory);
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
