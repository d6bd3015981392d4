import { agree } from '../../bytes/digest.ts';
import type { Instant } from '../../bytes/instant.ts';
import type { JournalEntry } from '../../ports/records.ts';
import { type Act, digestAct, digestsOf, type Place, serialAct } from './acts.ts';
import type { BulkReason } from './bulk-reasons.ts';

/** Which refusals of an index; all that is given has to hold. */
export interface Bulk {
  readonly refused: BulkReason;
  /** Refused at this time or later. */
  readonly since?: Instant | undefined;
  /** What upstream is held to was brought in by this fetch. */
  readonly fetch?: string | undefined;
}

/** Everything that is refused still, as acts to carry out. `journal`: the index's entries, oldest first. Throws Refusal. */
export async function bulkActs(
  place: Place,
  { refused, since, fetch }: Bulk,
  journal: AsyncIterable<JournalEntry>,
): Promise<readonly Act[]> {
  const latest = new Map<string, JournalEntry>();
  for await (const entry of journal)
    if (entry.kind === 'refused' && entry.reason === refused && (since === undefined || entry.at >= since))
      latest.set(`${entry.project}\0${entry.file ?? ''}`, entry);
  const acts: Act[] = [];
  for (const entry of latest.values()) {
    const act = refused === 'regressed' ? await olderPage(place, entry, fetch) : await otherDigest(place, entry, fetch);
    if (act !== undefined) acts.push(act);
  }
  return acts;
}

/** Undefined where the page is held to nothing higher any more. */
async function olderPage(place: Place, { project, after }: JournalEntry, fetch: string | undefined) {
  const known = (await place.state.page(project).read())?.value;
  if (known === undefined || after === undefined) return undefined;
  if (fetch !== undefined && known.page?.fetch !== fetch) return undefined;
  const floor = Math.max((known.gone ?? known.page).serial ?? -1, known.page?.seenSerial ?? -1);
  if (floor < 0 || (after !== 'none' && floor <= Number(after))) return undefined;
  return serialAct(place, project, after);
}

/** Undefined where the file is not held to another digest any more. */
async function otherDigest(place: Place, { project, file, after }: JournalEntry, fetch: string | undefined) {
  if (file === undefined || after === undefined) return undefined;
  const pin = (await place.state.pins(project).read())?.value.get(file);
  if (pin === undefined || agree(pin.digests, digestsOf(after))) return undefined;
  if (fetch !== undefined && pin.fetch !== fetch) return undefined;
  return digestAct(place, project, file, after, 'digests');
}
