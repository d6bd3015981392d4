import type { Algorithm } from '../../src/bytes/digest.ts';
import {
  type BlobStorage,
  type Kept,
  StorageError,
  type StoredFacts,
  type TakenUp,
} from '../../src/ports/blob-storage.ts';

interface Stored {
  /** None: something that is no blob lies there. */
  bytes: Buffer | undefined;
  version: string;
  isSynced: boolean;
}

/** Blobs in memory, for tests of the contract and of what is built on it. */
export interface MemoryBlobs {
  /** One of those who use them. */
  party(): BlobStorage;
  /** Flips a bit behind everybody's back. */
  change(sha256: string, at?: number): void;
  /** Puts something that is no blob in its place. */
  break(sha256: string): void;
  /** What was not synced is lost. */
  cutPower(): void;
  setFull(full: boolean): void;
  readonly setAside: readonly string[];
  /** Calls by name, since the last look. */
  calls(): ReadonlyMap<string, number>;
}

export function createMemoryBlobs(): MemoryBlobs {
  const blobs = new Map<string, Stored>();
  const aliases = new Map<string, readonly [Algorithm, string, string]>();
  const setAside: string[] = [];
  let counted = new Map<string, number>();
  let versions = 0;
  let isFull = false;

  const factsOf = ({ bytes, version }: Stored): StoredFacts & { readonly bytes: Buffer } => {
    if (bytes === undefined) throw new StorageError('damaged', 'This is no blob.');
    return { size: bytes.byteLength, version, bytes };
  };
  const room = () => {
    if (isFull) throw new StorageError('full', 'There is no room.');
  };
  const count = (name: string) => counted.set(name, (counted.get(name) ?? 0) + 1);

  const kept = new Map<string, Buffer>();

  const begin = (key: string | undefined, first: Buffer<ArrayBufferLike> = Buffer.alloc(0)): TakenUp => {
    let written = first;
    let isOver = false;
    return {
      length: first.byteLength,
      async read(into, position) {
        return written.subarray(position, position + into.byteLength).copy(into);
      },
      async write(bytes, position) {
        count('write');
        room();
        const next = Buffer.alloc(Math.max(written.byteLength, position + bytes.byteLength));
        written.copy(next);
        next.set(bytes, position);
        written = next;
      },
      async restart() {
        written = Buffer.alloc(0);
      },
      async keep() {
        count('keep');
        if (key !== undefined && !isOver) kept.set(key, Buffer.from(written));
        isOver = true;
      },
      async commit(sha256) {
        count('commit');
        room();
        isOver = true;
        const blob: Stored = { bytes: written, version: `v${versions++}`, isSynced: false };
        blobs.set(sha256, blob);
        return { size: written.byteLength, version: blob.version };
      },
      async discard() {
        isOver = true;
        written = Buffer.alloc(0);
      },
    };
  };

  const party = (): BlobStorage => ({
    async stat(sha256) {
      count('stat');
      const blob = blobs.get(sha256);
      if (blob === undefined) return undefined;
      const { size, version } = factsOf(blob);
      return { size, version };
    },
    async open(sha256) {
      count('open');
      const blob = blobs.get(sha256);
      if (blob === undefined) return undefined;
      const { size, version } = factsOf(blob);
      return {
        size,
        version,
        async read(into, position) {
          return factsOf(blob)
            .bytes.subarray(position, position + into.byteLength)
            .copy(into);
        },
        async close() {},
      };
    },
    async begin(key) {
      count('begin');
      return begin(key);
    },
    async takeUp(key) {
      count('takeUp');
      const bytes = kept.get(key);
      kept.delete(key);
      return bytes && begin(key, bytes);
    },
    async *kept() {
      for (const [key, { byteLength: size }] of [...kept]) yield { key, size, changedMs: Date.now() } satisfies Kept;
    },
    async removeKept(key) {
      kept.delete(key);
    },
    async sync(sha256) {
      count('sync');
      const blob = blobs.get(sha256);
      if (blob === undefined) throw new StorageError('failed', 'It is not there.');
      blob.isSynced = true;
    },
    async remove(sha256) {
      count('remove');
      blobs.delete(sha256);
    },
    async setAside(sha256) {
      count('setAside');
      if (blobs.delete(sha256)) setAside.push(sha256);
    },
    async *list() {
      count('list');
      for (const [sha256, { bytes }] of [...blobs]) yield { sha256, size: bytes?.byteLength };
    },
    async alias(algorithm, hex) {
      count('alias');
      return aliases.get(`${algorithm} ${hex}`)?.[2];
    },
    async addAlias(algorithm, hex, sha256) {
      count('addAlias');
      aliases.set(`${algorithm} ${hex}`, [algorithm, hex, sha256]);
    },
    async removeAlias(algorithm, hex) {
      aliases.delete(`${algorithm} ${hex}`);
    },
    async *aliases() {
      count('aliases');
      for (const [algorithm, hex, sha256] of [...aliases.values()]) yield { algorithm, hex, sha256 };
    },
  });

  return {
    party,
    change(sha256, at = 0) {
      const blob = blobs.get(sha256);
      if (blob?.bytes === undefined) throw new Error('it is not there');
      blob.bytes = Buffer.from(blob.bytes);
      blob.bytes[at] = (blob.bytes[at] ?? 0) ^ 1;
      blob.version = `v${versions++}`;
    },
    break(sha256) {
      blobs.set(sha256, { bytes: undefined, version: `v${versions++}`, isSynced: true });
    },
    cutPower() {
      for (const [sha256, { isSynced }] of [...blobs]) if (!isSynced) blobs.delete(sha256);
    },
    setFull(full) {
      isFull = full;
    },
    setAside,
    calls() {
      const calls = counted;
      counted = new Map();
      return calls;
    },
  };
}
