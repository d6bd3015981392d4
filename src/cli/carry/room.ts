import { dirname, resolve } from 'node:path';
import { freeBytes } from '../../app/conditions/disk.ts';
import { Refusal } from '../../bytes/refusal.ts';
import { tellingWhereFull } from '../../disk/bundles/full-place.ts';
import { type FileOps, nodeFileOps } from '../../disk/file-ops.ts';

/** For a bundle that is written to `place`: a file that ends in .tar, or a directory. */
export function opsForBundle(place: string): FileOps {
  return tellingWhereFull(nodeFileOps, (cause) => noRoom(directoryOf(place), 'is full', { cause }));
}

/** For what is remembered of it in the data directory. */
export function opsForHistory(root: string): FileOps {
  return tellingWhereFull(
    nodeFileOps,
    (cause) =>
      new Refusal(
        'limit',
        `The disk of the data directory ${root} is full: what is remembered of a bundle, its documents and a copy of its manifest, had no room. Nothing of it was left, and what is held stays. Make room there, and run it again.`,
        { subject: 'request', cause },
      ),
  );
}

/** Throws Refusal `limit` where the disk says that it has less room than `bytes`. */
export async function refuseNoRoomAt(place: string, bytes: number): Promise<void> {
  const directory = directoryOf(place);
  const free = await freeBytes(directory);
  if (free !== undefined && free < bytes)
    throw noRoom(directory, `has ${free} bytes free, and the bundle takes ${bytes}`);
}

function noRoom(directory: string, why: string, options?: { readonly cause: unknown }): Refusal {
  return new Refusal(
    'limit',
    `The disk of ${directory} ${why}: nothing of it was left there. Make room, name another place, carry less (--since, --project), and run it again.`,
    { subject: 'request', ...options },
  );
}

function directoryOf(place: string): string {
  const whole = resolve(place);
  return place.endsWith('.tar') ? dirname(whole) : whole;
}
