import { describe, expect, it } from 'vitest';
import type { ItemPath } from '../../../src/ports/state-storage.ts';
import { ScratchState } from '../../../src/state/scratch.ts';
import { createMemoryState } from '../../support/memory-state.ts';
import { itemsBelow } from '../../support/state.ts';

const A: ItemPath = ['main', 'pages', 'alpha'];
const B: ItemPath = ['main', 'pages', 'beta'];
const bytes = (text: string) => Buffer.from(text);

async function start() {
  const beneath = createMemoryState().party();
  await beneath.create(A, 1, bytes('one'));
  return { beneath, scratch: new ScratchState(beneath) };
}

describe('state for one command', () => {
  it('shows what lies beneath and what was written over it, and changes nothing beneath', async () => {
    const { beneath, scratch } = await start();
    expect(await scratch.newest(A, 0)).toEqual({ version: 1, value: bytes('one') });
    expect(await scratch.create(A, 2, bytes('two'), { others: [{ item: B, version: 1, value: bytes('b') }] })).toBe(
      true,
    );
    expect(await scratch.newest(A, 0)).toEqual({ version: 2, value: bytes('two') });
    expect(await scratch.version(B, 0)).toBe(1);
    expect(await scratch.read(A, 1)).toEqual(bytes('one'));
    expect(await itemsBelow(scratch, ['main', 'pages'])).toHaveLength(2);
    expect(await beneath.version(A, 0)).toBe(1);
    expect(await itemsBelow(beneath, ['main', 'pages'])).toEqual([A]);
  });

  it('creates no version that is taken, here or beneath, and none of several where one is', async () => {
    const { scratch } = await start();
    expect(await scratch.create(A, 1, bytes('other'))).toBe(false);
    expect(await scratch.create(B, 1, bytes('b'), { others: [{ item: A, version: 1, value: bytes('x') }] })).toBe(
      false,
    );
    expect(await scratch.newest(B, 0)).toBeUndefined();
    expect(await scratch.create(B, 1, bytes('b'))).toBe(true);
    expect(await scratch.create(B, 1, bytes('c'))).toBe(false);
  });

  it('puts aside what lies beneath for itself alone', async () => {
    const { beneath, scratch } = await start();
    await scratch.create(B, 1, bytes('b'));
    await scratch.setAside(['main', 'pages']);
    expect(await scratch.newest(A, 0)).toBeUndefined();
    expect(await scratch.newest(B, 0)).toBeUndefined();
    expect(await itemsBelow(scratch, ['main'])).toEqual([]);
    expect(await scratch.create(A, 1, bytes('anew'))).toBe(true);
    expect(await scratch.read(A, 1)).toEqual(bytes('anew'));
    expect(await beneath.newest(A, 0)).toEqual({ version: 1, value: bytes('one') });
  });
});
