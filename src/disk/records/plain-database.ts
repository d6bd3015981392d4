import { existing } from '../../bytes/existing.ts';
import { buildDatabase } from '../database/build.ts';
import type { DatabaseThread } from '../database/database-thread.ts';
import { accessOf, checkPlace, knownInodeOf, type Place } from '../database/place.ts';
import { checkSchema } from '../database/schema.ts';
import { openDatabase } from '../database/sqlite.ts';
import { Statements } from '../database/statements.ts';
import type { OpenPlain } from '../database/thread-protocol.ts';
import { databaseRefusal } from '../database/trouble.ts';
import { WriterHandle } from '../database/writer-handle.ts';
import type { Durable } from '../durable.ts';

export interface PlainDatabaseParts {
  readonly durable: Durable;
  readonly place: Place;
  readonly what: OpenPlain['what'];
  /** The process's writing thread; undefined where nothing is to be written. */
  readonly writing: DatabaseThread | undefined;
  readonly maxBytes: number;
}

interface Opened {
  readonly reader: Statements;
  readonly writer: WriterHandle | undefined;
}

/** A statement on the main thread blocks the event loop for as long as it waits for a lock. */
const WAIT_MS = 50;
/** In the writing thread. */
const WRITE_WAIT_MS = 10_000;

/** A database whose rows need no seal: opened when it is first used, and again after anything went wrong with it. */
export class PlainDatabase {
  readonly #parts: PlainDatabaseParts;
  #opened: Promise<Opened | undefined> | undefined;

  constructor(parts: PlainDatabaseParts) {
    this.#parts = parts;
  }

  /** What `use` answers; undefined where there is no database, and nothing is to be written. Throws Refusal. */
  async read<T>(use: (reader: Statements) => T): Promise<T | undefined> {
    return this.#use(async ({ reader }) => use(reader));
  }

  /** `use` has the thread write. Throws Refusal. */
  async write<T>(use: (writing: DatabaseThread, database: number) => Promise<T>): Promise<T> {
    const toBeRead = `${this.#parts.place.path} was opened to be read`;
    const written = await this.#use(async (opened) => {
      const writer = existing(opened.writer, toBeRead);
      return { answer: await use(await writer.ready(), writer.database) };
    });
    return existing(written, toBeRead).answer;
  }

  async close(): Promise<void> {
    const opened = await this.#opened?.catch(() => undefined);
    this.#opened = undefined;
    opened?.reader.close();
    await opened?.writer?.close();
  }

  async #use<T>(use: (opened: Opened) => Promise<T>): Promise<T | undefined> {
    for (;;) {
      this.#opened ??= this.#open();
      const opening = this.#opened;
      try {
        const opened = await opening;
        // Somebody else met an error meanwhile, and closed it.
        if (this.#opened !== opening) continue;
        if (opened === undefined) this.#opened = undefined;
        return opened && (await use(opened));
      } catch (error) {
        if (this.#opened === opening) await this.close();
        throw databaseRefusal(error, this.#parts.place);
      }
    }
  }

  async #open(): Promise<Opened | undefined> {
    const { durable, place, writing } = this.#parts;
    if (!(await checkPlace(durable.ops, place))) {
      if (writing === undefined) return undefined;
      const built = await buildDatabase(durable, place, () => undefined);
      await built.moveTo(place.folder);
      await checkPlace(durable.ops, place);
    }
    const inode = knownInodeOf(place);
    const access = await accessOf(durable.ops, place, writing === undefined);
    const connection = openDatabase(place.path, { access, synchronous: 'NORMAL', waitMs: WAIT_MS });
    try {
      checkSchema(connection, place.schema, access);
    } catch (error) {
      connection.close();
      throw error;
    }
    const writer =
      writing &&
      new WriterHandle(writing, async (database) => {
        await checkPlace(durable.ops, place);
        const { what, maxBytes } = this.#parts;
        return writing.call('openPlain', { database, place, inode, maxBytes, what, waitMs: WRITE_WAIT_MS });
      });
    return { reader: new Statements(connection), writer };
  }
}
