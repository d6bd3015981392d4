import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { sha256Hex } from '../../bytes/digest.ts';
import { codeOf, type FileOps } from '../file-ops.ts';
import { readSmall } from '../read-file.ts';
import { isDamage } from '../storage-errors.ts';
import { namesIn } from '../walk.ts';

// The forms of the files of layout 1. A state was a file with the next number in a folder of its own; the highest counted.

/** A file that is whole by its own digest. */
export interface FormerState {
  readonly number: number;
  readonly state: unknown;
  /** What the seal is made over. */
  readonly parts: readonly Uint8Array[];
  readonly seal: unknown;
}

export interface FormerPage extends Omit<FormerState, 'state'> {
  readonly header: unknown;
  readonly project: unknown;
  readonly body: Uint8Array;
}

const NUMBER = /^([1-9][0-9]{0,14})\.json$/;
const LINE_END = 0x0a;
const STATE_FILE_BYTES = 64 * 1024 * 1024;
const PAGE_FILE_BYTES = 33 * 1024 * 1024;
export const DOCUMENT_BYTES = 64 * 1024 * 1024;

/** The numbers a folder of states holds. */
export async function numbersIn(ops: FileOps, folder: string): Promise<readonly number[]> {
  return (await namesIn(ops, folder)).flatMap((name) => Number(NUMBER.exec(name)?.[1] ?? []));
}

/** Undefined where the highest is damaged; `none` for a folder that holds no state. */
export async function readState(ops: FileOps, folder: string): Promise<FormerState | 'none' | undefined> {
  const number = Math.max(0, ...(await numbersIn(ops, folder)));
  if (number === 0) return 'none';
  const envelope = parse(await readSuspect(ops, join(folder, `${number}.json`), STATE_FILE_BYTES));
  if (envelope === undefined || !('state' in envelope)) return undefined;
  const bytes = Buffer.from(JSON.stringify(envelope['state']));
  if (envelope['sha256'] !== sha256Hex(bytes)) return undefined;
  return { number, state: envelope['state'], parts: [bytes], seal: envelope['seal'] };
}

/** A line of JSON with its digest and seal, then upstream's exact bytes. Undefined where it is damaged. */
export async function readPage(ops: FileOps, path: string): Promise<FormerPage | undefined> {
  const file = await readSuspect(ops, path, PAGE_FILE_BYTES);
  const end = file?.indexOf(LINE_END) ?? -1;
  if (file === undefined || end === -1) return undefined;
  const line = parse(file.subarray(0, end));
  const header = line?.['header'];
  if (line === undefined || typeof header !== 'object' || header === null) return undefined;
  const body = file.subarray(end + 1);
  const parts = [Buffer.from(`${JSON.stringify(header)}\n`), body];
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  const number = 'number' in header && Number.isSafeInteger(header.number) ? Number(header.number) : 0;
  if (line['sha256'] !== hash.digest('hex') || number < 1) return undefined;
  const project = 'project' in header ? header.project : undefined;
  return { number, header, project, body, parts, seal: line['seal'] };
}

/** Undefined where it is missing, or cannot be read for good; a disk that is busy or full judges nothing, and throws. */
export async function readSuspect(ops: FileOps, path: string, limit: number): Promise<Buffer | undefined> {
  try {
    return await readSmall(ops, path, limit);
  } catch (error) {
    if (codeOf(error) !== undefined && !isDamage(error)) throw error;
    return undefined;
  }
}

function parse(bytes: Uint8Array | undefined): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes ?? []).toString('utf8'));
    return typeof value === 'object' && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}
