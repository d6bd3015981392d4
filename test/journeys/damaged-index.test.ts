import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { SignedIndex } from '../../src/repository/signed-index.ts';
import { type Mirror, makeScratch, NOW, signedConfig, startMirror } from '../rigs/mirror.ts';
import { KEYS } from '../rigs/signed-rig.ts';
import { client } from '../support/callers.ts';
import { reasonOf } from '../support/client.ts';
import { createClock } from '../support/clock.ts';
import { pep458Paths } from '../support/pep458-paths.ts';
import { behindItsBack, sqlPath, withState } from '../support/state.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';
import { startUpstream } from '../support/upstream.ts';

const ALPHA = tinyWheel('alpha');

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

/** A mirror of one upstream under several names. */
async function start(names: string[]): Promise<{ readonly mirror: Mirror; readonly path: string }> {
  const clock = createClock(NOW);
  const signed = new SignedIndex({ keys: KEYS, binBits: 2, pageFormat: 'json', now: clock.now });
  signed.upload('alpha', ALPHA);
  signed.publish();
  const files = pep458Paths(signed.repository.files);
  const upstream = await startUpstream({ files });
  const scratch = await makeScratch();
  const root = join(scratch, 'root.json');
  await writeFile(root, files.get('metadata/1.root.json') ?? '');
  const indexes = () => names.map((name) => signedConfig({ name, upstream: upstream.url, root }));
  const mirror = await startMirror({ scratch, clock, indexes });
  closers.push(mirror.close, upstream.close);
  return { mirror, path: signed.filePath(ALPHA) };
}

/** What this index had accepted before proves no more. */
function damage(mirror: Mirror, index: string): Promise<void> {
  return withState(
    mirror.data(),
    async ({ trust }) => {
      const stored = (await trust.load()) ?? expect.fail('nothing is stored');
      const { acceptedAt: publishedAt } = stored;
      const next = { ...stored, publishedAt, timestamp: Buffer.from('{}'), snapshotVersion: 1, targetsVersion: 1 };
      expect(await trust.publish(next, stored.current)).toMatchObject({ result: 'published' });
    },
    { index },
  );
}

/** A piece of what it remembers is missing. */
async function takeAway(mirror: Mirror, index: string): Promise<void> {
  await behindItsBack(mirror.data(), `DELETE FROM item WHERE path = ${sqlPath('tuf', 'timestamp')}`, index);
}

it.each([
  ['stored trust proves no more', damage],
  ['state is not all there', takeAway],
])('an index whose %s refuses alone, for that reason and never as absent', async (_, harm) => {
  const { mirror, path } = await start(['main', 'other']);
  for (const prefix of ['', '/other']) expect((await mirror.get(`${prefix}/simple/alpha/`)).status).toBe(200);
  await mirror.stop();
  await harm(mirror, 'other');
  await mirror.start();

  expect(await mirror.names('alpha')).toEqual([ALPHA.filename]);
  for (const asked of [
    'simple/alpha/',
    'simple/nothing/',
    'simple/',
    path,
    'tuf/metadata/timestamp.json',
    'tuf/targets/x',
  ])
    expect(await mirror.refused(`/other/${asked}`)).toBe('503 state');
  expect(mirror.events.rejected).toContainEqual(
    expect.objectContaining({ index: 'other', reason: 'state', at: 'disk' }),
  );

  const other = mirror.index('other');
  expect((await other.status()).lastError?.reason).toBe('state');
  expect(await reasonOf(other.explain('alpha', client()))).toBe('state');
  expect(await reasonOf(other.listing('alpha', client()))).toBe('state');
  expect(await reasonOf(other.projects(client())[Symbol.asyncIterator]().next())).toBe('state');
});

it('where no other index is left, nothing starts', async () => {
  const { mirror } = await start(['main']);
  await mirror.names('alpha');
  await mirror.stop();
  await damage(mirror, 'main');
  expect(await reasonOf(mirror.start())).toBe('state');
});
