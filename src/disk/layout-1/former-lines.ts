import { join } from 'node:path';
import type { FileOps } from '../file-ops.ts';
import { LINE_BYTES } from '../limits.ts';
import { isMissing } from '../storage-errors.ts';
import { namesIn } from '../walk.ts';

// Records of layout 1: JSON lines in files 1.jsonl, 2.jsonl, ... of a folder for each kind; the highest was the newest.

const NAME = /^([1-9][0-9]{0,14})\.jsonl$/;
const READ_AT_ONCE = 256 * 1024;
const LINE_END = 0x0a;

/** The lines of a folder, oldest first. What is no line of JSON (torn by a crash, too long, changed by hand) is passed over. */
export async function* formerLines(ops: FileOps, folder: string): AsyncIterable<string> {
  const numbers = (await namesIn(ops, folder)).flatMap((name) => Number(NAME.exec(name)?.[1] ?? []));
  for (const number of numbers.sort((a, b) => a - b)) yield* linesOf(ops, join(folder, `${number}.jsonl`));
}

async function* linesOf(ops: FileOps, path: string): AsyncIterable<string> {
  const file = await ops.openRead(path).catch((error: unknown) => {
    if (isMissing(error)) return undefined;
    throw error;
  });
  if (file === undefined) return;
  try {
    if ((await file.facts()).kind !== 'file') return;
    const buffer = Buffer.alloc(READ_AT_ONCE);
    let rest: Buffer = Buffer.alloc(0);
    for (let at = 0; ; ) {
      const read = await file.read(buffer, buffer.byteLength, at);
      at += read;
      const block = Buffer.concat([rest, buffer.subarray(0, read)]);
      let begin = 0;
      for (let end = block.indexOf(LINE_END); end !== -1; end = block.indexOf(LINE_END, begin)) {
        const line = block.subarray(begin, end);
        if (isJson(line)) yield line.toString('utf8');
        begin = end + 1;
      }
      if (read === 0) return;
      rest = block.subarray(block.byteLength - begin > LINE_BYTES ? block.byteLength : begin);
    }
  } finally {
    await file.close();
  }
}

function isJson(line: Buffer): boolean {
  if (line.byteLength > LINE_BYTES) return false;
  try {
    JSON.parse(line.toString('utf8'));
    return true;
  } catch {
    return false;
  }
}
