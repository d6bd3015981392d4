import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { Refusal } from '../../bytes/refusal.ts';
import { codeOf, type FileOps, type OpenFile } from '../file-ops.ts';
import { newOwnerName, ownerState } from '../owner.ts';
import { readFull } from '../read-file.ts';
import { FillingDirectory } from './filling-directory.ts';
import type { GrowingFile } from './growing-file.ts';

const PRIVATE_FILE = 0o600;
/** What a bundle that is remembered is called; one that is being made bears its owner's name. */
export const NUMBER = /^[0-9]{6}$/;
const SCRATCH = 'scratch-';
/** Names of a bundle's own files: letters, digits, dots, underscores and dashes. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;

/** A file of a bundle that is remembered, open. */
export interface RememberedFile {
  readonly size: number;
  read(into: Uint8Array, position: number): Promise<number>;
}

/** Bundles that an index was exported as, a directory each, below `exports/INDEX/`: `000001`, `000002` … */
export class ExportHistory {
  readonly #ops: FileOps;
  readonly #root: string;
  readonly #index: string;

  /** `root`: the data directory. */
  constructor(ops: FileOps, root: string, index: string) {
    this.#ops = ops;
    this.#root = root;
    this.#index = index;
  }

  async numbers(): Promise<readonly number[]> {
    const names = await this.#names();
    return names
      .filter((name) => NUMBER.test(name))
      .map(Number)
      .sort((a, b) => a - b);
  }

  async open(number: number) {
    const path = this.#pathOf(number);
    if ((await this.#ops.facts(path))?.kind !== 'directory') return undefined;
    const files = new Map<string, { readonly file: OpenFile; readonly size: number }>();
    const close = async () => {
      for (const { file } of files.values()) await file.close();
    };
    try {
      for (const name of await this.#ops.list(path)) {
        const file = await this.#ops.openRead(join(path, name));
        files.set(name, { file, size: 0 });
        const { kind, size } = await file.facts();
        if (kind !== 'file') throw new Refusal('state', `${join(path, name)} is no file.`, { subject: 'state' });
        files.set(name, { file, size });
      }
    } catch (error) {
      await close();
      throw error;
    }
    return {
      file: (name: string): RememberedFile | undefined => {
        const open = files.get(name);
        if (open === undefined) return undefined;
        return { size: open.size, read: (into, position) => readFull(open.file, into, position) };
      },
      close,
    };
  }

  /** What processes that are gone left unfinished goes. */
  async begin() {
    await this.#make(join(this.#root, 'exports'));
    await this.#make(this.#directory);
    for (const name of await this.#names())
      if (!NUMBER.test(name) && ownerState(name) !== 'alive') await this.#ops.removeTree(join(this.#directory, name));
    const filling = await FillingDirectory.make(this.#ops, join(this.#directory, newOwnerName()), PRIVATE_FILE);
    const scratches: string[] = [];
    return {
      create: (name: string): Promise<GrowingFile> => filling.create(checked(name)),
      scratch: (): Promise<GrowingFile> => {
        const name = `${SCRATCH}${randomBytes(4).toString('hex')}`;
        scratches.push(name);
        return filling.create(name);
      },
      commit: async (number: number): Promise<boolean> => {
        for (const name of scratches) await filling.remove(name);
        await filling.settle();
        return filling.moveTo(this.#pathOf(number), this.#directory);
      },
      discard: () => filling.discard(),
    };
  }

  forget(number: number): Promise<void> {
    return this.#ops.removeTree(this.#pathOf(number));
  }

  get #directory(): string {
    return join(this.#root, 'exports', this.#index);
  }

  #pathOf(number: number): string {
    return join(this.#directory, String(number).padStart(6, '0'));
  }

  async #names(): Promise<readonly string[]> {
    try {
      return await this.#ops.list(this.#directory);
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return [];
      throw error;
    }
  }

  async #make(path: string): Promise<void> {
    const kind = (await this.#ops.facts(path))?.kind;
    if (kind === 'directory') return;
    if (kind !== undefined) throw new Refusal('state', `${path} is not a directory.`, { subject: 'state' });
    await this.#ops.makeDirectory(path).catch((error: unknown) => {
      if (codeOf(error) !== 'EEXIST') throw error;
    });
    await this.#ops.syncDirectory(join(path, '..'));
  }
}

function checked(name: string): string {
  if (!NAME.test(name) || name.startsWith(SCRATCH)) throw new TypeError('no name of a file of a bundle');
  return name;
}
