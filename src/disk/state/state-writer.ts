import type { SQLOutputValue, StatementSync } from 'node:sqlite';
import { Refusal } from '../../bytes/refusal.ts';
import type { StateContents } from '../../ports/state-room.ts';
import { INSERT_ITEM } from '../database/schema.ts';
import { bytesOf, integerOf, textOf } from '../database/sqlite.ts';
import type { Creation, OpenState, Write, WriteKind, Writes } from '../database/thread-protocol.ts';
import { WriteConnection } from '../database/write-connection.ts';
import { isOfProject, NO_CONTENTS, partOf, withMore } from './contents.ts';
import { rangeBelow } from './item-path.ts';
import { StagedVersions, type TakenVersion } from './staged.ts';
import { headOf, READ_HEAD, WRITE_HEAD } from './state-head.ts';
import { roomIn, roomStatements, SIZED } from './state-room.ts';
import { add, type Head, StateSeal, subtract } from './state-seal.ts';

/** A head that says how much of what there is. */
type Counted = Head & { readonly contents: StateContents };

/** Writes an index's state: items, and with them the sum and the epoch that its head holds. */
export class StateWriter {
  readonly #opened: OpenState;
  readonly #seal: StateSeal;
  readonly #connection: WriteConnection;
  readonly #statements: Readonly<Record<keyof typeof SQL, StatementSync>>;
  readonly #staged: StagedVersions;
  readonly #room: ReturnType<typeof roomStatements>;
  /** Valid within a transaction only: another process may have written since. */
  #head: Counted;

