import { internalCaller } from '../async/caller.ts';
import { yieldToEventLoop } from '../async/yield.ts';
import { isDigest } from '../bytes/digest.ts';
import { Refusal } from '../bytes/refusal.ts';
import { type BlobStorage, StorageError, type UsageRecord } from '../ports/blob-storage.ts';
import { BlobGone } from './chunks.ts';
import type { Proofs } from './proofs.ts';
import type { Segment } from './shelf.ts';
import type { UsageOrder, Used } from './usage-order.ts';

const LETTERS: Readonly<Record<Segment, string>> = { probation: 'p', main: 'm', kept: 'k' };
const SEGMENTS: ReadonlyMap<string, Segment> = new Map([
  ['p', 'probation'],
  ['m', 'main'],
  ['k', 'kept'],
]);
/** Begins a line with the name of an index; programs that know no such lines pass over them. */
const INDEX = 'i ';
const LINES_A_TURN = 5000;
const SHA256_HEX = 64;
const CHECK = internalCaller('', 'verify');

/**
 * Writes which blobs were used, least recently first: a line each, its segment, its sha256 and why it is kept; before those
 * of an index a line with its name. Only ever a hint.
 */
export async function saveUse(record: UsageRecord, order: UsageOrder): Promise<void> {
  const parts: Buffer[] = [];
  let lines: string[] = [];
  let last: string | undefined;
  // A copy, because uses go on while this yields.
  for (const { sha256, segment, keptBy, index } of [...order.entries()]) {
    if (index !== last) lines.push(`${INDEX}${index ?? ''}\n`);
    last = index;
    lines.push(`${LETTERS[segment]} ${sha256}${keptBy === undefined ? '' : ` ${keptBy}`}\n`);
    if (lines.length < LINES_A_TURN) continue;
    parts.push(Buffer.from(lines.join('')));
    lines = [];
    await yieldToEventLoop();
  }
  parts.push(Buffer.from(lines.join('')));
  await record.write(Buffer.concat(parts));
}

async function readUse(record: UsageRecord): Promise<ReadonlyMap<string, Used>> {
  const used = new Map<string, Used>();
  const bytes = await record.read();
  if (bytes === undefined) return used;
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let seen = 0;
  let index: string | undefined;
  for (let at = 0; at < text.byteLength; ) {
    const newline = text.indexOf(0x0a, at);
    const end = newline === -1 ? text.byteLength : newline;
    const line = text.toString('utf8', at, end);
    if (line.startsWith(INDEX)) index = line.slice(INDEX.length) || undefined;
    const segment = SEGMENTS.get(line.slice(0, 1));
    const sha256 = line.slice(2, 2 + SHA256_HEX);
    const keptBy = line.slice(2 + SHA256_HEX + 1);
    if (segment !== undefined && isDigest('sha256', sha256))
      used.set(sha256, { sha256, segment, keptBy: keptBy === '' ? undefined : keptBy, index });
    at = end + 1;
    if (++seen % LINES_A_TURN === 0) await yieldToEventLoop();
  }
  return used;
}

/** Finds what is stored, in the order of the use record, without standing in the way of requests; false where stopped. */
export async function scanBlobs(
  storage: BlobStorage,
  record: UsageRecord,
  order: UsageOrder,
  isStopped: () => boolean,
): Promise<boolean> {
  const used = await readUse(record);
  const sizes = new Map<string, number>();
  for await (const { sha256, size } of storage.list()) {
    if (isStopped()) return false;
    if (size === undefined) continue;
    if (used.has(sha256)) sizes.set(sha256, size);
    else order.found({ sha256, segment: 'probation', keptBy: undefined, index: undefined }, size);
  }
  let turn = 0;
  for (const [sha256, use] of used) {
    const size = sizes.get(sha256);
    if (size !== undefined) order.found(use, size);
    if (++turn % LINES_A_TURN === 0) await yieldToEventLoop();
  }
  return true;
}

/** How far a verification has come; the last one is its result. It changes nothing. */
export interface Verification {
  readonly blobs: number;
  readonly bytes: number;
  /** What is not what its name says, by sha256. Whoever asks for it next has it set aside. */
  readonly wrong: readonly string[];
}

/** Hashes every blob again, whatever memory believes of it. */
export async function verifyBlobs(
  { storage, proofs }: { readonly storage: BlobStorage; readonly proofs: Proofs },
  progress?: (done: Verification) => void,
): Promise<Verification> {
  const wrong: string[] = [];
  let blobs = 0;
  let bytes = 0;
  for await (const { sha256 } of storage.list()) {
    proofs.forget(sha256);
    try {
      bytes += (await proofs.prove(sha256, new Map([['sha256', sha256]]), CHECK))?.size ?? 0;
    } catch (error) {
      if (error instanceof BlobGone) continue;
      if (!isWrong(error)) throw error;
      wrong.push(sha256);
    }
    blobs++;
    progress?.({ blobs, bytes, wrong });
  }
  return { blobs, bytes, wrong };
}

/** What is stored is not what its name says: it is to be set aside. */
export function isWrong(error: unknown): boolean {
  return (
    (error instanceof StorageError && error.kind === 'damaged') ||
    (error instanceof Refusal && error.reason === 'digest')
  );
}
