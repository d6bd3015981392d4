import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { pipOf2023, pipOfToday } from '../support/environments.ts';
import { requirePart } from '../support/python.ts';
import { type Rig, startRig } from '../support/rig.ts';
import { wheels as house } from '../support/wheels.ts';
import { hashedRequirements, lockedUrl, newPlace, pipInstall, provedFiles } from './installers.ts';

const { wheels, real } = await house();
requirePart('a registry with real wheels', real);
const [today, of2023] = await Promise.all([pipOfToday(), pipOf2023()]);

let rig: Rig;
beforeAll(async () => {
  rig = await startRig({ wheels, claimed: ['six'] });
});
afterAll(() => rig.close());

const pips = [
  { name: 'today', bin: today },
  { name: '23.2.1', bin: of2023 },
];

for (const { name, bin = '' } of pips) {
  describe.runIf(requirePart(`pip ${name}`, bin || undefined))(`pip ${name}`, { timeout: 240_000 }, () => {
    it('installs a wheel and what it needs, cold and warm, with one upstream fetch of each file', async () => {
      const mirror = await rig.mirror();
      const before = wheels.map(({ filename }) => rig.fetched(filename));
      const cold = await newPlace(rig.directory);
      await pipInstall(bin, cold, ['--index-url', mirror.simple, 'python-dateutil', 'idna']);
      for (const wheel of wheels) expect(await provedFiles(cold.target, wheel)).toBeGreaterThan(0);
      expect(wheels.map(({ filename }, i) => rig.fetched(filename) - (before[i] ?? 0))).toEqual([1, 1, 1]);

      const asked = rig.upstream.requests.length;
      const warm = await newPlace(rig.directory);
      await pipInstall(bin, warm, ['--index-url', mirror.simple, 'python-dateutil', 'idna']);
      for (const wheel of wheels) expect(await provedFiles(warm.target, wheel)).toBeGreaterThan(0);
      expect(rig.upstream.requests.slice(asked).filter(({ url }) => url.startsWith('/targets/'))).toEqual([]);
    });

    it('installs with hashes required, from a mirror that has nothing yet and again', async () => {
      const mirror = await rig.mirror();
      for (const _ of ['cold', 'warm']) {
        const place = await newPlace(rig.directory);
        const requirements = join(rig.directory, `${name}.txt`);
        await writeFile(requirements, hashedRequirements(wheels));
        await pipInstall(bin, place, ['--index-url', mirror.simple, '--require-hashes', '-r', requirements]);
        for (const wheel of wheels) expect(await provedFiles(place.target, wheel)).toBeGreaterThan(0);
      }
    });

    it('installs from direct file URLs that a lock file kept, through a mirror that never saw the page', async () => {
      const mirror = await rig.mirror();
      const place = await newPlace(rig.directory);
      const urls = wheels.map(
        (wheel) => `${lockedUrl(mirror.simple, rig.index.filePath(wheel))}#sha256=${wheel.sha256}`,
      );
      await pipInstall(bin, place, ['--no-index', '--no-deps', ...urls]);
      for (const wheel of wheels) expect(await provedFiles(place.target, wheel)).toBeGreaterThan(0);
    });

    it('says why it does not install a wheel whose bytes changed upstream, and installs it once upstream is well', async () => {
      const mirror = await rig.mirror();
      const wheel = wheels.find(({ project }) => project === 'idna');
      if (wheel === undefined) throw new Error('no idna');
      const path = `/targets/${rig.index.filePath(wheel).replace(/([^/]+)$/, `${wheel.sha256}.$1`)}`;
      rig.upstream.fault(path, { kind: 'flip', at: 100 });
      onTestFinished(() => rig.upstream.heal());
      const args = ['--index-url', mirror.simple, 'idna'];
      await expect(pipInstall(bin, await newPlace(rig.directory), args)).rejects.toThrow(
        /Verbatim refused this file: digest mismatch/,
      );
      rig.upstream.heal();
      // The mirror asks for a file that was just refused again after a short while.
      const url = lockedUrl(mirror.simple, rig.index.filePath(wheel));
      await expect.poll(async () => (await fetch(url)).status, { interval: 200 }).toBe(200);
      const place = await newPlace(rig.directory);
      await pipInstall(bin, place, ['--index-url', mirror.simple, 'idna']);
      expect(await provedFiles(place.target, wheel)).toBeGreaterThan(0);
    });
  });
}
