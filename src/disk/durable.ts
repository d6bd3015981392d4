import { randomBytes } from 'node:crypto';
import { dirname, join } from 'node:path';
import { codeOf, type FileOps, type OpenFile } from './file-ops.ts';
import { Folders } from './folders.ts';

/** A file that nobody else can see yet; it must be committed, claimed, published or discarded. After any failure it is gone. */
export interface Temp {
  readonly file: OpenFile;
  /** Everything to disk, then the name, then the directory that holds the name. */
  commit(path: string): Promise<void>;
  /** As `commit`, but only where the name is free; false (and the file gone) where another was first. */
  claim(path: string): Promise<boolean>;
  /** The name alone: a power cut may still take all of it. The open file is the caller's from now on. */
  publish(path: string): Promise<OpenFile>;
  discard(): Promise<void>;
}

/** Writes that survive a crash whole or not at all. Nothing else in the project renames or links. */
export interface Durable {
  readonly ops: FileOps;
  /** `label` ends its name, where there is one. */
  temp(mode: number, label?: string): Promise<Temp>;
  /** What lies under a name, taken away from everybody else; undefined where nothing does. */
  take(path: string, mode: number, label: string): Promise<Temp | undefined>;
  /** A new directory that nobody else knows: whoever asked for it fills it and moves it away, or removes it. */
  tempDirectory(): Promise<string>;
  replace(path: string, bytes: Uint8Array): Promise<void>;
  /** As `replace`, for what may be lost in a power cut: it comes back whole, empty or not at all. */
  replaceSoon(path: string, bytes: Uint8Array): Promise<void>;
  /** False where the name is taken already: the compare-and-swap of everything that must not go back. */
  claim(path: string, bytes: Uint8Array): Promise<boolean>;
  /** What was published outlasts a power cut when this resolves. */
  sync(path: string, file: OpenFile): Promise<void>;
  /** Moves a name out of the way, whatever kind of thing it is; durable before it resolves. */
  moveAway(from: string, to: string): Promise<void>;
  /** Makes a directory and its parents below `root`, each durable before it is used. */
  directory(path: string): Promise<void>;
}

const PRIVATE_FILE = 0o600;

/** Writes all of it; a short write is not an error of the disk. */
export async function writeAll(file: OpenFile, bytes: Uint8Array, position: number): Promise<void> {
  let done = 0;
  while (done < bytes.byteLength) done += await file.write(bytes.subarray(done), position + done);
}

/** `root` exists already; `tempDirectory` lies on the same filesystem and belongs to this process alone. */
export function createDurable(options: {
  readonly ops: FileOps;
  readonly root: string;
  readonly tempDirectory: string;
}): Durable {
  const { ops, root, tempDirectory } = options;
  const folders = new Folders(ops, root);
  let count = 0;

  const newPath = () => join(tempDirectory, `${(count++).toString(36)}-${randomBytes(4).toString('hex')}`);
  const tempFolder = async (): Promise<string> => {
    const path = newPath();
    await folders.inside(path, () => ops.makeDirectory(path));
    return path;
  };
  const labelled = (label?: string) => (label === undefined ? newPath() : `${newPath()}.${label}`);
  const temp = async (mode: number, label?: string): Promise<Temp> => {
    const path = labelled(label);
    // A sibling on another host may have taken an idle directory for a stale one.
    const file = await folders.inside(path, () => ops.openNew(path, mode));
    return new TempFile(ops, folders, path, file);
  };
  const filled = async (bytes: Uint8Array): Promise<Temp> => {
    const next = await temp(PRIVATE_FILE);
    try {
      await writeAll(next.file, bytes, 0);
      return next;
    } catch (error) {
      await next.discard();
      throw error;
    }
  };

  const take = async (from: string, mode: number, label: string): Promise<Temp | undefined> => {
    if ((await ops.facts(from)) === undefined) return undefined;
    const path = labelled(label);
    try {
      await folders.inside(path, () => ops.rename(from, path));
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return undefined;
      throw error;
    }
    try {
      return new TempFile(ops, folders, path, await ops.openAgain(path, mode));
    } catch (error) {
      await ops.removeTree(path).catch(() => undefined);
      throw error;
    }
  };

  return {
    ops,
    temp,
    take,
    tempDirectory: tempFolder,
    directory: (path) => folders.make(path),
    replace: async (path, bytes) => (await filled(bytes)).commit(path),
    replaceSoon: async (path, bytes) => (await (await filled(bytes)).publish(path)).close(),
    claim: async (path, bytes) => (await filled(bytes)).claim(path),
    async sync(path, file) {
      await file.sync();
      await folders.make(dirname(path));
      await ops.syncDirectory(dirname(path));
    },
    async moveAway(from, to) {
      await folders.make(dirname(to));
      await ops.rename(from, to);
      folders.forget(from);
      await ops.syncDirectory(dirname(to));
      if (dirname(from) !== dirname(to)) await ops.syncDirectory(dirname(from));
    },
  };
}

class TempFile implements Temp {
  readonly #ops: FileOps;
  readonly #folders: Folders;
  readonly #at: string;
  readonly file: OpenFile;
  #isOpen = true;
  #isNamed = true;

  constructor(ops: FileOps, folders: Folders, at: string, file: OpenFile) {
    this.#ops = ops;
    this.#folders = folders;
    this.#at = at;
    this.file = file;
  }

  commit(path: string): Promise<void> {
    return this.#orGone(async () => {
      await this.#settle();
      await this.#folders.make(dirname(path));
      await this.#folders.inside(path, () => this.#rename(path));
      await this.#ops.syncDirectory(dirname(path));
    });
  }

  claim(path: string): Promise<boolean> {
    return this.#orGone(async () => {
      await this.#settle();
      await this.#folders.make(dirname(path));
      try {
        await this.#folders.inside(path, () => this.#ops.link(this.#at, path));
      } catch (error) {
        if (codeOf(error) !== 'EEXIST') throw error;
        await this.discard();
        return false;
      }
      await this.#ops.syncDirectory(dirname(path));
      await this.discard();
      return true;
    });
  }

  publish(path: string): Promise<OpenFile> {
    return this.#orGone(async () => {
      await this.#folders.insideSoon(path, () => this.#rename(path));
      this.#isOpen = false;
      return this.file;
    });
  }

  async discard(): Promise<void> {
    await this.#close().catch(() => undefined);
    if (!this.#isNamed) return;
    this.#isNamed = false;
    await this.#ops.unlink(this.#at).catch(() => undefined);
  }

  /** An fsync that failed may have dropped the pages it could not write: it is never tried again, the file goes. */
  async #settle(): Promise<void> {
    await this.file.sync();
    await this.#close();
  }

  async #rename(path: string): Promise<void> {
    await this.#ops.rename(this.#at, path);
    this.#isNamed = false;
  }

  async #close(): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    await this.file.close();
  }

  async #orGone<T>(task: () => Promise<T>): Promise<T> {
    try {
      return await task();
    } catch (error) {
      await this.discard();
      throw error;
    }
  }
}
