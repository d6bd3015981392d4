import { join } from 'node:path';
import type { SQLOutputValue } from 'node:sqlite';
import { sha256Hex } from '../../bytes/digest.ts';
import { Refusal } from '../../bytes/refusal.ts';
import type { DatabaseThread } from '../database/database-thread.ts';
import { placeOf } from '../database/place.ts';
import { DOCUMENTS_SCHEMA } from '../database/schema.ts';
import { bytesOf, integerOf } from '../database/sqlite.ts';
import type { Durable } from '../durable.ts';
import { PlainDatabase } from './plain-database.ts';

/** Most bytes of one document: what is larger is a file. */
export const SMALL_DOCUMENT_BYTES = 64 * 1024;

/** An open cursor would keep the log from being copied. */
const LISTED_AT_ONCE = 500;

export interface DocumentsOptions {
  readonly durable: Durable;
  readonly root: string;
  readonly writing: DatabaseThread | undefined;
  /** Most bytes of all documents: beyond it none is taken. */
  readonly mostBytes: number;
}

/** Small documents by their SHA-256. All of it can be had again: damage is a miss, and a damaged database is begun anew. */
export class DocumentsDatabase {
  readonly #database: PlainDatabase;
  readonly #options: DocumentsOptions;
  readonly #folder: string;

  constructor(options: DocumentsOptions) {
    this.#options = options;
    this.#folder = join(options.root, 'documents');
    const { durable, writing, mostBytes } = options;
    const place = placeOf(this.#folder, 'documents', DOCUMENTS_SCHEMA, { holds: 'small documents' });
    // Pages that are half full take some room beside the documents.
    const maxBytes = 2 * mostBytes + 16 * SMALL_DOCUMENT_BYTES;
    this.#database = new PlainDatabase({ durable, place, what: 'documents', writing, maxBytes });
  }

  /** Bytes of this digest, or undefined. Never throws for what lies on the disk. */
  async get(sha256: string): Promise<Uint8Array | undefined> {
    const content = await this.read(sha256);
    if (content === undefined || sha256Hex(content) === sha256) return content;
    await this.remove(sha256);
    return undefined;
  }

  /** What lies under this digest, whatever it is. Never throws. */
  async read(sha256: string): Promise<Uint8Array | undefined> {
    const key = Buffer.from(sha256, 'hex');
    const found = await this.#orElse(undefined, () =>
      this.#database.read((reader) =>
        reader
          .of(
            `SELECT CASE WHEN length(content) <= ${SMALL_DOCUMENT_BYTES} THEN content END AS content FROM document WHERE sha256 = ?`,
          )
          .get(key),
      ),
    );
    if (found === undefined) return undefined;
    const content = found['content'];
    if (content instanceof Uint8Array) return content;
    await this.remove(sha256);
    return undefined;
  }

  /** Those that were kept; the others are too large, or the disk did not take them. */
  async put(documents: ReadonlyMap<string, Uint8Array>): Promise<ReadonlySet<string>> {
    const { mostBytes, writing: thread } = this.#options;
    if (thread === undefined) return new Set();
    const largest = Math.min(SMALL_DOCUMENT_BYTES, mostBytes);
    const all = [...documents].filter(([, { byteLength }]) => byteLength <= largest);
    if (all.length === 0 || (await this.#put(all))) return new Set(all.map(([sha256]) => sha256));
    // One that does not fit keeps no other out.
    const kept = new Set<string>();
    if (all.length > 1) for (const one of all) if (await this.#put([one])) kept.add(one[0]);
    return kept;
  }

  async #put(all: readonly (readonly [string, Uint8Array])[]): Promise<boolean> {
    const documents = all.map(([sha256, bytes]) => ({
      sha256: Buffer.from(sha256, 'hex'),
      content: new Uint8Array(bytes),
    }));
    return this.#orElse(false, async () => {
      await this.#database.write((writing, database) => writing.call('putDocuments', { database, documents }));
      return true;
    });
  }

  /** Without reading it. */
  async has(sha256: string): Promise<boolean> {
    const key = Buffer.from(sha256, 'hex');
    const found = await this.#orElse(undefined, () =>
      this.#database.read((reader) => reader.of('SELECT 1 AS found FROM document WHERE sha256 = ?').get(key)),
    );
    return found !== undefined;
  }

  /** What is there, the oldest first. */
  async *list(): AsyncGenerator<{ readonly sha256: string; readonly size: number }> {
    for (let from = 0; ; ) {
      const after = from;
      const rows = await this.#orElse(undefined, () =>
        this.#database.read((reader) =>
          reader
            .of(
              `SELECT id, sha256, octet_length(content) AS bytes FROM document WHERE id > ? ORDER BY id LIMIT ${LISTED_AT_ONCE}`,
            )
            .all(after)
            .map(({ id, sha256, bytes }) => ({ id: integerOf(id), sha256: hexOf(sha256), size: integerOf(bytes) })),
        ),
      );
      if (rows === undefined || rows.length === 0) return;
      for (const { id, sha256, size } of rows) {
        from = id;
        yield { sha256, size };
      }
    }
  }

  /** Which of these are here, and will be after a power cut. Undefined where that cannot be said of any. */
  async sync(sha256s: readonly string[]): Promise<ReadonlySet<string> | undefined> {
    if (this.#options.writing === undefined) return new Set();
    const ask = { sha256s: sha256s.map((sha256) => Buffer.from(sha256, 'hex')) };
    return this.#orElse(undefined, async () => {
      const { there } = await this.#database.write((writing, database) =>
        writing.call('syncDocuments', { database, ...ask }),
      );
      return new Set(sha256s.filter((_, at) => there[at] === true));
    });
  }

  async remove(sha256: string): Promise<void> {
    if (this.#options.writing === undefined) return;
    const ask = { sha256: Buffer.from(sha256, 'hex') };
    await this.#orElse(undefined, () =>
      this.#database.write((writing, database) => writing.call('removeDocument', { database, ...ask })),
    );
  }

  close(): Promise<void> {
    return this.#database.close();
  }

  async #orElse<T>(otherwise: T, act: () => Promise<T>): Promise<T> {
    try {
      return await act();
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      const isDamaged = error.reason === 'state' && !error.transient;
      if (isDamaged && this.#options.writing !== undefined) {
        await this.#database.close();
        await this.#options.durable.ops.removeTree(this.#folder).catch(() => undefined);
      }
      return otherwise;
    }
  }
}

function hexOf(value: SQLOutputValue | undefined): string {
  return Buffer.from(bytesOf(value)).toString('hex');
}
