import { agree, type Digests } from '../../bytes/digest.ts';
import type { Refusal } from '../../bytes/refusal.ts';
import type { Clock, Instant } from '../../ports/clock.ts';
import type { Events } from '../../ports/events.ts';
import type { PageRecord, Pin, Pins } from '../../ports/index-state.ts';
import type { Held } from '../../ports/page-work.ts';
import type { Journal } from '../../ports/records.ts';
import type { Listing, OwnFile } from '../../pypi/listing.ts';
import { textOf } from '../../pypi/losses.ts';
import type { Entry } from '../../pypi/project-page.ts';
import { holdToPins } from '../projects/pins.ts';

interface IndexPinsOptions {
  readonly index: string;
  readonly pins: Pins;
  readonly clock: Clock;
  readonly events: Events;
  readonly journal: Journal;
  /** True where upstream may put other bytes under a name it used before. */
  readonly reuploads: boolean;
}

/** A page with the record it was drawn from. */
export interface Sighted {
  readonly listing: Listing;
  readonly record: PageRecord;
}

/** Pins under `index`: provisional until a file's bytes were proved and a second fetch of its page agreed (DESIGN §2). */
export interface IndexPins {
  /** The listing as far as its pins let it be served; new names are pinned. */
  hold(page: Sighted): Promise<Held>;
  /** The same page came a second time. */
  seenAgain(page: Sighted): Promise<void>;
  /** A file's bytes matched what its page said. Does not throw. */
  proved(page: Sighted, file: OwnFile): Promise<void>;
}

const MOST_SETTLED = 50_000;

export function createIndexPins({ index, pins, clock, events, journal, reuploads }: IndexPinsOptions): IndexPins {
  /** Files with nothing left to confirm, by their path here, which holds a digest: a file that is sent needs no look at its pin. */
  const settled = new Set<string>();
  const settle = ({ path }: OwnFile) => {
    if (settled.size >= MOST_SETTLED) settled.clear();
    settled.add(path);
  };

  /** A pin of one sight gives way to a page that two fetches agree on; a confirmed one never does. */
  const giveWay = async ({ listing, record }: Sighted) => {
    if (!record.twice) return;
    const known = await pins.of(listing.name);
    const others = new Map<string, Pin>();
    for (const { entry, path } of listing.files.values()) {
      const pin = known.get(entry.filename);
      if (pin?.provisional !== true || agreesWith(pin, entry)) continue;
      settled.delete(path);
      others.set(entry.filename, pinOf(entry, clock.now(), record.fetch));
    }
    if (others.size === 0) return;
    await pins.replaceAll(listing.name, others);
    for (const [file, { digests }] of others) noteReplaced(listing.name, file, known.get(file), digests);
  };

  const noteReplaced = (project: string, file: string, was: Pin | undefined, digests: Digests) =>
    journal.note({
      at: clock.now(),
      index,
      kind: 'changed',
      project,
      file,
      before: textOf(was?.digests ?? new Map()),
      after: textOf(digests),
      reason: `the pin was provisional, from fetch ${was?.fetch ?? 'unknown'}`,
    });

  const confirmSeen = async ({ listing, record }: Sighted) => {
    const known = await pins.of(listing.name);
    // Pins may have been taken back and made anew since.
    for (const { entry, path } of listing.files.values())
      if (known.get(entry.filename)?.provisional === true) settled.delete(path);
    const ready = [...listing.files.values()].filter(({ entry }) => isReady(known.get(entry.filename), entry, record));
    if (ready.length > 0)
      await pins.confirm(
        listing.name,
        ready.map(({ entry }) => entry.filename),
      );
  };

  const report = (items: Iterable<readonly [string, Refusal]>) => {
    for (const [name, { reason, subject = 'file', message }] of items)
      events.rejected({ index, reason, subject, name, message, at: 'upstream' });
  };

  const markProved = async ({ listing: { name }, record }: Sighted, file: OwnFile) => {
    const { filename } = file.entry;
    await pins.prove(name, filename, file.entry.digests);
    const pin = (await pins.of(name)).get(filename);
    const ready = isReady(pin, file.entry, record);
    if (ready) await pins.confirm(name, [filename]);
    if (ready || pin?.provisional !== true) settle(file);
  };

  return {
    async hold(page) {
      // PEP 792: nothing of a quarantined project is offered, whatever its page still lists.
      const hidden = page.listing.projectStatus?.status === 'quarantined';
      if (reuploads) return { listing: page.listing, withheld: new Map(), silenced: new Map(), hidden };
      await giveWay(page);
      const { fetch } = page.record;
      const pinned = await holdToPins(pins, page.listing, clock.now(), { provisional: true, fetch });
      report(pinned.withheld);
      report(pinned.silenced);
      await confirmSeen({ ...page, listing: pinned.listing });
      return { ...pinned, hidden };
    },
    seenAgain: confirmSeen,
    async proved(page, file) {
      if (reuploads || settled.has(file.path)) return;
      try {
        await markProved(page, file);
      } catch (error) {
        const detail = { file: file.entry.filename, error: String(error) };
        events.note({ index, message: 'a pin could not be marked as proved', detail });
      }
    },
  };
}

/** Proved, and listed by two fetches: the one that pinned it and another, or one page that came twice. */
function isReady(pin: Pin | undefined, entry: Entry, { fetch, twice }: PageRecord): boolean {
  if (pin?.provisional !== true || pin.proved !== true || !agree(pin.digests, entry.digests)) return false;
  return twice || (pin.fetch !== undefined && pin.fetch !== fetch);
}

function pinOf({ digests, uploadTime }: Entry, seen: Instant, fetch: string): Pin {
  return { digests, seen, provisional: true, fetch, ...(uploadTime === undefined ? {} : { uploadTime }) };
}

function agreesWith({ digests, coreMetadata: core }: Pin, entry: Entry): boolean {
  if (!agree(digests, entry.digests)) return false;
  return core === undefined || typeof entry.coreMetadata !== 'object' || agree(core, entry.coreMetadata);
}
