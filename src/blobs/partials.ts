import { Mutex } from '../async/mutex.ts';
import { type Statement, sha256Hex } from '../bytes/digest.ts';
import { createProver, createSightHasher } from '../bytes/prover.ts';
import { type Reason, Refusal } from '../bytes/refusal.ts';
import { type BlobStorage, StorageError, type TakenUp } from '../ports/blob-storage.ts';
import { FillWriter } from './fill-writer.ts';
import type { Filling } from './fills.ts';
import { PARTIAL_AGE_MS, PARTIAL_LEAST, PARTIALS, PARTIALS_SHARE } from './limits.ts';

interface PartialsDeps {
  readonly storage: Pick<BlobStorage, 'begin' | 'takeUp' | 'kept' | 'removeKept'>;
  /** What the store may hold; partials may have a share of as much besides. */
  readonly maxBytes: number;
  readonly nowMs: () => number;
  /** Whether somebody else's download proved the same file. */
  readonly isStored: (stated: Statement) => Promise<boolean>;
}

/** What has come may not be the beginning of the whole. */
const WRONG: ReadonlySet<Reason> = new Set(['digest', 'length', 'limit']);

/**
 * What has come of downloads that were given up. Nothing is believed of them: they become part of a whole that its digest
 * proves, or are forgotten. Bounded in number, bytes and age, the oldest leave first.
 */
export class Partials {
  readonly #deps: PartialsDeps;
  /** Who comes again while what it left is being put away waits for that. */
  readonly #writing = new Mutex();
  readonly #known = new Map<string, number>();
  /** Taken up while it was being looked at what lies there. */
  readonly #taken = new Set<string>();
  readonly #tidying = new Mutex();
  /** Everything that lies there has been seen once. */
  #isScanned = false;

  constructor(deps: PartialsDeps) {
    this.#deps = deps;
  }

  usage(): { readonly count: number; readonly bytes: number } {
    let bytes = 0;
    for (const size of this.#known.values()) bytes += size;
    return { count: this.#known.size, bytes };
  }

  /** Runs `work` on a writer that begins with what an earlier one left, and leaves to the next what came where it fails. */
  writing<T>(wanted: Filling, signal: AbortSignal, work: (writer: FillWriter) => Promise<T>): Promise<T> {
    const key = partialKey(wanted);
    return key === undefined
      ? this.#write(key, wanted, signal, work)
      : this.#writing.run(key, () => this.#write(key, wanted, signal, work));
  }

  /** Looks for what is there, and removes what is too much or too old. */
  tidy(): Promise<void> {
    return this.#tidying.run('', () => this.#tidy());
  }

  /** There is no room: proved files need it more. */
  async removeAll(): Promise<void> {
    for await (const { key } of this.#deps.storage.kept()) await this.#remove(key);
  }

  async #write<T>(
    key: string | undefined,
    { expected, limit, sight }: Filling,
    signal: AbortSignal,
    work: (writer: FillWriter) => Promise<T>,
  ): Promise<T> {
    const { storage, isStored } = this.#deps;
    const kept = key === undefined ? undefined : await this.#takeUp(key);
    const startProver = () => (sight === true ? createSightHasher(expected.length) : createProver(expected));
    const writing = { expected, limit, startProver };
    const writer =
      kept === undefined
        ? await FillWriter.open(await storage.begin(key), writing)
        : await FillWriter.goOn(kept, writing, signal);
    try {
      return await work(writer);
    } catch (error) {
      if (key !== undefined && isWorthKeeping(error) && !(await isStored(expected))) await this.#keep(key, writer);
      throw error;
    } finally {
      await writer.discard();
    }
  }

  async #tidy(): Promise<void> {
    const { storage, maxBytes, nowMs } = this.#deps;
    this.#taken.clear();
    const all = [];
    for await (const one of storage.kept()) all.push(one);
    const oldest = nowMs() - PARTIAL_AGE_MS;
    let count = 0;
    let bytes = 0;
    for (const { key, size, changedMs } of all.sort((a, b) => b.changedMs - a.changedMs)) {
      if (this.#taken.has(key)) continue;
      count++;
      bytes += size;
      if (count <= PARTIALS && bytes <= maxBytes * PARTIALS_SHARE && changedMs >= oldest) this.#known.set(key, size);
      else await this.#remove(key);
    }
    this.#isScanned = true;
  }

  /** The disk is asked only where something may be there. */
  async #takeUp(key: string): Promise<TakenUp | undefined> {
    if (!this.#known.delete(key) && this.#isScanned) return undefined;
    this.#taken.add(key);
    return this.#deps.storage.takeUp(key);
  }

  /** Where the disk does not take it, it comes again from the start. */
  async #keep(key: string, writer: FillWriter): Promise<void> {
    const bytes = await writer.keep().catch(() => 0);
    if (bytes === 0) return;
    this.#taken.delete(key);
    this.#known.set(key, bytes);
  }

  async #remove(key: string): Promise<void> {
    this.#known.delete(key);
    await this.#deps.storage.removeKept(key);
  }
}

function isWorthKeeping(error: unknown): boolean {
  return !(error instanceof StorageError) && !(error instanceof Refusal && WRONG.has(error.reason));
}

/** A signed link is another one each time: without its query it says where the file lies. */
function placeOf(origin: string): string {
  return origin.replace(/[?].*/s, '');
}

/**
 * What a download is kept under: only the same bytes from the same place go on with it. Undefined where nothing would prove the whole, and
 * where the whole is less than what is kept of any.
 */
function partialKey({ origin, expected }: Filling): string | undefined {
  if (expected.digests.size === 0) return undefined;
  if (expected.length !== undefined && expected.length < PARTIAL_LEAST) return undefined;
  const digests = [...expected.digests].map(([algorithm, hex]) => `${algorithm}:${hex}`).sort();
  return sha256Hex(Buffer.from(JSON.stringify([placeOf(origin), expected.length ?? null, digests])));
}
