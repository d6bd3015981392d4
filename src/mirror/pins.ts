import { agree } from '../bytes/digest.ts';
import { Refusal } from '../bytes/refusal.ts';
import type { OwnFile } from '../pypi/relink.ts';
import type { Instant, Pin, Pins } from './ports.ts';

/**
 * Holds a page's files to the digests first seen (DESIGN §2): a file name, once seen, keeps its bytes. Returns what must
 * be withheld; new names are pinned durably before anything is served by them.
 */
export async function holdToPins(
  pins: Pins,
  project: string,
  files: Iterable<OwnFile>,
  now: Instant,
): Promise<ReadonlyMap<string, Refusal>> {
  const known = await pins.of(project);
  const fresh = new Map<string, Pin>();
  const withheld = new Map<string, Refusal>();
  for (const { entry } of files) {
    const pin = known.get(entry.filename);
    if (pin === undefined) {
      const coreMetadata = typeof entry.coreMetadata === 'object' ? entry.coreMetadata : undefined;
      fresh.set(entry.filename, {
        digests: entry.digests,
        seen: now,
        ...(coreMetadata === undefined ? {} : { coreMetadata }),
      });
    } else if (!agree(pin.digests, entry.digests)) {
      withheld.set(entry.filename, changed(entry.filename, pin, [...entry.digests.values()][0] ?? ''));
    }
  }
  if (fresh.size > 0) await pins.add(project, fresh);
  return withheld;
}

function changed(filename: string, pin: Pin, offered: string): Refusal {
  const first = new Date(pin.seen * 1000).toISOString().slice(0, 10);
  return new Refusal(
    'changed',
    `${filename} was first seen on ${first} with digest ${[...pin.digests.values()][0]}; upstream now lists ${offered}. A published file never changes, so it is not served.`,
    { subject: 'file' },
  );
}
