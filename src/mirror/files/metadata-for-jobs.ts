import type { Caller } from '../../async/caller.ts';
import { wheelMetadata } from '../../pypi/wheel.ts';
import { LIMITS } from '../limits.ts';
import type { BelievedPage } from '../projects/believed-page.ts';
import { coreMetadataOf, isWheel } from '../projects/pin-states.ts';
import { unlisted } from './addresses.ts';
import { partsOf } from './core-metadata.ts';
import type { Files } from './files.ts';

/**
 * The core metadata of a file that the page lists: what is announced and proved, else what the proved wheel holds. Undefined of what is no
 * wheel and has none announced. Throws Refusal.
 */
export async function coreMetadataFor<P>(
  files: Pick<Files<P>, 'open' | 'openCoreMetadata'>,
  page: BelievedPage<P>,
  filename: string,
  caller: Caller,
): Promise<Uint8Array | undefined> {
  const file = page.file(filename);
  if (file === undefined) throw unlisted(filename);
  const isAnnounced = coreMetadataOf(file.entry) !== undefined;
  const announced = isAnnounced ? await files.openCoreMetadata(page, file, caller) : undefined;
  if (announced !== undefined) return announced.bytes(LIMITS.coreMetadata);
  if (!isWheel(file.entry)) return undefined;
  const wheel = await files.open(page, filename, caller);
  return wheelMetadata(wheel.size, partsOf(wheel, caller), LIMITS.coreMetadata);
}
