import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { digestHex } from '../../src/demo/digests.ts';
import * as bad from '../support/bad-days.ts';
import * as environments from '../support/environments.ts';
import type { FakePypi } from '../support/fake-pypi.ts';
import { requirePart } from '../support/python.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';
import type { RunningVerbatim } from '../support/verbatim.ts';
import { wheels as house, type Wheel } from '../support/wheels.ts';
import { hashedRequirements, newPlace, pipInstall, provedFiles, uv } from './installers.ts';
import { newProject, pdm, pipCompile, poetry } from './lockers.ts';
import { type PypiRig, startPypiRig } from './pypi-rig.ts';

// Installers behind a mirror of PyPI as it is today, and of an index that knows HTML alone.

const { wheels, real } = await house();
requirePart('a registry with real wheels', real);
const bins = {
  today: (await environments.pipOfToday()) ?? '',
  of2023: (await environments.pipOf2023()) ?? '',
  uv: (await environments.uv()) ?? '',
  poetry: (await environments.poetry()) ?? '',
  pdm: (await environments.pdm()) ?? '',
  pipTools: (await environments.pipTools()) ?? '',
};
const IDNA = oneOf('idna');
const NEEDS = ['python-dateutil', 'idna'];
const FIRST = { ...tinyWheel('mill', '1.0'), uploadTime: '2026-02-01T00:00:00Z' };
const SECOND = { ...tinyWheel('mill', '2.0'), uploadTime: '2026-06-01T00:00:00Z' };
const files = [...wheels.map((wheel) => ({ ...wheel, uploadTime: '2026-01-01T00:00:00.000001Z' })), FIRST, SECOND];

let json: PypiRig;
let html: PypiRig;
beforeAll(async () => {
  [json, html] = await Promise.all([startPypiRig(files), startPypiRig(files, { plainHtml: true })]);
});
afterAll(() => Promise.all([json.close(), html.close()]));
afterEach(() => json.pypi.heal());

/** Every file of the three real wheels lies there as its wheel says. */
async function expectInstalled(target: string): Promise<void> {
  for (const wheel of wheels) expect(await provedFiles(target, wheel), wheel.filename).toBeGreaterThan(0);
}

function oneOf(project: string): Wheel {
  const wheel = wheels.find((each) => each.project === project);
  if (wheel === undefined) throw new Error(`no ${project}`);
  return wheel;
}

/** Every wheel was downloaded so often since. */
const downloads = (rig: PypiRig) => wheels.map((wheel) => rig.fetched(wheel));

async function sitePackages(project: string): Promise<string> {
  const version = (await uv(bins.uv, await newPlace(json.directory), ['python', 'find', '--show-version'])).trim();
  return join(project, `.venv/lib/python${version.split('.').slice(0, 2).join('.')}/site-packages`);
}

/** A file that an attacker would have installed under the name and place of a true one. */
const EVIL = { ...tinyWheel('idna', '3.10', 'evil'), filename: IDNA.filename };

const badDays: readonly (readonly [string, (pypi: FakePypi) => void])[] = [
  ['502 for a page, twice', (pypi) => pypi.page('python-dateutil', bad.badGateway, 2)],
  ['a page cut short', (pypi) => pypi.page('python-dateutil', bad.cut(100, 'close'), 1)],
  ['502 for a file', (pypi) => pypi.files.fault(pypi.storedAt(IDNA), { kind: 'status', status: 502 }, 1)],
  ['a wrong byte from one edge', (pypi) => pypi.files.fault(pypi.storedAt(IDNA), { kind: 'flip', at: 1000 }, 1)],
  ['a file cut short', (pypi) => pypi.files.fault(pypi.storedAt(IDNA), { kind: 'truncate', at: 50_000 }, 1)],
  ['core metadata under gzip', gzipMetadata],
];

/** As PyPI's file host does now and then. */
function gzipMetadata(pypi: FakePypi): void {
  const path = `${pypi.storedAt(IDNA)}.metadata`;
  pypi.files.fault(path, { kind: 'replace', bytes: gzipSync(IDNA.coreMetadata ?? '') }, 1);
}

const attacks: readonly (readonly [string, bad.Send])[] = [
  ['an emptied page', bad.emptied],
  ['a stale page with a lower serial', bad.withSerial(1)],
  [
    'a forged page that keeps the true ETag',
    bad.rewritten((page) => ({
      ...page,
      files: page.files.map((line) => ({ ...line, hashes: { sha256: digestHex('sha256', EVIL.bytes) } })),
    })),
  ],
];