  /** Throws Refusal `state`, or SQLite's errors. */
  constructor(opened: OpenState) {
    this.#opened = opened;
    this.#seal = new StateSeal(opened.index, opened.keys);
    this.#connection = new WriteConnection(opened, 'FULL');
    try {
      const prepared = (sql: string) => this.#connection.database.prepare(sql);
      this.#statements = {
        newest: prepared(SQL.newest),
        insert: prepared(SQL.insert),
        below: prepared(SQL.below),
        range: prepared(SQL.range),
        keep: prepared(SQL.keep),
        remove: prepared(SQL.remove),
        readHead: prepared(SQL.readHead),
        writeHead: prepared(SQL.writeHead),
        count: prepared(SQL.count),
        clear: prepared(SQL.clear),
      };
      this.#staged = new StagedVersions(this.#connection.database, this.#seal);
      this.#room = roomStatements(this.#connection.database);
      this.#head = this.#readHead();
    } catch (error) {
      this.#connection.close();
      throw error;
    }
  }

  get foreignAt(): number {
    return this.#connection.foreignAt;
  }

  get epoch(): number {
    return this.#head.epoch;
  }

  /** All of them in one transaction, durable when it returns; where it throws, none of them. */
  transact(writes: readonly Write[]): readonly Writes[WriteKind]['answer'][] {
    return this.#connection.transact(() => {
      const before = this.#readHead();
      this.#head = before;
      const answers = writes.map((write) => this.#apply(write));
      if (this.#head.sum !== before.sum) {
        this.#head = { ...this.#head, epoch: before.epoch + 1 };
        this.#statements.writeHead.run(this.#seal.closeHead(this.#head));
      }
      const isCrowded = roomIn(this.#room, this.#opened.maxBytes).isCrowded;
      return answers.map((answer) => ({ ...answer, isCrowded, epoch: this.#head.epoch }));
    });
  }

  close(): void {
    this.#connection.close();
  }

  #readHead(): Counted {
    const head = headOf(this.#statements.readHead.get(), this.#seal, this.#opened.place);
    return { ...head, contents: head.contents ?? this.#counted() };
  }

  /** Of a database that was made before anything was counted: until the next write says so. */
  #counted(): StateContents {
    let contents = NO_CONTENTS;
    for (const row of this.#statements.count.iterate())
      contents = withMore(contents, partOf(textOf(row['path']), firstByte(row)), 1, integerOf(row['bytes']));
    return contents;
  }

  #apply({ kind, ask }: Write): object {
    switch (kind) {
      case 'create':
        return { outcome: this.#create(ask.creations) };
      case 'removeBelow':
        this.#removeBelow(ask.path, ask.version);
        return {};
      case 'setAside':
        return { paths: this.#setAside(ask.names, ask.as) };
      case 'copy':
        return this.#copy(ask);
      case 'stage':
        this.#staged.put(ask.name, ask.creations);
        return {};
      case 'unstage':
        this.#staged.drop(ask.name);
        return {};
      case 'replace':
        return { replaced: this.#replace(ask) };
      default:
        throw new Error(`${kind} is not for state`);
    }
  }

  /** What was decided elsewhere fits here, or what lies here is no copy of it. */
  #copy({ mark, changes }: Writes['copy']['ask']): Pick<Writes['copy']['answer'], 'copied' | 'paths'> {
    if (mark.version <= this.#newest(mark.path)) return { copied: false, paths: [] };
    const paths: string[] = [];
    for (const change of changes) {
      if (change.kind === 'setAside') paths.push(...this.#setAside(change.names, change.as));
      else if (change.kind === 'removeBelow') this.#removeBelow(change.path, change.version);
      else this.#insertCopied(change.creations);
    }
    this.#insertCopied([mark]);
    return { copied: true, paths };
  }

  #replace({ name, count, mark }: Writes['replace']['ask']): boolean {
    if (mark.version <= this.#newest(mark.path)) return false;
    if (this.#staged.count(name) !== count) throw notStaged(this.#opened.index);
    this.#statements.clear.run();
    this.#head = { ...this.#head, sum: 0n, contents: NO_CONTENTS };
    for (const taken of this.#staged.take(name)) this.#count(taken);
    this.#insert([mark]);
    return true;
  }

  #count({ path, version, digest, first, bytes }: TakenVersion): void {
    this.#head = {
      ...this.#head,
      sum: add(this.#head.sum, this.#seal.part(path, version, digest)),
      contents: withMore(this.#head.contents, partOf(path, first), 1, bytes),
    };
  }

  #setAside(names: readonly string[], as: string): readonly string[] {
    const { from, to } = rangeBelow(names);
    const rows = this.#statements.range.all(from, to);
    this.#statements.keep.run(as, from, to);
    this.#remove(rows);
    return [...new Set(rows.map(({ path }) => textOf(path)))];
  }

  #newest(path: string): number {
    return integerOf(this.#statements.newest.get(path)?.['version'] ?? 0);
  }

  #create(creations: readonly Creation[]): Writes['create']['answer']['outcome'] {
    const newest = creations.map(({ path }) => this.#newest(path));
    if (creations.some(({ version }, at) => version <= (newest[at] ?? 0))) return 'taken';
    // What is left is for what is there.
    const isNew = creations.some(({ path }, at) => newest[at] === 0 && isOfProject(path));
    if (isNew && roomIn(this.#room, this.#opened.maxBytes).isFull) return 'full';
    this.#insert(creations);
    return 'created';
  }

  /** Whether there is room was asked where it was decided. */
  #insertCopied(creations: readonly Creation[]): void {
    if (creations.some(({ path, version }) => version <= this.#newest(path))) throw notCopied(this.#opened.index);
    this.#insert(creations);
  }

  #insert(creations: readonly Creation[]): void {
    for (const { path, version, value, removeBelow } of creations) {
      const digest = this.#seal.digest(path, version, value);
      this.#statements.insert.run(path, version, value, digest, this.#seal.seal(digest));
      this.#count({ path, version, digest, first: value[0], bytes: value.byteLength });
      if (removeBelow > 1) this.#removeBelow(path, removeBelow);
    }
  }

  #removeBelow(path: string, version: number): void {
    this.#remove(this.#statements.below.all(path, Math.min(version, this.#newest(path))));
  }

  #remove(rows: ReturnType<StatementSync['all']>): void {
    for (const row of rows) {
      const path = textOf(row['path']);
      const part = this.#seal.part(path, integerOf(row['version']), bytesOf(row['digest']));
      this.#statements.remove.run(integerOf(row['id']));
      this.#head = {
        ...this.#head,
        sum: subtract(this.#head.sum, part),
        contents: withMore(this.#head.contents, partOf(path, firstByte(row)), -1, -integerOf(row['bytes'])),
      };
    }
  }
}

function notCopied(index: string): Refusal {
  return new Refusal('state', `What index ${index} remembers here is no copy of what its fleet remembers.`, {
    subject: 'state',
  });
}

/** Another process of this machine has put its own there, and taken these away. */
function notStaged(index: string): Refusal {
  return new Refusal('state', `What was to replace the state of index ${index} is not all there. Try again.`, {
    subject: 'state',
    transient: true,
  });
}

function firstByte(row: Readonly<Record<string, SQLOutputValue>>): number | undefined {
  return bytesOf(row['first'])[0];
}

const SQL = {
  newest: 'SELECT max(version) AS version FROM item WHERE path = ?',
  insert: INSERT_ITEM,
  below: `SELECT id, path, version, digest, ${SIZED} FROM item WHERE path = ? AND version < ?`,
  range: `SELECT id, path, version, digest, ${SIZED} FROM item WHERE path >= ? AND path < ?`,
  keep: 'INSERT INTO aside (name, path, version, value, digest, seal) SELECT ?, path, version, value, digest, seal FROM item WHERE path >= ? AND path < ?',
  remove: 'DELETE FROM item WHERE id = ?',
  readHead: READ_HEAD,
  writeHead: WRITE_HEAD,
  count: `SELECT path, ${SIZED} FROM item`,
  clear: 'DELETE FROM item',
} as const;
