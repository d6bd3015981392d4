import { type Entry, hasKind } from '../format/model.ts';
import type { ReadBundle } from './opened.ts';

/** What a bundle carries beside its index, where it does. Nothing proves these but who sent them. */
export interface BesideEntries {
  readonly advisories: Entry | undefined;
  readonly publishers: Entry | undefined;
}

/** Why an unsigned bundle brings none of them. */
export const UNSIGNED = 'nobody signed them whose signature is believed here (import.keys)';

/** Of each kind the last, in one reading of the manifest: it may have a million lines. */
export async function besideIn({ header, lines }: ReadBundle): Promise<BesideEntries> {
  let [advisories, publishers]: (Entry | undefined)[] = [];
  if (!hasKind(header.format, 'advisories') && !hasKind(header.format, 'publishers')) return { advisories, publishers };
  for await (const given of lines()) {
    if (given.line !== 'entry') continue;
    if (given.entry.kind === 'advisories') advisories = given.entry;
    if (given.entry.kind === 'publishers') publishers = given.entry;
  }
  return { advisories, publishers };
}
