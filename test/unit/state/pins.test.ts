import { expect, it } from 'vitest';
import type { Pin } from '../../../src/ports/index-state.ts';
import type { StateStorage } from '../../../src/ports/state-storage.ts';
import { createIndexState } from '../../../src/state/index-state.ts';
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
