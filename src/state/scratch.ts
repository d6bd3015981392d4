import type { CreatedWith, ItemPath, NewVersion, StateStorage, StoredValue } from '../ports/state-storage.ts';

/** State over another for one command's time: what is written stays in memory and is seen here alone; beneath nothing changes. */
export class ScratchState implements StateStorage {
  readonly #beneath: StateStorage;
  readonly #written = new Map<string, { readonly item: ItemPath; readonly versions: Map<number, Uint8Array> }>();
  readonly #aside: ItemPath[] = [];

  constructor(beneath: StateStorage) {
    this.#beneath = beneath;
  }

  async newest(item: ItemPath, from: number): Promise<StoredValue | undefined> {
    const version = this.#top(item);
    const value = this.#versions(item)?.get(version);
    if (value !== undefined) return { version, value };
    return this.#isAside(item) ? undefined : this.#beneath.newest(item, from);
  }

  async version(item: ItemPath, from: number): Promise<number> {
    const top = this.#top(item);
    return top > 0 || this.#isAside(item) ? top : this.#beneath.version(item, from);
  }

  async read(item: ItemPath, version: number): Promise<Uint8Array | undefined> {
    const written = this.#versions(item)?.get(version);
    return written !== undefined || this.#isAside(item) ? written : this.#beneath.read(item, version);
  }

  async create(
    item: ItemPath,
    version: number,
    value: Uint8Array,
    { others = [] }: CreatedWith = {},
  ): Promise<boolean> {
    const all: readonly Pick<NewVersion, 'item' | 'version' | 'value'>[] = [{ item, version, value }, ...others];
    for (const each of all) if ((await this.version(each.item, 0)) >= each.version) return false;
    for (const each of all) this.#write(each.item, each.version, each.value);
    return true;
  }

  async removeBelow(): Promise<void> {
    // It is all gone when the command ends.
  }

  async *items(below: ItemPath): AsyncIterable<ItemPath> {
    const seen = new Set<string>();
    for (const [key, { item }] of this.#written) if (isBelow(item, below) && seen.add(key)) yield item;
    for await (const item of this.#beneath.items(below)) if (!seen.has(keyOf(item)) && !this.#isAside(item)) yield item;
  }

  async setAside(below: ItemPath): Promise<void> {
    this.#aside.push(below);
    for (const [key, { item }] of this.#written) if (isBelow(item, below)) this.#written.delete(key);
  }

  #write(item: ItemPath, version: number, value: Uint8Array): void {
    const key = keyOf(item);
    const written = this.#written.get(key) ?? { item, versions: new Map<number, Uint8Array>() };
    written.versions.set(version, Buffer.from(value));
    this.#written.set(key, written);
  }

  #versions(item: ItemPath) {
    return this.#written.get(keyOf(item))?.versions;
  }

  #top(item: ItemPath): number {
    return Math.max(0, ...(this.#versions(item)?.keys() ?? []));
  }

  #isAside(item: ItemPath): boolean {
    return this.#aside.some((below) => isBelow(item, below));
  }
}

function keyOf(item: ItemPath): string {
  return JSON.stringify(item);
}

function isBelow(item: ItemPath, below: ItemPath): boolean {
  return below.every((name, place) => item[place] === name);
}
