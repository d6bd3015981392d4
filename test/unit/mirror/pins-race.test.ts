import { join } from 'node:path';
import { expect, test } from 'vitest';
import { holdToPins } from '../../../src/mirror/pins.ts';
import type { Pins } from '../../../src/mirror/ports.ts';
import { decodePage } from '../../../src/pypi/decode.ts';
import { relink } from '../../../src/pypi/relink.ts';
import { createPins } from '../../../src/store/pins.ts';
import { openVolume } from '../../../src/store/volume.ts';
import { scratch } from '../store/harness.ts';

const FILE = 'demo-1.0.zip';
const sha256 = (letter: string) => letter.repeat(64);

function listing(letter: string) {
  const files = [{ filename: FILE, url: `https://files.example/${FILE}`, hashes: { sha256: sha256(letter) } }];
  const page = JSON.stringify({ meta: { 'api-version': '1.0' }, name: 'demo', files });
  return relink(decodePage(Buffer.from(page), 'demo'), { pageUrl: 'https://files.example/simple/demo/' });
}

test('a file that another process pins with other bytes at the same moment is withheld here', async () => {
  const data = join(await scratch(), 'data');
  const [mine, theirs] = [createPins(await openVolume(data), 'main'), createPins(await openVolume(data), 'main')];
  let looked = false;
  const pins: Pins = {
    ...mine,
    async of(project) {
      const found = await mine.of(project);
      if (!looked)
        await theirs.add(project, new Map([[FILE, { digests: new Map([['sha256', sha256('a')]]), seen: 1 }]]));
      looked = true;
      return found;
    },
  };
  const held = await holdToPins(pins, listing('b'), 2);
  expect([...held.listing.files.keys()]).toEqual([]);
  expect(held.withheld.get(FILE)?.reason).toBe('changed');
});
