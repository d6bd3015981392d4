import { FLOOR_MARK, type PartSize, STATE_PARTS, type StateContents, type StatePart } from '../../ports/state-room.ts';

// How much an index's state has of what, kept in its head: each transaction that adds or removes versions says so there.

const NUMBER_BYTES = 8;
export const CONTENTS_BYTES = STATE_PARTS.length * 2 * NUMBER_BYTES;

const NOTHING: PartSize = { entries: 0, bytes: 0 };
export const NO_CONTENTS: StateContents = { pages: NOTHING, floors: NOTHING, pins: NOTHING, trust: NOTHING };

/** What a path's text and the first byte of the value make a version. */
export function partOf(path: string, first: number | undefined): StatePart {
  if (path.startsWith('pins/')) return 'pins';
  if (!path.startsWith('pages/')) return 'trust';
  return first === undefined || first === FLOOR_MARK ? 'floors' : 'pages';
}

/** True for the items of which there is one a project. */
export function isOfProject(path: string): boolean {
  return partOf(path, undefined) !== 'trust';
}

/** With so many more versions and bytes of a part; fewer where they are below zero. */
export function withMore(contents: StateContents, part: StatePart, entries: number, bytes: number): StateContents {
  const was = contents[part];
  return { ...contents, [part]: { entries: was.entries + entries, bytes: was.bytes + bytes } };
}

export function writeContents(contents: StateContents): Buffer {
  const written = Buffer.alloc(CONTENTS_BYTES);
  for (const [at, part] of STATE_PARTS.entries()) {
    const { entries, bytes } = contents[part];
    written.writeBigUInt64BE(BigInt(Math.max(0, entries)), 2 * at * NUMBER_BYTES);
    written.writeBigUInt64BE(BigInt(Math.max(0, bytes)), (2 * at + 1) * NUMBER_BYTES);
  }
  return written;
}

/** Undefined for numbers that nothing of ours comes to. */
export function readContents(written: Buffer): StateContents | undefined {
  let contents = NO_CONTENTS;
  for (const [at, part] of STATE_PARTS.entries()) {
    const entries = Number(written.readBigUInt64BE(2 * at * NUMBER_BYTES));
    const bytes = Number(written.readBigUInt64BE((2 * at + 1) * NUMBER_BYTES));
    if (!Number.isSafeInteger(entries) || !Number.isSafeInteger(bytes)) return undefined;
    contents = withMore(contents, part, entries, bytes);
  }
  return contents;
}
