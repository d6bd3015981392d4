import { Refusal } from '../../bytes/refusal.ts';
import { DocumentsWriter } from '../records/documents-writer.ts';
import { RecordsWriter } from '../records/records-writer.ts';
import { StateDump } from '../state/state-dump.ts';
import { readLarge } from '../state/state-large.ts';
import { oldestPages } from '../state/state-room.ts';
import { scanState } from '../state/state-scan.ts';
import { StateWriter } from '../state/state-writer.ts';
import type { Asked, Calls, Kind, Write, WriteKind, Writes } from './thread-protocol.ts';
import { type DatabaseName, databaseRefusal } from './trouble.ts';

/** A database that is open in this thread. */
interface Writer {
  /** When another process was last seen to have written (performance.now). */
  readonly foreignAt: number;
  transact(writes: readonly Write[]): readonly Writes[WriteKind]['answer'][];
  close(): void;
}

interface Open {
  readonly name: DatabaseName;
  readonly writer: Writer;
  readonly waiting: { readonly call: number; readonly write: Write }[];
}

export type Result = { readonly answer: Calls[Kind]['answer'] } | { readonly error: unknown };
export type Results = readonly (readonly [call: number, result: Result])[];

/** Most changes, and bytes of values, in one transaction. */
const GROUP = 256;
const GROUP_BYTES = 4 * 1024 * 1024;
/** SQLite looks for a free lock now and then only, so another process needs a moment between two transactions. */
const PAUSE_MS = 3;
/** Another process that wrote within this time is given that moment after each transaction, */
const NEIGHBOUR_MS = 1000;
/** and one that has not got hold of the lock yet after this time. */
const UNBROKEN_MS = 100;

/** Does what its thread is asked to. Writes are done in groups: all that came while the last group was written. */
export class Dispatcher {
  readonly #send: (results: Results) => void;
  readonly #databases = new Map<number, Open>();
  #dump: StateDump | undefined;
  #due = false;
  #unbrokenSince = 0;

  constructor(send: (results: Results) => void) {
    this.#send = send;
  }

  handle(asked: Asked): void {
    if (!isWrite(asked)) {
      // Whatever was asked for before it is done before it.
      if ('database' in asked.ask) while (this.#writeGroup(asked.ask.database));
      this.#send([[asked.call, this.#result(asked)]]);
      return;
    }
    const open = this.#databases.get(asked.ask.database);
    if (open === undefined) this.#send([[asked.call, { error: notOpen(asked.ask.database) }]]);
    else {
      open.waiting.push({ call: asked.call, write: asked });
      this.#schedule(0);
    }
  }

  #schedule(pause: number): void {
    if (this.#due) return;
    this.#due = true;
    const run = () => {
      this.#due = false;
      this.#writeAll();
    };
    if (pause === 0) setImmediate(run);
    else setTimeout(run, pause);
  }

  #writeAll(): void {
    for (const database of this.#databases.keys()) this.#writeGroup(database);
    const now = performance.now();
    const open = [...this.#databases.values()];
    if (open.every(({ waiting }) => waiting.length === 0)) this.#unbrokenSince = now;
    const pause =
      now - this.#unbrokenSince > UNBROKEN_MS || open.some(({ writer }) => now - writer.foreignAt < NEIGHBOUR_MS);
    if (pause) this.#unbrokenSince = now;
    // Also where nothing waits yet: what comes meanwhile waits for the pause to end.
    if (pause || open.some(({ waiting }) => waiting.length > 0)) this.#schedule(pause ? PAUSE_MS : 0);
  }

  /** True where there was one. */
  #writeGroup(database: number): boolean {
    const open = this.#databases.get(database);
    if (open === undefined || open.waiting.length === 0) return false;
    let bytes = 0;
    let count = 0;
    for (const { write } of open.waiting) {
      if (write.kind === 'create') for (const { value } of write.ask.creations) bytes += value.byteLength;
      if (count > 0 && (count === GROUP || bytes > GROUP_BYTES)) break;
      count++;
    }
    this.#send(write(open, open.waiting.splice(0, count)));
    return true;
  }

  #result(asked: Exclude<Asked, { kind: WriteKind }>): Result {
    const open = 'database' in asked.ask ? this.#databases.get(asked.ask.database) : undefined;
    const name = 'place' in asked.ask ? asked.ask.place : open?.name;
    try {
      return { answer: this.#answer(asked, open) };
    } catch (error) {
      return { error: name === undefined ? error : databaseRefusal(error, name) };
    }
  }

  #answer({ kind, ask }: Exclude<Asked, { kind: WriteKind }>, open: Open | undefined): Calls[Kind]['answer'] {
    switch (kind) {
      case 'openState': {
        const writer = new StateWriter(ask);
        this.#databases.set(ask.database, { name: ask.place, writer, waiting: [] });
        return { epoch: writer.epoch };
      }
      case 'openPlain': {
        const writer = ask.what === 'records' ? new RecordsWriter(ask) : new DocumentsWriter(ask);
        this.#databases.set(ask.database, { name: ask.place, writer, waiting: [] });
        return {};
      }
      case 'syncDocuments':
        if (!(open?.writer instanceof DocumentsWriter)) throw notOpen(ask.database);
        return { there: open.writer.sync(ask.sha256s) };
      case 'close':
        this.#databases.delete(ask.database);
        open?.writer.close();
        return {};
      case 'scan':
        return scanState(ask);
      case 'readLarge':
        return readLarge(ask);
      case 'oldestPages':
        return oldestPages(ask);
      case 'dump':
        this.#dump ??= new StateDump(ask);
        return this.#dump.next();
    }
  }
}

/** The whole group, or, where that fails, each of it alone: one that does not fit fails nobody else. */
function write({ name, writer }: Pick<Open, 'name' | 'writer'>, group: Open['waiting']): Results {
  try {
    const answers = writer.transact(group.map((each) => each.write));
    return group.flatMap(({ call }, at) => {
      const answer = answers[at];
      return answer === undefined ? [] : [[call, { answer }] as const];
    });
  } catch (error) {
    if (group.length > 1) return group.flatMap((each) => write({ name, writer }, [each]));
    return group.map(({ call }) => [call, { error: databaseRefusal(error, name) }]);
  }
}

const WRITES: ReadonlySet<string> = new Set<WriteKind>([
  'create',
  'removeBelow',
  'setAside',
  'copy',
  'stage',
  'unstage',
  'replace',
  'append',
  'noteEpoch',
  'putDocuments',
  'removeDocument',
]);

function isWrite(asked: Asked): asked is Extract<Asked, { kind: WriteKind }> {
  return WRITES.has(asked.kind);
}

/** The thread was started again between an opening and a write. */
function notOpen(database: number): Refusal {
  return new Refusal('state', `Database ${database} is not open yet. Try again in a moment.`, {
    subject: 'state',
    transient: true,
  });
}
