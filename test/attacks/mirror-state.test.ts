import { afterEach, describe, expect, it } from 'vitest';
import type { ItemPath } from '../../src/ports/state-storage.ts';
import { Repository } from '../../src/repository/repository.ts';
import { type SignedRig, startSignedRig } from '../rigs/signed-rig.ts';
import { reasonOf } from '../support/client.ts';
import { authority } from '../support/keys.ts';
import { behindItsBack, damageItem, itemsBelow, sqlPath, withState } from '../support/state.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';

// An attacker holds the data volume. It can delete; what it plants is refused, or healed from upstream.

const ALPHA = tinyWheel('alpha');

let rig: SignedRig;
afterEach(() => rig.close());

const start = async () => {
  rig = await startSignedRig({ fill: (signed) => signed.upload('alpha', ALPHA) });
  await rig.page('alpha');
};

/** The same names signed by somebody else's keys. */
function foreignFiles(version = 1): ReadonlyMap<string, Uint8Array> {
  const thief = authority(['thief']);
  const repository = new Repository({
    authorities: { root: thief, targets: thief, snapshot: thief, timestamp: thief },
    now: rig.clock.now,
  });
  for (let next = 1; next <= version; next++) repository.publishRoot();
  repository.publish();
  return repository.files;
}

const CURRENT: ItemPath = ['main', 'tuf', 'current'];
const root = (version: number): ItemPath => ['main', 'tuf', 'root', String(version)];

/** What the data directory says of the index itself. */
const indexRecords = () => withState(rig.data(), async ({ facts }) => JSON.stringify((await facts.read())?.value));

const stored = (item: ItemPath) =>
  withState(rig.data(), async (_, { databases }) => Buffer.from((await databases.state.newest(item, 0))?.value ?? []));

/** Puts a value in an item's place as whoever has this program can, where nothing is sealed. */
const plant = (item: ItemPath, value: Uint8Array) =>
  withState(rig.data(), async (_, { databases: { state } }) => {
    expect(await state.create(item, (await state.version(item, 0)) + 1, value)).toBe(true);
  });

/** A row of an item as it lies in the database, to be put back later. */
async function rowOf([, ...names]: ItemPath): Promise<string> {
  const [row] = JSON.parse(
    await behindItsBack(
      rig.data(),
      `SELECT path, version, hex(value) AS value, hex(digest) AS digest, hex(seal) AS seal FROM item WHERE path = ${sqlPath(...names)}`,
    ),
  );
  return `INSERT INTO item (path, version, value, digest, seal) VALUES ('${row.path}', ${row.version}, x'${row.value}', x'${row.digest}', x'${row.seal}')`;
}

describe('the pinned root exchanged', () => {
  it('for one outside the chain: it does not start', async () => {
    await start();
    await rig.stop();
    const root = foreignFiles().get('metadata/1.root.json');
    expect(await reasonOf(rig.start({ root: root ?? new Uint8Array() }))).toBe('state');
  });

  it('a root that was refused is not on record as the pinned one', async () => {
    await start();
    const before = await indexRecords();
    await rig.stop();
    const root = foreignFiles().get('metadata/1.root.json') ?? new Uint8Array();
    expect(await reasonOf(rig.start({ root }))).toBe('state');
    expect(await indexRecords()).toBe(before);
  });

  it('with --new-trust it starts from nothing, and the reason is on record', async () => {
    await start();
    await rig.stop();
    const files = foreignFiles();
    const root = files.get('metadata/1.root.json') ?? new Uint8Array();
    await rig.start({ root, newTrust: 'the index moved house' });
    expect(await rig.refused('/simple/alpha/')).toBe('502 threshold');
    rig.replay(files);
    rig.clock.advance(10);
    expect(await rig.refused('/simple/alpha/')).toBe('404 unlisted');
    expect(await indexRecords()).toContain('the index moved house');
    await rig.restart();
    expect(await rig.refused('/simple/alpha/')).toBe('404 unlisted');
  });

  it('for a later root of the same chain: every floor stays', async () => {
    await start();
    const first = rig.save();
    rig.signed.repository.publishRoot();
    rig.signed.upload('alpha', tinyWheel('alpha', '2.0'));
    await rig.publish();
    await rig.page('alpha');
    await rig.stop();
    await rig.start({ root: rig.published('metadata/2.root.json') });
    rig.replay(first);
    rig.clock.advance(60);
    await rig.refresh();
    expect((await rig.index().status()).lastError?.reason).toBe('rollback');
    expect((await rig.page('alpha')).versions).toEqual(['1.0', '2.0']);
  });

  it('that is not signed by its own keys, or no root at all: it does not start', async () => {
    await start();
    await rig.stop();
    const text = Buffer.from(rig.published('metadata/1.root.json')).toString();
    expect(await reasonOf(rig.start({ root: Buffer.from(text.replace('"version":1', '"version":7')) }))).toBe(
      'threshold',
    );
    expect(await reasonOf(rig.start({ root: rig.published('metadata/timestamp.json') }))).toBe('format');
    expect(await reasonOf(rig.start({ root: Buffer.from('not json') }))).toBe('format');
    expect(await reasonOf(rig.start({ root: new Uint8Array() }))).toBe('format');
  });
});

