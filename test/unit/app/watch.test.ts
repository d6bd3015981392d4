import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { ImportedHere, Importer } from '../../../src/app/carry/import.ts';
import { FolderWatch } from '../../../src/app/carry/watch.ts';
import type { FeedTold } from '../../../src/bundle/import/carried-feed.ts';
import type { Imported } from '../../../src/bundle/import/place.ts';
import { Refusal } from '../../../src/bytes/refusal.ts';
import { makeScratch, NOW } from '../../rigs/mirror.ts';
import { Sender, signingKey } from '../../support/sender.ts';
import { tinyWheel } from '../../support/tiny-wheel.ts';

// What a watch does with a bundle that could not be taken in.

let inbox: string;
let now: number;
let said: string[];
let tried: number;
beforeEach(async () => {
  inbox = join(await makeScratch(), 'inbox');
  await mkdir(inbox);
  const sender = new Sender([await signingKey()], NOW);
  sender.put('alpha', tinyWheel('alpha'));
  await writeFile(join(inbox, 'one.tar'), (await sender.bundle()).whole);
  now = 1000;
  said = [];
  tried = 0;
});
afterEach(() => rm(join(inbox, '..'), { recursive: true }));

const IMPORTED: Imported = {
  number: 1,
  manifest: 'ab'.repeat(32),
  key: 'outside',
  unbelieved: undefined,
  stateAt: NOW,
  reference: undefined,
  isHere: false,
  skipped: [],
  contents: 2,
  bytes: 2,
  there: 0,
  pages: 1,
  files: 1,
  targets: 0,
  removed: 0,
  heldBack: [],
  scan: undefined,
  advisories: undefined,
};

/** One that comes to this, the first time and from then on. */
function watching(first: () => Partial<Imported>, next: () => Partial<Imported> = () => ({})): FolderWatch {
  const importer: Importer = {
    index: 'main',
    async take(): Promise<ImportedHere> {
      const came = tried++ === 0 ? first() : next();
      return { index: 'main', imported: { ...IMPORTED, ...came }, untold: [] };
    },
    close: async () => undefined,
  };
  return new FolderWatch(inbox, importer, {
    signal: new AbortController().signal,
    nowMs: () => now,
    onImported: ({ imported }) => said.push(`imported ${imported.number}`),
    onWaiting: (why) => said.push(why),
    onRefused: (why) => said.push(`REFUSED ${why}`),
  });
}

const refusing = (reason: 'limit' | 'digest', transient: boolean) => (): never => {
  throw new Refusal(reason, 'no room', { transient });
};

/** Two looks, after which a file is settled. */
async function looked(watch: FolderWatch): Promise<readonly string[]> {
  await watch.look();
  await watch.look();
  return said.splice(0);
}

it('what there was no room for is tried again a minute later, and said once', async () => {
  const watch = watching(refusing('limit', true), refusing('limit', true));
  expect(await looked(watch)).toEqual(['bundle 1 waits [limit]: no room']);
  now += 59_999;
  expect([await looked(watch), tried]).toEqual([[], 1]);
  now += 1;
  expect([await looked(watch), tried]).toEqual([[], 2]);
});

it('and taken in once there is room, after which it is done', async () => {
  const watch = watching(refusing('limit', true));
  await looked(watch);
  now += 60_000;
  expect(await looked(watch)).toEqual(['imported 1']);
  now += 3_600_000;
  expect([await looked(watch), tried]).toEqual([[], 2]);
});

it('what is wrong is not tried again, however long it lies there', async () => {
  const watch = watching(refusing('digest', false));
  expect(await looked(watch)).toEqual(['REFUSED bundle 1 is refused [digest]: no room']);
  now += 3_600_000;
  expect([await looked(watch), tried]).toEqual([[], 1]);
});

it('advisories that could not be kept are brought by the same bundle a minute later', async () => {
  const left = { from: undefined, newest: undefined, became: 'left', reason: 'limit', why: 'no room' } as const;
  const advisories: FeedTold = { ...left, again: true };
  const watch = watching(() => ({ advisories }));
  expect(await looked(watch)).toEqual(['imported 1']);
  expect([await looked(watch), tried]).toEqual([[], 1]);
  now += 60_000;
  expect([await looked(watch), tried]).toEqual([['imported 1'], 2]);
});
