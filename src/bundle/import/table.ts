import { startSha256 } from '../../bytes/digest.ts';
import { parseInstant } from '../../bytes/instant.ts';
import { Refusal } from '../../bytes/refusal.ts';
import type { CarriedDocument, ContentName } from '../../ports/carried.ts';
import { decodeEntry, encodeEntry } from '../format/manifest-lines.ts';
import { type Change, type Entry, KINDS, type Kind } from '../format/model.ts';
import { compareEntries } from '../format/order.ts';

// The table of a generation: one line an entry, sorted as a manifest is. It is merged, written and read in one pass each, so that its size
// does not matter to memory.

/** About a bundle, or of the whole site: no part of an index. */
const BESIDE: ReadonlySet<Kind> = new Set(['report', 'sbom', 'advisories']);
/** Of these there is one a name, whatever its version. */
const ONE_VERSION: ReadonlySet<Kind> = new Set(['timestamp', 'snapshot', 'targets']);
const LINE_END = 0x0a;

/** What became of things since the base: whole projects, and files. */
export class Removed {
  readonly #names = new Set<string>();

  get size(): number {
    return this.#names.size;
  }

  /** Takes what is gone; says whether it was such a change. */
  add({ change, project, name }: Change): boolean {
    if (change !== 'removed' && change !== 'left-out') return false;
    this.#names.add(keyOf(project, name));
    return true;
  }

  has({ project, name }: Entry): boolean {
    if (project === undefined) return false;
    return this.#names.has(keyOf(project)) || (name !== undefined && this.#names.has(keyOf(project, name)));
  }
}

function keyOf(project: string, name = ''): string {
  return `${project}\0${name}`;
}

/** The rows of what an index consists of: those of its base but what was removed, and what a bundle lists in their place. */
export async function* mergedRows(
  base: AsyncIterable<Entry>,
  entries: AsyncIterable<Entry>,
  removed: Removed,
): AsyncGenerator<Entry, void, undefined> {
  const before = base[Symbol.asyncIterator]();
  let old = await before.next();
  for await (const entry of entries) {
    if (BESIDE.has(entry.kind)) continue;
    while (old.done !== true && compareRows(old.value, entry) < 0) {
      if (!removed.has(old.value)) yield old.value;
      old = await before.next();
    }
    while (old.done !== true && compareRows(old.value, entry) === 0) old = await before.next();
    yield rowOf(entry);
  }
  for (; old.done !== true; old = await before.next()) if (!removed.has(old.value)) yield old.value;
}

function compareRows(a: Entry, b: Entry): number {
  const isOne = a.kind === b.kind && ONE_VERSION.has(a.kind);
  return isOne ? compareEntries({ ...a, version: 1 }, { ...b, version: 1 }) : compareEntries(a, b);
}

/** How a content was carried is no part of what the index consists of. */
function rowOf({ coding: _, stored: __, ...entry }: Entry): Entry {
  return { ...entry, bytes: 'held' };
}

export async function* encodedRows(rows: AsyncIterable<Entry>): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const row of rows) yield encodeEntry(row);
}

/** What a table is called once it is written. */
export async function nameOf(chunks: AsyncIterable<Uint8Array>): Promise<ContentName> {
  const hash = startSha256();
  let size = 0;
  for await (const chunk of chunks) {
    hash.update(chunk);
    size += chunk.byteLength;
  }
  return { sha256: hash.hex(), size };
}

/** A row, and where its line begins in the table. */
export interface PlacedRow {
  readonly row: Entry;
  /** Bytes. */
  readonly at: number;
}

/** Throws Refusal `state` for what is no table. */
export async function* decodedRows(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Entry, void, undefined> {
  for await (const { row } of placedRows(chunks, 0)) yield row;
}

/** The rows from a place on at which a line begins. Throws Refusal `state` for what is no table. */
export async function* placedRows(
  chunks: AsyncIterable<Uint8Array>,
  start: number,
): AsyncGenerator<PlacedRow, void, undefined> {
  let rest: Buffer = Buffer.alloc(0);
  let at = start;
  for await (const chunk of chunks) {
    const bytes = Buffer.concat([rest, chunk]);
    let from = 0;
    for (let end = bytes.indexOf(LINE_END); end !== -1; end = bytes.indexOf(LINE_END, from)) {
      yield { row: decodeEntry(bytes.subarray(from, end)), at: at + from };
      from = end + 1;
    }
    rest = bytes.subarray(from);
    at += from;
  }
  if (rest.length > 0)
    throw new Refusal('state', 'What was imported last is damaged here: import it again.', { subject: 'state' });
}

/** A row that is a document which nobody signed; undefined for any other. */
export function documentOf({ row, at }: PlacedRow): CarriedDocument | undefined {
  const { kind, project = '', name: filename = '', sha256, size, url, type, serial, confirmed } = row;
  switch (kind) {
    case 'page':
    case 'list':
    case 'signature':
    case 'provenance':
      return {
        kind,
        project,
        filename,
        sha256,
        size,
        url,
        type,
        serial,
        confirmed: confirmed === undefined ? undefined : parseInstant(confirmed),
        at,
      };
    default:
      return undefined;
  }
}

/** Whether rows of this kind come behind those of every role. */
export function isBehindRoles({ kind }: Entry): boolean {
  return KINDS.indexOf(kind) > KINDS.indexOf('targets');
}
