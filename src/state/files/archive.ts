import { join } from 'node:path';
import { isMissing } from '../../disk/storage-errors.ts';
import type { Volume } from '../../disk/volume.ts';
import { TRUST_ITEMS } from './census.ts';
import { indexDirectory } from './index-directory.ts';

/** Puts an index's trust aside under the time of the decision, kept as evidence; the next start begins from the pinned root. */
export async function archiveTrust(volume: Volume, index: string, now: number): Promise<void> {
  const directory = join(indexDirectory(volume, index), 'tuf');
  try {
    await volume.durable.moveAway(directory, `${directory}.until-${now}`);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
  const census = volume.census(index);
  await Promise.all(TRUST_ITEMS.map((item) => census?.forget(item)));
}
