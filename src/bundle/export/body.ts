import { startSha256 } from '../../bytes/digest.ts';
import { existing } from '../../bytes/existing.ts';
import { Refusal } from '../../bytes/refusal.ts';
import type { BlobStorage } from '../../ports/blob-storage.ts';
import { type BundleBytes, chunksOf } from '../format/archive.ts';
import { memberName } from '../format/members.ts';
import { type Entry, isStoredFile } from '../format/model.ts';
import { padding, TAR_END, tarHeader } from '../format/tar.ts';
import { damaged, lost } from './stored-document.ts';

/** Where the contents of a bundle lie. */
export interface Sources {
  readonly report: BundleBytes;
  readonly sbom: BundleBytes;
  /** Every other document as it is stored, in the order of the manifest. */
  readonly documents: BundleBytes;
  /** Undefined where it carries none. */
  readonly advisories: BundleBytes | undefined;
  readonly storage: Pick<BlobStorage, 'open'>;
}

const CHUNK = 1024 * 1024;

/** The body of a bundle, chunk by chunk; a chunk may be used until the next is asked for. Throws Refusal where a file is not what it was. */
export async function* bodyOf(
  entries: AsyncIterable<Entry>,
  { report, sbom, documents, advisories, storage }: Sources,
): AsyncGenerator<Uint8Array, void, undefined> {
  let next = 0;
  for await (const entry of entries) {
    if (entry.bytes !== 'here') continue;
    const size = entry.stored ?? entry.size;
    yield tarHeader(memberName(entry), size);
    if (entry.kind === 'report') yield* chunksOf(report, 0, size);
    else if (entry.kind === 'sbom') yield* chunksOf(sbom, 0, size);
    else if (entry.kind === 'advisories')
      yield* chunksOf(existing(advisories, 'a bundle lists advisories and has none'), 0, size);
    else if (isStoredFile(entry)) yield* storedFile(storage, entry);
    else {
      yield* chunksOf(documents, next, size);
      next += size;
    }
    const filling = padding(size);
    if (filling > 0) yield Buffer.alloc(filling);
  }
  yield TAR_END;
}

/** Hashed as it is read: a file that is not what it was ends the export. */
async function* storedFile(
  storage: Pick<BlobStorage, 'open'>,
  { sha256, size, name }: Entry,
): AsyncGenerator<Uint8Array, void, undefined> {
  const stored = await storage.open(sha256, { start: 0, end: size });
  if (stored === undefined) throw lost(sha256);
  try {
    if (stored.size !== size)
      throw new Refusal('length', `${name} has ${stored.size} bytes in the store, and ${size} are listed.`, {
        subject: 'file',
      });
    const hash = startSha256();
    const into = Buffer.allocUnsafe(Math.min(CHUNK, size));
    for (let at = 0; at < size; ) {
      const part = into.subarray(0, Math.min(into.length, size - at));
      // What a read leaves out the digest tells.
      await stored.read(part, at);
      hash.update(part);
      yield part;
      at += part.length;
    }
    if (hash.hex() !== sha256) throw damaged(sha256);
  } finally {
    await stored.close();
  }
}
