import { join } from 'node:path';
import { z } from 'zod';
import { codeOf, type FileOps, WRITABLE } from '../file-ops.ts';
import { newOwnerName, ownerState } from '../owner.ts';
import { readFull } from '../read-file.ts';
import { listOrNothing } from '../walk.ts';
import { GrowingFile } from './growing-file.ts';

/** What one sync held at its end. */
export interface SyncHold {
  readonly index: string;
  /** What was synced, for people. */
  readonly name: string;
  /** When it ended. Seconds since the epoch. */
  readonly at: number;
  readonly files: number;
  readonly bytes: number;
}

/** As it lies there; `digests` may be read until the next is asked for. */
export interface StoredHold extends SyncHold {
  readonly key: string;
  digests(): AsyncIterable<string>;
}

/** Bytes of the head, a line that is padded with blanks. */
const HEAD = 2048;
const LINE = 65;
const LINES_READ = 1000;
const KEY = /^[0-9a-f]{32}$/;
const Head = z.strictObject({
  index: z.string(),
  name: z.string(),
  at: z.int(),
  files: z.int(),
  bytes: z.int(),
});

/**
 * Which contents syncs hold: for each sync a file below `syncs/`, replaced whole when it ends: its head, and the digests. What cannot be read is passed over: it spares
 * files from eviction, and is believed for nothing else.
 */
export class SyncHolds {
  readonly #ops: FileOps;
  readonly #folder: string;

  /** `root`: the data directory. */
  constructor(ops: FileOps, root: string) {
    this.#ops = ops;
    this.#folder = join(root, 'syncs');
  }

  /** `key`: 32 hex digits, of what is synced. Nothing is seen of it before `commit`. */
  async begin(key: string): Promise<NewHold> {
    const ops = this.#ops;
    await ops.makeDirectory(this.#folder).catch((error: unknown) => {
      if (codeOf(error) !== 'EEXIST') throw error;
    });
    for (const name of await ops.list(this.#folder))
      if (!KEY.test(name) && ownerState(name) === 'dead') await ops.unlink(join(this.#folder, name));
    const temp = join(this.#folder, newOwnerName());
    const file = new GrowingFile(await ops.openNew(temp, WRITABLE));
    await file.append(Buffer.alloc(HEAD, ' '));
    return new NewHold(file, {
      place: async () => {
        await ops.rename(temp, join(this.#folder, key));
        await ops.syncDirectory(this.#folder);
      },
      remove: () => ops.unlink(temp).catch(() => undefined),
    });
  }

  /** Each with its digests, which are read while the file is open. */
  async *all(): AsyncGenerator<StoredHold, void, undefined> {
    for (const key of await listOrNothing(this.#ops, this.#folder)) {
      if (!KEY.test(key)) continue;
      const file = await this.#ops.openRead(join(this.#folder, key)).catch((error: unknown) => {
        if (codeOf(error) === 'ENOENT') return undefined;
        throw error;
      });
      if (file === undefined) continue;
      try {
        const read = (into: Uint8Array, position: number) => readFull(file, into, position);
        const head = await headOf(read);
        if (head !== undefined) yield { ...head, key, digests: () => digestsOf(read) };
      } finally {
        await file.close();
      }
    }
  }
}

/** What a sync that is under way holds. It must be committed or discarded. */
export class NewHold {
  readonly #file: GrowingFile;
  readonly #how: { place(): Promise<void>; remove(): Promise<unknown> };
  #writing: Promise<void> = Promise.resolve();

  constructor(file: GrowingFile, how: { place(): Promise<void>; remove(): Promise<unknown> }) {
    this.#file = file;
    this.#how = how;
  }

  /** Resolves when the next may come; may be called by several at once. */
  add(sha256: string): Promise<void> {
    this.#writing = this.#writing.then(() => this.#file.append(Buffer.from(`${sha256}\n`)));
    return this.#writing;
  }

  /** Durable, and in place of what was held under its key. */
  async commit(hold: SyncHold): Promise<void> {
    try {
      await this.#writing;
      const head = Buffer.alloc(HEAD, ' ');
      head.write(JSON.stringify({ ...hold, name: hold.name.slice(0, HEAD / 8) }));
      head.write('\n', HEAD - 1);
      await this.#file.write(head, 0);
      await this.#file.settle();
      await this.#file.close();
      await this.#how.place();
    } catch (error) {
      await this.discard();
      throw error;
    }
  }

  /** Never throws. */
  async discard(): Promise<void> {
    await this.#writing.catch(() => undefined);
    await this.#file.close().catch(() => undefined);
    await this.#how.remove();
  }
}

type Read = (into: Uint8Array, position: number) => Promise<number>;

async function headOf(read: Read): Promise<SyncHold | undefined> {
  const head = Buffer.alloc(HEAD);
  if ((await read(head, 0)) < HEAD) return undefined;
  try {
    return Head.safeParse(JSON.parse(head.toString('utf8'))).data;
  } catch {
    return undefined;
  }
}

async function* digestsOf(read: Read): AsyncGenerator<string, void, undefined> {
  const lines = Buffer.alloc(LINE * LINES_READ);
  for (let at = HEAD; ; ) {
    const length = await read(lines, at);
    for (let from = 0; from + LINE <= length; from += LINE) {
      const sha256 = lines.toString('latin1', from, from + LINE - 1);
      if (/^[0-9a-f]{64}$/.test(sha256)) yield sha256;
    }
    if (length < lines.length) return;
    at += length;
  }
}
