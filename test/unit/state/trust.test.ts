import { chmod, readdir, readFile, rm, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openVolume, type Volume } from '../../../src/disk/volume.ts';
import type { PublishedTrust, TrustStore } from '../../../src/ports/index-state.ts';
import { createTrustStore } from '../../../src/state/trust.ts';
import { failAt, systemError } from '../../support/faults.ts';
import { filesBelow, refusalOf, scratch } from '../../support/volume-harness.ts';

const HOUR = 3600;

function published(version: number, over: Partial<PublishedTrust> = {}): PublishedTrust {
  return {
    rootVersion: 1,
    timestamp: Buffer.from(`{ "timestamp" : ${version} }\r\n`),
    snapshot: Buffer.from(`snapshot ${version}`),
    targets: Buffer.from(`targets ${version}`),
    snapshotVersion: version,
    targetsVersion: version,
    acceptedAt: 1_000_000 + version,
    ...over,
  };
}

async function opened(
  data?: string,
): Promise<{ readonly data: string; readonly volume: Volume; readonly trust: TrustStore; readonly tuf: string }> {
  const directory = data ?? join(await scratch(), 'data');
  const volume = await openVolume(directory);
  return {
    data: directory,
    volume,
    trust: createTrustStore(volume, 'main'),
    tuf: join(directory, 'indexes', 'main', 'tuf'),
  };
}

async function publish(trust: TrustStore, next: PublishedTrust, replaces: string | undefined): Promise<string> {
  const result = await trust.publish(next, replaces);
  if (result.result !== 'published') throw new Error('superseded');
  return result.current;
}

const text = (bytes: Uint8Array | undefined) => bytes && Buffer.from(bytes).toString();

