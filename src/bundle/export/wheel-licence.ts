import { Refusal } from '../../bytes/refusal.ts';
import type { BlobStorage } from '../../ports/blob-storage.ts';
import { wheelMetadata } from '../../pypi/wheel.ts';
import { licenceIn } from './licence.ts';

/** Bytes of the METADATA of a wheel that is read for its licence. */
const METADATA_MOST = 4 * 1024 * 1024;

/**
 * What a held wheel says of its licence in its own METADATA. Undefined where it is no wheel, is held no longer, or cannot be read: an export looks at
 * its bytes, all of them, only when they are written.
 */
export async function licenceOfWheel(
  storage: Pick<BlobStorage, 'open'>,
  filename: string,
  { sha256, size }: { readonly sha256: string; readonly size: number },
): Promise<string | undefined> {
  if (!filename.endsWith('.whl')) return undefined;
  const stored = await storage.open(sha256, { start: 0, end: size });
  if (stored === undefined) return undefined;
  const read = async (start: number, end: number) => {
    const into = Buffer.alloc(Math.max(0, Math.min(end, size) - start));
    return into.subarray(0, await stored.read(into, start));
  };
  try {
    const metadata = await wheelMetadata(size, read, METADATA_MOST);
    return metadata && licenceIn(metadata);
  } catch (error) {
    // A wheel that no reader can make sense of states nothing.
    if (error instanceof Refusal || error instanceof RangeError) return undefined;
    throw error;
  } finally {
    await stored.close();
  }
}