const installers = [
  {
    name: 'pip of today',
    bin: bins.today,
    install: async (mirror: RunningVerbatim, target: string, args: readonly string[]) => {
      const place = { ...(await newPlace(json.directory)), target };
      await pipInstall(bins.today, place, ['--index-url', mirror.simple, ...args]);
    },
  },
  {
    name: 'pip 23.2.1',
    bin: bins.of2023,
    install: async (mirror: RunningVerbatim, target: string, args: readonly string[]) => {
      const place = { ...(await newPlace(json.directory)), target };
      await pipInstall(bins.of2023, place, ['--index-url', mirror.simple, ...args]);
    },
  },
  {
    name: 'uv',
    bin: bins.uv,
    install: async (mirror: RunningVerbatim, target: string, args: readonly string[]) => {
      const all = ['pip', 'install', '--default-index', mirror.simple, '--target', target, ...args];
      await uv(bins.uv, await newPlace(json.directory), all);
    },
  },
] as const;

for (const { name, bin, install } of installers) {
  // It takes a page cut short for a whole one; in all else it is as good as today's.
  const old = bin === bins.of2023;
  describe.runIf(requirePart(name, bin || undefined))(
    `${name}, an index that signs nothing`,
    { timeout: 60_000 },
    () => {
      const target = async () => (await newPlace(json.directory)).target;

      it('installs cold and warm, and asks upstream once for each page and file', async () => {
        const mirror = await json.mirror();
        const before = downloads(json);
        const cold = await target();
        await install(mirror, cold, NEEDS);
        await expectInstalled(cold);
        expect(downloads(json).map((count, at) => count - (before[at] ?? 0))).toEqual([1, 1, 1]);

        const asked = json.asked();
        const warm = await target();
        await install(mirror, warm, NEEDS);
        await expectInstalled(warm);
        expect(json.asked()).toBe(asked);
      });

      it('installs from an index that knows HTML alone, with hashes required', async () => {
        const mirror = await html.mirror();
        const requirements = join(html.directory, `${name}.txt`);
        await writeFile(requirements, hashedRequirements(wheels));
        const here = await target();
        await install(mirror, here, ['--require-hashes', '-r', requirements]);
        await expectInstalled(here);
      });

      it.each(old ? badDays.filter(([name]) => name === 'a page cut short') : badDays)(
        'notices nothing of %s',
        async (_, trouble) => {
          const mirror = await json.mirror();
          trouble(json.pypi);
          const here = await target();
          await install(mirror, here, NEEDS);
          await expectInstalled(here);
        },
      );

      it.each(old ? [] : attacks)('installs what was seen first through %s', async (_, attack) => {
        // Every request looks at upstream again: one before that waits for nobody, one for what it brought.
        const mirror = await json.mirror(['--max-age', '0']);
        await install(mirror, await target(), NEEDS);
        json.pypi.page('idna', attack, 1);
        for (const _ of ['while it is refreshed', 'after that']) {
          const here = await target();
          await install(mirror, here, NEEDS);
          await expectInstalled(here);
        }
      });
    },
  );
}

