import { dirname, join } from 'node:path';
import { codeOf, type FileOps } from './file-ops.ts';

/** The directories below a root. Somebody may remove them under a running process: then they are made again, once. */
export class Folders {
  readonly #ops: FileOps;
  readonly #root: string;
  /** Known to be there, and durable. */
  readonly #durable: Set<string>;
  /** Known to be there. */
  readonly #there = new Set<string>();

  constructor(ops: FileOps, root: string) {
    this.#ops = ops;
    this.#root = root;
    this.#durable = new Set([root]);
  }

  /** Makes it and its parents, each durable before it is used. */
  async make(path: string): Promise<void> {
    if (this.#durable.has(path)) return;
    const parent = parentOf(path);
    await this.make(parent);
    await this.#makeOne(path);
    // Also where it existed: its maker may have died before it was durable.
    await this.#ops.syncDirectory(parent);
    this.#durable.add(path);
  }

  /** Runs what needs the directory of `path`; where that is missing, makes it as `make` does and tries once more. */
  inside<T>(path: string, task: () => Promise<T>): Promise<T> {
    return orAgain(task, () => {
      this.#durable.clear();
      this.#durable.add(this.#root);
      return this.make(dirname(path));
    });
  }

  /** As `inside`, but a directory made for it may still be lost in a power cut. */
  async insideSoon<T>(path: string, task: () => Promise<T>): Promise<T> {
    const folder = dirname(path);
    if (!this.#durable.has(folder) && !this.#there.has(folder)) {
      await this.#makeSoon(folder);
      this.#there.add(folder);
    }
    return orAgain(task, () => this.#makeSoon(folder));
  }

  /** A directory was moved away, with all below it. */
  forget(path: string): void {
    for (const known of [this.#durable, this.#there])
      for (const each of known) if (each === path || each.startsWith(join(path, '/'))) known.delete(each);
  }

  async #makeSoon(path: string): Promise<void> {
    if (path === this.#root) return;
    try {
      await this.#makeOne(path);
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') throw error;
      await this.#makeSoon(parentOf(path));
      await this.#makeOne(path);
    }
  }

  async #makeOne(path: string): Promise<void> {
    try {
      await this.#ops.makeDirectory(path);
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error;
    }
  }
}

function parentOf(path: string): string {
  const parent = dirname(path);
  if (parent === path) throw new Error(`${path} is not below the data directory`);
  return parent;
}

async function orAgain<T>(task: () => Promise<T>, makeIt: () => Promise<void>): Promise<T> {
  try {
    return await task();
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
    await makeIt();
    return task();
  }
}
