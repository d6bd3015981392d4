import { yieldToEventLoop } from '../../async/yield.ts';
import { agree, type Digests } from '../../bytes/digest.ts';
import { dateText } from '../../bytes/instant.ts';
import { Refusal } from '../../bytes/refusal.ts';
import type { Instant } from '../../ports/clock.ts';
import type { Pin, Pins } from '../../ports/index-state.ts';
import type { Pinned } from '../../ports/page-work.ts';
import { type Listing, without } from '../../pypi/listing.ts';
import type { Entry } from '../../pypi/project-page.ts';

/** A few milliseconds of work. */
const FILES_A_TURN = 2000;

/**
 * Holds a page's files to the digests first seen (DESIGN §2): a file name, once seen, keeps its bytes. New names are
 * pinned durably before anything is served by them.
 */
export async function holdToPins(
  pins: Pins,
  listing: Listing,
  now: Instant,
  sight: Pick<Pin, 'provisional' | 'fetch'> = {},
): Promise<Pinned> {
  const known = await pins.of(listing.name);
  const fresh = new Map<string, Pin>();
  const withheld = new Map<string, Refusal>();
  const silenced = new Map<string, Refusal>();
  let looked = 0;
  for (const { entry } of listing.files.values()) {
    if (++looked % FILES_A_TURN === 0) await yieldToEventLoop();
    const pin = known.get(entry.filename);
    if (pin !== undefined && !agree(pin.digests, entry.digests)) {
      withheld.set(entry.filename, changed('file', entry.filename, pin.digests, entry.digests, pin.seen));
      continue;
    }
    const core = coreOf(entry);
    if (pin?.coreMetadata !== undefined && core !== undefined && !agree(pin.coreMetadata, core))
      silenced.set(
        entry.filename,
        changed('core-metadata', `${entry.filename}.metadata`, pin.coreMetadata, core, pin.seen),
      );
    const next = joined(pin, entry.digests, silenced.has(entry.filename) ? undefined : core, now);
    if (next === undefined) continue;
    const { uploadTime } = entry;
    fresh.set(
      entry.filename,
      pin === undefined ? { ...next, ...sight, ...(uploadTime === undefined ? {} : { uploadTime }) } : next,
    );
  }
  if (fresh.size > 0) {
    await pins.add(listing.name, fresh).catch((error: unknown) => {
      // No room for more: what has a pin is served by it, and what would have none is not served.
      if (!(error instanceof Refusal) || error.reason !== 'limit') throw error;
      for (const file of fresh.keys()) if (!known.has(file)) withheld.set(file, error);
    });
    const kept = await pins.of(listing.name);
    // Another process may have been quicker to pin other digests.
    for (const [file, { digests }] of fresh) {
      const pin = kept.get(file);
      if (pin !== undefined && !agree(pin.digests, digests))
        withheld.set(file, changed('file', file, pin.digests, digests, pin.seen));
    }
  }
  return { listing: without(listing, { withheld, silenced }), withheld, silenced };
}

function coreOf({ coreMetadata }: Entry): Digests | undefined {
  return typeof coreMetadata === 'object' ? coreMetadata : undefined;
}

/** The pin with what it did not know yet; undefined where there is nothing to add. */
function joined(
  pin: Pin | undefined,
  digests: Digests,
  coreMetadata: Digests | undefined,
  now: Instant,
): Pin | undefined {
  const core = pin?.coreMetadata ?? coreMetadata;
  const isNew = [...digests.keys()].some((algorithm) => !pin?.digests.has(algorithm));
  if (pin !== undefined && !isNew && core === pin.coreMetadata) return undefined;
  return {
    digests: new Map([...digests, ...(pin?.digests ?? [])]),
    seen: pin?.seen ?? now,
    ...(core === undefined ? {} : { coreMetadata: core }),
  };
}

function changed(
  subject: 'file' | 'core-metadata',
  name: string,
  before: Digests,
  offered: Digests,
  seen: Instant,
): Refusal {
  const first = dateText(seen);
  return new Refusal(
    'changed',
    `${name} was first seen on ${first} with digest ${firstOf(before)}; upstream now lists ${firstOf(offered)}. A published file never changes, so it is not served.`,
    { subject },
  );
}

function firstOf(digests: Digests): string {
  const [first] = digests;
  return first === undefined ? 'none' : `${first[0]} ${first[1]}`;
}
