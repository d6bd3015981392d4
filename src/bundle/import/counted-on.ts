import { Refusal } from '../../bytes/refusal.ts';
import type { Judged } from './judge.ts';
import type { ReadBundle } from './opened.ts';
import type { ImportPlace } from './place.ts';
import { Removed } from './table.ts';

/** Contents that are named one by one. */
const MISSING_NAMED = 20;

/** Changes that nobody signed are not carried out: whoever carries a bundle could take away what he likes. */
export async function removedBy({ bundle, key }: Judged): Promise<Removed> {
  const removed = new Removed();
  if (key === undefined) return removed;
  for await (const given of bundle.lines()) if (given.line === 'change') removed.add(given.change);
  return removed;
}

export async function refuseNoRoom({ header }: ReadBundle, { room }: ImportPlace): Promise<void> {
  const free = await room();
  if (free !== undefined && header.totals.content > free)
    throw new Refusal(
      'limit',
      `The bundle has ${header.totals.content} bytes, and the disk of the data directory has room for ${free}, with what is kept free: nothing was written, and what was imported before is served on. Make room there, and run it again.`,
      { subject: 'request', transient: true },
    );
}

/** What the bundle counts on and is not here, by name. */
export async function refuseMissing({ bundle, base }: Judged, { store }: ImportPlace): Promise<void> {
  const missing: string[] = [];
  let count = 0;
  for await (const given of bundle.lines()) {
    if (given.line !== 'entry' || given.entry.bytes !== 'held' || (await store.has(given.entry))) continue;
    count++;
    const { kind, project, name } = given.entry;
    if (missing.length < MISSING_NAMED) missing.push(name ?? project ?? kind);
  }
  if (count === 0) return;
  const since = base === undefined ? '' : ` Carry number ${base.number} again, or a complete bundle.`;
  throw new Refusal(
    'mix-and-match',
    `The bundle counts on ${count} contents that are not here any more (${missing.join(', ')}${count > missing.length ? ', …' : ''}).${since}`,
    { subject: 'request' },
  );
}
