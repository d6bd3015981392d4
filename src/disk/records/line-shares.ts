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

/** Whose a line is: those of what happened a project's, those of who was sent what a client's. */
export type SharedBy = 'project' | 'client';

const OWNER: Readonly<Record<SharedBy, string>> = {
  project: "json_array(json_extract(content, '$.index'), json_extract(content, '$.project'))",
  client: "coalesce(json_extract(content, '$.party'), json_extract(content, '$.client'))",
};

/**
 * Which project, or client, has how many bytes of the lines of one kind. Where there are too many, the oldest of whoever has most
 * leaves: a project that changes all the time pushes its own lines out, and never those of one that changed once.
 */
export class LineShares {
  readonly #next: StatementSync;
  readonly #owners = new Map<string, Owner>();
  readonly #kind: number;
  #last = 0;

  constructor(database: DatabaseSync, kind: number, by: SharedBy) {
    this.#kind = kind;
    this.#next = database.prepare(
      `SELECT id, octet_length(content) AS bytes,
         CASE WHEN json_valid(content) THEN ${OWNER[by]} END AS owner
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
    const level = this.#levelFor(bytes);
    const most = [...this.#owners].filter(([, owner]) => owner.bytes > level);
    // Down to where all of them have as much, and then the oldest line of each in turn.
    for (const floor of [level + 1, level]) {
      if (floor === level) most.sort(([, a], [, b]) => (a.ids[a.first] ?? 0) - (b.ids[b.first] ?? 0));
      for (const [name, owner] of most)
        for (const line of oldest(owner, floor)) {
          if (owner.first >= owner.ids.length) this.#owners.delete(name);
          left -= line.bytes;
          yield line;
          if (left <= 0) return;
        }
    }
  }

  /** The most bytes that each may have, so that at least so many go: what is above it is theirs who have most. */
  #levelFor(bytes: number): number {
    const sizes = [...this.#owners.values()].map((owner) => owner.bytes).sort((a, b) => b - a);
    let above = 0;
    for (const [at, size] of sizes.entries()) {
      above += size;
      const count = at + 1;
      // With the next one as the level there is enough above it.
      if (above - count * (sizes[count] ?? 0) >= bytes) return Math.max(0, Math.floor((above - bytes) / count));
    }
    return 0;
  }
}

/** Lines of one owner, until it has no more bytes than that. */
function* oldest(owner: Owner, floor: number): Generator<Line, void, undefined> {
  while (owner.bytes > floor) {
    const [id, size] = [owner.ids[owner.first], owner.sizes[owner.first]];
    if (id === undefined || size === undefined) return;
    owner.first++;
    owner.bytes -= size;
    if (owner.first > owner.ids.length / 2) {
      owner.ids = owner.ids.slice(owner.first);
      owner.sizes = owner.sizes.slice(owner.first);
      owner.first = 0;
    }
    yield { id, bytes: size };
  }
}
