import { join } from 'node:path';
import { INDEX_NAME, INDEX_NAME_RULE } from '../bytes/index-name.ts';
import { Refusal } from '../bytes/refusal.ts';
import type { Volume } from '../disk/volume.ts';
import { namesIn } from '../disk/walk.ts';

/** True where something of an index that signs nothing was seen and is remembered. */
export async function remembers(volume: Pick<Volume, 'root' | 'ops'>, index: string): Promise<boolean> {
  const directory = indexDirectory(volume, index);
  for (const kind of ['pages', 'pins']) if ((await namesIn(volume.ops, join(directory, kind))).length > 0) return true;
  return false;
}

/** Where an index keeps its state; its name comes from the configuration and is checked all the same. */
export function indexDirectory(volume: Pick<Volume, 'root'>, index: string): string {
  if (!INDEX_NAME.test(index))
    throw new Refusal('state', `${JSON.stringify(index)} names no index: ${INDEX_NAME_RULE}.`, { subject: 'state' });
  return join(volume.root, 'indexes', index);
}
