import { crc32 } from 'node:zlib';
import { JoinedRuns } from '../async/joined-runs.ts';
import type { Algorithm } from '../bytes/digest.ts';
import type { Range } from '../bytes/range.ts';
import {
  type BlobStorage,
  type BlobWriter,
  type Kept,
  StorageError,
  type StoredBytes,
  type StoredFacts,
  type TakenUp,
} from '../ports/blob-storage.ts';
import type { DiskBlobs } from './blob-storage.ts';
import { SMALL_APART_MS, SMALL_SEEN, SMALL_WAITING_BYTES } from './limits.ts';
import { type DocumentsDatabase, SMALL_DOCUMENT_BYTES } from './records/documents-database.ts';

export interface SmallBlobsOptions {
  /** Between two writes to the database: what comes meanwhile is written at once. Milliseconds. */
  readonly apartMs?: number | undefined;
}

/** Small blobs in a database, the others as files. Small ones may be files, too: an earlier program kept them so. */
export function withSmallBlobs(
  files: DiskBlobs,
  documents: DocumentsDatabase,
  options: SmallBlobsOptions = {},
): DiskBlobs {
  return new SmallBlobs(files, documents, options.apartMs ?? SMALL_APART_MS);
}

/**
 * Invariant: what was committed here is found here at once, waiting or written. Another process finds it once it is written:
 * a moment later, and never where this process is killed in that moment.
 */
class SmallBlobs implements DiskBlobs {
  readonly #files: DiskBlobs;
  readonly #documents: DocumentsDatabase;
  readonly #apartMs: number;
  readonly #waiting = new Map<string, Uint8Array>();
  /** What was looked at in this turn of the event loop: whoever opens it in the same turn reads what he has seen. */
  readonly #seen = new Map<string, Uint8Array>();
  /** Whether small ones may be files, and how many this process had to write so. */
  #hasSmallFiles = true;
  #smallWritten = 0;
  #bytes = 0;
  #writtenAt = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();
  readonly #syncs = new JoinedRuns((all: readonly string[]) => this.#syncAll(all));

  constructor(files: DiskBlobs, documents: DocumentsDatabase, apartMs: number) {
    this.#files = files;
    this.#documents = documents;
    this.#apartMs = apartMs;
  }

  async stat(sha256: string, size?: number): Promise<StoredFacts | undefined> {
    const bytes = size === undefined || isSmall(size) ? await this.#read(sha256) : undefined;
    if (bytes === undefined) return size !== undefined && this.#isNoFile(size) ? undefined : this.#files.stat(sha256);
    this.#remember(sha256, bytes);
    return factsOf(bytes);
  }

  async open(sha256: string, range: Range): Promise<StoredBytes | undefined> {
    if (isSmall(range.end)) return (await this.#openSmall(sha256)) ?? this.#files.open(sha256, range);
    return (await this.#files.open(sha256, range)) ?? this.#openSmall(sha256);
  }

  async begin(key?: string): Promise<BlobWriter> {
    return new SmallWriter(
      () => this.#files.begin(key),
      (sha256, bytes) => this.#commit(sha256, bytes),
    );
  }

  takeUp(key: string): Promise<TakenUp | undefined> {
    return this.#files.takeUp(key);
  }

  kept(): AsyncIterable<Kept> {
    return this.#files.kept();
  }

  removeKept(key: string): Promise<void> {
    return this.#files.removeKept(key);
  }

  async sync(sha256: string): Promise<void> {
    const there = await this.#syncs.join(sha256);
    if (there === undefined)
      throw new StorageError(
        'failed',
        'The mirror’s disk could not be used; nothing is lost, but nothing is sure either.',
      );
    if (!there.has(sha256)) await this.#files.sync(sha256);
  }

  async remove(sha256: string): Promise<void> {
    await this.#removeSmall(sha256);
    await this.#files.remove(sha256);
  }

  async setAside(sha256: string): Promise<void> {
    const bytes = await this.#read(sha256);
    // Evidence is files: as one it is set aside.
    if (bytes !== undefined) await this.#writeFile(sha256, bytes);
    await this.#removeSmall(sha256);
    await this.#files.setAside(sha256);
  }

  async *list(): ReturnType<BlobStorage['list']> {
    await this.#flush();
    yield* this.#documents.list();
    const before = this.#smallWritten;
    let found = 0;
    for await (const one of this.#files.list()) {
      const isSmallFile = one.size !== undefined && isSmall(one.size);
      if (isSmallFile || one.size === undefined) found++;
      const isTwice = isSmallFile && (await this.#documents.has(one.sha256));
      if (!isTwice) yield one;
    }
    this.#hasSmallFiles = found > 0 || before !== this.#smallWritten;
  }

  alias(algorithm: Algorithm, hex: string): Promise<string | undefined> {
    return this.#files.alias(algorithm, hex);
  }

  addAlias(algorithm: Algorithm, hex: string, sha256: string): Promise<void> {
    return this.#files.addAlias(algorithm, hex, sha256);
  }

  removeAlias(algorithm: Algorithm, hex: string): Promise<void> {
    return this.#files.removeAlias(algorithm, hex);
  }

  aliases(): ReturnType<BlobStorage['aliases']> {
    return this.#files.aliases();
  }

  async close(): Promise<void> {
    await this.#flush();
    await this.#documents.close();
    await this.#files.close();
  }

  /** One commit, and one sync of the database, for all of them; what the database did not take are files. */
  async #syncAll(all: readonly string[]): Promise<ReadonlySet<string> | undefined> {
    await this.#flush();
    return this.#documents.sync(all);
  }

  async #read(sha256: string): Promise<Uint8Array | undefined> {
    return this.#waiting.get(sha256) ?? this.#documents.read(sha256);
  }

  #remember(sha256: string, bytes: Uint8Array): void {
    if (this.#seen.size === SMALL_SEEN) return;
    if (this.#seen.size === 0) setImmediate(() => this.#seen.clear());
    this.#seen.set(sha256, bytes);
  }

  async #openSmall(sha256: string): Promise<StoredBytes | undefined> {
    const bytes = this.#seen.get(sha256) ?? (await this.#read(sha256));
    return (
      bytes && {
        size: bytes.byteLength,
        // Most readers know it already, and check what they read by tags of their own.
        get version() {
          return versionOf(bytes);
        },
        async read(into, position) {
          const part = bytes.subarray(position, position + into.byteLength);
          into.set(part);
          return part.byteLength;
        },
        async close() {},
      }
    );
  }

  async #removeSmall(sha256: string): Promise<void> {
    this.#bytes = Math.max(0, this.#bytes - (this.#waiting.get(sha256)?.byteLength ?? 0));
    this.#waiting.delete(sha256);
    this.#seen.delete(sha256);
    await this.#writing;
    if (await this.#documents.has(sha256)) await this.#documents.remove(sha256);
  }

  #commit(sha256: string, bytes: Uint8Array): StoredFacts {
    if (!this.#waiting.has(sha256)) this.#bytes += bytes.byteLength;
    this.#waiting.set(sha256, bytes);
    this.#seen.delete(sha256);
    const wait = this.#bytes >= SMALL_WAITING_BYTES ? 0 : this.#writtenAt + this.#apartMs - performance.now();
    if (wait <= 0) void this.#flush();
    else this.#timer ??= setTimeout(() => void this.#flush(), wait);
    return factsOf(bytes);
  }

  /** Everything that waited is written when it resolves. Never rejects. */
  #flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#writtenAt = performance.now();
    const batch = [...this.#waiting];
    this.#bytes = 0;
    this.#writing = this.#writing.then(() => this.#write(batch));
    return this.#writing;
  }

  /** Where no small one was a file when all of them were last listed, the disk need not be asked for each. What another process had to write so since is fetched again. */
  #isNoFile(size: number): boolean {
    return isSmall(size) && !this.#hasSmallFiles;
  }

