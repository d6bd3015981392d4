import { describe, expect, it } from 'vitest';
import { createCarried } from '../../../src/state/carried.ts';
import { type CarriedOver, carryOver, type FormerPiece, type FormerState } from '../../../src/state/carry-over.ts';
import { encodeFramed, encodeJson } from '../../../src/state/framed.ts';
import { createIndexState } from '../../../src/state/index-state.ts';
import { LIST_BYTES } from '../../../src/state/limits.ts';
import { createListStore } from '../../../src/state/list.ts';
import { pageKind } from '../../../src/state/page-codec.ts';
import { carriedPath } from '../../../src/state/paths.ts';
import { createMemoryState } from '../../support/memory-state.ts';

const HEX = 'a'.repeat(64);
const BYTES = Buffer.from('bytes');

describe('what is remembered of imported bundles', () => {
  const generation = {
    number: 1,
    manifest: HEX,
    table: { sha256: HEX, size: 0 },
    stateAt: 1,
    importedAt: 1,
    scan: { version: 'a', files: 0 },
  };
  const whole = { generations: [generation], floor: 0, maxAgeDays: 1, announced: [] };
  async function read(over: object) {
    const storage = createMemoryState().party();
    await storage.create(carriedPath('main'), 1, encodeJson({ ...whole, ...over }));
    return (await createCarried(storage, 'main').read())?.value;
  }

  it('is read as it was written', async () => {
    expect(await read({})).toMatchObject(whole);
  });

  it.each([
    { generations: [{ ...generation, number: 0 }] },
    { generations: [{ ...generation, manifest: 'A'.repeat(64) }] },
    { generations: [{ ...generation, table: { sha256: HEX, size: -1 } }] },
    { generations: [{ ...generation, scan: { version: 'a', files: -1 } }] },
    { floor: -1 },
    { maxAgeDays: 0 },
  ])('cannot be believed with %j', async (over) => {
    await expect(read(over)).rejects.toMatchObject({ reason: 'state' });
  });
});

describe('of a former state', () => {
  function former(content: NonNullable<FormerPiece['content']>): FormerState {
    return {
      async *items() {
        yield { path: 'piece', verdict: 'holds', why: '', content };
      },
      async *roots() {
        yield* [];
      },
      document: async () => BYTES,
      async *roles() {
        yield* [];
      },
    };
  }
  async function carried(content: NonNullable<FormerPiece['content']>) {
    const outcome: CarriedOver = { kept: 0, adopted: 0, setAside: [] };
    for await (const _ of carryOver('main', former(content), outcome, undefined));
    return outcome.kept;
  }
  const damaged = { reason: 'state', message: expect.stringContaining('piece is damaged') };

  it.each([{ serial: -1 }, { seenSerial: -1 }])('a page with %j counts as damaged', async (over) => {
    const times = { fetchedAt: 1, confirmedAt: 1 };
    const header = { project: 'a', contentType: 'a/b', twice: false, fetch: '', ...times, serial: 0, seenSerial: 0 };
    const page = (given: object) => ({ kind: 'page', header: given, body: BYTES }) as const;
    expect(await carried(page(header))).toBe(1);
    await expect(carried(page({ ...header, ...over }))).rejects.toMatchObject(damaged);
  });

  it.each([
    { rootVersion: 0 },
    { timestamp: 'A'.repeat(64) },
    { snapshot: { version: 0, sha256: HEX } },
    { targets: { version: 1, sha256: 'a' } },
  ])('the trust with %j counts as damaged', async (over) => {
    const document = { version: 1, sha256: HEX };
    const trust = { rootVersion: 1, acceptedAt: 1, timestamp: HEX, snapshot: document, targets: document, recent: [] };
    expect(await carried({ kind: 'pointer', state: trust })).toBe(1);
    await expect(carried({ kind: 'pointer', state: { ...trust, ...over } })).rejects.toMatchObject(damaged);
  });
});

it('what is left of a page is none of a size below nothing', async () => {
  const { decode } = pageKind('alpha');
  const times = { fetchedAt: 1, confirmedAt: 1 };
  const left = {
    project: 'alpha',
    url: 'https://a.example/',
    ...times,
    twice: false,
    fetch: '',
    sha256: HEX,
    left: true,
  };
  expect(await decode(encodeFramed({ ...left, size: 0 }, BYTES))).toMatchObject({ page: { letGo: { size: 0 } } });
  expect(await decode(encodeFramed({ ...left, size: -1 }, BYTES))).toBeUndefined();
});

it('a list of all projects that is larger than any is not kept', async () => {
  const store = createListStore(createIndexState({ storage: createMemoryState().party(), index: 'main' }));
  const head = { url: 'https://a.example/', etag: undefined, confirmedAt: 1, sha256: HEX, size: LIST_BYTES + 1 };
  await expect(store.save(head, new Uint8Array(LIST_BYTES + 1))).rejects.toMatchObject({ reason: 'limit' });
  expect(await store.load()).toBeUndefined();
});