describe('stored roots', () => {
  it('the first one replaced by a self-signed one: it does not start', async () => {
    await start();
    await rig.stop();
    await plant(root(1), foreignFiles().get('metadata/1.root.json') ?? new Uint8Array());
    expect(await reasonOf(rig.start())).toBe('state');
  });

  it.each(['self-signed', 'cut short', 'an older one', 'other bits'])(
    'a later one replaced by %s: healed from upstream',
    async (how) => {
      await start();
      rig.signed.repository.publishRoot();
      rig.signed.repository.publishRoot();
      await rig.publish();
      await rig.stop();
      const genuine = rig.published('metadata/2.root.json');
      const planted = {
        'self-signed': foreignFiles(2).get('metadata/2.root.json'),
        'cut short': genuine.subarray(0, 100),
        'an older one': rig.published('metadata/1.root.json'),
      }[how];
      if (planted === undefined) await damageItem(rig.data(), root(2));
      else await plant(root(2), planted);
      await rig.start();
      expect((await rig.page('alpha')).files).toHaveLength(1);
      expect((await stored(root(2))).equals(genuine)).toBe(true);
      expect((await rig.get('/tuf/metadata/2.root.json')).body.equals(genuine)).toBe(true);
    },
  );

  it('one planted behind the last: as if it were not there', async () => {
    await start();
    await rig.stop();
    await plant(root(2), foreignFiles(2).get('metadata/2.root.json') ?? new Uint8Array());
    await rig.start();
    expect(await rig.refused('/tuf/metadata/2.root.json')).toBe('404 unlisted');
    rig.signed.repository.publishRoot();
    await rig.publish();
    expect((await rig.get('/tuf/metadata/2.root.json')).body.equals(rig.published('metadata/2.root.json'))).toBe(true);
  });
});

describe('stored documents', () => {
  it('the pointer changed in one bit: it does not start', async () => {
    await start();
    await rig.stop();
    await damageItem(rig.data(), ['main', 'tuf', 'current']);
    expect(await reasonOf(rig.start())).toBe('state');
  });

  it.each(['snapshot', 'targets'])(
    '%s changed in one bit: had again as it was published, and nothing else',
    async (name) => {
      await start();
      await rig.stop();
      await damageItem(rig.data(), ['main', 'tuf', name]);
      const path = `metadata/1.${name}.json`;
      // As well signed, and not what was published here.
      rig.instead(path, Buffer.concat([rig.published(path), Buffer.from(' ')]));
      expect(await reasonOf(rig.start())).toBe('state');
      rig.heal();
      await rig.start();
      expect((await rig.get(`/tuf/${path}`)).body.equals(rig.published(path))).toBe(true);
    },
  );

  it.each(['timestamp', 'snapshot'])('an older %s in a pointer that is whole: it does not start', async (role) => {
    await start();
    const older = JSON.parse((await stored(CURRENT)).toString());
    rig.signed.upload('alpha', tinyWheel('alpha', '2.0'));
    await rig.publish();
    await rig.stop();
    const newer = JSON.parse((await stored(CURRENT)).toString());
    await plant(CURRENT, Buffer.from(JSON.stringify({ ...newer, [role]: older[role] })));
    expect(await reasonOf(rig.start())).toBe('state');
  });

  it.each(['cut short', 'emptied', 'edited'])('the pointer %s: it does not start', async (how) => {
    await start();
    await rig.stop();
    const text = (await stored(CURRENT)).toString();
    const damage = {
      'cut short': text.slice(0, 50),
      emptied: ' ',
      edited: text.replace(/"acceptedAt":\d+/, '"acceptedAt":1'),
    };
    const value = Buffer.from(damage[how as keyof typeof damage]).toString('hex');
    await behindItsBack(rig.data(), `UPDATE item SET value = x'${value}' WHERE path = ${sqlPath('tuf', 'current')}`);
    expect(await reasonOf(rig.start())).toBe('state');
  });

  it.each(['beside', 'in the place of'])('an older pointer put back %s the newer: it does not start', async (where) => {
    await start();
    const older = await rowOf(CURRENT);
    rig.signed.upload('alpha', tinyWheel('alpha', '2.0'));
    await rig.publish();
    await rig.stop();
    const away = `DELETE FROM item WHERE path = ${sqlPath('tuf', 'current')}`;
    await behindItsBack(rig.data(), where === 'beside' ? older : `${away};\n${older}`);
    expect(await reasonOf(rig.start())).toBe('state');
  });

  it('a bin changed on disk is fetched again; while upstream is away it proves nothing', async () => {
    await start();
    await rig.stop();
    const roles = await withState(rig.data(), (_, { databases }) =>
      itemsBelow(databases.state, ['main', 'tuf', 'delegated']),
    );
    expect(roles.length).toBeGreaterThan(0);
    for (const role of roles) {
      const value = await stored(role);
      const body = value.indexOf('\n') + 1;
      const edited = value.toString('latin1', body).replace('"version":1', '"version":2');
      await plant(role, Buffer.concat([value.subarray(0, body), Buffer.from(edited, 'latin1')]));
    }
    rig.upstream.fault('*', { kind: 'reset' });
    await rig.start();
    expect(await rig.refused('/simple/alpha/')).toBe('503 unreachable');
    rig.heal();
    rig.clock.advance(10);
    expect((await rig.page('alpha')).files).toHaveLength(1);
    expect(rig.events.rejected.some(({ at, subject }) => at === 'disk' && subject === 'delegated')).toBe(true);
  });

  it('a bin with a bit turned on disk is as good as absent, and told of at start', async () => {
    await start();
    await rig.stop();
    const [role] = await withState(rig.data(), (_, { databases }) =>
      itemsBelow(databases.state, ['main', 'tuf', 'delegated']),
    );
    if (role === undefined) throw new Error('no role is stored');
    await damageItem(rig.data(), role);
    await rig.start();
    expect(rig.events.rejected).toMatchObject([{ index: 'main', reason: 'state', subject: 'state', at: 'disk' }]);
    expect((await rig.page('alpha')).files).toHaveLength(1);
    await rig.restart();
    expect(rig.events.rejected).toHaveLength(1);
  });
});
