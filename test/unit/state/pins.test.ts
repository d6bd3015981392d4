import { expect, it } from 'vitest';
import type { Pin } from '../../../src/ports/index-state.ts';
import type { StateStorage } from '../../../src/ports/state-storage.ts';
import { compress, decompress } from '../../../src/state/compressed.ts';
import { createIndexState } from '../../../src/state/index-state.ts';
import { pinsKind } from '../../../src/state/pin-codec.ts';
import { createPins } from '../../../src/state/pins.ts';
import { createMemoryState } from '../../support/memory-state.ts';

const pin: Pin = { digests: new Map([['sha256', 'a'.repeat(64)]]), seen: 1 };
const few = new Map(['f', 'g', 'h'].map((file) => [file, pin]));

it('pins of no more files than the limit are in memory, however few the projects', async () => {
  const storage = createMemoryState().party();
  const read: string[] = [];
  const watched: StateStorage = {
    ...storage,
    newest: (item, from) => {
      read.push(item.at(-1) ?? '');
      return storage.newest(item, from);
    },
  };
  const pins = createPins(createIndexState({ storage: watched, index: 'main', pinsInMemory: 10 }));
  for (const project of ['one', 'two']) await pins.add(project, few);
  read.length = 0;
  for (const project of ['one', 'two']) expect(await pins.of(project)).toEqual(few);
  expect(read).toEqual([]);
  for (const project of ['three', 'four']) await pins.add(project, few);
  read.length = 0;
  expect(await pins.of('one')).toEqual(few);
  expect(read).toEqual(['one']);
});

it('pins in memory are as another process left them', async () => {
  const memory = createMemoryState();
  const [mine, theirs] = [0, 1].map(() => createPins(createIndexState({ storage: memory.party(), index: 'main' })));
  await mine?.add('demo', new Map([['f', pin]]));
  await theirs?.add('demo', new Map([['g', pin]]));
  expect([...((await mine?.of('demo'))?.keys() ?? [])]).toEqual(['f', 'g']);
});

const many = (count: number) => new Map(Array.from({ length: count }, (_, at) => [`demo-${at}.tar.gz`, pin] as const));

const plainOf = async (bytes: Uint8Array) => Buffer.from((await decompress(bytes, 10_000_000)) ?? []);

it('pins are written and read part by part, and are the same after it', async () => {
  const kind = pinsKind('demo');
  for (const count of [0, 1, 999, 1000, 1001, 2000, 4500]) {
    const bytes = await kind.encode(many(count));
    const plain = await plainOf(bytes);
    expect(JSON.parse(plain.toString('utf8')).pins).toHaveLength(count);
    expect(await kind.decode(bytes)).toEqual(many(count));
    // As it was written before it was compressed.
    expect(await kind.decode(plain)).toEqual(many(count));
    if (count > 1) expect(bytes.byteLength).toBeLessThan(plain.byteLength / 3);
  }
});

it("what is not a project's pins, to the letter, is none", async () => {
  const kind = pinsKind('demo');
  const encoded = await kind.encode(many(1));
  const one = (await plainOf(encoded)).toString('utf8');
  for (const other of [
    '',
    '{',
    '[]',
    '{"project":"demo"}',
    '{"pins":[]}',
    one.replace('"demo"', '"other"'),
    one.replace('"demo"', '7'),
    one.replace(/\}$/, ',"more":1}'),
    one.replace(/\}$/, ',"pins":[]}'),
    one.replace('"seen":1', '"seen":"1"'),
    `${one}x`,
  ]) {
    expect(await kind.decode(Buffer.from(other))).toBeUndefined();
    expect(await kind.decode(await compress(Buffer.from(other)))).toBeUndefined();
  }
  for (const cut of [1, 2, encoded.byteLength - 1]) expect(await kind.decode(encoded.subarray(0, cut))).toBeUndefined();
});

it('the pins of one project have a limit of bytes, which stops the writing of more before all is written', async () => {
  const kind = pinsKind('demo', 200_000);
  expect((await kind.encode(many(1000))).byteLength).toBeLessThan(200_000);
  await expect(async () => kind.encode(many(5000))).rejects.toMatchObject({
    reason: 'limit',
    message: expect.stringContaining('no more room for the digests first seen for demo'),
  });
});
