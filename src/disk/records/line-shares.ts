import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { integerOf } from '../database/sqlite.ts';

/** Rows looked at in one step: some ten milliseconds. */
const LOOKED_AT_ONCE = 10_000;

interface Line {
  readonly id: number;
  readonly bytes: number;
}

/** Oldest first; those before `first` are gone. Numbers alone: there may be a million lines. */
interface Owner {
  bytes: number;
  first: number;
  ids: number[];
  sizes: number[];
}

/**
 * Which project has how many bytes of the lines of one kind. Where there are too many, the oldest of whoever has most
 * leaves: a project that changes all the time pushes its own lines out, and never those of one that changed once.
 */
export class LineShares {
  readonly #next: StatementSync;
  readonly #owners = new Map<string, Owner>();
  readonly #kind: number;
  #last = 0;

  constructor(database: DatabaseSync, kind: number) {
    this.#kind = kind;
    this.#next = database.prepare(
      `SELECT id, octet_length(content) AS bytes,
         CASE WHEN json_valid(content) THEN json_array(json_extract(content, '$.index'), json_extract(content, '$.project')) END AS owner
       FROM line WHERE kind = ? AND id > ? ORDER BY id LIMIT ${LOOKED_AT_ONCE}`,
    );
  }

  /** Takes note of lines that it has not seen yet; false where there may be more of them. */
  follow(): boolean {
    const rows = this.#next.all(this.#kind, this.#last);
    for (const row of rows) {
      const line = { id: integerOf(row['id']), bytes: integerOf(row['bytes']) };
      this.#last = line.id;
      const name = String(row['owner']);
      const owner = this.#owners.get(name) ?? { bytes: 0, first: 0, ids: [], sizes: [] };
      owner.ids.push(line.id);
      owner.sizes.push(line.bytes);
      owner.bytes += line.bytes;
      this.#owners.set(name, owner);
    }
    return rows.length < LOOKED_AT_ONCE;
  }

  /** The lines that have to go to make room for so many bytes. They are forgotten here. */
  *leaving(bytes: number): Generator<Line, void, undefined> {
    let left = bytes;
    while (left > 0) {
      const found = this.#largest();
      if (found === undefined) return;
      const { name, owner, next } = found;
      // Down to where another has as much.
      do {
        const [id, size] = [owner.ids[owner.first], owner.sizes[owner.first]];
        owner.first++;
        if (id === undefined || size === undefined) break;
        owner.bytes -= size;
        left -= size;
        yield { id, bytes: size };
      } while (left > 0 && owner.bytes >= next);
      if (owner.first >= owner.ids.length) this.#owners.delete(name);
      else if (owner.first > owner.ids.length / 2) {
        owner.ids = owner.ids.slice(owner.first);
        owner.sizes = owner.sizes.slice(owner.first);
        owner.first = 0;
      }
    }
  }

  /** Who has most, and how much the next one has. */
  #largest(): { readonly name: string; readonly owner: Owner; readonly next: number } | undefined {
    let most: readonly [string, Owner] | undefined;
    let next = 0;
    for (const entry of this.#owners) {
      const { bytes } = entry[1];
      if (most === undefined || bytes > most[1].bytes) {
        next = most?.[1].bytes ?? 0;
        most = entry;
      } else next = Math.max(next, bytes);
    }
    return most && { name: most[0], owner: most[1], next };
  }
}
