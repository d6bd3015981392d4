import { expect, it } from 'vitest';
import { noEvents } from '../../../src/app/no-events.ts';
import { Refusal } from '../../../src/bytes/refusal.ts';
import { ProjectPins } from '../../../src/mirror/projects/pins.ts';
import { createReports } from '../../../src/mirror/projects/reports.ts';
import type { Pins } from '../../../src/ports/index-state.ts';
import { decodePage } from '../../../src/pypi/decode.ts';
import type { Listing } from '../../../src/pypi/listing.ts';
import { relink } from '../../../src/pypi/relink.ts';
import { createIndexState } from '../../../src/state/index-state.ts';
import { createPins } from '../../../src/state/pins.ts';
import { createMemoryState, type MemoryState } from '../../support/memory-state.ts';

const FILE = 'demo-1.0.zip';
const sha256 = (letter: string) => letter.repeat(64);

function pinsIn(memory: MemoryState): Pins {
  return createPins(createIndexState({ storage: memory.party(), index: 'main' }));
}

function listing(letter: string, ...more: readonly string[]) {
  const hashes = { sha256: sha256(letter) };
  const files = [FILE, ...more].map((filename) => ({ filename, url: `https://files.example/${filename}`, hashes }));
  const page = JSON.stringify({ meta: { 'api-version': '1.0' }, name: 'demo', files });
  return relink(decodePage(Buffer.from(page), 'demo'), { pageUrl: 'https://files.example/simple/demo/' });
}

const SIGNED = { fetch: undefined, final: true, repeated: false };

function enforce(pins: Pins, page: Listing, now: number) {
  const clock = { now: () => now, judged: () => now };
  const reports = createReports({ index: 'main', emit: noEvents, journal: { note() {} }, clock });
  return new ProjectPins({ pins, clock, reports, reuploads: false }).enforce(page, SIGNED);
}

it('a file that another process pins with other bytes at the same moment is withheld here', async () => {
  const memory = createMemoryState();
  const [mine, theirs] = [pinsIn(memory), pinsIn(memory)];
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
  const enforced = await enforce(pins, listing('b'), 2);
  expect([...enforced.listing.files.keys()]).toEqual([]);
  expect(enforced.withheld.get(FILE)?.reason).toBe('changed');
});

it('where there is no room for more pins, files that have one are served, and new ones withheld', async () => {
  const pins = pinsIn(createMemoryState());
  await enforce(pins, listing('a'), 1);
  const full: Pins = {
    ...pins,
    add: async () => {
      throw new Refusal('limit', 'full');
    },
  };
  expect([...(await enforce(full, listing('a', 'demo-2.0.zip'), 2)).listing.files.keys()]).toEqual([FILE]);
  expect((await enforce(full, listing('a', 'demo-2.0.zip'), 2)).withheld.get('demo-2.0.zip')?.reason).toBe('limit');
});
