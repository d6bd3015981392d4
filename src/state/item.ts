import { Mutex } from '../async/mutex.ts';
import { sha256Hex } from '../bytes/digest.ts';
import { Refusal } from '../bytes/refusal.ts';
import type { Known, PreparableItem, UnsavedPage } from '../ports/index-state.ts';
import {
  type ItemPath,
  type NewVersion,
  STATE_VALUE_BYTES,
  type StateStorage,
  type StoredValue,
} from '../ports/state-storage.ts';
import { cannotBelieve, isDamage } from './refusals.ts';

/** How one kind of item is written down. */
export interface ItemKind<T> {
  /** Completes the sentence "it holds …". */
  readonly what: string;
  encode(value: T): Uint8Array | Promise<Uint8Array>;
  /** Undefined for whatever `encode` does not make. */
  decode(bytes: Uint8Array): T | undefined | Promise<T | undefined>;
  /** For what is proved by signatures and can be had again: where it cannot be read it counts as absent, and is written over. */
  readonly replaceable?: boolean | undefined;
}

/** What was stored of items of one kind; may forget any of them. */
export interface ItemMemory<T> {
  get(key: string): Newest<T> | undefined;
  set(key: string, newest: Newest<T>): unknown;
}

export interface ItemParts<T> {
  readonly storage: StateStorage;
  readonly path: ItemPath;
  readonly kind: ItemKind<T>;
  readonly memory?: ItemMemory<T> | undefined;
  /** The oldest version that a change leaves; without it, all older ones are removed. */
  readonly keepFrom?: ((next: Known<T>) => number) | undefined;
}

/** One a storage, whoever made an item's handle: changes of one process wait for each other instead of racing. */
const mutexes = new WeakMap<StateStorage, Mutex>();

function mutexOf(storage: StateStorage): Mutex {
  const mutex = mutexes.get(storage) ?? new Mutex();
  mutexes.set(storage, mutex);
  return mutex;
}

type Next<T> = (was: Known<T> | undefined) => T | undefined;

/** What a change comes to, and how it is written. */
interface Prepared<T> {
  readonly known: Known<T>;
  readonly write: NewVersion;
}

/** What is stored now; a version without a value says that there is none any more. */
export interface Newest<T> {
  readonly version: number;
  readonly known: Known<T> | undefined;
}

/** A value that says that there is none: versions go on above it, so that nobody who saw more is told less. */
export const NOTHING = new Uint8Array();

/** An item of state over its storage. Here alone is a version followed by the next. */
export class StoredItem<T> implements PreparableItem<T> {
  readonly #parts: ItemParts<T>;
  readonly #key: string;

  constructor(parts: ItemParts<T>) {
    this.#parts = parts;
    this.#key = JSON.stringify(parts.path);
  }

