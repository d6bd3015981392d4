import { describe, expect, it } from 'vitest';
import type { ObjectStore } from '../../../../src/ports/object-store.ts';
import { EntrySeal } from '../../../../src/state/fleet/log-entry.ts';
import { IndexObjects } from '../../../../src/state/fleet/objects.ts';
import { writeWhole } from '../../../../src/state/fleet/parts.ts';
import { positionIn } from '../../../../src/state/fleet/position.ts';
import { ObjectSeal } from '../../../../src/state/fleet/seal.ts';
import { PassedSegments } from '../../../../src/state/fleet/segments.ts';
import { type Snapshot, Snapshots } from '../../../../src/state/fleet/snapshots.ts';
import { SEAL_KEY } from '../../../support/machines.ts';
import { memoryObjects } from '../../../support/memory-objects.ts';

// What a replica of this fleet sealed, and no replica can have meant: it is not followed, and nothing of it is used.

const DIGEST = 'a'.repeat(64);
const refused = { name: 'Refusal', reason: 'state', transient: false };

function store(objects: ObjectStore = memoryObjects()) {
  const index = new IndexObjects('main', objects);
  const seal = new ObjectSeal(SEAL_KEY, 'tried');
  return { index, seal, passed: new PassedSegments(index, seal), snapshots: new Snapshots(index, seal) };
}

describe('what was kept of a passed segment', () => {
  const named = { index: 'main', segment: 3, previous: '' };
  const cases: readonly (readonly [string, (seal: ObjectSeal) => Uint8Array])[] = [
    ['was sealed by somebody else', () => Buffer.from('a forgery')],
    ['says nothing of itself', (seal) => seal.close({}, [Buffer.alloc(32)])],
    ['names no entries', (seal) => seal.close(named)],
    ['is of another index', (seal) => seal.close({ ...named, index: 'other' }, [Buffer.alloc(32)])],
    ['is of another segment', (seal) => seal.close({ ...named, segment: 2 }, [Buffer.alloc(32)])],
  ];

  it.each(cases)('is refused where it %s', async (_, made) => {
    const { index, seal, passed } = store();
    await index.create('passed/000000000003', made(seal));
    await expect(passed.read(3)).rejects.toMatchObject({
      ...refused,
      message: expect.stringContaining('segment 3 of the fleet'),
    });
  });

  it('is read as it was written', async () => {
    const { passed } = store();
    await passed.create({ segment: 3, previous: '', digests: [DIGEST, DIGEST] });
    expect(await passed.read(3)).toEqual({ segment: 3, previous: '', digests: [DIGEST, DIGEST] });
  });
});

describe('a snapshot', () => {
  const state = { folder: '000000000007-0a', parts: [DIGEST], bytes: 1 };
  const sound: Snapshot = { number: 7, digest: DIGEST, log: DIGEST, written: 9, state };

  it('is read as it was written', async () => {
    const { snapshots } = store();
    await snapshots.create(sound);
    expect(await snapshots.read(7)).toEqual(sound);
  });

  it.each([
    ['whose parts lie elsewhere', { ...sound, state: { ...state, folder: '../../log' } }],
    ['whose parts have no digest', { ...sound, state: { ...state, parts: ['none'] } }],
    ['of fewer bytes than none', { ...sound, state: { ...state, bytes: -1 } }],
    ['of a log of fewer bytes than none', { ...sound, written: -1 }],
  ])('%s is none', async (_, wrong) => {
    const { snapshots } = store();
    await snapshots.create(wrong);
    expect(await snapshots.read(7)).toBeUndefined();
  });
});

it('a log whose segments have no entries does not begin', () => {
  const seal = new EntrySeal('main', SEAL_KEY);
  const first = (segment: number) => seal.close({ number: 0, previous: '', changes: [], begins: { segment } });
  expect(seal.open(first(1), 0)?.begins).toEqual({ segment: 1 });
  expect(seal.open(first(0), 0)).toBeUndefined();
});

it.each([{ segment: 0 }, { written: -1 }])('a copy’s note of where it stands is not believed with %o', (wrong) => {
  const value = (over: object) =>
    Buffer.from(JSON.stringify({ digest: DIGEST, log: DIGEST, segment: 4, written: 0, ...over }));
  expect(positionIn({ version: 3, value: value({}) }, 'main')).toMatchObject({ number: 2, segment: 4 });
  expect(() => positionIn({ version: 3, value: value(wrong) }, 'main')).toThrow('cannot be read');
});

it('a part of a state whose name is taken is not taken for written', async () => {
  const { index } = store({ ...memoryObjects(), create: async () => 'taken' });
  async function* versions() {
    yield [{ item: ['main', 'pages', 'demo'] as const, version: 1, value: Buffer.from('x') }];
  }
  await expect(writeWhole(index, 1, versions())).rejects.toMatchObject({ ...refused, transient: true });
});
