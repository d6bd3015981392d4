import type { Algorithm } from '../bytes/digest.ts';
import type { Range } from '../bytes/range.ts';
import type { BlobChange } from './peers.ts';

/** What lies under a name. */
export interface StoredFacts {
  readonly size: number;
  /** Another one once something else lies there. That the same one means the same bytes is a hint, never a proof. */
  readonly version: string;
}

/** A stored blob, open for reading. Its bytes are suspect. Of one that is only coming, the version is known to whoever has read it to its end. */
export interface StoredBytes extends StoredFacts {
  /** Fills `into` from `position` on. Resolves with the number of bytes, fewer only where the blob ends. */
  read(into: Uint8Array, position: number): Promise<number>;
  close(): Promise<void>;
}

/** Bytes that nobody else can see yet. They must be committed or discarded. */
export interface BlobWriter {
  /** All of it. `bytes` is the caller's again when this resolves. */
  write(bytes: Uint8Array, position: number): Promise<void>;
  /** Forgets everything: the next byte is the first. */
  restart(): Promise<void>;
  /**
   * Whoever uses this storage sees it when this resolves, others on the same blobs a moment later; `sync` makes it outlast
   * a power cut. Whatever lay under the name gives way.
   */
  commit(sha256: string): Promise<StoredFacts>;
  /** May be called at any time, also after `commit` and `keep`, which it then leaves alone. Never throws. */
  discard(): Promise<void>;
  /** Leaves what was written for `takeUp` under the key it was begun with; without a key as `discard`. A power cut may take or spoil it. */
  keep(): Promise<void>;
}

/** A writer that begins with what an earlier one kept. That is suspect. */
export interface TakenUp extends BlobWriter {
  /** Bytes that are there. */
  readonly length: number;
  /** Fills `into` from `position` on. Resolves with the number of bytes, fewer only at the end. */
  read(into: Uint8Array, position: number): Promise<number>;
}

/** What was kept of a blob that is not whole. */
export interface Kept {
  readonly key: string;
  readonly size: number;
  /** Milliseconds since the epoch. */
  readonly changedMs: number;
}

/** What is wrong with the storage, and not with the bytes that were asked for. */
export class StorageError extends Error {
  override readonly name = 'StorageError';
  /**
   * `damaged`: what lies under the name is not readable as a blob, and is to be set aside. `full`: no room; removing blobs
   * may help. `busy`: no more can be open at once. `gone`: what was opened cannot be had any more, as if nothing lay there. `failed`: anything
   * else.
   */
  readonly kind: 'damaged' | 'full' | 'busy' | 'gone' | 'failed';

  /** `message`: a plain sentence for people. */
  constructor(kind: StorageError['kind'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}

/** Bytes by sha256, suspect when read; nothing is visible before its commit. Every call may throw StorageError. */
export interface BlobStorage {
  /** Undefined where nothing lies there. `size` is a hint of what it is expected to be. */
  stat(sha256: string, size?: number): Promise<StoredFacts | undefined>;
  /** Undefined where nothing lies there. `range` is a hint of what will be read. */
  open(sha256: string, range: Range): Promise<StoredBytes | undefined>;
  /** `key`, 64 hex digits, is what the bytes are kept under where they do not become whole: by `keep`, or because this process ends. */
  begin(key?: string): Promise<BlobWriter>;
  /** What was kept under a key, for whoever is first; undefined where nothing was. */
  takeUp(key: string): Promise<TakenUp | undefined>;
  /** Everything that is kept, in no order. */
  kept(): AsyncIterable<Kept>;
  removeKept(key: string): Promise<void>;
  /** A committed blob outlasts a power cut when this resolves; those asked for meanwhile may share one write to the disk. Where it throws, nothing is known of it: it is to be looked for anew. */
  sync(sha256: string): Promise<void>;
  /** Nothing lies there when this resolves. */
  remove(sha256: string): Promise<void>;
  /** Takes what lies there away as evidence, whatever it is. The oldest evidence makes room. */
  setAside(sha256: string): Promise<void>;
  /** Everything that lies under a digest's name, in no order; no size where it is not readable as a blob. Never on a request. */
  list(): AsyncIterable<{ readonly sha256: string; readonly size: number | undefined }>;
  /** The sha256 that another digest leads to: a hint, because what it leads to is proved. Undefined where there is none. */
  alias(algorithm: Algorithm, hex: string): Promise<string | undefined>;
  addAlias(algorithm: Algorithm, hex: string, sha256: string): Promise<void>;
  removeAlias(algorithm: Algorithm, hex: string): Promise<void>;
  /** What another process on the same disk did; absent where that is nothing to the storage. */
  heard?(change: BlobChange): void;
  /** Never on a request. */
  aliases(): AsyncIterable<{
    readonly algorithm: Algorithm;
    readonly hex: string;
    readonly sha256: string | undefined;
  }>;
}

/** In which order blobs were used, or which are to be uploaded, as one record that is replaced whole. Never more than a hint. */
export interface UsageRecord {
  read(): Promise<Uint8Array | undefined>;
  write(record: Uint8Array): Promise<void>;
}

/** Who evicts blobs that machines share, and what stays for the others' sake. */
export interface SharedEviction {
  /** Runs it where this one alone may evict at this time; does nothing elsewhere. `still`: whether it may go on, asked before each removal. */
  alone(work: (still: () => boolean) => Promise<void>): Promise<void>;
  /** It was written or used a moment ago by anybody, or another keeps it. */
  spares(sha256: string): Promise<boolean>;
}
