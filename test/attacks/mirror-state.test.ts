import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { Repository } from '../../src/repository/repository.ts';
import { type SignedRig, startSignedRig } from '../rigs/signed-rig.ts';
import { reasonOf } from '../support/client.ts';
import { authority } from '../support/keys.ts';
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

const trustPath = (...names: string[]) => join(rig.data(), 'indexes', 'main', 'tuf', ...names);

/** What the data directory says of the index itself. */
async function indexRecords(): Promise<string> {
  const folder = join(rig.data(), 'indexes', 'main', 'index');
  const records = await Promise.all((await readdir(folder)).map((name) => readFile(join(folder, name), 'utf8')));
  return records.join();
}

async function onlyFileIn(folder: string): Promise<string> {
  const names = await readdir(trustPath(folder));
  expect(names).toHaveLength(1);
  return trustPath(folder, names[0] ?? '');
}

/** The stored document that holds this text. */
async function documentWith(text: string): Promise<string> {
  for (const name of await readdir(trustPath('documents'))) {
    const path = trustPath('documents', name);
    if ((await readFile(path, 'utf8')).includes(text)) return path;
  }
  throw new Error(`no stored document holds ${text}`);
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

  it('with --new-trust the reason is on record before the trust is put aside', async () => {
    await start();
    await rig.stop();
    // A directory in the way of the archive: putting aside fails, as a crash there would end it.
    const aside = `${trustPath()}.until-${rig.clock.now()}`;
    await mkdir(join(aside, 'in the way'), { recursive: true });
    await rig.start({ newTrust: 'the index moved house' }).catch(() => undefined);
    expect(await readdir(trustPath())).toContain('current');
    expect(await indexRecords()).toContain('the index moved house');
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
    await writeFile(trustPath('roots', '1.json'), foreignFiles().get('metadata/1.root.json') ?? '');
    expect(await reasonOf(rig.start())).toBe('state');
  });

  it.each(['self-signed', 'cut short', 'an older one'])(
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
      await writeFile(trustPath('roots', '2.json'), planted ?? '');
      await rig.start();
      expect((await rig.page('alpha')).files).toHaveLength(1);
      expect((await readFile(trustPath('roots', '2.json'))).equals(genuine)).toBe(true);
      expect((await rig.get('/tuf/metadata/2.root.json')).body.equals(genuine)).toBe(true);
    },
  );

  it('one planted behind the last: as if it were not there', async () => {
    await start();
    await rig.stop();
    await writeFile(trustPath('roots', '2.json'), foreignFiles(2).get('metadata/2.root.json') ?? '');
    await rig.start();
    expect(await rig.refused('/tuf/metadata/2.root.json')).toBe('404 unlisted');
    rig.signed.repository.publishRoot();
    await rig.publish();
    expect((await rig.get('/tuf/metadata/2.root.json')).body.equals(rig.published('metadata/2.root.json'))).toBe(true);
  });
});

describe('stored documents', () => {
  it.each(['timestamp', 'snapshot', 'targets'])('%s changed in one byte: it does not start', async (type) => {
    await start();
    const path = await documentWith(`"_type":"${type}"`);
    await rig.stop();
    const bytes = await readFile(path);
    bytes[30] = (bytes[30] ?? 0) ^ 1;
    await writeFile(path, bytes);
    expect(await reasonOf(rig.start())).toBe('state');
  });

  it.each([[['timestamp']], [['snapshot']], [['timestamp', 'snapshot']]])(
    'older ones (%j) in the place of the newer: it does not start',
    async (types) => {
      await start();
      const older = await Promise.all(types.map(async (type) => readFile(await documentWith(`"_type":"${type}"`))));
      rig.signed.upload('alpha', tinyWheel('alpha', '2.0'));
      await rig.publish();
      const newer = (await readdir(trustPath('documents'))).map((name) => trustPath('documents', name));
      await rig.stop();
      for (const path of newer) {
        const text = await readFile(path, 'utf8');
        const at = types.findIndex((type) => text.includes(`"_type":"${type}"`));
        if (at >= 0 && text.includes('"version":2,')) await writeFile(path, older[at] ?? '');
      }
      expect(await reasonOf(rig.start())).toBe('state');
    },
  );

  it.each(['cut short', 'emptied', 'edited'])('the pointer %s: it does not start', async (how) => {
    await start();
    const path = await onlyFileIn('current');
    await rig.stop();
    const text = await readFile(path, 'utf8');
    const damage = {
      'cut short': text.slice(0, 50),
      emptied: '',
      edited: text.replace(/"acceptedAt":\d+/, '"acceptedAt":1'),
    };
    await writeFile(path, damage[how as keyof typeof damage]);
    expect(await reasonOf(rig.start())).toBe('state');
  });

  it('an older pointer in the place of the newer, its documents still there: it does not go back', async () => {
    await start();
    const older = await readFile(await onlyFileIn('current'), 'utf8');
    rig.signed.upload('alpha', tinyWheel('alpha', '2.0'));
    await rig.publish();
    await rig.stop();
    await writeFile(trustPath('current', '1.json'), older);
    await rig.start();
    expect((await rig.page('alpha')).versions).toEqual(['1.0', '2.0']);
  });

  it('a bin changed on disk is fetched again; while upstream is away it proves nothing', async () => {
    await start();
    await rig.stop();
    const folders = await readdir(trustPath('delegated'));
    for (const folder of folders)
      for (const name of await readdir(trustPath('delegated', folder))) {
        const path = trustPath('delegated', folder, name);
        const text = await readFile(path, 'utf8');
        await writeFile(path, text.replace('"version":1', '"version":2'));
      }
    rig.upstream.fault('*', { kind: 'reset' });
    await rig.start();
    expect(await rig.refused('/simple/alpha/')).toBe('503 unreachable');
    rig.heal();
    rig.clock.advance(10);
    expect((await rig.page('alpha')).files).toHaveLength(1);
    expect(rig.events.rejected.some(({ at, subject }) => at === 'disk' && subject === 'delegated')).toBe(true);
  });
});
