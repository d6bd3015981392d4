import { join } from 'node:path';
import { Mutex } from '../async/mutex.ts';
import { type Algorithm, isDigest } from '../bytes/digest.ts';
import type { Range } from '../bytes/range.ts';
import {
  type BlobStorage,
  type BlobWriter,
  type Kept,
  StorageError,
  type StoredBytes,
  type StoredFacts,
  type TakenUp,
  type UsageRecord,
} from '../ports/blob-storage.ts';
import { type Aliases, createAliases } from './aliases.ts';
import { type BlobPaths, blobPaths, isPartialKey } from './blob-paths.ts';
import { BlobTemp } from './blob-temp.ts';
import type { Durable, Temp } from './durable.ts';
import type { FileFacts } from './file-ops.ts';
import { OPEN_IDLE, OPEN_IDLE_MS, SCAN_BATCH, USAGE_RECORD_BYTES } from './limits.ts';
import { type Opened, OpenFiles, type OpenShare } from './open-files.ts';
import { createQuarantine, type Quarantine } from './quarantine.ts';
import { readFull, readSmall } from './read-file.ts';
import { isMissing, onBlobDisk } from './storage-errors.ts';
import type { Volume } from './volume.ts';
import { listOrNothing } from './walk.ts';

const BLOB_MODE = 0o444;

export interface DiskBlobsOptions {
  /** Milliseconds, for the names of evidence. */
  readonly nowMs?: (() => number) | undefined;
  /** Files kept open for whoever reads next. */
  readonly openIdle?: number | undefined;
}

export interface DiskBlobs extends BlobStorage {
  /** Closes what is open and unused. */
  close(): Promise<void>;
}

/** Blobs as files of a data directory, read-only, by sha256. */
export function createBlobStorage(volume: Volume, options: DiskBlobsOptions = {}): DiskBlobs {
  return new BlobFiles(volume.durable, blobPaths(volume.root), options);
}

/** The order of use, in a file beside the blobs. */
export function createUsageRecord(volume: Volume): UsageRecord {
  return recordIn(volume, blobPaths(volume.root).useRecord);
}

/** What is to be uploaded yet by the process of that number on this directory, beside it. */
export function createWaitingRecord(volume: Volume, number = 1): UsageRecord {
  return recordIn(volume, blobPaths(volume.root).waitingRecord(number));
}

function recordIn({ durable, ops }: Volume, path: string): UsageRecord {
  return {
    read: () => onBlobDisk(() => readSmall(ops, path, USAGE_RECORD_BYTES)),
    write: (record) => onBlobDisk(() => durable.replaceSoon(path, record)),
  };
}

class BlobFiles implements DiskBlobs {
  readonly #durable: Durable;
  readonly #paths: BlobPaths;
  readonly #aliases: Aliases;
  readonly #quarantine: Quarantine;
  readonly #open: OpenFiles;
  readonly #syncing = new Mutex();

  constructor(durable: Durable, paths: BlobPaths, { nowMs = Date.now, openIdle = OPEN_IDLE }: DiskBlobsOptions) {
    this.#durable = durable;
    this.#paths = paths;
    this.#aliases = createAliases(durable, paths);
    this.#quarantine = createQuarantine(durable, paths.quarantine, nowMs);
    this.#open = new OpenFiles({ most: openIdle, idleMs: OPEN_IDLE_MS });
  }

  stat(sha256: string): Promise<StoredFacts | undefined> {
    return onBlobDisk(async () => {
      const facts = await this.#durable.ops.facts(this.#paths.blob(sha256));
      const open = await this.#open.factsOf(sha256);
      if (open !== undefined && (facts === undefined || versionOf(open) !== versionOf(facts)))
        await this.#open.forget(sha256);
      return facts && stored(facts);
    });
  }

  open(sha256: string, _range: Range): Promise<StoredBytes | undefined> {
    return onBlobDisk(async () => {
      const share = await this.#open.share(sha256, () => this.#openFile(sha256));
      return share && new SharedBytes(share);
    });
  }

