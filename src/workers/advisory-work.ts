import { Advisories, type RecordPlace } from '../advisories/advisories.ts';
import { internalCaller } from '../async/caller.ts';
import { createGate } from '../async/gate.ts';
import type { Instant } from '../bytes/instant.ts';
import { createLane, type LaneOptions } from './lane.ts';

/** Reads feeds of advisories on a thread of its own, one at a time. */
export interface AdvisoryWork {
  /** All that the archive tells of. Throws Refusal `format` or `limit`. */
  read(archive: Uint8Array, now: Instant): Promise<Advisories>;
  close(): Promise<void>;
}

export function createAdvisoryWork(options: LaneOptions = {}): AdvisoryWork {
  const gate = createGate({ places: 1, queue: 1, full: 'A feed of advisories is being read already.' });
  const lane = createLane(gate, options);
  let documents = 0;
  return {
    read: (archive, now) =>
      lane.run(internalCaller(''), async (call) => {
        const document = documents++;
        try {
          // The bytes stay here as well: single records are read from them.
          await call('openFeed', { document, bytes: archive, now });
          const records = new Map<string, RecordPlace>();
          for (;;) {
            const { places, done } = await call('nextOfFeed', { document });
            for (const [id, place] of places) records.set(id, place);
            if (done) break;
          }
          const { totals, packed } = await call('endOfFeed', { document });
          return new Advisories(totals, packed, records);
        } finally {
          call('close', { document }).catch(() => undefined);
        }
      }),
    close: () => lane.close(),
  };
}
