import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pipOf2023, pipOfToday, uv as uvOfToday } from '../support/environments.ts';
import { requirePart } from '../support/python.ts';
import { type Rig, startRig } from '../support/rig.ts';
import { wheels as house } from '../support/wheels.ts';
import { newPlace, pipInstall, provedFiles, uv } from './installers.ts';

const SECONDS = 40;

const { wheels, real } = await house();
requirePart('a registry with real wheels', real);
const [today, of2023, uvBin] = await Promise.all([pipOfToday(), pipOf2023(), uvOfToday()]);
const present = [requirePart('pip', today), requirePart('pip 23.2.1', of2023), requirePart('uv', uvBin)];

let rig: Rig;
beforeAll(async () => {
  rig = await startRig({ wheels });
});
afterAll(() => rig.close());

describe.runIf(present.every(Boolean))(`a file that upstream takes ${SECONDS} seconds to send`, () => {
  it('arrives in pip of today and of 2023 without a retry, in uv within its four tries, from one upstream GET', {
    timeout: 120_000,
  }, async () => {
    const wheel = wheels.find(({ project }) => project === 'idna');
    if (wheel === undefined) throw new Error('no idna');
    const path = `/targets/${rig.index.filePath(wheel).replace(/([^/]+)$/, `${wheel.sha256}.$1`)}`;
    rig.upstream.fault(path, { kind: 'throttle', bytesPerSecond: wheel.bytes.byteLength / SECONDS });
    const mirror = await rig.mirror();
    const start = performance.now();
    const places = await Promise.all([today, of2023, uvBin].map(() => newPlace(rig.directory)));
    const [forToday, for2023, forUv] = places;
    if (forToday === undefined || for2023 === undefined || forUv === undefined) throw new Error('no place');
    // With `--retries 0` a read timeout of pip's is the end of it.
    const args = ['--retries', '0', '--index-url', mirror.simple, 'idna'];
    await Promise.all([
      pipInstall(today ?? '', forToday, args),
      pipInstall(of2023 ?? '', for2023, args),
      uv(uvBin ?? '', forUv, ['pip', 'install', '--target', forUv.target, '--default-index', mirror.simple, 'idna']),
    ]);
    expect(performance.now() - start).toBeGreaterThan((SECONDS - 2) * 1000);
    for (const place of places) expect(await provedFiles(place.target, wheel)).toBeGreaterThan(0);
    expect(rig.upstream.asked(path).map(({ method }) => method)).toEqual(['GET']);
  });
});
