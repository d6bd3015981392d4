import { join } from 'node:path';
import { Mutex } from '../async/mutex.ts';
import type { FileOps, OpenFile } from './file-ops.ts';
import { LINE_BYTES, LINE_TEXT, LINES_EVERY_MS, LINES_WAITING } from './limits.ts';
import { isMissing } from './storage-errors.ts';
import type { Volume } from './volume.ts';
import { namesIn } from './walk.ts';

// Records of what happened, as JSON lines in files 1.jsonl, 2.jsonl, ...: appended to the highest, which several
// processes may do at once; when it is full the next number begins and all but two are removed. Nothing is renamed.

export interface Lines {
  /** Never throws and never waits; what the disk cannot take is counted and dropped. */
  add(value: Readonly<Record<string, string | number | undefined>>): void;
  /** Every line that is whole, oldest first, with what still waits. */
  read(): AsyncIterable<unknown>;
  flush(): Promise<void>;
  close(): Promise<void>;
  readonly lost: number;
}

export interface LinesOptions {
  readonly volume: Volume;
  readonly name: string;
  /** Bytes of one of the two generations. */
  readonly maxBytes: number;
  /** True where a line must survive a power cut once it was flushed. */
  readonly durable: boolean;
}

const NAME = /^([1-9][0-9]{0,14})\.jsonl$/;
const GENERATIONS = 2;
const PRIVATE_FILE = 0o600;
const READ_AT_ONCE = 256 * 1024;

export function createLines({ volume, name, maxBytes, durable }: LinesOptions): Lines {
  const { ops } = volume;
  const directory = join(volume.root, name);
  const mutex = new Mutex();
  let waiting: string[] = [];
  let lost = 0;
  let timer: NodeJS.Timeout | undefined;
  let closed = false;
  /** What another process, or a crash, may have left unfinished ends where our first line begins. */
  let fresh = true;

  const numbers = async (): Promise<readonly number[]> =>
    (await namesIn(ops, directory)).flatMap((file) => Number(NAME.exec(file)?.[1] ?? [])).sort((a, b) => a - b);
  const pathOf = (number: number) => join(directory, `${number}.jsonl`);

  const current = async (): Promise<number> => {
    const highest = (await numbers()).at(-1) ?? 0;
    if (highest > 0 && ((await ops.facts(pathOf(highest)))?.size ?? 0) < maxBytes) return highest;
    fresh = true;
    return highest + 1;
  };

  const write = async (): Promise<void> => {
    if (waiting.length === 0) return;
    await volume.durable.directory(directory);
    const number = await current();
    const lines = waiting;
    waiting = [];
    try {
      const file = await ops.openAppend(pathOf(number), PRIVATE_FILE);
      try {
        await append(file, Buffer.from(`${fresh ? '\n' : ''}${lines.join('\n')}\n`));
        fresh = false;
        if (durable) await file.sync();
      } finally {
        await file.close();
      }
    } catch (error) {
      fresh = true;
      waiting = [...lines, ...waiting];
      trim();
      throw error;
    }
    for (const old of await numbers())
      if (old <= number - GENERATIONS) await ops.unlink(pathOf(old)).catch(() => undefined);
  };

  const trim = () => {
    const over = waiting.length - LINES_WAITING;
    if (over <= 0) return;
    waiting = waiting.slice(over);
    lost += over;
  };

  const flush = () => mutex.run('', write);

  const soon = () => {
    if (timer !== undefined || closed) return;
    timer = setTimeout(() => {
      timer = undefined;
      flush().catch(() => soon());
    }, LINES_EVERY_MS);
    timer.unref();
  };

  return {
    add(value) {
      waiting.push(JSON.stringify(value, (_, member) => (typeof member === 'string' ? clip(member) : member)));
      trim();
      soon();
    },
    async *read() {
      await flush();
      for (const number of await numbers()) yield* linesOf(ops, pathOf(number));
    },
    flush,
    async close() {
      closed = true;
      clearTimeout(timer);
      await flush().catch(() => undefined);
    },
    get lost() {
      return lost;
    },
  };
}

function clip(text: string): string {
  return text.length > LINE_TEXT ? `${text.slice(0, LINE_TEXT)}...` : text;
}

async function append(file: OpenFile, bytes: Uint8Array): Promise<void> {
  let done = 0;
  while (done < bytes.byteLength) done += await file.write(bytes.subarray(done), 0);
}

/** What is no line of JSON (torn by a crash, too long, changed by hand) is passed over. */
async function* linesOf(ops: FileOps, path: string): AsyncIterable<unknown> {
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
      for (let end = block.indexOf(0x0a); end !== -1; end = block.indexOf(0x0a, begin)) {
        const value = parse(block.subarray(begin, end));
        if (value !== undefined) yield value;
        begin = end + 1;
      }
      if (read === 0) return;
      rest = block.subarray(block.byteLength - begin > LINE_BYTES ? block.byteLength : begin);
    }
  } finally {
    await file.close();
  }
}

function parse(line: Buffer): unknown {
  if (line.byteLength === 0 || line.byteLength > LINE_BYTES) return undefined;
  try {
    return JSON.parse(line.toString('utf8'));
  } catch {
    return undefined;
  }
}