  /** As files, where the database does not take them. What neither takes is fetched again when it is asked for. */
  async #write(batch: readonly (readonly [string, Uint8Array])[]): Promise<void> {
    // What was removed or written meanwhile is left out.
    const documents = new Map(batch.filter(([sha256, bytes]) => this.#waiting.get(sha256) === bytes));
    if (documents.size === 0) return;
    const kept = await this.#documents.put(documents);
    for (const [sha256, bytes] of documents) {
      if (!kept.has(sha256)) await this.#writeFile(sha256, bytes).catch(() => undefined);
      if (this.#waiting.get(sha256) === bytes) this.#waiting.delete(sha256);
    }
  }

  async #writeFile(sha256: string, bytes: Uint8Array): Promise<void> {
    this.#smallWritten++;
    this.#hasSmallFiles = true;
    const writer = await this.#files.begin();
    try {
      await writer.write(bytes, 0);
      await writer.commit(sha256);
    } finally {
      await writer.discard();
    }
  }
}

/** In memory as long as it is small, then in a file. What is small is not kept: it comes again in no time. */
class SmallWriter implements BlobWriter {
  readonly #beginFile: () => Promise<BlobWriter>;
  readonly #commit: (sha256: string, bytes: Uint8Array) => StoredFacts;
  #small: Uint8Array = new Uint8Array();
  #file: BlobWriter | undefined;

  constructor(beginFile: () => Promise<BlobWriter>, commit: (sha256: string, bytes: Uint8Array) => StoredFacts) {
    this.#beginFile = beginFile;
    this.#commit = commit;
  }

  async write(bytes: Uint8Array, position: number): Promise<void> {
    const end = position + bytes.byteLength;
    if (this.#file === undefined && isSmall(end)) {
      const grown = new Uint8Array(Math.max(this.#small.byteLength, end));
      grown.set(this.#small);
      grown.set(bytes, position);
      this.#small = grown;
      return;
    }
    if (this.#file === undefined) {
      this.#file = await this.#beginFile();
      if (this.#small.byteLength > 0) await this.#file.write(this.#small, 0);
      this.#small = new Uint8Array();
    }
    await this.#file.write(bytes, position);
  }

  async restart(): Promise<void> {
    this.#small = new Uint8Array();
    await this.#file?.restart();
  }

  async commit(sha256: string): Promise<StoredFacts> {
    return this.#file === undefined ? this.#commit(sha256, this.#small) : this.#file.commit(sha256);
  }

  async discard(): Promise<void> {
    await this.#file?.discard();
  }

  async keep(): Promise<void> {
    await this.#file?.keep();
  }
}

function factsOf(bytes: Uint8Array): StoredFacts {
  return { size: bytes.byteLength, version: versionOf(bytes) };
}

/** So that a change shows. Whether the bytes are right says the proof. */
function versionOf(bytes: Uint8Array): string {
  return `${bytes.byteLength}-${crc32(bytes)}`;
}

function isSmall(bytes: number): boolean {
  return bytes <= SMALL_DOCUMENT_BYTES;
}
