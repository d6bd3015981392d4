import { agree, type Digests } from '../bytes/digest.ts';
import type { Refusal } from '../bytes/refusal.ts';
import type { Listing, OwnFile } from '../pypi/relink.ts';
import type { HeldPage } from './held.ts';
import { holdToPins } from './pins.ts';
import type { Clock, Events, Journal, PageRecord, Pins } from './ports.ts';

interface IndexPinsOptions {
  readonly index: string;
  readonly pins: Pins;
  readonly clock: Clock;
  readonly events: Events;
  readonly journal: Journal;
  /** True where upstream may put other bytes under a name it used before. */
  readonly reuploads: boolean;
}

/** Pins under `index`: provisional until a file's bytes were proved and a second fetch of its page agreed (DESIGN §2). */
export interface IndexPins {
  hold(listing: Listing, record: PageRecord): Promise<Pick<HeldPage, 'listing' | 'withheld'>>;
  /** A file's bytes matched what its page said. */
  proved(project: string, file: OwnFile): void;
}

export function createIndexPins({ index, pins, clock, events, journal, reuploads }: IndexPinsOptions): IndexPins {
  /** Pins of one sight only give way to a page that two fetches agree on; confirmed ones never do. */
  const replaceProvisional = async (listing: Listing, record: PageRecord) => {
    const known = await pins.of(listing.name);
    for (const { entry } of listing.files.values()) {
      const pin = known.get(entry.filename);
      if (pin?.provisional !== true || agree(pin.digests, entry.digests) || !record.twice) continue;
      await pins.replace(listing.name, entry.filename, {
        digests: entry.digests,
        seen: clock.now(),
        provisional: true,
        fetch: record.fetch,
        ...(entry.uploadTime === undefined ? {} : { uploadTime: entry.uploadTime }),
      });
      journal.note({
        at: clock.now(),
        index,
        kind: 'changed',
        project: listing.name,
        file: entry.filename,
        before: textOf(pin.digests),
        after: textOf(entry.digests),
        reason: 'seen only once before, and never downloaded',
      });
    }
  };

  const report = (items: Iterable<readonly [string, Refusal]>) => {
    for (const [name, { reason, subject = 'file', message }] of items)
      events.rejected({ index, reason, subject, name, message, at: 'upstream' });
  };

  return {
    async hold(listing, record) {
      if (reuploads) return { listing, withheld: new Map() };
      await replaceProvisional(listing, record);
      const pinned = await holdToPins(pins, listing, clock.now(), { provisional: true, fetch: record.fetch });
      report(pinned.withheld);
      report(pinned.silenced);
      if (record.twice) {
        const known = await pins.of(listing.name);
        const proved = [...listing.files.keys()].filter(
          (name) => known.get(name)?.proved === true && known.get(name)?.provisional === true,
        );
        if (proved.length > 0) await pins.confirm(listing.name, proved);
      }
      return pinned;
    },
    proved(project, { entry }) {
      pins.prove(project, entry.filename).catch((error: unknown) =>
        events.note({
          index,
          message: 'a pin could not be marked as proved',
          detail: { file: entry.filename, error: String(error) },
        }),
      );
    },
  };
}

function textOf(digests: Digests): string {
  return [...digests].map(([algorithm, hex]) => `${algorithm}:${hex}`).join(' ');
}
