import { describe, expect, it } from 'vitest';
import { sha256Hex } from '../../../src/bytes/digest.ts';
import { createDelegatedRoles, encodeRole } from '../../../src/state/delegated.ts';
import { EntrySeal, type LogEntry } from '../../../src/state/fleet/log-entry.ts';
import { encodeFramed } from '../../../src/state/framed.ts';
import { createIndexState } from '../../../src/state/index-state.ts';
import { LIST } from '../../../src/state/list.ts';
import { pageKind } from '../../../src/state/page-codec.ts';
import { delegatedPath, trustPath } from '../../../src/state/paths.ts';
import { decodePins } from '../../../src/state/pin-codec.ts';
import { encodePointer, type Pointer } from '../../../src/state/published.ts';
import { floorOf } from '../../../src/state/timestamp-floor.ts';
import { createMemoryState } from '../../support/memory-state.ts';

// What no writer of ours can have written is not read as if one had.

const HEX = 'a'.repeat(64);
const BYTES = Buffer.from('bytes');

it.each([{ rootVersion: 0 }, { version: 0 }, { version: 1.5 }, { base64: 'A'.repeat(32 * 1024 + 4) }, { base64: '?' }])(
  'a floor of the timestamp is none with %j',
  (over) => {
    const floor = { rootVersion: 1, version: 1, base64: 'A'.repeat(32 * 1024) };
    expect(floorOf(floor)).toMatchObject({ rootVersion: 1, version: 1 });
    expect(floorOf({ ...floor, ...over })).toBeUndefined();
  },
);

it.each([[[]], [[['sha256', 'A'.repeat(64)]]], [[['sha256', 'a']]], [[['md5', 'a'.repeat(32)]]]])(
  'a pin is none with the digests %j',
  async (digests) => {
    const pins = (given: unknown) => ({ project: 'alpha', pins: [{ file: 'a', seen: 1, digests: given }] });
    expect((await decodePins(pins([['sha256', HEX]])))?.pins.size).toBe(1);
    expect(await decodePins(pins(digests))).toBeUndefined();
  },
);

it('a list is none of a size below nothing', async () => {
  const head = { url: 'https://a.example/', confirmedAt: 1, sha256: HEX, size: 0 };
  expect(await LIST.decode(encodeFramed(head, BYTES))).toMatchObject({ head: { size: 0 } });
  expect(await LIST.decode(encodeFramed({ ...head, size: -1 }, BYTES))).toBeUndefined();
});

it('a page is none of a serial or a size below nothing', async () => {
  const { decode } = pageKind('alpha');
  const gone = { project: 'alpha', gone: true, serial: 0 };
  expect(await decode(encodeFramed(gone, BYTES))).toEqual({ gone: { serial: 0 } });
  expect(await decode(encodeFramed({ ...gone, serial: -1 }, BYTES))).toBeUndefined();
});

describe('the trust that an index has come to', () => {
  const document = { version: 1, number: 1, sha256: sha256Hex(BYTES) };
  const pointer: Pointer = {
    rootVersion: 1,
    acceptedAt: 1,
    timestamp: BYTES.toString('base64'),
    snapshot: document,
    targets: document,
    recent: [],
  };
  async function load(over: Partial<Pointer>) {
    const storage = createMemoryState().party();
    const { trust } = createIndexState({ storage, index: 'main' });
    await trust.keepRoot(1, BYTES);
    for (const role of ['snapshot', 'targets']) await storage.create(trustPath('main', role), 1, BYTES);
    await storage.create(trustPath('main', 'current'), 1, encodePointer({ ...pointer, ...over }));
    return trust.load(async () => undefined);
  }

  it('is read as it was written', async () => {
    expect(await load({})).toMatchObject({ rootVersion: 1 });
  });

  it.each<Partial<Pointer>>([
    { rootVersion: 0 },
    { snapshot: { ...document, version: 0 } },
    { snapshot: { ...document, number: -1 } },
    { targets: { ...document, sha256: 'A'.repeat(64) } },
    { recent: [{ ...document, version: 0, role: 'snapshot', until: 1 }] },
  ])('cannot be believed with %j', async (over) => {
    await expect(load(over)).rejects.toMatchObject({ reason: 'state' });
  });
});

it.each([
  { version: 0 },
  { recent: [{ version: 0, number: 1, sha256: HEX, replacedAt: 1 }] },
  { recent: [{ version: 1, number: 0, sha256: HEX, replacedAt: 1 }] },
])('a delegated role is had again where it says %j', async (over) => {
  const storage = createMemoryState().party();
  const roles = createDelegatedRoles(storage, 'main', () => 1);
  const role = { version: 2, recent: [], bytes: BYTES };
  await storage.create(delegatedPath('main', 'whole'), 1, encodeRole(role));
  expect(await roles.read('whole', 2)).toEqual(BYTES);
  await storage.create(delegatedPath('main', 'other'), 1, encodeRole({ ...role, ...over }));
  expect(await roles.read('other', over.version ?? 2)).toBeUndefined();
});

it.each<LogEntry['changes']>([
  [{ kind: 'create', creations: [{ item: ['main', 'a'], version: 0, value: BYTES }] }],
  [{ kind: 'create', creations: [{ item: ['main', 'a'], version: 1, value: BYTES, removeBelow: -1 }] }],
])('an entry of a log is none that says %j', (...changes) => {
  const seal = new EntrySeal('main', Buffer.alloc(32));
  const entry = (of: LogEntry['changes']): LogEntry => ({ number: 1, previous: HEX, changes: of });
  const whole: LogEntry['changes'] = [
    { kind: 'create', creations: [{ item: ['main', 'a'], version: 1, value: BYTES, removeBelow: 0 }] },
  ];
  expect(seal.open(seal.close(entry(whole)), 1)).toMatchObject({ number: 1 });
  expect(seal.open(seal.close(entry(changes)), 1)).toBeUndefined();
  expect(seal.open(seal.close({ ...entry(whole), number: -1 }), -1)).toBeUndefined();
});
