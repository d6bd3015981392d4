import { describe, expect, it } from 'vitest';
import { STATE_VALUE_BYTES, type StateStorage } from '../../../src/ports/state-storage.ts';
import type { PublishedTrust } from '../../../src/ports/trust/trust-store.ts';
import { verifyState } from '../../../src/state/admin/verify-state.ts';
import { createIndexState } from '../../../src/state/index-state.ts';
import { type ItemKind, StoredItem } from '../../../src/state/item.ts';
import { createPins } from '../../../src/state/pins.ts';
import { systemError } from '../../support/faults.ts';
import { createMemoryState } from '../../support/memory-state.ts';

const NOTES: ItemKind<Uint8Array> = { what: 'the notes', encode: (bytes) => bytes, decode: (bytes) => bytes };
const path = ['main', 'notes'] as const;

const trust: PublishedTrust = {
  rootVersion: 1,
  timestamp: Buffer.from('timestamp 1'),
  snapshot: Buffer.from('snapshot 1'),
  targets: Buffer.from('targets 1'),
  snapshotVersion: 1,
  targetsVersion: 1,
  acceptedAt: 1000,
  publishedAt: 1000,
};

/** Reads of these items fail, as those of a disk do. */
function failing(storage: StateStorage, name: string): StateStorage {
  const unlessNamed = <R>(item: readonly string[], ask: () => Promise<R>) =>
    item.includes(name) ? Promise.reject(systemError('EIO')) : ask();
  return {
    ...storage,
    newest: (item, from) => unlessNamed(item, () => storage.newest(item, from)),
    read: (item, version) => unlessNamed(item, () => storage.read(item, version)),
  };
}

describe('an item of state', () => {
  it('larger than any that is stored is refused in words that name what it is, and what there was stays', async () => {
    const item = new StoredItem({ storage: createMemoryState().party(), path, kind: NOTES });
    await item.change(() => Buffer.from('first'));
    await expect(item.change(() => new Uint8Array(STATE_VALUE_BYTES + 1))).rejects.toMatchObject({
      reason: 'limit',
      message: `There is no more room for the notes: at most ${STATE_VALUE_BYTES} bytes are kept. What is kept already stays as it is.`,
    });
    expect((await item.read())?.value).toEqual(Buffer.from('first'));
  });

  it('that can be had again counts as absent where it is damaged, and not where the disk does not answer', async () => {
    const memory = createMemoryState();
    const kind = { ...NOTES, replaceable: true };
    await new StoredItem({ storage: memory.party(), path, kind }).change(() => Buffer.from('first'));
    const away = new StoredItem({ storage: failing(memory.party(), 'notes'), path, kind });
    for (const ask of [away.read(), away.readVersion(1), away.change(() => Buffer.from('second'))])
      await expect(ask).rejects.toMatchObject({ code: 'EIO' });
    memory.damage(path);
    const damaged = new StoredItem({ storage: memory.party(), path, kind });
    expect(await damaged.read()).toBeUndefined();
    expect((await damaged.change(() => Buffer.from('second')))?.version).toBe(2);
  });
});

describe('verifying state', () => {
  it.each(['pages', 'pins', 'quarantine', 'answers', 'seen-quarantines', 'provenance', 'contents'] as const)(
    'finds nothing wrong with %s that the disk cannot be asked for',
    async (kind) => {
      const storage = createMemoryState().party();
      const state = createIndexState({ storage, index: 'main' });
      await state.page('demo').change(() => ({ gone: { serial: 1 } }));
      const digests = new Map([['sha256', 'a'.repeat(64)]] as const);
      await createPins(state).add('demo', new Map([['f', { digests, seen: 1 }]]));
      await state.quarantine('demo').change(() => []);
      await state.answers('demo').change(() => []);
      await state.seenQuarantine('demo').change(() => 1);
      await state.provenance('demo').change(() => ({ since: 1, publishers: [], accepted: [], files: new Map() }));
      await state.contents('demo').change(() => new Map());
      expect(await verifyState(createIndexState({ storage, index: 'main' }))).toEqual({ items: 7, wrong: [] });
      const away = createIndexState({ storage: failing(storage, kind), index: 'main' });
      await expect(verifyState(away)).rejects.toMatchObject({ code: 'EIO' });
    },
  );
});

describe('a document of the trust that is lost', () => {
  async function lost() {
    const memory = createMemoryState();
    await createIndexState({ storage: memory.party(), index: 'main' }).trust.publish(trust, undefined);
    memory.damage(['main', 'tuf', 'snapshot']);
    return memory;
  }

  it('is asked for once, and refused where it cannot be had, or other bytes come', async () => {
    const memory = await lost();
    for (const found of [undefined, Buffer.from('snapshot 0')]) {
      const asked: string[] = [];
      const again = async (role: string, version: number) => {
        asked.push(`${role} ${version}`);
        return found;
      };
      const { trust } = createIndexState({ storage: memory.party(), index: 'main' });
      await expect(trust.load(again)).rejects.toMatchObject({ reason: 'state', transient: false });
      expect(asked).toEqual(['snapshot 1']);
    }
    const { trust } = createIndexState({ storage: memory.party(), index: 'main' });
    expect((await trust.load(async () => Buffer.from('snapshot 1')))?.snapshot).toEqual(Buffer.from('snapshot 1'));
  });

  it('is refused in the end where the storage loses it each time it was had again', async () => {
    const storage = (await lost()).party();
    const losing: StateStorage = {
      ...storage,
      read: async (item, version) => (item.includes('snapshot') ? undefined : storage.read(item, version)),
    };
    let asked = 0;
    const again = async () => {
      if (++asked > 100) throw new Error('it is asked for without end');
      return Buffer.from('snapshot 1');
    };
    const { trust } = createIndexState({ storage: losing, index: 'main' });
    await expect(trust.load(again)).rejects.toMatchObject({ reason: 'state', transient: false });
  });
});
