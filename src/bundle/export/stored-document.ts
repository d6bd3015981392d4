import { sha256Hex } from '../../bytes/digest.ts';
import { Refusal } from '../../bytes/refusal.ts';
import type { BlobStorage } from '../../ports/blob-storage.ts';
import { LIMITS } from '../format/limits.ts';

/** What the store has under a digest, whole in memory and compared with it. Throws Refusal. */
export async function storedDocument(
  storage: Pick<BlobStorage, 'open'>,
  sha256: string,
  size: number,
): Promise<Uint8Array> {
  if (size > LIMITS.document)
    throw new Refusal('limit', `A document of a bundle has at most ${LIMITS.document} bytes.`, { subject: 'file' });
  const into = Buffer.alloc(size);
  const stored = await storage.open(sha256, { start: 0, end: size });
  if (stored === undefined) throw lost(sha256);
  try {
    await stored.read(into, 0);
    if (sha256Hex(into) !== sha256) throw damaged(sha256);
    return into;
  } finally {
    await stored.close();
  }
}

export function lost(sha256: string): Refusal {
  return new Refusal('state', `A file that was to be carried is held no longer (sha256 ${sha256}): run it again.`, {
    subject: 'file',
    transient: true,
  });
}

export function damaged(sha256: string): Refusal {
  return new Refusal(
    'digest',
    `What is stored under sha256 ${sha256} is not that any more. The mirror fetches it anew when it is next asked for: verbatim verify names every such file.`,
    { subject: 'file' },
  );
}