describe.runIf(requirePart('uv', bins.uv || undefined))('uv, locking', { timeout: 60_000 }, () => {
  it('keeps to upload times: exclude-newer locks the release of that day, and the lock keeps the time', async () => {
    const mirror = await json.mirror();
    const project = await newProject(json.directory, ['mill']);
    const args = ['lock', '--project', project, '--default-index', mirror.simple];
    await uv(bins.uv, await newPlace(json.directory), [...args, '--exclude-newer', '2026-03-01T00:00:00Z']);
    const lock = await readFile(join(project, 'uv.lock'), 'utf8');
    expect(lock).toContain(FIRST.filename);
    expect(lock).not.toContain(SECOND.filename);
    expect(lock).toMatch(/upload-time = "2026-02-01T00:00:00/);
    expect(lock).toContain(`size = ${FIRST.bytes.byteLength}`);
  });

  it('syncs a frozen lock through a mirror at the same address that holds nothing', async () => {
    const first = await json.mirror();
    const project = await newProject(json.directory, NEEDS);
    const place = await newPlace(json.directory);
    await uv(bins.uv, place, ['lock', '--project', project, '--default-index', first.simple]);
    await first.close();
    await json.mirror(['--port', new URL(first.simple).port]);
    await uv(bins.uv, await newPlace(json.directory), ['sync', '--frozen', '--project', project]);
    await expectInstalled(await sitePackages(project));
  });
});

describe.runIf(requirePart('Poetry', bins.poetry || undefined))('Poetry', { timeout: 120_000 }, () => {
  it('locks through the mirror without downloading a wheel, and installs from the lock', async () => {
    const mirror = await json.mirror();
    const before = downloads(json);
    const source = `[tool.poetry]\npackage-mode = false\n[[tool.poetry.source]]\nname = "mirror"\nurl = "${mirror.simple}"`;
    const project = await newProject(json.directory, NEEDS, source);
    await poetry(bins.poetry, project, ['lock']);
    expect(downloads(json)).toEqual(before);
    const lock = await readFile(join(project, 'poetry.lock'), 'utf8');
    for (const { sha256 } of wheels) expect(lock).toContain(`sha256:${sha256}`);
    await poetry(bins.poetry, project, ['install']);
    await expectInstalled(await sitePackages(project));
  });
});

describe.runIf(requirePart('PDM', bins.pdm || undefined))('PDM', { timeout: 120_000 }, () => {
  it('locks through the mirror without downloading a wheel, and installs from the lock', async () => {
    const mirror = await json.mirror();
    const before = downloads(json);
    const source = `[tool.pdm]\ndistribution = false\n[[tool.pdm.source]]\nname = "pypi"\nurl = "${mirror.simple}"`;
    const project = await newProject(json.directory, NEEDS, source);
    await pdm(bins.pdm, project, ['venv', 'create', '--with', 'venv']);
    await pdm(bins.pdm, project, ['use', '-f', '.venv']);
    await pdm(bins.pdm, project, ['lock']);
    expect(downloads(json)).toEqual(before);
    const lock = await readFile(join(project, 'pdm.lock'), 'utf8');
    for (const { sha256 } of wheels) expect(lock).toContain(`sha256:${sha256}`);
    await pdm(bins.pdm, project, ['sync', '--no-self']);
    await expectInstalled(await sitePackages(project));
  });
});

describe.runIf(requirePart('pip-tools', bins.pipTools || undefined))('pip-compile', { timeout: 120_000 }, () => {
  it('pins with hashes without downloading a wheel', async () => {
    const mirror = await json.mirror();
    const before = downloads(json);
    const project = await newProject(json.directory, NEEDS);
    const args = ['--generate-hashes', '--index-url', mirror.simple, '--output-file', 'requirements.txt'];
    await pipCompile(bins.pipTools, project, [...args, 'pyproject.toml']);
    const pinned = await readFile(join(project, 'requirements.txt'), 'utf8');
    for (const { sha256 } of wheels) expect(pinned).toContain(`--hash=sha256:${sha256}`);
    expect(downloads(json)).toEqual(before);
  });
});

describe.runIf(requirePart('uv', bins.uv || undefined))('a file replaced under its name', { timeout: 60_000 }, () => {
  it('is installed by nobody; its project goes on', async () => {
    const mirror = await html.mirror(['--max-age', '0']);
    const install = async (release: string) => {
      const { target, cache } = await newPlace(html.directory);
      const args = ['pip', 'install', '--default-index', mirror.simple, '--target', target, release];
      await uv(bins.uv, { target, cache }, args);
      return readFile(join(target, 'mill.py'), 'utf8');
    };
    const before = await install('mill==1.0');
    // A pin holds once a second fetch agreed.
    await install('mill==1.0');
    await html.pypi.index.reached('/simple/mill/', 2);
    html.pypi.replace('mill', tinyWheel('mill', '1.0', 'replaced'));
    for (const _ of ['while it is refreshed', 'after that'])
      expect([before, undefined]).toContain(await install('mill==1.0').catch(() => undefined));
    expect(await install('mill==2.0')).toContain("'2.0'");
  });
});

describe.runIf(requirePart('pip', bins.today || undefined))('a pip.conf', { timeout: 60_000 }, () => {
  it.each(['root/pypi/+simple/', 'root/pypi/simple/', 'main/simple/'])('written for %s keeps working', async (path) => {
    const mirror = await json.mirror();
    const place = await newPlace(json.directory);
    await mkdir(place.cache);
    const conf = join(place.cache, 'pip.conf');
    await writeFile(conf, `[global]\nindex-url = ${new URL(`../${path}`, mirror.simple).href}\n`);
    await pipInstall(bins.today, place, NEEDS, { PIP_CONFIG_FILE: conf });
    await expectInstalled(place.target);
  });
});
