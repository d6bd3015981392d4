import { lend } from '../../bytes/proof.ts';
import { Refusal } from '../../bytes/refusal.ts';
import type { Blobs } from '../../ports/blobs.ts';
import type { CarriedDocument } from '../../ports/carried.ts';
import type { DocumentAnswer, Upstream } from '../../ports/upstream.ts';
import { expectedOf, type LoadedGeneration } from './generation.ts';

/** The upstream of an index that arrives by import: what was carried is there, and nobody is asked for anything else. */
export function carriedUpstream(
  generation: () => LoadedGeneration | undefined,
  blobs: Pick<Blobs, 'readDocument'>,
): Upstream {
  return {
    async document({ url, limit }): Promise<DocumentAnswer> {
      const carried = generation();
      const document = carried && documentAt(url, carried);
      const held = document && { document, proved: await blobs.readDocument(expectedOf(document), limit) };
      if (held?.proved === undefined) return { kind: 'absent' };
      const { type: contentType = '', serial } = held.document;
      return {
        kind: 'document',
        url,
        bytes: lend(held.proved.bytes),
        contentType,
        etag: undefined,
        serial,
        maxAge: undefined,
      };
    },
    download: () => async () => {
      throw new Refusal('offline', 'It was not carried, and nobody is asked for it.');
    },
    // Where a page says that its files are does not matter: they are had by their digests.
    mayFetch: () => true,
  };
}

/** `FILE.asc`, or `/integrity/PROJECT/VERSION/FILE/provenance`. */
function documentAt(url: string, carried: LoadedGeneration): CarriedDocument | undefined {
  const steps = new URL(url).pathname.split('/').map(decodeURIComponent);
  const last = steps.at(-1) ?? '';
  if (last === 'provenance') return carried.provenance(steps.at(-2) ?? '');
  return last.endsWith('.asc') ? carried.signature(last.slice(0, -'.asc'.length)) : undefined;
}