describe('trust', () => {
  it('of an empty directory is none', async () => {
    const { trust } = await opened();
    expect(await trust.load()).toBeUndefined();
    expect(await trust.root(1)).toBeUndefined();
    expect(await trust.recent('snapshot', 1)).toBeUndefined();
    expect(await trust.delegated('bin-0', 1)).toBeUndefined();
  });

  it('comes back byte for byte after a restart', async () => {
    const { data, trust } = await opened();
    await trust.keepRoot(1, Buffer.from('root 1\n'));
    await trust.keepRoot(2, Buffer.from('root 2\n'));
    const current = await publish(trust, published(7), undefined);
    const stored = await (await opened(data)).trust.load();
    expect(stored?.current).toBe(current);
    expect(stored?.rootVersion).toBe(1);
    expect(stored?.acceptedAt).toBe(1_000_007);
    expect(text(stored?.timestamp)).toBe('{ "timestamp" : 7 }\r\n');
    expect(text(stored?.snapshot)).toBe('snapshot 7');
    expect(text(stored?.targets)).toBe('targets 7');
    expect([...(stored?.roots ?? [])].map(([version, bytes]) => [version, text(bytes)])).toEqual([
      [1, 'root 1\n'],
      [2, 'root 2\n'],
    ]);
  });

  it('is swapped only by who knows what is current', async () => {
    const { data, trust } = await opened();
    const sibling = (await opened(data)).trust;
    const first = await publish(trust, published(1), undefined);
    expect(await sibling.publish(published(2), undefined)).toEqual({ result: 'superseded' });
    const second = await publish(sibling, published(2), first);
    expect(await trust.publish(published(3), first)).toEqual({ result: 'superseded' });
    expect((await trust.load())?.current).toBe(second);
    await publish(trust, published(3), second);
    expect(text((await sibling.load())?.targets)).toBe('targets 3');
  });

  it('of two that publish at once, one wins', async () => {
    const { data, trust } = await opened();
    const stores = [trust, (await opened(data)).trust, (await opened(data)).trust];
    let current = await publish(trust, published(1), undefined);
    for (let version = 2; version < 12; version++) {
      const results = await Promise.all(
        stores.map((store, at) => store.publish(published(version * 10 + at), current)),
      );
      const won = results.filter(({ result }) => result === 'published');
      expect(won).toHaveLength(1);
      const stored = await trust.load();
      const [winner] = won;
      expect(winner?.result === 'published' && winner.current).toBe(stored?.current);
      current = stored?.current ?? '';
    }
  });

  it('an older number that was free again is not published', async () => {
    const { trust, tuf, volume } = await opened();
    let current: string | undefined;
    for (let version = 1; version <= 3; version++) current = await publish(trust, published(version), current);
    // What a process sees that stopped after reading number 1, and went on after number 3 was made and 2 removed.
    const { createNumbered } = await import('../../../src/state/numbered.ts');
    expect(await createNumbered(volume.durable, join(tuf, 'current'), 'trust').follow(1, {})).toBeUndefined();
    expect((await trust.load())?.current).toBe(current);
    expect(await readdir(join(tuf, 'current'))).toEqual(['3.json']);
  });

  it('keeps snapshots and targets of the last hour within reach', async () => {
    const { trust, tuf } = await opened();
    let current: string | undefined;
    for (const version of [1, 2, 3]) current = await publish(trust, published(version), current);
    for (const version of [1, 2, 3]) {
      expect(text(await trust.recent('snapshot', version))).toBe(`snapshot ${version}`);
      expect(text(await trust.recent('targets', version))).toBe(`targets ${version}`);
    }
    expect(await trust.recent('snapshot', 4)).toBeUndefined();
    const later = published(4, { acceptedAt: 1_000_004 + HOUR });
    current = await publish(trust, later, current);
    expect(await trust.recent('snapshot', 1)).toBeUndefined();
    expect(text(await trust.recent('snapshot', 3))).toBe('snapshot 3');
    // What nothing refers to goes once it is old on disk as well.
    const documents = join(tuf, 'documents');
    for (const name of await readdir(documents)) await utimes(join(documents, name), 1000, 1000);
    await publish(trust, published(5, { acceptedAt: later.acceptedAt + 2 * HOUR }), current);
    expect(await readdir(documents)).toHaveLength(5);
    expect(text((await trust.load())?.snapshot)).toBe('snapshot 5');
  });

  it('what a sibling has written and not yet published is not pruned', async () => {
    const { trust, tuf } = await opened();
    const first = await publish(trust, published(1), undefined);
    const theirs = join(tuf, 'documents', `${'e'.repeat(64)}.json`);
    await writeFile(theirs, 'next');
    await publish(trust, published(2), first);
    expect(await readFile(theirs, 'utf8')).toBe('next');
  });

  it('a timestamp alone may change', async () => {
    const { trust } = await opened();
    const first = await publish(trust, published(1), undefined);
    await publish(trust, { ...published(1), timestamp: Buffer.from('newer') }, first);
    const stored = await trust.load();
    expect(text(stored?.timestamp)).toBe('newer');
    expect(text(stored?.snapshot)).toBe('snapshot 1');
  });

  describe('the floor of its timestamp', () => {
    const kept = (rootVersion: number, version: number) => ({
      rootVersion,
      version,
      bytes: Buffer.from(`timestamp ${version} under root ${rootVersion}`),
    });

    it('goes up, and comes back after a restart', async () => {
      const { data, trust } = await opened();
      expect(await trust.timestamp()).toBeUndefined();
      for (const version of [4, 5]) await trust.keepTimestamp(kept(2, version));
      expect(await (await opened(data)).trust.timestamp()).toEqual(kept(2, 5));
    });

    it('is not lowered to an older version under the same root', async () => {
      const { trust } = await opened();
      await trust.keepTimestamp(kept(2, 5));
      await trust.keepTimestamp(kept(2, 4));
      expect(await trust.timestamp()).toEqual(kept(2, 5));
    });

    it('is not lowered to what an older root believed, whatever its version', async () => {
      const { trust } = await opened();
      await trust.keepTimestamp(kept(2, 5));
      await trust.keepTimestamp(kept(1, 9));
      expect(await trust.timestamp()).toEqual(kept(2, 5));
    });

    it('begins anew under a newer root: its keys may be others', async () => {
      const { trust } = await opened();
      await trust.keepTimestamp(kept(2, 5));
      await trust.keepTimestamp(kept(3, 1));
      expect(await trust.timestamp()).toEqual(kept(3, 1));
    });
  });

  it('an index name cannot lead elsewhere', async () => {
    const { volume } = await opened();
    for (const name of ['..', '../x', 'a/b', '', 'A', '.hidden', 'x'.repeat(65)])
      await expect(async () => createTrustStore(volume, name)).rejects.toMatchObject({ reason: 'state' });
  });
});

describe('damaged trust is refused, never taken for less', () => {
  async function withTrust() {
    const { data, trust, tuf } = await opened();
    await trust.keepRoot(1, Buffer.from('root 1'));
    const first = await publish(trust, published(1), undefined);
    await publish(trust, published(2), first);
    return { data, tuf, load: async () => (await opened(data)).trust.load() };
  }

  it('a flipped bit, a cut and a lost document', async () => {
    const damages: readonly ((path: string) => Promise<void>)[] = [
      async (path) => {
        const bytes = await readFile(path);
        bytes[0] = (bytes[0] ?? 0) ^ 1;
        await writeFile(path, bytes);
      },
      (path) => truncate(path, 3),
      (path) => rm(path),
    ];
    for (const damage of damages) {
      const { tuf, load } = await withTrust();
      const stored = await load();
      const { createHash } = await import('node:crypto');
      const name = createHash('sha256')
        .update(stored?.snapshot ?? '')
        .digest('hex');
      await damage(join(tuf, 'documents', `${name}.json`));
      expect(await refusalOf(load())).toMatchObject({ reason: 'state' });
    }
  });

  it('any flipped bit of the pointer', async () => {
    const { tuf, load } = await withTrust();
    const path = join(tuf, 'current', '2.json');
    const whole = await readFile(path);
    for (let at = 0; at < whole.byteLength - 1; at += 7) {
      const changed = Buffer.from(whole);
      changed[at] = (changed[at] ?? 0) ^ 1;
      await writeFile(path, changed);
      expect(await refusalOf(load())).toMatchObject({ reason: 'state' });
    }
    await writeFile(path, whole);
    expect(await load()).toBeDefined();
  });

  it('a pointer that is a directory', async () => {
    const { tuf, load } = await withTrust();
    await rm(join(tuf, 'current', '2.json'));
    const { mkdir } = await import('node:fs/promises');
    await mkdir(join(tuf, 'current', '2.json'));
    expect(await refusalOf(load())).toMatchObject({ reason: 'state' });
  });
});

