import type { News, Peers } from '../../ports/peers.ts';
import type { CreatedWith, ItemPath, StateStorage, StoredValue } from '../../ports/state-storage.ts';

/** State that other processes have in memory, too: a write is over when they have given up what they had of it. */
export class ToldState implements StateStorage {
  readonly #storage: StateStorage;
  readonly #tell: Peers['tell'];

  constructor(storage: StateStorage, { tell }: Pick<Peers, 'tell'>) {
    this.#storage = storage;
    this.#tell = tell;
  }

  newest(item: ItemPath, from: number): Promise<StoredValue | undefined> {
    return this.#storage.newest(item, from);
  }

  version(item: ItemPath, from: number): Promise<number> {
    return this.#storage.version(item, from);
  }

  read(item: ItemPath, version: number): Promise<Uint8Array | undefined> {
    return this.#storage.read(item, version);
  }

  async create(item: ItemPath, version: number, value: Uint8Array, also: CreatedWith = {}): Promise<boolean> {
    const isCreated = await this.#storage.create(item, version, value, also);
    const items = [item, ...(also.others ?? []).map((other) => other.item)].filter(isRemembered);
    if (isCreated && items.length > 0) await this.#tell({ kind: 'wrote', index: item[0], items } satisfies News);
    return isCreated;
  }

  removeBelow(item: ItemPath, version: number): Promise<void> {
    return this.#storage.removeBelow(item, version);
  }

  items(below: ItemPath): AsyncIterable<ItemPath> {
    return this.#storage.items(below);
  }

  setAside(below: ItemPath, as: string): Promise<void> {
    return this.#storage.setAside(below, as);
  }
}

/** Pages, what they are held to, what is in quarantine, what operators answered, who published files, the list of all projects, and which signed metadata are in force; everything else is read where it is needed. */
function isRemembered([, area = '', kind]: ItemPath): boolean {
  return REMEMBERED.has(area) || (area === 'tuf' && kind === 'current');
}

const REMEMBERED: ReadonlySet<string> = new Set([
  'pages',
  'pins',
  'quarantine',
  'answers',
  'provenance',
  'contents',
  'list',
]);
