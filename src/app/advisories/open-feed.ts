import type { Config } from '../../config/config.ts';
import type { Volume } from '../../disk/volume.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Emit } from '../../ports/events.ts';
import { createAdvisoryWork } from '../../workers/advisory-work.ts';
import { FeedKeeper } from './keeper.ts';
import { sourceOf } from './source.ts';

interface FeedOptions {
  readonly config: Config;
  readonly volume: Volume;
  readonly clock: Clock;
  readonly emit: Emit;
  readonly leads: boolean;
}

/** The feed that the configuration names, in force as far as it lies on this machine; undefined where it names none. */
export async function openFeed(
  { config, volume, clock, emit, leads }: FeedOptions,
  closers: (() => unknown)[],
): Promise<FeedKeeper | undefined> {
  const { advisories, offline, contact } = config;
  if (advisories === undefined) return undefined;
  const work = createAdvisoryWork();
  const source = sourceOf(advisories, { offline, contact });
  const keeper = new FeedKeeper({ config: advisories, volume, source, work, clock, emit, leads });
  closers.push(
    () => work.close(),
    () => keeper.close(),
  );
  await keeper.open();
  return keeper;
}
