import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { digestHex } from '../../src/repository/digests.ts';
import * as bad from '../support/bad-days.ts';
import * as environments from '../support/environments.ts';
import type { FakePypi } from '../support/fake-pypi.ts';
import { requirePart } from '../support/python.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';
import type { RunningVerbatim } from '../support/verbatim.ts';
import { wheels as house, type Wheel } from '../support/wheels.ts';
import { hashedRequirements, newPlace, pipInstall, provedFiles, uv } from './installers.ts';
import { type PypiRig, startPypiRig } from './pypi-rig.ts';

// Installers behind a mirror of PyPI as it is today, and of an index that knows HTML alone.

const { wheels, real } = await house();
requirePart('a registry with real wheels', real);
const bins = {
  today: (await environments.pipOfToday()) ?? '',
  of2023: (await environments.pipOf2023()) ?? '',
  uv: (await environments.uv()) ?? '',
};
const IDNA = oneOf('idna');
const NEEDS = ['python-dateutil', 'idna'];
const files = [...wheels, tinyWheel('mill', '1.0'), tinyWheel('mill', '2.0')];

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
    { timeout: 240_000 },
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

describe.runIf(requirePart('uv', bins.uv || undefined))('a file replaced under its name', { timeout: 240_000 }, () => {
  it('is installed by nobody; its project goes on', async () => {
    const mirror = await html.mirror(['--max-age', '0']);
    const install = async (release: string) => {
      const { target, cache } = await newPlace(html.directory);
      const args = ['pip', 'install', '--default-index', mirror.simple, '--target', target, release];
      await uv(bins.uv, { target, cache }, args);
      return readFile(join(target, 'mill.py'), 'utf8');
    };
    const before = await install('mill==1.0');
    // A pin holds once the bytes were proved and a second whole fetch agreed.
    const whole = () => html.pypi.asked('mill').filter(({ headers }) => headers['if-none-match'] === undefined).length;
    while (whole() < 2) await install('mill==1.0');
    await install('mill==1.0');
    html.pypi.replace('mill', tinyWheel('mill', '1.0', 'replaced'));
    for (const _ of ['while it is refreshed', 'after that'])
      expect([before, undefined]).toContain(await install('mill==1.0').catch(() => undefined));
    expect(await install('mill==2.0')).toContain("'2.0'");
  });
});

describe.runIf(requirePart('pip', bins.today || undefined))('a pip.conf', { timeout: 240_000 }, () => {
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
