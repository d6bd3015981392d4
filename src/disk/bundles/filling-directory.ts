import { join } from 'node:path';
import { codeOf, type FileOps } from '../file-ops.ts';
import { GrowingFile } from './growing-file.ts';

/** A directory that nobody looks into yet, and the files that are made in it. */
export class FillingDirectory {
  readonly #ops: FileOps;
  readonly #path: string;
  readonly #mode: number;
  readonly #files = new Map<string, GrowingFile>();

  private constructor(ops: FileOps, path: string, mode: number) {
    this.#ops = ops;
    this.#path = path;
    this.#mode = mode;
  }

  /** `mode`: of its files. */
  static async make(ops: FileOps, path: string, mode: number): Promise<FillingDirectory> {
    await ops.makeDirectory(path);
    return new FillingDirectory(ops, path, mode);
  }

  async create(name: string): Promise<GrowingFile> {
    const file = new GrowingFile(await this.#ops.openNew(join(this.#path, name), this.#mode));
    this.#files.set(name, file);
    return file;
  }

  created(name: string): GrowingFile {
    const file = this.#files.get(name);
    if (file === undefined) throw new TypeError(`${name} was not created`);
    return file;
  }

  async remove(name: string): Promise<void> {
    await this.created(name).close();
    this.#files.delete(name);
    await this.#ops.unlink(join(this.#path, name));
  }

  /** Everything in it outlasts a power cut. */
  async settle(): Promise<void> {
    for (const file of this.#files.values()) await file.settle();
    await this.#close();
    await this.#ops.syncDirectory(this.#path);
  }

  /** False where something lies there. Durable when it resolves. */
  async moveTo(path: string, parent: string): Promise<boolean> {
    // rename(2) would put it over an empty directory.
    if ((await this.#ops.facts(path)) !== undefined) return false;
    try {
      await this.#ops.rename(this.#path, path);
    } catch (error) {
      if (codeOf(error) === 'ENOTEMPTY' || codeOf(error) === 'EEXIST') return false;
      throw error;
    }
    await this.#ops.syncDirectory(parent);
    return true;
  }

  /** Never throws. */
  async discard(): Promise<void> {
    await this.#close().catch(() => undefined);
    await this.#ops.removeTree(this.#path).catch(() => undefined);
  }

  async #close(): Promise<void> {
    const files = [...this.#files.values()];
    this.#files.clear();
    for (const file of files) await file.close();
  }
}
