import { randomUUID } from 'node:crypto';
import { setTimeout as after } from 'node:timers/promises';
import type { OldItems, StateUsage } from '../../ports/state-room.ts';
import type { StoredValue } from '../../ports/state-storage.ts';
import { DatabaseThread, ThreadEnded } from '../database/database-thread.ts';
import { accessOf, checkPlace, inodeOf, knownInodeOf, type Place } from '../database/place.ts';
import type { CopiedChange, Creation, Writes } from '../database/thread-protocol.ts';
import { databaseRefusal, isBusy } from '../database/trouble.ts';
import { WriterHandle } from '../database/writer-handle.ts';
import type { FileOps } from '../file-ops.ts';
import { NO_CONTENTS } from './contents.ts';
import { Floors } from './floors.ts';
import { StagedVersions } from './staged.ts';
import type { DumpedVersion } from './state-dump.ts';
import { StateReader } from './state-reader.ts';
import type { Scan, StateSource } from './state-scan.ts';
import type { SealKeys } from './state-seal.ts';

export interface StateDatabaseParts {
  readonly ops: FileOps;
  readonly place: Place;
  readonly index: string;
  readonly keys: SealKeys | undefined;
  /** The process's writing thread; undefined where nothing is to be written. */
  readonly writing: DatabaseThread | undefined;
  /** The thread that reads what is large, … */
  readonly reading: DatabaseThread;
  /** … and the one that reads all of it first. */
  readonly scanning: DatabaseThread;
  /** False where only a few items are read: then nothing is known of the whole, and each is believed by itself. */
  readonly scan: boolean;
  readonly maxBytes: number;
  /** How long a lock is waited for, by a writer in its thread, and by a reader here in turns. */
  readonly waitMs: number;
}

/** A reader that meets a lock comes back after this time. */
const RETRY_MS = 100;

/** One index's database as this process has it open. */
export class StateDatabase {
  readonly #parts: StateDatabaseParts;
  readonly #inode: number;
  readonly #source: StateSource;
  readonly #floors: Floors;
  readonly #reader: StateReader;
  readonly #handle: WriterHandle | undefined;
  /** What the scan found; undefined where there was none. */
  readonly scan: Scan | undefined;

  /** Undefined where there is none yet. Throws Refusal `state` for anything that cannot be believed as a whole. */
  static async open(parts: StateDatabaseParts): Promise<StateDatabase | undefined> {
    const { ops, place, index, keys, scanning } = parts;
    if (!(await checkPlace(ops, place))) return undefined;
    const inode = knownInodeOf(place);
    const source = { place, index, keys, access: await accessOf(ops, place, parts.writing === undefined) };
    const secret = Floors.newSecret();
    const scan = parts.scan ? await scanning.call('scan', { ...source, secret }) : undefined;
    const floors = new Floors(secret, scan?.floors);
    const reader = await patiently(parts, () => new StateReader(source, inode, floors, scan?.lastId ?? 0));
    return new StateDatabase(parts, source, inode, floors, reader, scan);
  }

  private constructor(
    parts: StateDatabaseParts,
    source: StateSource,
    inode: number,
    floors: Floors,
    reader: StateReader,
    scan: Scan | undefined,
  ) {
    this.#parts = parts;
    this.#inode = inode;
    this.#source = source;
    this.#floors = floors;
    this.#reader = reader;
    this.scan = scan;
    const { ops, place, index, keys, writing, maxBytes, waitMs } = parts;
    this.#handle =
      writing &&
      new WriterHandle(writing, async (database) => {
        await checkPlace(ops, place);
        return writing.call('openState', { database, inode, place, index, keys, maxBytes, waitMs });
      });
  }

