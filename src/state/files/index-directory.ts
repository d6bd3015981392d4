import { join } from 'node:path';
import { Refusal } from '../../bytes/refusal.ts';
import type { Volume } from '../../disk/volume.ts';
import { namesIn } from '../../disk/walk.ts';

/** True where something of an index that signs nothing was seen and is remembered. */
export async function remembers(volume: Pick<Volume, 'root' | 'ops'>, index: string): Promise<boolean> {
  const directory = indexDirectory(volume, index);
  for (const kind of ['pages', 'pins']) if ((await namesIn(volume.ops, join(directory, kind))).length > 0) return true;
  return false;
}

const INDEX_NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/;

/** Where an index keeps its state; its name comes from the configuration and is checked all the same. */
export function indexDirectory(volume: Pick<Volume, 'root'>, index: string): string {
  if (!INDEX_NAME.test(index))
    throw new Refusal(
      'state',
      `"${index}" cannot be an index's name: use lower-case letters, digits, dots, dashes and underscores.`,
      { subject: 'state' },
    );
  return join(volume.root, 'indexes', index);
}
