import type { StatementSync } from 'node:sqlite';
import { DOCUMENTS_SCHEMA } from '../database/schema.ts';
import type { Done, OpenPlain, Write } from '../database/thread-protocol.ts';
import { WriteConnection } from '../database/write-connection.ts';

/** Writes small documents. */
export class DocumentsWriter {
  readonly #connection: WriteConnection;
  readonly #insert: StatementSync;
  readonly #remove: StatementSync;
  readonly #find: StatementSync;

  constructor(opened: OpenPlain) {
    this.#connection = new WriteConnection(opened, 'NORMAL');
    const { database } = this.#connection;
    this.#insert = database.prepare("INSERT INTO document (sha256, content) VALUES (?, coalesce(?, x''))");
    this.#remove = database.prepare('DELETE FROM document WHERE sha256 = ?');
    this.#find = database.prepare('SELECT 1 FROM document WHERE sha256 = ?');
  }

  get foreignAt(): number {
    return this.#connection.foreignAt;
  }

  transact(writes: readonly Write[]): readonly Done[] {
    return this.#connection.transact(() => writes.map((write) => this.#apply(write)));
  }

  /** Which of these are there; they, and all that was written before, outlast a power cut when it returns. */
  sync(sha256s: readonly Uint8Array[]): readonly boolean[] {
    return this.#connection.transactDurably(() => {
      // A transaction that changes nothing is not written, and what is not written is not synced: the version stays what it was.
      this.#connection.database.exec(`PRAGMA user_version = ${DOCUMENTS_SCHEMA.version}`);
      return sha256s.map((sha256) => this.#find.get(sha256) !== undefined);
    });
  }

  close(): void {
    this.#connection.close();
  }

  #apply({ kind, ask }: Write): Done {
    switch (kind) {
      case 'putDocuments':
        for (const { sha256, content } of ask.documents) {
          // What lies there may be damaged: it is replaced.
          this.#remove.run(sha256);
          this.#insert.run(sha256, content);
        }
        return {};
      case 'removeDocument':
        this.#remove.run(ask.sha256);
        return {};
      default:
        throw new Error(`${kind} is not for documents`);
    }
  }
}
