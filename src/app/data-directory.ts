import type { Instant } from '../bytes/instant.ts';
import { Refusal } from '../bytes/refusal.ts';
import type { Config, IndexConfig } from '../config/config.ts';
import { openVolume, type Volume } from '../disk/volume.ts';
import { sealingOf } from './secrets.ts';

/** The data directory for one command's time, whether a server uses it too or not. */
export async function withDataDirectory<T>(config: Config, run: (volume: Volume) => Promise<T>): Promise<T> {
  const volume = await openVolume(config.data, { ...sealingOf(config), allowFuse: config.allowFuse });
  try {
    return await run(volume);
  } finally {
    await volume.close();
  }
}

/** Throws Refusal `unlisted` for an index that is not configured. */
export function indexOf(config: Config, name: string): IndexConfig {
  const index = config.indexes[name];
  if (index === undefined)
    throw new Refusal('unlisted', `No index called ${name} is configured.`, { subject: 'request' });
  return index;
}

export function nowOf(config: Config): Instant {
  return config.referenceTime ?? Math.floor(Date.now() / 1000);
}
