import { type CommonShares, createShares } from '../async/shares.ts';
import { type PageWork, type Seen, workHere } from '../ports/page-work.ts';
import { gatherListing, type Listing, type ListingHead } from '../pypi/listing.ts';
import type { KnownFile, Undigested } from '../pypi/relink.ts';
import type { Bodies } from '../render/bodies.ts';
import { createLane, type LaneOptions } from './lane.ts';
import { LARGE } from './limits.ts';
import { unpackedSerials } from './packed-serials.ts';
import type { Call } from './thread.ts';

export interface PageWorkOptions extends LaneOptions {
  /** Bytes from which on a document goes to another thread. */
  readonly large?: number;
  readonly shares?: Pick<CommonShares, 'pages' | 'lists' | 'legacies'>;
}

/**
 * Small documents here, large ones on threads of their own: some for pages, one for lists, one for legacy JSON, so that
 * no page waits for the list of all projects, or for those who ask for what is made anew each time. The bytes of a large list are given away.
 */
export function createPageWork(options: PageWorkOptions = {}): PageWork & { close(): Promise<void> } {
  const { large = LARGE, shares = createShares() } = options;
  const pages = createLane(shares.pages, options);
  const lists = createLane(shares.lists, options);
  const legacies = createLane(shares.legacies, options);
  let documents = 0;

  return {
    drawPage(source, steps, caller) {
      const { project, bytes, pageUrl, linkBase } = source;
      if (bytes.byteLength < large) return workHere.drawPage(source, steps, caller);
      return pages.run(caller, async (call) => {
        const document = documents++;
        try {
          const files = await call('open', { document, project, bytes });
          const undigested = files.names.length === 0 ? undefined : await steps.undigested?.(files);
          const head = await call('relink', {
            document,
            pageUrl,
            linkBase,
            undigested: undigested && plain(undigested),
          });
          const enforced = await steps.enforce(await listingFrom(call, document, head));
          const withheld = new Set(enforced.withheld.keys());
          const silenced = new Set(enforced.silenced.keys());
          const hidden = enforced.hidden === true;
          const { unheld, times } = enforced;
          const bodies = await call('draw', { document, withheld, silenced, unheld, times, hidden });
          return { ...enforced, bodies: arrived(bodies) };
        } finally {
          call('close', { document }).catch(() => undefined);
        }
      });
    },
    drawList(bytes, caller) {
      if (bytes.byteLength < large) return workHere.drawList(bytes, caller);
      return lists.run(caller, async (call) => arrived(await call('list', { bytes }, givenAway(bytes))));
    },
    serials(bytes, caller) {
      if (bytes.byteLength < large) return workHere.serials(bytes, caller);
      return lists.run(caller, async (call) => unpackedSerials(await call('serials', { bytes }, givenAway(bytes))));
    },
    drawLegacy(source, caller) {
      const { listing, ...rest } = source;
      const size = rest.bytes.byteLength + (rest.upstream?.byteLength ?? 0);
      if (size < large || listing.files.size === 0) return workHere.drawLegacy(source, caller);
      return legacies.run(caller, (call) => call('legacy', { ...rest, undigested: undigestedIn(listing) }));
    },
    compare(project, before, after, caller) {
      if (Math.max(before?.bytes.byteLength ?? 0, after.bytes.byteLength) < large)
        return workHere.compare(project, before, after, caller);
      return pages.run(caller, (call) =>
        call('compare', { project, before: before && seen(before), after: seen(after) }),
      );
    },
    condense(project, bytes, caller) {
      if (bytes.byteLength < large) return workHere.condense(project, bytes, caller);
      return pages.run(caller, (call) => call('condense', { project, bytes }));
    },
    async close() {
      await Promise.all([pages.close(), lists.close(), legacies.close()]);
    },
  };
}

/** What has a buffer to itself changes hands instead of being copied. */
function givenAway({ buffer, byteLength }: Uint8Array): readonly ArrayBuffer[] {
  return buffer instanceof ArrayBuffer && buffer.byteLength === byteLength ? [buffer] : [];
}

/** An expectation does not survive the way between threads; what it states does. */
function plain({ known, others }: Undigested): Undigested {
  const stated = ({ length, digests, firstSight, carried }: KnownFile): KnownFile => ({
    length,
    digests,
    firstSight,
    carried,
  });
  return { known: new Map([...known].map(([filename, file]) => [filename, stated(file)])), others };
}

/** What the listing says of its files, whoever states it; what it lacks is withheld anyway. */
function undigestedIn({ files }: Listing): Undigested {
  const known = new Map<string, KnownFile>();
  let others: Undigested['others'] = 'no-digest';
  for (const { firstSight, carried, unproved, entry } of files.values()) {
    if (entry.digests.size > 0) known.set(entry.filename, { digests: entry.digests, firstSight, carried });
    else if (firstSight === true || unproved === true) others = 'first-sight';
  }
  return { known, others };
}

/** Nothing else of what it came with makes the way. */
function seen({ bytes, serial }: Seen): Seen {
  return { bytes, serial };
}

/** Part by part, with a turn of the event loop between two. */
async function listingFrom(call: Call, document: number, head: ListingHead): Promise<Listing> {
  const gathering = gatherListing(head);
  for (let from = 0; ; ) {
    const part = await call('files', { document, from });
    if (part.length === 0) return gathering.listing;
    gathering.add(part);
    from += part.length;
  }
}

/** What comes from another thread comes as plain bytes. */
function arrived({ json, html }: Bodies): Bodies {
  const form = ({ identity, gzip, zstd, hash, length }: Bodies['json']) => ({
    identity: identity && bufferOf(identity),
    gzip: gzip && bufferOf(gzip),
    zstd: zstd && bufferOf(zstd),
    hash,
    length,
  });
  return { json: form(json), html: form(html) };
}

function bufferOf({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}