  begin(key?: string): Promise<BlobWriter> {
    return onBlobDisk(async () => this.#writer(await this.#durable.temp(BLOB_MODE, key), key));
  }

  takeUp(key: string): Promise<TakenUp | undefined> {
    return onBlobDisk(async () => {
      const temp = await this.#durable.take(this.#paths.partial(key), BLOB_MODE, key);
      if (temp === undefined) return undefined;
      return this.#writer(temp, key, (await temp.file.facts()).size);
    });
  }

  async *kept(): AsyncGenerator<Kept> {
    const { ops } = this.#durable;
    for (const key of await listOrNothing(ops, this.#paths.partials)) {
      const facts = isPartialKey(key) ? await ops.facts(this.#paths.partial(key)) : undefined;
      if (facts !== undefined) yield { key, size: facts.size, changedMs: facts.changedMs };
    }
  }

  removeKept(key: string): Promise<void> {
    return onBlobDisk(() => this.#durable.ops.removeTree(this.#paths.partial(key)));
  }

  /** One at a time: the disk, and the threads that wait for it, have others to serve. */
  sync(sha256: string): Promise<void> {
    return this.#syncing.run('', () => this.#syncOne(sha256));
  }

  #syncOne(sha256: string): Promise<void> {
    return onBlobDisk(async () => {
      const share = await this.#open.share(sha256, () => this.#openFile(sha256));
      if (share === undefined) throw new StorageError('failed', 'A file that was stored is not there any more.');
      try {
        await this.#durable.sync(this.#paths.blob(sha256), share.file);
      } catch (error) {
        // What an fsync could not write may be gone from memory too: nobody must be told later that it was written.
        await this.#remove(sha256).catch(() => undefined);
        throw error;
      } finally {
        await share.release();
      }
    });
  }

  remove(sha256: string): Promise<void> {
    return onBlobDisk(() => this.#remove(sha256));
  }

  setAside(sha256: string): Promise<void> {
    return onBlobDisk(async () => {
      await this.#open.forget(sha256);
      await this.#quarantine.take(this.#paths.blob(sha256), sha256);
    });
  }

  async *list(): AsyncGenerator<{ readonly sha256: string; readonly size: number | undefined }> {
    const { ops } = this.#durable;
    for (const prefix of await listOrNothing(ops, this.#paths.blobs)) {
      const names = await listOrNothing(ops, join(this.#paths.blobs, prefix));
      for (let at = 0; at < names.length; at += SCAN_BATCH) {
        const batch = names.slice(at, at + SCAN_BATCH).filter((name) => isDigest('sha256', prefix + name));
        const found = await Promise.all(
          batch.map((name) => ops.facts(join(this.#paths.blobs, prefix, name)).catch(() => undefined)),
        );
        for (const [index, name] of batch.entries()) {
          const facts = found[index];
          if (facts !== undefined)
            yield { sha256: prefix + name, size: facts.kind === 'file' ? facts.size : undefined };
        }
      }
    }
  }

  alias(algorithm: Algorithm, hex: string): Promise<string | undefined> {
    return this.#aliases.find(algorithm, hex);
  }

  addAlias(algorithm: Algorithm, hex: string, sha256: string): Promise<void> {
    return onBlobDisk(() => this.#aliases.add(algorithm, hex, sha256));
  }

  removeAlias(algorithm: Algorithm, hex: string): Promise<void> {
    return onBlobDisk(() => this.#aliases.remove(algorithm, hex));
  }

  aliases(): ReturnType<BlobStorage['aliases']> {
    return this.#aliases.list();
  }

  close(): Promise<void> {
    return this.#open.close();
  }

  async #openFile(sha256: string): Promise<Opened | undefined> {
    const file = await this.#durable.ops.openRead(this.#paths.blob(sha256)).catch((error: unknown) => {
      if (isMissing(error)) return undefined;
      throw error;
    });
    if (file === undefined) return undefined;
    try {
      const facts = await file.facts();
      stored(facts);
      return { file, facts };
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  #writer(temp: Temp, key: string | undefined, length = 0): TakenUp {
    const kept = key === undefined ? undefined : this.#paths.partial(key);
    return new BlobTemp({ temp, publish: (sha256) => this.#publish(temp, sha256), kept, length });
  }

  /** The file stays open: whoever waited for it reads it now. */
  async #publish(temp: Temp, sha256: string): Promise<StoredFacts> {
    const file = await temp.publish(this.#paths.blob(sha256));
    const facts = await file.facts();
    await this.#open.add(sha256, { file, facts });
    return stored(facts);
  }

  async #remove(sha256: string): Promise<void> {
    await this.#open.forget(sha256);
    try {
      await this.#durable.ops.unlink(this.#paths.blob(sha256));
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
  }
}

class SharedBytes implements StoredBytes {
  readonly #share: OpenShare;
  readonly size: number;
  readonly version: string;
  #isClosed = false;

  constructor(share: OpenShare) {
    this.#share = share;
    this.size = share.facts.size;
    this.version = versionOf(share.facts);
  }

  read(into: Uint8Array, position: number): Promise<number> {
    return onBlobDisk(() => readFull(this.#share.file, into, position));
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#share.release();
  }
}

/** Throws where it is no regular file. */
function stored(facts: FileFacts): StoredFacts {
  if (facts.kind !== 'file')
    throw new StorageError('damaged', `A stored file was changed on the mirror's disk (it is a ${facts.kind} now).`);
  return { size: facts.size, version: versionOf(facts) };
}

function versionOf({ inode, size, changedMs }: FileFacts): string {
  return `${inode}-${size}-${changedMs}`;
}
