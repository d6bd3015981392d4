import { join } from 'node:path';
import { z } from 'zod';
import type { FileOps } from '../file-ops.ts';
import { namesIn } from '../walk.ts';
import { type FormerState, numbersIn, readState } from './former-files.ts';
import type { FormerSeal } from './former-seal.ts';

/** What the sealed record of layout 1 says: which items there are, and the lowest number each may have. */
export interface FormerCensus {
  readonly items: ReadonlyMap<string, number>;
  /** Why it is not believed, where it is not. */
  readonly wrong: string | undefined;
}

/** The record lay in sheets, by the item's hash, under a top that held each sheet's number; the top's was the epoch. */
export async function readCensus(
  ops: FileOps,
  directory: string,
  index: string,
  seal: FormerSeal,
  lowest: number,
): Promise<FormerCensus> {
  const sheet = async (name: string, atLeast: number): Promise<ReadonlyMap<string, number> | string> => {
    const item = `census/${name}`;
    const found = await readState(ops, join(directory, item));
    if (found === 'none') return 'is missing';
    if (found === undefined) return 'is damaged';
    if (!seal.holds([index, item, found.number], found.parts, found.seal)) return 'has a seal that does not fit';
    if (found.number < atLeast) return 'is older than it was';
    return entriesOf(found) ?? 'is damaged';
  };
  const items = new Map<string, number>();
  const top = await sheet('top', lowest);
  if (typeof top === 'string') return { items, wrong: top };
  for (const [name, number] of top) {
    const entries = await sheet(name, number);
    if (typeof entries === 'string') return { items: new Map(), wrong: entries };
    for (const [item, least] of entries) items.set(item, least);
  }
  return { items, wrong: undefined };
}

/** The highest number that any sheet of the record has, believed or not. */
export async function lastEpoch(ops: FileOps, directory: string): Promise<number> {
  const census = join(directory, 'census');
  let last = 0;
  for (const name of await namesIn(ops, census))
    last = Math.max(last, ...(await numbersIn(ops, join(census, name)).catch(() => [])));
  return last;
}

const Entries = z.array(z.tuple([z.string(), z.int()]));

function entriesOf({ state }: FormerState): ReadonlyMap<string, number> | undefined {
  const entries = Entries.safeParse(state).data;
  return entries && new Map(entries);
}
