import { cp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { IndexConfig } from '../../src/config/config.ts';
import type { ItemPath } from '../../src/ports/state-storage.ts';
import { SignedIndex } from '../../src/repository/signed-index.ts';
import { type Mirror, makeScratch, NOW, signedConfig, startMirror, unsignedConfig } from '../rigs/mirror.ts';
import { KEYS } from '../rigs/signed-rig.ts';
import { createClock } from '../support/clock.ts';
import { startFakePypi } from '../support/fake-pypi.ts';
import { pep458Paths } from '../support/pep458-paths.ts';
import { damageItem, itemsBelow, withState } from '../support/state.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';
import { startUpstream } from '../support/upstream.ts';

// One flipped bit in one thing that one index remembers, of every kind there is.

const ALPHA = tinyWheel('alpha');

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const INDEXES = ['signed', 'plain', 'signed-too', 'plain-too'];

interface Place {
  readonly mirror: Mirror;
  /** Which indexes there are at the next start. */
  readonly only: (...names: readonly string[]) => void;
  readonly away: (isAway: boolean) => void;
}

/** One upstream that signs, with a root that was rotated, and one that does not; each under two names. */
async function start(): Promise<Place> {
  const clock = createClock(NOW);
  const signed = new SignedIndex({ keys: KEYS, binBits: 2, pageFormat: 'json', now: clock.now });
  signed.upload('alpha', ALPHA);
  signed.publish();
  const first = pep458Paths(signed.repository.files).get('metadata/1.root.json') ?? expect.fail('no root');
  signed.repository.publishRoot();
  signed.publish();
  const upstream = await startUpstream({ files: pep458Paths(signed.repository.files), time: clock.now });
  const pypi = await startFakePypi();
  pypi.upload('alpha', ALPHA);
  const scratch = await makeScratch();
  const root = join(scratch, 'root.json');
  await writeFile(root, first);
  const plain = { upstream: `${pypi.url}simple/`, fileHosts: [`127.0.0.1:${pypi.files.port}`] };
  let names: readonly string[] = INDEXES;
  const indexes = (): IndexConfig[] =>
    names.map((name) =>
      name.startsWith('signed')
        ? signedConfig({ name, upstream: upstream.url, root })
        : unsignedConfig({ name, ...plain }),
    );
  closers.push(upstream.close, () => pypi.close());
  const mirror = await startMirror({ scratch, clock, indexes });
  closers.push(mirror.close);
  for (const name of names) {
    expect((await mirror.get(`/${name}/simple/alpha/`)).status).toBe(200);
    expect((await mirror.get(`/${name}/simple/nothing/`)).status).toBe(404);
  }
  await mirror.stop();
  return {
    mirror,
    only: (...given) => {
      names = given;
    },
    away: (isAway) => (isAway ? upstream.fault('*', { kind: 'reset' }) : upstream.heal()),
  };
}

const itemsOf = (mirror: Mirror, index: string): Promise<readonly ItemPath[]> =>
  withState(mirror.data(), (_, { databases }) => itemsBelow(databases.state, [index]), { index });

const OUTCOMES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  signed: {
    facts: 'state',
    'pins/alpha': 'state',
    'tuf/current': 'state',
    'tuf/delegated': 'had again',
    'tuf/root': 'had again',
    'tuf/snapshot': 'had again',
    'tuf/targets': 'had again',
    'tuf/timestamp': 'state',
  },
  plain: { facts: 'state', 'pages/alpha': 'state', 'pins/alpha': 'state' },
};

