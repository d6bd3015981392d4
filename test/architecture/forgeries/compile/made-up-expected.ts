import type { Caller } from '../../../../src/async/caller.ts';
import type { Digests } from '../../../../src/bytes/digest.ts';
import type { Blobs, Wanted } from '../../../../src/ports/blobs.ts';
import type { OpenDownload } from '../../../../src/ports/upstream.ts';

export async function forge(
  blobs: Blobs,
  wanted: Wanted,
  digests: Digests,
  download: OpenDownload,
  caller: Caller,
): Promise<void> {
  await blobs.fetch({ ...wanted, expected: { digests } }, download, caller); // refused: no Expected
  await blobs.open({ length: 1, digests }); // refused: no Expected
  await blobs.open({ ...wanted.expected, length: 1 }); // refused: no Expected
}
