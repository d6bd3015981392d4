import type { StateStorage } from '../ports/state-storage.ts';
import { type ItemKind, StoredItem } from './item.ts';
import { rootPath, rootsPath } from './paths.ts';

/** A root proves itself by the chain from the pinned one; a damaged one can be asked for again upstream. */
const ROOT: ItemKind<Uint8Array> = {
  what: 'a root of the index',
  encode: (bytes) => bytes,
  decode: (bytes) => bytes,
  replaceable: true,
};

const VERSION = /^[1-9][0-9]{0,14}$/;

/** The roots of an index, kept for ever. */
export class Roots {
  readonly #storage: StateStorage;
  readonly #index: string;

  constructor(storage: StateStorage, index: string) {
    this.#storage = storage;
    this.#index = index;
  }

  async read(version: number): Promise<Uint8Array | undefined> {
    return (await this.#item(version).read())?.value;
  }

  async keep(version: number, bytes: Uint8Array): Promise<void> {
    await this.#item(version).change((was) =>
      was !== undefined && Buffer.compare(was.value, bytes) === 0 ? undefined : bytes,
    );
  }

  async all(): Promise<ReadonlyMap<number, Uint8Array>> {
    const versions: number[] = [];
    for await (const path of this.#storage.items(rootsPath(this.#index))) {
      const name = path.at(-1) ?? '';
      if (VERSION.test(name)) versions.push(Number(name));
    }
    const found = new Map<number, Uint8Array>();
    for (const version of versions.sort((a, b) => a - b)) {
      const bytes = await this.read(version);
      if (bytes !== undefined) found.set(version, bytes);
    }
    return found;
  }

  #item(version: number): StoredItem<Uint8Array> {
    return new StoredItem({ storage: this.#storage, path: rootPath(this.#index, version), kind: ROOT });
  }
}