describe.each(INDEXES.slice(0, 2))('each thing that an index remembers, damaged in one bit: %s', (index) => {
  it('refuses what depends on it, alone, and says what to do; what can be had again is had again', async () => {
    const { mirror } = await start();
    const items = await itemsOf(mirror, index);
    const kinds = new Set(items.map((path) => path.slice(1, 3).join('/')));
    expect(kinds.size).toBeGreaterThanOrEqual(index === 'signed' ? 8 : 3);
    const outcomes = new Map<string, string>();
    const whole = `${mirror.data()}-whole`;
    await cp(mirror.data(), whole, { recursive: true });
    const again = async () => {
      await rm(mirror.data(), { recursive: true });
      await cp(whole, mirror.data(), { recursive: true });
    };
    for (const item of items) {
      const name = item.slice(1).join('/');
      await again();
      await damageItem(mirror.data(), item);
      const before = mirror.events.rejected.length;
      await mirror.start();
      for (const other of INDEXES.filter((each) => each !== index))
        expect((await mirror.get(`/${other}/simple/alpha/`)).status, name).toBe(200);
      const { status, body } = await mirror.get(`/${index}/simple/alpha/`);
      const told = mirror.events.rejected.slice(before).map(({ message }) => message);
      expect(told.length, name).toBeGreaterThan(0);
      outcomes.set(item.slice(1, 3).join('/'), status === 200 ? 'had again' : JSON.parse(String(body)).reason);
      if (status !== 200) {
        expect(told.join(' '), name).toContain('accept-state-loss');
        expect(told.join(' '), name).not.toContain('--new-trust');
      }
      await mirror.stop();
      if (!name.startsWith('tuf/root/')) continue;
      // What was had again is whole from then on.
      const since = mirror.events.rejected.length;
      await mirror.start();
      expect((await mirror.get(`/${index}/simple/alpha/`)).status, name).toBe(200);
      expect(mirror.events.rejected.slice(since), name).toEqual([]);
      await mirror.stop();
    }
    expect(Object.fromEntries(outcomes)).toEqual(OUTCOMES[index]);
  }, 120_000);
});

describe('what can be had again', () => {
  it.each(['root/2', 'snapshot', 'targets'])(
    '%s, while upstream is away: refused alone, without a word of giving up trust',
    async (name) => {
      const { mirror, away } = await start();
      await damageItem(mirror.data(), ['signed', 'tuf', ...name.split('/')]);
      away(true);
      await mirror.start();
      for (const other of ['plain', 'signed-too'])
        expect((await mirror.get(`/${other}/simple/alpha/`)).status).toBe(200);
      expect(await mirror.refused('/signed/simple/alpha/')).toBe('503 state');
      expect((await mirror.index('signed').status()).lastError?.message).not.toContain('--new-trust');
      away(false);
      await mirror.restart();
      expect((await mirror.get('/signed/simple/alpha/')).status).toBe(200);
    },
  );

  it('the pinned root itself, from the file that pins it, whatever upstream does', async () => {
    const { mirror, away } = await start();
    await damageItem(mirror.data(), ['signed', 'tuf', 'root', '1']);
    away(true);
    await mirror.start();
    expect((await mirror.get('/signed/simple/alpha/')).status).toBe(200);
  });
});

describe('an index that is alone', () => {
  it.each([
    ['signed', 'facts'],
    ['signed', 'tuf/current'],
    ['signed', 'tuf/timestamp'],
    ['plain', 'facts'],
  ])('%s, with its %s damaged, does not start, and says what to do', async (index, name) => {
    const { mirror, only } = await start();
    only(index);
    await damageItem(mirror.data(), [index, ...name.split('/')]);
    const refusal = await mirror.start().then(
      () => expect.fail('it started'),
      (error: unknown) => error,
    );
    expect(refusal).toMatchObject({ reason: 'state', message: expect.stringContaining('accept-state-loss') });
    expect(refusal).toMatchObject({ message: expect.not.stringContaining('--new-trust') });
  });

  it.each(['signed', 'plain'])('%s, with its database gone bad as a whole, does the same', async (index) => {
    const { mirror, only } = await start();
    const file = join(mirror.data(), 'indexes', index, 'state', 'state.db');
    await writeFile(file, Buffer.alloc(8192, 7));
    only(...INDEXES);
    await mirror.start();
    expect(await mirror.refused(`/${index}/simple/alpha/`)).toBe('503 state');
    for (const other of INDEXES.filter((each) => each !== index))
      expect((await mirror.get(`/${other}/simple/alpha/`)).status).toBe(200);
    await mirror.stop();
    only(index);
    await expect(mirror.start()).rejects.toMatchObject({
      reason: 'state',
      message: expect.stringContaining('accept-state-loss'),
    });
  });
});
