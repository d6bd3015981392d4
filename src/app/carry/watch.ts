import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { readBundle } from '../../bundle/import/opened.ts';
import { Refusal } from '../../bytes/refusal.ts';
import { openGiven } from './given-files.ts';
import type { ImportedHere, Importer } from './import.ts';

export interface WatchOptions {
  readonly signal: AbortSignal;
  readonly onImported: (imported: ImportedHere) => void;
  /** It may still come: said once for each set of files. */
  readonly onWaiting: (why: string) => void;
  readonly onRefused: (why: string) => void;
  /** Milliseconds between two looks. */
  readonly everyMs?: number | undefined;
  /** Milliseconds, from any moment on. */
  readonly nowMs?: (() => number) | undefined;
}

/** Milliseconds. */
const EVERY = 2000;
/** What was wrong here, a full disk say, is tried again after so long. Milliseconds. */
const AGAIN_AFTER = 60_000;
/** Files of one directory that are looked at. */
const MOST_FILES = 20_000;

interface Seen {
  readonly path: string;
  /** Another one once the file is another. */
  readonly stamp: string;
}

/**
 * Takes in bundles that arrive in a directory, in any order, twice and cut: a file counts once it has not changed between two looks; a bundle whose pieces or
 * predecessors are missing waits. Files are left where they are.
 */
export async function watchFolder(folder: string, importer: Importer, options: WatchOptions): Promise<void> {
  const watch = new FolderWatch(folder, importer, options);
  while (!options.signal.aborted) {
    await watch.look();
    await setTimeout(options.everyMs ?? EVERY, undefined, { signal: options.signal }).catch(() => undefined);
  }
}

/** What is known of a directory between two looks. */
export class FolderWatch {
  readonly #folder: string;
  readonly #importer: Importer;
  readonly #options: WatchOptions;
  #before = new Map<string, string>();
  /** What became of a bundle with these files about; `again`: from when on it is tried with the same ones. */
  readonly #tried = new Map<string, { readonly about: string; readonly again: number } | 'done'>();
  /** What was said of each last. */
  readonly #said = new Map<string, string>();

  constructor(folder: string, importer: Importer, options: WatchOptions) {
    this.#folder = folder;
    this.#importer = importer;
    this.#options = options;
  }

  /** One look: takes in what is whole by now, lowest number first. */
  async look(): Promise<void> {
    const files = await this.#settled();
    const about = JSON.stringify(files.map(({ path, stamp }) => [path, stamp]));
    const bundles = await this.#bundles(files);
    for (const { path, number } of bundles) {
      if (this.#options.signal.aborted) return;
      const tried = this.#tried.get(path);
      if (tried === 'done' || (tried?.about === about && this.#now() < tried.again)) continue;
      await this.#take(path, number, files, about);
    }
  }

  async #take(path: string, number: number, files: readonly Seen[], about: string): Promise<void> {
    const others = files.filter((file) => file.path !== path && !this.#heads.has(file.path)).map((file) => file.path);
    try {
      const taken = await this.#importer.take([path, ...others]);
      this.#options.onImported(taken);
      const isWhole = taken.imported.advisories?.again !== true;
      this.#tried.set(path, isWhole ? 'done' : { about, again: this.#now() + AGAIN_AFTER });
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      const mayCome = error.reason === 'truncated' || error.reason === 'mix-and-match' || error.transient;
      const again = error.transient ? this.#now() + AGAIN_AFTER : Number.POSITIVE_INFINITY;
      this.#tried.set(path, mayCome ? { about, again } : 'done');
      const why = `bundle ${number} ${mayCome ? 'waits' : 'is refused'} [${error.reason}]: ${error.message}`;
      if (this.#said.get(path) === why) return;
      this.#said.set(path, why);
      if (mayCome) this.#options.onWaiting(why);
      else this.#options.onRefused(why);
    }
  }

  readonly #heads = new Map<string, { readonly stamp: string; readonly number: number }>();

  /** Files that begin as a bundle does, by number. */
  async #bundles(files: readonly Seen[]): Promise<readonly { readonly path: string; readonly number: number }[]> {
    for (const { path, stamp } of files) {
      if (this.#heads.get(path)?.stamp === stamp) continue;
      this.#heads.delete(path);
      const number = await this.#numberOf(path);
      if (number === undefined) continue;
      this.#heads.set(path, { stamp, number });
      this.#tried.delete(path);
    }
    const there = new Set(files.map(({ path }) => path));
    return [...this.#heads]
      .filter(([path]) => there.has(path))
      .map(([path, { number }]) => ({ path, number }))
      .sort((a, b) => a.number - b.number);
  }

  async #numberOf(path: string): Promise<number | undefined> {
    const { files, close } = await openGiven([path]);
    try {
      const [file] = files;
      return file && (await readBundle(file))?.header.number;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.#options.onRefused(`${path} is no bundle that can be read [${error.reason}]: ${error.message}`);
      return undefined;
    } finally {
      await close();
    }
  }

  #now(): number {
    return (this.#options.nowMs ?? performance.now.bind(performance))();
  }

  /** Files that are as they were at the last look. */
  async #settled(): Promise<readonly Seen[]> {
    const now = new Map<string, string>();
    const names = (await readdir(this.#folder)).sort().slice(0, MOST_FILES);
    for (const name of names) {
      const path = join(this.#folder, name);
      const stats = await stat(path).catch(() => undefined);
      if (stats?.isFile() === true) now.set(path, `${stats.size} ${stats.mtimeMs} ${stats.ino}`);
    }
    const settled = [...now].filter(([path, stamp]) => this.#before.get(path) === stamp);
    this.#before = now;
    return settled.map(([path, stamp]) => ({ path, stamp }));
  }
}
