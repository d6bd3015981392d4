import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { FLOOR_MARK, STATE_PARTS, type StateContents } from '../../../../src/ports/state-room.ts';
import type { ItemPath } from '../../../../src/ports/state-storage.ts';
import { behindItsBack, party, scratchDirectory } from './rig.ts';

const page = (project: string): ItemPath => ['main', 'pages', project];
const pins = (project: string): ItemPath => ['main', 'pins', project];
const whole = (size: number) => Buffer.concat([Buffer.from('{'), randomBytes(size - 1)]);
const floor = (size: number) => Buffer.concat([Buffer.of(FLOOR_MARK), randomBytes(size - 1)]);

/** As the rows themselves say. */
function counted(root: string): Record<string, { entries: number; bytes: number }> {
  return behindItsBack(root, (database) => {
    const found = Object.fromEntries(STATE_PARTS.map((part) => [part, { entries: 0, bytes: 0 }]));
    for (const { path, value } of database.prepare('SELECT path, value FROM item').all()) {
      if (typeof path !== 'string' || !(value instanceof Uint8Array)) throw new Error('no row');
      const name = path.split('/')[0] ?? '';
      const isFloor = value.byteLength === 0 || value[0] === FLOOR_MARK;
      const of = found[name === 'pins' ? 'pins' : name !== 'pages' ? 'trust' : isFloor ? 'floors' : 'pages'];
      if (of === undefined) throw new Error('no part');
      of.entries++;
      of.bytes += value.byteLength;
    }
    return found;
  });
}

describe.each([
  ['plain', undefined],
  ['sealed', randomBytes(32)],
])('what a state consists of, %s', (_, sealKey) => {
  it('is counted by every write, by whichever process, and is there after a restart', async () => {
    const root = await scratchDirectory();
    const [one, two] = [await party(root, { sealKey }), await party(root, { sealKey })];
    await one.state.create(page('a'), 1, whole(1000));
    await two.state.create(pins('a'), 1, floor(300), { others: [{ item: page('b'), version: 1, value: whole(500) }] });
    await one.state.create(['main', 'facts'], 1, whole(70));
    await one.state.create(['main', 'tuf', 'targets'], 1, whole(700));
    await one.state.create(['main', 'tuf', 'targets'], 2, whole(800));
    // Older versions stay until they are removed.
    expect((await two.state.usage('main')).contents.trust).toEqual({ entries: 3, bytes: 1570 });
    await two.state.removeBelow(['main', 'tuf', 'targets'], 2);
    await two.state.create(page('a'), 2, floor(90), { removeBelow: 2 });
    await two.state.create(page('c'), 1, new Uint8Array());
    const { contents } = await one.state.usage('main');
    expect(contents).toEqual({
      pages: { entries: 1, bytes: 500 },
      floors: { entries: 2, bytes: 90 },
      pins: { entries: 1, bytes: 300 },
      trust: { entries: 2, bytes: 870 },
    } satisfies StateContents);
    expect(counted(root)).toEqual(contents);
    await one.state.setAside(['main', 'tuf'], 'aside');
    expect((await two.state.usage('main')).contents.trust).toEqual({ entries: 1, bytes: 70 });
    await one.close();
    await two.close();
    const again = await party(root, { sealKey });
    await again.state.open('main');
    expect((await again.state.usage('main')).contents).toEqual(counted(root));
  });

  it('is counted anew where what is lost was given up', async () => {
    const root = await scratchDirectory();
    const { state } = await party(root, { sealKey });
    await state.create(page('a'), 1, whole(1000));
    await state.create(pins('a'), 1, floor(300));
    behindItsBack(root, (database) => database.exec("UPDATE item SET value = x'00' WHERE path = 'pins/a/'"));
    await state.recover('main', { adopt: false, keepAs: `${root}/kept` });
    expect((await state.usage('main')).contents).toMatchObject({
      pages: { entries: 1, bytes: 1000 },
      pins: { entries: 0, bytes: 0 },
    });
  });
});

