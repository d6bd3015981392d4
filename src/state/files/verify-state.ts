import { join } from 'node:path';
import type { Volume } from '../../disk/volume.ts';
import { indexDirectory } from './index-directory.ts';
import { createPageStore } from './pages.ts';
import { createPins } from './pins.ts';
import { lostState } from './seal.ts';
import { type Checked, checked } from './state-check.ts';

/** Pages and pins of an index that signs nothing, as they lie on disk. */
export interface HeldState {
  readonly items: number;
  readonly wrong: readonly { readonly item: string; readonly message: string }[];
}

/** Reads all of it again: each piece by its own digest and, under a seal, by that; then what the sealed record knows and is not there. */
export async function verifyState(volume: Volume, index: string): Promise<HeldState> {
  const found = new Set<string>();
  const wrong: { readonly item: string; readonly message: string }[] = [];
  const note = ({ item, wrong: why }: Checked) => {
    found.add(item);
    if (why !== undefined) wrong.push({ item, message: why.message });
  };
  for await (const each of createPageStore(volume, index).check()) note(each);
  for await (const each of createPins(volume, index).check()) note(each);
  const known = (await volume.census(index)?.known()) ?? new Map<string, number>();
  for (const item of known.keys()) {
    if (found.has(item) || !/^(?:pages|pins)\//.test(item)) continue;
    note(await checked(item, Promise.reject(lostState(join(indexDirectory(volume, index), item), 'what was seen'))));
  }
  return { items: found.size, wrong };
}
