import { describe, expect, it, onTestFinished } from 'vitest';
import type { ItemPath, NewVersion, StateCopy } from '../../src/ports/state-storage.ts';

const MARK: ItemPath = ['main', 'fleet', 'log'];
const FLOOR: ItemPath = ['main', 'tuf', 'timestamp'];
const PIN: ItemPath = ['main', 'pins', 'a/b'];
const OTHER: ItemPath = ['other', 'pins', 'a'];
const bytes = (text: string) => Buffer.from(text);
const mark = (version: number): NewVersion => ({ item: MARK, version, value: bytes(`mark ${version}`) });

async function* some(...batches: readonly (readonly NewVersion[])[]): AsyncGenerator<readonly NewVersion[]> {
  yield* batches;
}

async function dumped(copy: StateCopy, index = 'main'): Promise<readonly string[]> {
  const lines: string[] = [];
  for await (const versions of copy.dump(index))
    for (const { item, version, value } of versions) lines.push(`${item.join(' ')} ${version} ${Buffer.from(value)}`);
  return lines;
}

/** What a copy of shared state does besides: `party` is another process that uses the same. */
export function stateCopyContract(name: string, make: () => Promise<() => Promise<StateCopy>>): void {
  describe(`a copy of state: ${name}`, () => {
    it('gives every version of every item of the index, in the order in which they were written', async () => {
      const copy = await (await make())();
      await copy.create(PIN, 1, bytes('one'));
      await copy.create(FLOOR, 3, bytes(''));
      await copy.create(PIN, 2, bytes('two'));
      await copy.create(OTHER, 1, bytes('other'));
      await copy.apply(mark(1), [], true);
      expect((await dumped(copy)).toSorted()).toEqual([
        'main fleet log 1 mark 1',
        'main pins a/b 1 one',
        'main pins a/b 2 two',
        'main tuf timestamp 3 ',
      ]);
      expect(await dumped(copy, 'nothing')).toEqual([]);
    });

    it('has what was done to it for whoever read it a moment before', async () => {
      const copy = await (await make())();
      await copy.apply(mark(1), [], true);
      // Looks in every turn of the event loop, also the one in which an answer comes.
      const looking = setInterval(() => void copy.version(FLOOR, 0), 0);
      onTestFinished(() => clearInterval(looking));
      for (let version = 2; version <= 60; version++) {
        const item: ItemPath = ['main', 'pins', `project ${version}`];
        const change = { kind: 'create', creations: [{ item, version: 1, value: bytes('one') }] } as const;
        await copy.apply(mark(version), [change], true);
        expect(await copy.version(item, 0)).toBe(1);
      }
      clearInterval(looking);
    });

    it('has what another process did for whoever looks again', async () => {
      const party = await make();
      const [one, other] = [await party(), await party()];
      await one.apply(mark(1), [], true);
      const looking = setInterval(() => void other.version(FLOOR, 0), 0);
      onTestFinished(() => clearInterval(looking));
      for (let version = 2; version <= 60; version++) {
        const item: ItemPath = ['main', 'pins', `project ${version}`];
        const change = { kind: 'create', creations: [{ item, version: 1, value: bytes('one') }] } as const;
        await one.apply(mark(version), [change], true);
        await other.lookAgain('main');
        expect(await other.version(item, 0)).toBe(1);
      }
      clearInterval(looking);
    });

    it('is replaced whole by other versions, for every process', async () => {
      const party = await make();
      const [one, other] = [await party(), await party()];
      await one.create(PIN, 1, bytes('one'));
      await one.create(OTHER, 1, bytes('other'));
      expect(await other.version(PIN, 0)).toBe(1);
      const floors = [1, 2].map((version) => ({ item: FLOOR, version, value: bytes(`floor ${version}`) }));
      const pin = { item: PIN, version: 7, value: bytes('seven') };
      expect(await one.replace(mark(9), () => some(floors, [pin]))).toBe(true);
      expect(await dumped(other)).toEqual([
        'main tuf timestamp 1 floor 1',
        'main tuf timestamp 2 floor 2',
        'main pins a/b 7 seven',
        'main fleet log 9 mark 9',
      ]);
      expect((await other.newest(PIN, 1))?.version).toBe(7);
      expect(await other.version(OTHER, 1)).toBe(1);
      // What is there can be believed whole, and goes on from there.
      const again = await party();
      expect(await again.create(PIN, 8, bytes('eight'))).toBe(true);
      expect(Buffer.from((await one.newest(PIN, 8))?.value ?? []).toString()).toBe('eight');
    });

    it('is not replaced where its mark is taken', async () => {
      const copy = await (await make())();
      await copy.apply(mark(5), [], true);
      await copy.create(PIN, 1, bytes('one'));
      expect(await copy.replace(mark(5), () => some([{ item: PIN, version: 9, value: bytes('nine') }]))).toBe(false);
      expect(await copy.version(PIN, 0)).toBe(1);
    });

    it('is not replaced where what was to come breaks off', async () => {
      const copy = await (await make())();
      await copy.create(PIN, 1, bytes('one'));
      const before = await dumped(copy);
      async function* broken() {
        yield [{ item: PIN, version: 9, value: bytes('nine') }];
        throw new Error('broke off');
      }
      await expect(copy.replace(mark(2), broken)).rejects.toThrow('broke off');
      expect(await dumped(copy)).toEqual(before);
      expect(await copy.replace(mark(2), () => some())).toBe(true);
      expect(await dumped(copy)).toEqual(['main fleet log 2 mark 2']);
    });

    it('of which a process has seen more than what it is replaced by is refused by that process', async () => {
      const party = await make();
      const [one, other] = [await party(), await party()];
      await one.create(FLOOR, 5, bytes('five'));
      expect(await other.version(FLOOR, 0)).toBe(5);
      await one.replace(mark(1), () => some([{ item: FLOOR, version: 4, value: bytes('four') }]));
      await expect(other.newest(FLOOR, 0)).rejects.toMatchObject({ reason: 'state' });
    });
  });
}