describe('room', () => {
  const MOST = 2 * 1024 * 1024;

  it('ends for new projects before it ends for known ones', async () => {
    const root = await scratchDirectory();
    const { state } = await party(root, { maxBytes: MOST });
    let made = 0;
    await expect(
      (async () => {
        for (; made < 1000; made++) await state.create(page(`p${made}`), 1, whole(10_000));
      })(),
    ).rejects.toMatchObject({
      reason: 'limit',
      subject: 'state',
      transient: true,
      message: expect.stringContaining('cache.state_bytes'),
    });
    expect(made).toBeGreaterThan(100);
    const { bytes, limit } = await state.usage('main');
    expect(limit).toBe(MOST);
    expect(bytes).toBeLessThanOrEqual(MOST);
    // A floor that goes up, pins that grow, and signed metadata find room.
    expect(await state.create(page('p0'), 2, whole(10_000), { removeBelow: 2 })).toBe(true);
    expect(await state.create(['main', 'tuf', 'timestamp'], 1, whole(1000))).toBe(true);
    await expect(state.create(pins('new'), 1, whole(10))).rejects.toMatchObject({ reason: 'limit' });
    // What was given back is used again.
    for (let at = 0; at < made; at++) await state.create(page(`p${at}`), 3, floor(10), { removeBelow: 3 });
    expect((await state.usage('main')).bytes).toBeLessThan(bytes / 2);
    expect(await state.create(pins('new'), 1, whole(10))).toBe(true);
  });

  it('is asked for once there is little, and waited for by what is new where there is none', async () => {
    const root = await scratchDirectory();
    const { state } = await party(root, { maxBytes: MOST });
    let made = 0;
    let asked = 0;
    let making: Promise<boolean> | undefined;
    const make = async () => {
      asked++;
      for (let at = 0; at < made; at++) await state.create(page(`p${at}`), 2, floor(10), { removeBelow: 2 });
      making = undefined;
      return true;
    };
    state.keepRoom('main', {
      makeRoom() {
        making ??= make();
        return making;
      },
    });
    for (; made < 400; made++) expect(await state.create(page(`p${made}`), 1, whole(10_000))).toBe(true);
    await making;
    expect(asked).toBeGreaterThan(0);
  });

  it('is made first of what was written longest ago, and of nothing but whole pages', async () => {
    const root = await scratchDirectory();
    const { state } = await party(root);
    for (const name of ['a', 'b', 'c', 'd/e']) {
      await state.create(pins(name), 1, floor(100));
      await state.create(page(name), 1, whole(100));
    }
    await state.create(page('gone'), 1, floor(10));
    await state.create(page('a'), 2, whole(100), { removeBelow: 2 });
    const { items, next, isEnd } = await state.oldestPages('main', 0);
    expect(items).toEqual([
      { item: page('b'), version: 1 },
      { item: page('c'), version: 1 },
      { item: page('d/e'), version: 1 },
      { item: page('a'), version: 2 },
    ]);
    expect(isEnd).toBe(true);
    await state.create(page('b'), 2, whole(100), { removeBelow: 2 });
    expect((await state.oldestPages('main', next)).items).toEqual([{ item: page('b'), version: 2 }]);
  });

  it('is looked for part by part where there is much', async () => {
    const root = await scratchDirectory();
    const { state } = await party(root);
    const names = Array.from({ length: 150 }, (_, at) => `p${at}`);
    for (const name of names) await state.create(page(name), 1, whole(20));
    const found: string[] = [];
    for (let after = 0, isEnd = false; !isEnd; ) {
      const part = await state.oldestPages('main', after);
      expect(part.items.length).toBeLessThanOrEqual(64);
      found.push(...part.items.map(({ item }) => item.at(-1) ?? ''));
      after = part.next;
      isEnd = part.isEnd;
    }
    expect(found).toEqual(names);
  });
});
