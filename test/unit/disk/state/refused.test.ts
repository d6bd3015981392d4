import { createCipheriv, createHash } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { ThreadEnded } from '../../../../src/disk/database/database-thread.ts';
import { knownInodeOf, placeOf } from '../../../../src/disk/database/place.ts';
import { STATE_SCHEMA } from '../../../../src/disk/database/schema.ts';
import { DamagedDatabase } from '../../../../src/disk/database/sqlite.ts';
import type { Creation } from '../../../../src/disk/database/thread-protocol.ts';
import { nodeFileOps } from '../../../../src/disk/file-ops.ts';
import { ROOM_ASKED_MOST } from '../../../../src/disk/limits.ts';
import { Floors } from '../../../../src/disk/state/floors.ts';
import { StateDump } from '../../../../src/disk/state/state-dump.ts';
import { scanState } from '../../../../src/disk/state/state-scan.ts';
import { StateSeal, sealKeysOf } from '../../../../src/disk/state/state-seal.ts';
import { StateWriter } from '../../../../src/disk/state/state-writer.ts';
import type { ItemPath } from '../../../../src/ports/state-storage.ts';
import { systemError } from '../../../support/faults.ts';
import { behindItsBack, fileOf, flipValue, party, scratchDirectory } from './rig.ts';

// What a state does not take for its own, each seen by the part that looks at it.

const DEMO: ItemPath = ['main', 'pins', 'demo'];
const MARK: ItemPath = ['main', 'fleet', 'log'];
const bytes = (text: string) => new TextEncoder().encode(text);
const creation = (path: string, version: number, removeBelow = 0): Creation => ({
  path,
  version,
  value: bytes(`${path} ${version}`),
  removeBelow,
});

/** A state of one item, closed, and where it lies. */
async function written() {
  const root = await scratchDirectory();
  const { state, close } = await party(root);
  await state.create(DEMO, 1, bytes('1'));
  await close();
  const folder = join(root, 'indexes', 'main', 'state');
  const place = placeOf(folder, 'state', STATE_SCHEMA, { holds: 'what is tried' });
  const source = { place, access: 'read', index: 'main', keys: undefined } as const;
  return { root, place, source };
}

describe('a database with a further table', () => {
  it('is neither scanned nor copied', async () => {
    const { root, source } = await written();
    expect(scanState({ ...source, secret: Floors.newSecret() }).versions).toBe(1);
    behindItsBack(root, (database) => database.exec('CREATE TABLE more (x)'));
    expect(() => scanState({ ...source, secret: Floors.newSecret() })).toThrow('tables are not the ones');
    expect(() => new StateDump(source)).toThrow('tables are not the ones');
  });
});

it('a value that is not what was written is not copied', async () => {
  const { root, source } = await written();
  const sound = new StateDump(source);
  expect(sound.next()).toHaveLength(1);
  sound.close();
  flipValue(root, DEMO);
  const dump = new StateDump(source);
  expect(() => dump.next()).toThrow(DamagedDatabase);
  dump.close();
});

describe('a copy', () => {
  async function writer() {
    const { place } = await written();
    const target = { inode: knownInodeOf(place), maxBytes: 1e9, waitMs: 0 };
    return new StateWriter({ database: 1, place, index: 'main', keys: undefined, ...target });
  }
  const mark = creation('fleet/log/', 1);

  it('takes no version that is older than what it holds', async () => {
    const copy = await writer();
    const newer = [creation('pins/demo/', 2, 2)];
    copy.transact([{ kind: 'create', ask: { database: 1, creations: newer } }]);
    const changes = [{ kind: 'create', creations: [creation('pins/demo/', 1)] }] as const;
    expect(() => copy.transact([{ kind: 'copy', ask: { database: 1, mark, changes } }])).toThrow(
      expect.objectContaining({ reason: 'state' }),
    );
    copy.close();
  });

  it('is replaced by all that was put there for it, or not at all', async () => {
    const copy = await writer();
    const staged = [creation('pages/a/', 1)];
    copy.transact([{ kind: 'stage', ask: { database: 1, name: 'next', creations: staged } }]);
    const replace = (count: number) =>
      copy.transact([{ kind: 'replace', ask: { database: 1, name: 'next', count, mark } }]);
    expect(() => replace(2)).toThrow(expect.objectContaining({ reason: 'state' }));
    expect(replace(1)).toMatchObject([{ replaced: true }]);
    copy.close();
  });
});

