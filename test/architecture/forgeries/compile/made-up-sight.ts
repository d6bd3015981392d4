import type { Caller } from '../../../../src/async/caller.ts';
import type { Digests } from '../../../../src/bytes/digest.ts';
import { FirstSight, Sighting } from '../../../../src/bytes/first-sight.ts';
import type { Blobs, Wanted } from '../../../../src/ports/blobs.ts';
import type { OpenDownload } from '../../../../src/ports/upstream.ts';

export async function forge(
  blobs: Blobs,
  wanted: Wanted,
  seen: FirstSight,
  sighting: Sighting,
  digests: Digests,
  download: OpenDownload,
  caller: Caller,
): Promise<void> {
  const own = new Sighting('ab', 1); // refused: private
  const sight = new FirstSight(wanted.expected); // refused: private
  await blobs.open(sighting); // refused: no Expected
  await blobs.open(seen); // refused: no Expected
  await blobs.fetch({ ...wanted, expected: own }, download, caller); // refused: no Expected
  sight.expected = { digests }; // refused: read-only
}
