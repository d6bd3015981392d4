import { describe, expect, it } from 'vitest';
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
const WHEEL = 'demo-1.0-py3-none-any.whl';
const sha256 = (letter: string) => letter.repeat(64);

function pinsIn(memory: MemoryState): Pins {
  return createPins(createIndexState({ storage: memory.party(), index: 'main' }));
}

function listing(letter: string, ...more: readonly string[]) {
  const hashes = { sha256: sha256(letter) };
  return listingOf([FILE, ...more].map((filename) => ({ filename, url: `https://files.example/${filename}`, hashes })));
}

function listingOf(files: readonly object[]) {
  const page = JSON.stringify({ meta: { 'api-version': '1.0' }, name: 'demo', files });
  return relink(decodePage(Buffer.from(page), 'demo'), { pageUrl: 'https://files.example/simple/demo/' });
}

const SIGNED = { fetch: undefined, final: true, repeated: false };

function pinsOf(pins: Pins, now: number, reuploads = false): ProjectPins {
  const clock = { now: () => now, judged: () => now };
  const reports = createReports({ index: 'main', emit: noEvents, journal: { note() {} }, clock });
  return new ProjectPins({ pins, clock, reports, reuploads });
}

function enforce(pins: Pins, page: Listing, now: number) {
  return pinsOf(pins, now).enforce(page, SIGNED);
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

it('pins that cannot be stored for another reason than room let nothing through', async () => {
  const pins = pinsIn(createMemoryState());
  const broken = new Refusal('state', 'broken');
  const failing: Pins = {
    ...pins,
    add: async () => {
      throw broken;
    },
  };
  await expect(enforce(failing, listing('a'), 1)).rejects.toBe(broken);
});

it('pins that nothing contradicts are not written again', async () => {
  const pins = pinsIn(createMemoryState());
  const seen = { fetch: 'first', final: false, repeated: false };
  await pinsOf(pins, 1).enforce(listing('a'), seen);
  const read: Pins = { ...pins, replaceAll: () => expect.fail('they were written') };
  for (const again of [seen, { ...seen, repeated: true }]) {
    const { withheld } = await pinsOf(read, 2).enforce(listing('a'), again);
    expect([...withheld]).toEqual([]);
  }
});

describe('core metadata of a file that was confirmed without any', () => {
  const hashes = { sha256: sha256('a') };
  const file = { filename: WHEEL, url: `https://files.example/${WHEEL}`, hashes };
  const announcing = () => {
    const page = listingOf([{ ...file, 'core-metadata': { sha256: sha256('c') } }]);
    return page.files.get(WHEEL) ?? expect.fail();
  };

  it('is late, unless files may change their bytes here', async () => {
    const state = pinsIn(createMemoryState());
    await enforce(state, listingOf([file]), 1);
    await state.confirm('demo', [WHEEL]);
    expect(await pinsOf(state, 1).isLateCoreMetadata('demo', announcing())).toBe(true);
    expect(await pinsOf(state, 1, true).isLateCoreMetadata('demo', announcing())).toBe(false);
  });

  it('is looked for in no pin once it was sent', async () => {
    const state = pinsIn(createMemoryState());
    let reads = 0;
    const counted: Pins = {
      ...state,
      of: (project) => {
        reads++;
        return state.of(project);
      },
    };
    const pins = pinsOf(counted, 1);
    await pins.enforce(listingOf([{ ...file, 'core-metadata': { sha256: sha256('c') } }]), SIGNED);
    const sent = pins.sentCoreMetadata('demo', announcing(), { ...SIGNED, final: false });
    pins.hurry();
    await sent;
    reads = 0;
    expect([await pins.isLateCoreMetadata('demo', announcing()), reads]).toEqual([false, 0]);
  });
});

it('pins let a page through as it is only where none of its files contradicts one, in its bytes or its core metadata', async () => {
  const pins = pinsOf(pinsIn(createMemoryState()), 1);
  const page = (digest: string, metadata: string) => {
    const hashes = { sha256: sha256(digest) };
    const announced = { 'core-metadata': { sha256: sha256(metadata) } };
    return listingOf([{ filename: WHEEL, url: `https://files.example/${WHEEL}`, hashes, ...announced }]);
  };
  const lets = async (given: Listing) => [await pins.allow(given), await pins.identityAllowing(given, SIGNED)];
  expect(await lets(page('a', 'c'))).toEqual([false, undefined]);
  await pins.enforce(page('a', 'c'), SIGNED);
  expect(await lets(page('a', 'c'))).toEqual([true, await pins.identity('demo', SIGNED)]);
  expect(await lets(page('b', 'c'))).toEqual([false, undefined]);
  expect(await lets(page('a', 'd'))).toEqual([false, undefined]);
});

it('core metadata that comes late, of a file that holds none, is let through only where two looks saw it', async () => {
  const pins = pinsOf(pinsIn(createMemoryState()), 1);
  const line = { filename: FILE, url: `https://files.example/${FILE}`, hashes: { sha256: sha256('a') } };
  await pins.enforce(listingOf([line]), SIGNED);
  const late = listingOf([{ ...line, 'core-metadata': { sha256: sha256('c') } }]);
  const once = { fetch: 'a look', final: false, repeated: false };
  expect(await pins.identityAllowing(late, once)).toBeUndefined();
  expect(await pins.identityAllowing(late, { ...once, repeated: true })).toBeDefined();
  expect(await pins.identityAllowing(listingOf([line]), once)).toBeDefined();
});

describe('a page that is served as it is or not at all', () => {
  const line = { filename: FILE, url: `https://files.example/${FILE}`, hashes: { sha256: sha256('a') } };
  const other = { ...line, filename: 'demo-2.0.zip', url: 'https://files.example/demo-2.0.zip' };
  const pages: readonly (readonly [string, object])[] = [
    ['the bytes of a file', { ...line, hashes: { sha256: sha256('b') } }],
    ['the core metadata of a file', { ...line, 'core-metadata': { sha256: sha256('d') } }],
  ];

  it.each(pages)(
    'is let through where no pin stands against it, and pins nothing where one does: %s',
    async (_, changed) => {
      const state = pinsIn(createMemoryState());
      const pins = pinsOf(state, 1);
      const announcing = { ...line, 'core-metadata': { sha256: sha256('c') } };
      expect((await pins.permit(listingOf([announcing]), SIGNED))?.has(FILE)).toBe(true);
      expect(await pins.permit(listingOf([changed, other]), SIGNED)).toBeUndefined();
      expect([...(await state.of('demo')).keys()]).toEqual([FILE]);
      expect([...((await pins.permit(listingOf([announcing, other]), SIGNED)) ?? []).keys()]).toHaveLength(2);
    },
  );

  it('pins nothing where core metadata came late, of a file that holds none, and one look alone saw it', async () => {
    const state = pinsIn(createMemoryState());
    const pins = pinsOf(state, 1);
    await pins.enforce(listingOf([line]), SIGNED);
    const late = listingOf([{ ...line, 'core-metadata': { sha256: sha256('c') } }, other]);
    expect(await pins.permit(late, { fetch: 'a look', final: false, repeated: false })).toBeUndefined();
    expect([...(await state.of('demo')).keys()]).toEqual([FILE]);
  });

  it('is let through, and not pinned, where files may change their bytes', async () => {
    const state = pinsIn(createMemoryState());
    expect(await pinsOf(state, 1, true).permit(listingOf([line]), SIGNED)).toEqual(new Map());
    expect((await state.of('demo')).size).toBe(0);
  });
});