describe('a head of another length than any that was written', () => {
  const keys = sealKeysOf(Buffer.alloc(32));
  const head = { epoch: 7, sum: 0n, contents: undefined };
  const [unsealed = 0] = new StateSeal('main', undefined).closeHead(head);
  const [sealed = 0] = new StateSeal('main', keys).closeHead(head);
  const plain = Buffer.alloc(39);

  it('is wrong, though its digest is right', () => {
    const digest = createHash('sha256').update('["main","",0]\n').update(plain).digest();
    const content = Buffer.concat([Buffer.of(unsealed), plain, digest]);
    expect(new StateSeal('main', undefined).openHead(content)).toBe('wrong');
  });

  it('is wrong, though its seal is right, and is not called sealed', () => {
    const nonce = Buffer.alloc(12);
    const cipher = createCipheriv('aes-256-gcm', keys.head, nonce);
    cipher.setAAD(Buffer.from('main'));
    const parts = [Buffer.of(sealed), nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()];
    for (const seal of [new StateSeal('main', keys), new StateSeal('main', undefined)])
      expect(seal.openHead(Buffer.concat(parts))).toBe('wrong');
  });
});

describe('room for what is new', () => {
  async function full(made: boolean) {
    const { state } = await party(await scratchDirectory(), { maxBytes: 1024 * 1024 });
    for (let at = 0; ; at++) {
      const item: ItemPath = ['main', 'pages', `p${at}`];
      const created = await state.create(item, 1, new Uint8Array(20_000)).catch((error: unknown) => error);
      if (created !== true) break;
    }
    let asked = 0;
    const makeRoom = async () => {
      asked++;
      return made;
    };
    state.keepRoom('main', { makeRoom });
    await expect(state.create(['main', 'pages', 'one-more'], 1, new Uint8Array(20_000))).rejects.toMatchObject({
      reason: 'limit',
      transient: true,
    });
    return asked;
  }

  it('is asked for once where none can be made', async () => expect(await full(false)).toBe(1));

  it('is asked for a few times where others take what is made', async () =>
    expect(await full(true)).toBe(ROOM_ASKED_MOST));
});

it.each(['apply', 'replace'] as const)(
  'what cannot be watched from outside is not copied any more: %s',
  async (how) => {
    let canNote = true;
    const raise = async () => {
      if (!canNote) throw new Error('no note can be made');
    };
    const { state } = await party(await scratchDirectory(), { notes: [{ of: async () => 0, raise }] });
    const mark = { item: MARK, version: 1, value: bytes('mark') };
    const copy = () => (how === 'apply' ? state.apply(mark, [], false) : state.replace(mark, async function* () {}));
    await state.create(DEMO, 1, bytes('1'));
    canNote = false;
    await expect(state.setAside(['main', 'x'], 'x')).rejects.toThrow('no note');
    await expect(copy()).rejects.toThrow('no note');
    expect(await state.version(MARK, 0)).toBe(0);
    canNote = true;
    expect(await copy()).toBe(true);
  },
);

it('a state that is there is not begun again, and nothing is asked what it would hold', async () => {
  const { root } = await written();
  const { state } = await party(root);
  async function* items() {
    yield expect.fail('an item was asked for');
  }
  expect(await state.begin('main', items())).toBe(false);
});

it('a state beside which a journal was put since it was read is not written to', async () => {
  const { root } = await written();
  const { state } = await party(root);
  expect(await state.version(DEMO, 0)).toBe(1);
  await writeFile(`${fileOf(root)}-journal`, '');
  await expect(state.create(DEMO, 2, bytes('2'))).rejects.toMatchObject({
    reason: 'state',
    transient: false,
    message: expect.stringContaining('was not written by us'),
  });
});

describe('a write whose thread ended before it answered', () => {
  async function dying() {
    const { root } = await written();
    const one = await party(root, { ownThreads: true });
    await one.state.create(DEMO, 2, bytes('2'));
    const call = one.writing.call.bind(one.writing);
    vi.spyOn(one.writing, 'call').mockImplementation(async (kind, ask) => {
      if (kind === 'create') throw new ThreadEnded(undefined);
      return call(kind, ask);
    });
    return { ...one, root };
  }

  it('and of which nothing is found may be tried again', async () => {
    const { state } = await dying();
    await expect(state.create(DEMO, 3, bytes('3'))).rejects.toMatchObject({ reason: 'state', transient: true });
  });

  it('and in whose place another’s is found was too late', async () => {
    const { state, root } = await dying();
    const other = await party(root);
    await other.state.create(DEMO, 3, bytes('theirs'));
    expect(await state.create(DEMO, 3, bytes('ours'))).toBe(false);
    expect((await state.newest(DEMO, 3))?.value).toEqual(bytes('theirs'));
  });
});

it('what can be believed of a state is not put where something lies already, and the old one stays', async () => {
  const { root } = await written();
  const ops: typeof nodeFileOps = {
    ...nodeFileOps,
    rename: (from, to) => (to.endsWith('.next') ? Promise.reject(systemError('EEXIST')) : nodeFileOps.rename(from, to)),
  };
  const { state } = await party(root, { ops });
  await mkdir(join(root, 'lost'));
  const recovering = state.recover('main', { adopt: false, keepAs: join(root, 'lost', 'x') });
  await expect(recovering).rejects.toThrow('is taken');
  await rm(join(root, 'lost'), { recursive: true });
  expect(await state.version(DEMO, 0)).toBe(1);
});