describe('delegated roles', () => {
  it('come back by name and version, whatever the name', async () => {
    const { data, trust } = await opened();
    const names = ['../x', 'a/b', '', '.', '..', '\0', 'r'.repeat(300), 'ROOT', 'root', 'con', 'é', 'e\u0301'];
    for (const name of names) await trust.keepDelegated(name, 3, Buffer.from(`role ${name}`));
    const again = (await opened(data)).trust;
    for (const name of names) expect(text(await again.delegated(name, 3))).toBe(`role ${name}`);
    expect(await again.delegated('a/b', 4)).toBeUndefined();
    expect(
      (await filesBelow(data)).every((path) =>
        /^(VERSION|indexes\/main\/tuf\/delegated\/[0-9a-f]{64}\/3\.json)$/.test(path),
      ),
    ).toBe(true);
  });

  it('go an hour after another version followed them', async () => {
    const { trust, tuf } = await opened();
    const [folder = ''] = await (async () => {
      await trust.keepDelegated('bin', 1, Buffer.from('1'));
      return readdir(join(tuf, 'delegated'));
    })();
    const directory = join(tuf, 'delegated', folder);
    await utimes(join(directory, '1.json'), 1000, 1000);
    await trust.keepDelegated('bin', 2, Buffer.from('2'));
    expect(text(await trust.delegated('bin', 1))).toBe('1');
    await utimes(join(directory, '2.json'), 2000, 2000);
    await trust.keepDelegated('bin', 3, Buffer.from('3'));
    expect(await readdir(directory)).toEqual(['2.json', '3.json']);
  });

  it('that cannot be read are fetched again and made whole', async () => {
    const { trust, tuf } = await opened();
    await trust.keepDelegated('bin', 1, Buffer.from('1'));
    const [path = ''] = await filesBelow(join(tuf, 'delegated'));
    await rm(join(tuf, 'delegated', path));
    const { symlink } = await import('node:fs/promises');
    await symlink('/dev/null', join(tuf, 'delegated', path));
    expect(await trust.delegated('bin', 1)).toBeUndefined();
    await trust.keepDelegated('bin', 1, Buffer.from('1'));
    expect(text(await trust.delegated('bin', 1))).toBe('1');
  });
});

describe('a disk that fails while trust is published', () => {
  for (const when of ['before', 'after'] as const)
    it(`${when} each step in turn: the old or the new set, whole; and the next publish works`, async () => {
      for (let at = 1; ; at++) {
        const data = join(await scratch(), 'data');
        const faults = failAt(at, when, () => {
          throw systemError('EIO');
        });
        const trust = createTrustStore(await openVolume(data, { ops: faults.ops }), 'main');
        await trust.keepRoot(1, Buffer.from('root 1'));
        const first = await publish(trust, published(1), undefined);
        faults.arm();
        await trust.keepRoot(2, Buffer.from('root 2')).catch(() => undefined);
        await trust.publish(published(2, { rootVersion: 2 }), first).catch(() => undefined);
        faults.disarm();
        const fresh = (await opened(data)).trust;
        const stored = await fresh.load();
        const version = stored?.rootVersion;
        expect([1, 2]).toContain(version);
        expect(text(stored?.snapshot)).toBe(`snapshot ${version}`);
        expect(text(stored?.timestamp)).toBe(`{ "timestamp" : ${version} }\r\n`);
        await publish(fresh, published(3), stored?.current);
        if (!faults.hit()) {
          expect(version).toBe(2);
          expect(at).toBeGreaterThan(15);
          return;
        }
      }
    });
});

it('files of trust are private', async () => {
  const { trust, tuf } = await opened();
  await publish(trust, published(1), undefined);
  await chmod(tuf, 0o700);
  for (const path of await filesBelow(tuf)) {
    const { stat } = await import('node:fs/promises');
    expect((await stat(join(tuf, path))).mode & 0o077).toBe(0);
  }
});