  async read(): Promise<Known<T> | undefined> {
    return (await this.#newest()).known;
  }

  version(): Promise<number> {
    const { storage, path, memory } = this.#parts;
    return this.#asked(storage.version(path, memory?.get(this.#key)?.version ?? 0));
  }

  /** An older version, as it was; undefined where it was removed. */
  async readVersion(version: number): Promise<T | undefined> {
    const { storage, path } = this.#parts;
    const value = await this.#asked(storage.read(path, version)).catch(this.#absentIfReplaceable);
    return value && (await this.#decoded({ version, value }).catch(this.#absentIfReplaceable))?.value;
  }

  change(next: Next<T>, page?: UnsavedPage): Promise<Known<T> | undefined> {
    return mutexOf(this.#parts.storage).run(this.#key, () => this.#change(next, page));
  }

  async prepare(next: Next<T>): Promise<Prepared<T> | undefined> {
    const { version, known } = this.#rememberedAbsent() ?? (await this.#newest());
    const value = next(known);
    return value === undefined ? undefined : this.#prepared(version + 1, value);
  }

  make({ item, version, value, removeBelow }: NewVersion): Promise<boolean> {
    return this.#asked(this.#parts.storage.create(item, version, value, { removeBelow }));
  }

  async #change(next: Next<T>, page: UnsavedPage | undefined): Promise<Known<T> | undefined> {
    // That there is none needs no second look: where it is no longer so, nothing is created.
    let absent = this.#rememberedAbsent();
    for (let taken = -1; ; absent = undefined) {
      const { version, known } = absent ?? (await this.#newest());
      const value = next(known);
      if (value === undefined && absent !== undefined) continue;
      if (value === undefined) return undefined;
      const stored = await this.#store(version + 1, value, page);
      if (stored !== undefined) return stored;
      if (absent !== undefined) continue;
      // Each time another writer made progress; where nobody did, the storage says one thing and then another.
      if (version === taken) throw unsteady(this.#parts.kind.what);
      taken = version;
    }
  }

  #rememberedAbsent(): Newest<T> | undefined {
    const remembered = this.#parts.memory?.get(this.#key);
    return remembered?.version === 0 ? remembered : undefined;
  }

  async #newest(): Promise<Newest<T>> {
    const { storage, path, memory } = this.#parts;
    const remembered = memory?.get(this.#key);
    const from = remembered?.version ?? 0;
    if (remembered !== undefined && (await this.version()) === from) return remembered;
    try {
      const stored = await this.#asked(storage.newest(path, from));
      if ((stored?.version ?? 0) < from) throw cannotBelieve(this.#key, this.#parts.kind.what);
      const known = stored && (await this.#decoded(stored));
      const newest = { version: stored?.version ?? 0, known };
      memory?.set(this.#key, newest);
      return newest;
    } catch (error) {
      this.#absentIfReplaceable(error);
      return { version: await this.version(), known: undefined };
    }
  }

  /** Undefined where another writer was first. Throws Superseded where one was first to store another page. */
  async #store(version: number, value: T, page: UnsavedPage | undefined): Promise<Known<T> | undefined> {
    const { storage, path, memory } = this.#parts;
    const { known, write } = await this.#prepared(version, value);
    const other = page?.write;
    const also = { removeBelow: write.removeBelow, others: other && [other] };
    if (await this.#asked(storage.create(path, version, write.value, also))) {
      if (other !== undefined) page?.saved();
      memory?.set(this.#key, { version, known });
      return known;
    }
    if (page !== undefined && other !== undefined && (await storage.version(other.item, 0)) >= other.version)
      throw page.superseded;
    return undefined;
  }

  async #prepared(version: number, value: T): Promise<Prepared<T>> {
    const { path, kind, keepFrom } = this.#parts;
    const bytes = await kind.encode(value);
    if (bytes.byteLength > STATE_VALUE_BYTES)
      throw new Refusal(
        'limit',
        `There is no more room for ${kind.what}: at most ${STATE_VALUE_BYTES} bytes are kept. What is kept already stays as it is.`,
        { subject: 'state' },
      );
    const known = { value, version, id: sha256Hex(bytes) };
    return { known, write: { item: path, version, value: bytes, removeBelow: keepFrom?.(known) ?? version } };
  }

  async #decoded({ version, value: bytes }: StoredValue): Promise<Known<T> | undefined> {
    if (bytes.byteLength === NOTHING.byteLength) return undefined;
    const { kind } = this.#parts;
    const value = await kind.decode(bytes);
    if (value === undefined) throw cannotBelieve(this.#key, kind.what);
    return { value, version, id: sha256Hex(bytes) };
  }

  /** What the storage says, in words that name what is lost. */
  async #asked<R>(asking: Promise<R>): Promise<R> {
    try {
      return await asking;
    } catch (error) {
      throw isDamage(error) ? cannotBelieve(this.#key, this.#parts.kind.what, error) : error;
    }
  }

  readonly #absentIfReplaceable = (error: unknown): undefined => {
    if (this.#parts.kind.replaceable !== true || !isDamage(error)) throw error;
  };
}

function unsteady(what: string): Refusal {
  return new Refusal('state', `The state storage takes no next version of ${what}, and shows none. Try again.`, {
    subject: 'state',
    transient: true,
  });
}
