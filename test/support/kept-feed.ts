import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FeedKeeper } from '../../src/app/advisories/keeper.ts';
import { sourceOf } from '../../src/app/advisories/source.ts';
import { openVolume } from '../../src/disk/volume.ts';
import { createAdvisoryWork } from '../../src/workers/advisory-work.ts';
import { makeScratch, NOW } from '../rigs/mirror.ts';
import { advisoriesFrom } from './advisories.ts';
import { createClock } from './clock.ts';
import { createRecorder, type Recorded } from './recorder.ts';

/** A feed in force, in a data directory of its own. */
export interface KeptFeed {
  readonly keeper: FeedKeeper;
  readonly events: Recorded;
  /** Where its archive is kept. */
  readonly kept: string;
  /** From now on this one is in force. */
  next(archive: Buffer): Promise<void>;
  close(): Promise<void>;
}

export async function keepFeed(archive: Buffer): Promise<KeptFeed> {
  const directory = await makeScratch();
  const path = join(directory, 'all.zip');
  await writeFile(path, archive);
  const volume = await openVolume(join(directory, 'data'));
  const work = createAdvisoryWork();
  const config = advisoriesFrom({ archive: path });
  const source = sourceOf(config, { offline: false, contact: undefined });
  const { emit, events } = createRecorder();
  const keeper = new FeedKeeper({ config, volume, source, work, clock: createClock(NOW), emit, leads: true });
  await keeper.open();
  return {
    keeper,
    events,
    kept: join(volume.root, 'advisories', 'feed.zip'),
    async next(bytes) {
      await writeFile(path, bytes);
      await keeper.look();
    },
    async close() {
      await keeper.close();
      await work.close();
      await volume.close();
      await rm(directory, { recursive: true });
    },
  };
}
