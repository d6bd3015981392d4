import type { FileFacts, OpenFile } from './file-ops.ts';

/** A file that is open for reading, and what it was when it was opened. */
export interface Opened {
  readonly file: OpenFile;
  readonly facts: FileFacts;
}

/** A share in an open file. */
export interface OpenShare extends Opened {
  release(): Promise<void>;
}

interface Entry {
  readonly opening: Promise<Opened | undefined>;
  readers: number;
  /** Not to be given to anybody else: it closes with its last reader. */
  isStale: boolean;
  /** Sweeps that found it unused. */
  idle: number;
}

/**
 * Files open for reading, one for all who read the same name at once, and for whoever comes a moment later.
 * Invariant: a file is closed exactly once, when it has no reader and is stale, idle for too long or one too many.
 */
export class OpenFiles {
  readonly #entries = new Map<string, Entry>();
  /** Without a reader, longest first. */
  readonly #idle = new Map<string, Entry>();
  #most: number;
  readonly #idleMs: number;
  #sweeping: NodeJS.Timeout | undefined;

  /** `most`: files kept open without a reader, each for `idleMs` to twice that. */
  constructor({ most, idleMs }: { readonly most: number; readonly idleMs: number }) {
    this.#most = most;
    this.#idleMs = idleMs;
  }

  /** The one that is open, or what `open` opens. */
  async share(name: string, open: () => Promise<Opened | undefined>): Promise<OpenShare | undefined> {
    const known = this.#entries.get(name);
    const entry = known ?? this.#enter(name, open());
    entry.readers++;
    this.#idle.delete(name);
    try {
      const opened = await entry.opening;
      if (opened === undefined) this.#leave(name, entry);
      return opened && { ...opened, release: () => this.#release(name, entry) };
    } catch (error) {
      this.#leave(name, entry);
      throw error;
    }
  }

  /** Takes over a file that is open already; readers of an older one go on with theirs. */
  async add(name: string, opened: Opened): Promise<void> {
    await this.forget(name);
    const entry = this.#enter(name, Promise.resolve(opened));
    entry.readers++;
    await this.#release(name, entry);
  }

  /** What was known when the file under this name was opened. */
  async factsOf(name: string): Promise<FileFacts | undefined> {
    return (await this.#entries.get(name)?.opening.catch(() => undefined))?.facts;
  }

  /** Nobody is given this one any more. */
  async forget(name: string): Promise<void> {
    const entry = this.#entries.get(name);
    if (entry === undefined) return;
    this.#entries.delete(name);
    this.#idle.delete(name);
    entry.isStale = true;
    if (entry.readers === 0) await closeEntry(entry);
  }

  /** Closes what nobody reads; the rest closes with its last reader. */
  async close(): Promise<void> {
    clearTimeout(this.#sweeping);
    this.#most = 0;
    await Promise.all([...this.#entries.keys()].map((name) => this.forget(name)));
  }

  #enter(name: string, opening: Promise<Opened | undefined>): Entry {
    const entry: Entry = { opening, readers: 0, isStale: false, idle: 0 };
    this.#entries.set(name, entry);
    return entry;
  }

  /** Nothing was opened. */
  #leave(name: string, entry: Entry): void {
    entry.readers--;
    if (this.#entries.get(name) === entry) this.#entries.delete(name);
  }

  async #release(name: string, entry: Entry): Promise<void> {
    entry.readers--;
    if (entry.readers > 0) return;
    if (entry.isStale) return closeEntry(entry);
    entry.idle = 0;
    this.#idle.set(name, entry);
    const [oldest] = this.#idle.keys();
    if (this.#idle.size > this.#most && oldest !== undefined) await this.forget(oldest);
    this.#sweepLater();
  }

  #sweepLater(): void {
    if (this.#sweeping !== undefined || this.#idle.size === 0) return;
    this.#sweeping = setTimeout(() => {
      this.#sweeping = undefined;
      for (const [name, entry] of this.#idle) if (++entry.idle > 1) void this.forget(name).catch(() => undefined);
      this.#sweepLater();
    }, this.#idleMs).unref();
  }
}

async function closeEntry(entry: Entry): Promise<void> {
  await (await entry.opening.catch(() => undefined))?.file.close();
}
