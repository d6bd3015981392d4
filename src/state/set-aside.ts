import type { ItemPath, StateStorage } from '../ports/state-storage.ts';
import { NOTHING } from './item.ts';

/** Items that are made empty at once. */
const AT_ONCE = 256;

/**
 * Takes items away as an operator's act, and keeps them as evidence. Each goes on, empty, above the version it had: whoever
 * remembers it, in this process or another, is told that there is none any more, and not that something is lost.
 */
export async function setAside(storage: StateStorage, below: ItemPath, as: string): Promise<void> {
  const had: CarryOn[] = [];
  for await (const item of storage.items(below)) had.push({ item, version: (await storage.version(item, 0)) + 1 });
  await storage.setAside(below, as);
  await makeEmpty(storage, had);
}

export interface CarryOn {
  readonly item: ItemPath;
  readonly version: number;
}

export async function makeEmpty(storage: StateStorage, items: readonly CarryOn[]): Promise<void> {
  for (let at = 0; at < items.length; at += AT_ONCE)
    await Promise.all(items.slice(at, at + AT_ONCE).map(({ item, version }) => storage.create(item, version, NOTHING)));
}
