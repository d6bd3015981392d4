import { createHmac, type KeyObject, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { add, type SealKeys, StateSeal, sealKeysOf, subtract } from '../../../../src/disk/state/state-seal.ts';
import type { ItemPath } from '../../../../src/ports/state-storage.ts';
import { behindItsBack, party, scratchDirectory } from './rig.ts';

const DEMO: ItemPath = ['main', 'pins', 'demo'];
const bytes = (text: string) => new TextEncoder().encode(text);
const damaged = { reason: 'state', transient: false };
const KEY = randomBytes(32);

function headIn(root: string): Uint8Array {
  let content: Uint8Array | undefined;
  behindItsBack(root, (database) => {
    const found = database.prepare('SELECT content FROM head').get()?.['content'];
    if (found instanceof Uint8Array) content = found;
  });
  if (content === undefined) throw new Error('no head');
  return content;
}

function putHead(root: string, content: Uint8Array): void {
  behindItsBack(root, (database) => database.prepare('UPDATE head SET content = ?').run(content));
}

describe('a seal', () => {
  it.each([
    ['is missing under a key', undefined, KEY, /without a seal, although a seal key is configured/],
    ['is there without a key', KEY, undefined, /under a seal, but no seal key is configured/],
    ['is of another key', KEY, randomBytes(32), /its seal does not fit/],
  ])('that %s stops the index, in words', async (_, before, now, words) => {
    const root = await scratchDirectory();
    const first = await party(root, { sealKey: before });
    await first.state.create(DEMO, 1, bytes('1'));
    await first.close();
    for (const scan of [true, false]) {
      const { state } = await party(root, { sealKey: now, scan });
      await expect(state.open('main')).rejects.toMatchObject({ ...damaged, message: expect.stringMatching(words) });
    }
  });

  it('takes a key of sixteen bytes at least', () => {
    expect(() => sealKeysOf(randomBytes(15))).toThrow(expect.objectContaining({ reason: 'state' }));
    expect(() => sealKeysOf(randomBytes(16))).not.toThrow();
  });

  it('has a key for each use, as an object that no copy of its bytes is made of', () => {
    const keys = Object.values(sealKeysOf(KEY) satisfies SealKeys);
    expect(keys.map((key) => key.type)).toEqual(['secret', 'secret', 'secret']);
    expect(new Set(keys.map((key) => key.export().toString('hex'))).size).toBe(3);
  });
});

describe('the head', () => {
  it('of the same state is never the same bytes under a key, and shows neither sum nor epoch', async () => {
    const seal = new StateSeal('main', sealKeysOf(KEY));
    const head = { epoch: 258, sum: 0xabcdefn };
    const [one, two] = [Buffer.from(seal.closeHead(head)), Buffer.from(seal.closeHead(head))];
    expect(one.equals(two)).toBe(false);
    for (const each of [one, two]) {
      expect(seal.openHead(each)).toEqual(head);
      expect(each.toString('hex')).not.toMatch(/abcdef|0000000102/);
    }
  });

  it('opens for its index and its key alone, whole, and unchanged', () => {
    const keys = sealKeysOf(KEY);
    const head = { epoch: 7, sum: (1n << 256n) - 1n };
    for (const given of [keys, undefined]) {
      const content = Buffer.from(new StateSeal('main', given).closeHead(head));
      expect(new StateSeal('main', given).openHead(content)).toEqual(head);
      expect(new StateSeal('other', given).openHead(content)).toBe('wrong');
      for (let at = 1; at < content.length; at++) {
        const changed = Buffer.from(content);
        changed[at] = (changed[at] ?? 0) ^ 1;
        expect(new StateSeal('main', given).openHead(changed)).toBe('wrong');
        expect(new StateSeal('main', given).openHead(content.subarray(0, at))).toBe('wrong');
      }
    }
    expect(
      new StateSeal('main', sealKeysOf(randomBytes(32))).openHead(new StateSeal('main', keys).closeHead(head)),
    ).toBe('wrong');
  });

  it('counts what is there whatever the order, and each version once', () => {
    const seal = new StateSeal('main', sealKeysOf(KEY));
    const parts = ['a', 'b', 'c'].map((path) => seal.part(path, 1, seal.digest(path, 1, bytes(path))));
    const sum = parts.reduce(add, 0n);
    expect(parts.toReversed().reduce(add, 0n)).toBe(sum);
    expect(parts.reduce(subtract, sum)).toBe(0n);
    expect(new Set(parts).size).toBe(3);
    // The sum's key is its own: nothing that is made with another says anything of it.
    const digest = seal.digest('a', 1, bytes('a'));
    const under = (key: KeyObject) =>
      BigInt(`0x${createHmac('sha256', key).update('["main","a",1]\n').update(digest).digest('hex')}`);
    const keys = sealKeysOf(KEY);
    expect(parts[0]).toBe(under(keys.sum));
    expect([under(keys.item), under(keys.head)]).not.toContain(parts[0]);
  });

  it('put back with its rows is noticed by what was noted of the epoch', async () => {
    const root = await scratchDirectory();
    const noted = new Map<string, number>();
    const notes = {
      of: async (index: string) => noted.get(index) ?? 0,
      raise: async (index: string, epoch: number) => void noted.set(index, Math.max(epoch, noted.get(index) ?? 0)),
    };
    const first = await party(root, { sealKey: KEY, notes: [notes] });
    await first.state.create(DEMO, 1, bytes('1'));
    const before = headIn(root);
    await first.state.create(DEMO, 2, bytes('2'));
    await first.close();
    behindItsBack(root, (database) => database.exec('DELETE FROM item WHERE version = 2'));
    putHead(root, before);
    // Rows and head belong together, and nothing inside the database says that there was more.
    expect((await (await party(root, { sealKey: KEY })).state.newest(DEMO, 0))?.version).toBe(1);
    const { state } = await party(root, { sealKey: KEY, notes: [notes] });
    await expect(state.open('main')).rejects.toMatchObject(damaged);
  });

  it('put back without its rows is noticed at the next start', async () => {
    const root = await scratchDirectory();
    const { state } = await party(root, { sealKey: KEY });
    await state.create(DEMO, 1, bytes('1'));
    const before = headIn(root);
    await state.create(DEMO, 2, bytes('2'));
    putHead(root, before);
    await state.close();
    await expect((await party(root, { sealKey: KEY })).state.open('main')).rejects.toMatchObject(damaged);
  });

  it('that cannot be opened stops every write', async () => {
    const root = await scratchDirectory();
    const { state } = await party(root, { sealKey: KEY });
    await state.create(DEMO, 1, bytes('1'));
    putHead(root, new StateSeal('main', undefined).closeHead({ epoch: 9, sum: 0n }));
    await expect(state.create(DEMO, 2, bytes('2'))).rejects.toMatchObject(damaged);
    expect((await state.newest(DEMO, 1))?.version).toBe(1);
  });
});

it('a value that is moved between two sealed databases is refused', async () => {
  const [root, elsewhere] = [await scratchDirectory(), await scratchDirectory()];
  const [one, two] = [await party(root, { sealKey: KEY }), await party(elsewhere, { sealKey: randomBytes(32) })];
  await one.state.create(DEMO, 1, bytes('1'));
  await two.state.create(DEMO, 1, bytes('of somebody else'));
  let row: Record<string, unknown> | undefined;
  behindItsBack(elsewhere, (database) => {
    row = database.prepare('SELECT value, digest, seal FROM item').get();
  });
  const [value, digest, seal] = [row?.['value'], row?.['digest'], row?.['seal']];
  if (!(value instanceof Uint8Array && digest instanceof Uint8Array && seal instanceof Uint8Array)) throw new Error();
  behindItsBack(root, (database) =>
    database.prepare('UPDATE item SET value = ?, digest = ?, seal = ?').run(value, digest, seal),
  );
  await expect(one.state.newest(DEMO, 0)).rejects.toMatchObject(damaged);
});
