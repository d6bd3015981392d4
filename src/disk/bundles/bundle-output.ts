import { basename, dirname, join, resolve } from 'node:path';
import { Refusal } from '../../bytes/refusal.ts';
import type { FileOps } from '../file-ops.ts';
import { newOwnerName, ownerState } from '../owner.ts';
import { FillingDirectory } from './filling-directory.ts';
import type { GrowingFile } from './growing-file.ts';

/** Others read them: whoever carries them, and whoever checks them. */
const OPEN_FILE = 0o644;
const PREFIX = '.verbatim-export-';

/**
 * A bundle on its way to where it was asked for: `FILE.tar`, or a directory in which one of its own is made. Nothing is visible before `commit`: it is filled beside
 * that place, under a name of this process, and moved there at once.
 */
export class BundleOutput {
  readonly isFile: boolean;
  readonly #ops: FileOps;
  readonly #parent: string;
  readonly #name: string;
  readonly #temp: string;
  readonly #filling: FillingDirectory;
  #only: string | undefined;

  private constructor(
    ops: FileOps,
    place: { parent: string; name: string; isFile: boolean },
    filling: FillingDirectory,
    temp: string,
  ) {
    this.#ops = ops;
    this.#parent = place.parent;
    this.#name = place.name;
    this.isFile = place.isFile;
    this.#filling = filling;
    this.#temp = temp;
  }

  /** `path` ends in `.tar` for one file; else it is a directory, in which `name` is made. Throws `state` where something lies there already. */
  static async begin(ops: FileOps, path: string, name: string): Promise<BundleOutput> {
    const isFile = path.endsWith('.tar');
    const whole = resolve(path);
    const parent = isFile ? dirname(whole) : whole;
    if ((await ops.facts(parent))?.kind !== 'directory') throw noDirectory(parent, isFile);
    const place = { parent, name: isFile ? basename(whole) : name, isFile };
    await refuseTaken(ops, join(parent, place.name));
    for (const left of await ops.list(parent))
      if (left.startsWith(PREFIX) && ownerState(left.slice(PREFIX.length)) === 'dead')
        await ops.removeTree(join(parent, left));
    const temp = join(parent, `${PREFIX}${newOwnerName()}`);
    return new BundleOutput(ops, place, await FillingDirectory.make(ops, temp, OPEN_FILE), temp);
  }

  create(name: string): Promise<GrowingFile> {
    this.#only = name;
    return this.#filling.create(name);
  }

  async written(name: string): Promise<GrowingFile> {
    return this.#filling.created(name);
  }

  async commit(): Promise<string> {
    const path = join(this.#parent, this.#name);
    await this.#filling.settle();
    if (!this.isFile) {
      if (!(await this.#filling.moveTo(path, this.#parent))) throw refused(`${path} exists already.`);
      return path;
    }
    // A link does not replace what came to lie there meanwhile, as a rename would; FAT has none.
    await refuseTaken(this.#ops, path);
    await this.#ops.rename(join(this.#temp, this.#only ?? ''), path);
    await this.#ops.syncDirectory(this.#parent);
    await this.#filling.discard();
    return path;
  }

  /** Never throws. */
  discard(): Promise<void> {
    return this.#filling.discard();
  }
}

async function refuseTaken(ops: FileOps, path: string): Promise<void> {
  if ((await ops.facts(path)) !== undefined) throw refused(`${path} exists already: move it away, or name another.`);
}

function noDirectory(parent: string, isFile: boolean): Refusal {
  return refused(
    isFile
      ? `${parent} is not a directory: make it first (mkdir), or write the file elsewhere.`
      : `${parent} is not a directory: make it first (mkdir), or name a file that ends in .tar.`,
  );
}

function refused(message: string): Refusal {
  return new Refusal('state', message, { subject: 'request' });
}