  /** True where another file lies under its name now, or none. */
  isReplaced(): boolean {
    return inodeOf(this.#parts.place) !== this.#inode;
  }

  async newest(path: string, from: number): Promise<StoredValue | undefined> {
    for (;;) {
      const found = await this.#read((reader) => reader.newest(path, from));
      if (found === undefined) return undefined;
      const { version, value = await this.#large(path, version) } = found;
      // Undefined where it was superseded and removed meanwhile: then there is a newer one.
      if (value !== undefined) return { version, value };
    }
  }

  version(path: string, from: number): Promise<number> {
    return this.#read((reader) => reader.version(path, from));
  }

  async read(path: string, version: number): Promise<Uint8Array | undefined> {
    const found = await this.#read((reader) => reader.one(path, version));
    return found && (found.value ?? (await this.#large(path, version)));
  }

  /** Paths below these names that come after `after`, in order, some hundreds at most. */
  paths(names: readonly string[], after: string | undefined): Promise<readonly string[]> {
    return this.#read((reader) => reader.paths(names, after));
  }

  epoch(): Promise<number> {
    return this.#read((reader) => reader.epoch());
  }

  async usage(): Promise<StateUsage> {
    const { contents, bytes } = await this.#read((reader) => reader.usage());
    return { contents: contents ?? this.scan?.contents ?? NO_CONTENTS, bytes, limit: this.#parts.maxBytes };
  }

  /** Whole pages by when they were written; `after` is what an earlier call named as `next`, or 0. */
  oldestPages(after: number): Promise<OldItems> {
    return this.#parts.reading.call('oldestPages', { ...this.#source, after });
  }

  /** All of them, or none. Nobody writes into their values any more. */
  async create(creations: readonly Creation[]): Promise<Writes['create']['answer']> {
    if (creations.some(({ path, version }) => version <= this.#floors.of(path)))
      return { outcome: 'taken', isCrowded: false, epoch: 0 };
    const writer = this.#writer();
    const answer = await (await writer.ready())
      .call('create', { database: writer.database, creations })
      .catch(async (error: unknown) => {
        if (!(error instanceof ThreadEnded)) throw error;
        const outcome = (await this.#isThere(creations, error)) ? 'created' : 'taken';
        return { outcome, isCrowded: false, epoch: await this.epoch() } as const;
      });
    if (answer.outcome === 'created') for (const { path, version } of creations) this.#floors.raise(path, version);
    return answer;
  }

  /** Whether what a thread was at when it died was done all the same. Throws `died` where that is not to be had. */
  async #isThere(creations: readonly Creation[], died: ThreadEnded): Promise<boolean> {
    for (const { path, version, value } of creations) {
      const there = await this.read(path, version).catch(() => undefined);
      if (there === undefined) throw died;
      if (Buffer.compare(there, value) !== 0) return false;
    }
    return true;
  }

  async removeBelow(path: string, version: number): Promise<Writes['removeBelow']['answer']> {
    const writer = this.#writer();
    return (await writer.ready()).call('removeBelow', { database: writer.database, path, version });
  }

  async setAside(names: readonly string[], as: string): Promise<Writes['setAside']['answer']> {
    const writer = this.#writer();
    const answer = await (await writer.ready()).call('setAside', { database: writer.database, names, as });
    for (const path of answer.paths) this.#floors.drop(path);
    return answer;
  }

  /** What this process has seen of what is set aside is forgotten where it is `acting`, and holds otherwise. */
  async copy(mark: Creation, changes: readonly CopiedChange[], acting: boolean): Promise<Writes['copy']['answer']> {
    const writer = this.#writer();
    const answer = await (await writer.ready()).call('copy', { database: writer.database, mark, changes });
    this.#reader.lookAgain();
    if (acting) for (const path of answer.paths) this.#floors.drop(path);
    return answer;
  }

  lookAgain(): void {
    this.#reader.lookAgain();
  }

  /** All versions of all items as they lie at one moment, some at a time. A thread of its own reads them. */
  async *dump(): AsyncGenerator<readonly DumpedVersion[], void, undefined> {
    const thread = new DatabaseThread();
    try {
      for (;;) {
        const some = await thread.call('dump', this.#source);
        if (some.length === 0) return;
        yield some;
      }
    } finally {
      await thread.end();
    }
  }

  /** These versions and the mark in place of all there is, in one transaction; false where the mark is taken. */
  async replace(mark: Creation, versions: AsyncIterable<readonly Creation[]>): Promise<Writes['replace']['answer']> {
    const writer = this.#writer();
    const { database } = writer;
    const name = StagedVersions.nameOf(randomUUID());
    let count = 0;
    try {
      for await (const creations of versions) {
        count += creations.length;
        await (await writer.ready()).call('stage', { database, name, creations });
      }
      const answer = await (await writer.ready()).call('replace', { database, name, count, mark });
      this.#reader.lookAgain();
      return answer;
    } catch (error) {
      await (await writer.ready()).call('unstage', { database, name }).catch(() => undefined);
      throw error;
    }
  }

  async close(): Promise<void> {
    // The writer closes last: the last connection copies the log into the database, and a reader could not.
    this.#reader.close();
    await this.#handle?.close();
  }

  #writer(): WriterHandle {
    if (this.#handle === undefined) throw new Error(`${this.#parts.place.path} was opened to be read`);
    return this.#handle;
  }

  #large(path: string, version: number): Promise<Uint8Array | undefined> {
    return this.#parts.reading.call('readLarge', { ...this.#source, path, version });
  }

  #read<T>(run: (reader: StateReader) => T): Promise<T> {
    return patiently(this.#parts, () => run(this.#reader));
  }
}

async function patiently<T>({ place, waitMs }: StateDatabaseParts, run: () => T): Promise<T> {
  const from = performance.now();
  for (;;) {
    try {
      return run();
    } catch (error) {
      if (!isBusy(error) || performance.now() - from > waitMs) throw databaseRefusal(error, place);
    }
    await after(RETRY_MS);
  }
}
