import { execFileSync } from 'node:child_process';
import { chmod, mkdir, open, rm, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createBlobStorage, type DiskBlobs } from '../../src/disk/blob-storage.ts';
import { sqlite } from '../../src/disk/database/sqlite.ts';
import type { FileOps } from '../../src/disk/file-ops.ts';
import { withSmallBlobs } from '../../src/disk/small-blobs.ts';
import { openVolume } from '../../src/disk/volume.ts';
import type { BlobStorage, StoredBytes } from '../../src/ports/blob-storage.ts';
import { createMemoryDisk } from '../crash/memory-disk.ts';
import { faultyOps, systemError } from '../support/faults.ts';
import { createMemoryBlobs, type MemoryBlobs } from '../support/memory-blobs.ts';
import { scratch } from '../support/volume-harness.ts';
import { documentsOf } from '../unit/disk/state/rig.ts';
import { BLOB_STORAGE_CASES, type BlobStorageRig, blobStorageContract } from './blob-storage.ts';

type Wrap = (storage: BlobStorage) => BlobStorage;

function memoryRig(wrap: Wrap = (storage) => storage, memory: MemoryBlobs = createMemoryBlobs()): BlobStorageRig {
  return {
    storage: wrap(memory.party()),
    another: async () => wrap(memory.party()),
    async afterPowerCut() {
      memory.cutPower();
      return wrap(memory.party());
    },
    change: async (sha256) => memory.change(sha256),
    break: async (sha256) => memory.break(sha256),
    setFull: memory.setFull,
  };
}

async function onFiles(data: string, ops: FileOps): Promise<DiskBlobs> {
  const volume = await openVolume(data, { ops });
  const storage = createBlobStorage(volume);
  onTestFinished(async () => {
    await storage.close();
    await volume.close().catch(() => undefined);
  });
  return storage;
}

/** Files on the disk of this machine, which loses nothing here: a power cut only ends those who used it. */
async function fileRig(): Promise<
  BlobStorageRig & { readonly data: string; readonly ops: FileOps; pathOf(sha256: string): string }
> {
  const data = join(await scratch(), 'data');
  let full = false;
  const ops = faultyOps({
    before({ kind }) {
      if (full && kind === 'write') throw systemError('ENOSPC');
    },
  });
  const pathOf = (sha256: string) => join(data, 'blobs', 'sha256', sha256.slice(0, 2), sha256.slice(2));
  return {
    data,
    ops,
    pathOf,
    storage: await onFiles(data, ops),
    another: () => onFiles(data, ops),
    afterPowerCut: () => onFiles(data, ops),
    async change(sha256) {
      await chmod(pathOf(sha256), 0o600);
      const file = await open(pathOf(sha256), 'r+');
      const byte = Buffer.alloc(1);
      await file.read(byte, 0, 1, 0);
      await file.write(Buffer.from([(byte[0] ?? 0) ^ 1]), 0, 1, 0);
      // The system's clock tick is several milliseconds.
      await file.utimes(1, 1);
      await file.close();
    },
    async break(sha256) {
      await unlink(pathOf(sha256));
      await mkdir(pathOf(sha256));
    },
    setFull(on) {
      full = on;
    },
  };
}

/** Small ones in a database, beside files. After a power cut its log is there as far as it was synced: a trace of system calls (test/crash) holds that it is. */
async function smallRig(): Promise<BlobStorageRig> {
  const rig = await fileRig();
  const { data } = rig;
  const open = async (at: string) => {
    const documents = documentsOf(at);
    const storage = withSmallBlobs(await onFiles(at, rig.ops), documents, { apartMs: 5 });
    onTestFinished(() => storage.close());
    return storage;
  };
  const inDatabase = (act: (database: DatabaseSync) => void) => {
    const database = new (sqlite().DatabaseSync)(join(data, 'documents', 'documents.db'), { timeout: 5000 });
    act(database);
    database.close();
  };
  const keyOf = (sha256: string) => Buffer.from(sha256, 'hex');
  const storage = await open(data);
  return {
    ...rig,
    storage,
    another: () => open(data),
    async afterPowerCut() {
      const copy = join(await scratch(), 'copy');
      // By another process: closing a file of the database here would drop its locks.
      execFileSync('cp', ['-r', data, copy]);
      await rm(join(copy, 'documents', 'documents.db-shm'), { force: true });
      return open(copy);
    },
    async change(sha256) {
      await storage.sync(sha256);
      inDatabase((database) => {
        const changed = database.prepare(
          "UPDATE document SET content = CAST('x' || substr(content, 2) AS BLOB) WHERE sha256 = ?",
        );
        if (changed.run(keyOf(sha256)).changes !== 1) throw new Error('it is not there');
      });
    },
    async break(sha256) {
      await storage.sync(sha256);
      inDatabase((database) => database.prepare('DELETE FROM document WHERE sha256 = ?').run(keyOf(sha256)));
      await mkdir(rig.pathOf(sha256), { recursive: true });
    },
  };
}

/** Files on a disk that loses whatever was not synced. */
async function losingRig(): Promise<BlobStorageRig> {
  let full = false;
  const disk = createMemoryDisk(() => undefined);
  const ops: FileOps = {
    ...disk.ops,
    openNew: async (path, mode) => {
      const file = await disk.ops.openNew(path, mode);
      return {
        ...file,
        write: async (bytes, position) => {
          if (full) throw systemError('ENOSPC');
          return file.write(bytes, position);
        },
      };
    },
  };
  const pathOf = (sha256: string) => `/data/blobs/sha256/${sha256.slice(0, 2)}/${sha256.slice(2)}`;
  return {
    storage: await onFiles('/data', ops),
    another: () => onFiles('/data', ops),
    afterPowerCut: () => onFiles('/data', disk.afterPowerLoss('names and data are lost').ops),
    async change(sha256) {
      const file = await disk.ops.openRead(pathOf(sha256));
      const byte = Buffer.alloc(1);
      await file.read(byte, 1, 0);
      await file.write(Buffer.from([(byte[0] ?? 0) ^ 1, byte[0] ?? 0]), 5);
    },
    async break(sha256) {
      await disk.ops.unlink(pathOf(sha256));
      await disk.ops.makeDirectory(pathOf(sha256));
    },
    setFull(on) {
      full = on;
    },
  };
}

blobStorageContract('in memory', async () => memoryRig());
blobStorageContract('files', fileRig);
blobStorageContract('files, and small ones in a database', smallRig);
blobStorageContract('files on a disk that loses what was not synced', losingRig);

interface Misbehaviour {
  readonly does: string;
  readonly caughtBy: string;
  readonly wrap: Wrap;
}

/** The same, with something done to each blob that is opened. */
function onOpen(change: (blob: StoredBytes) => StoredBytes): Wrap {
  return (storage) => ({
    ...storage,
    async open(...given) {
      const blob = await storage.open(...given);
      return blob && change(blob);
    },
  });
}

const MISBEHAVIOURS: readonly Misbehaviour[] = [
  {
    does: 'shows what is being written',
    caughtBy: 'what was never committed is not there, not even while it is written',
    wrap: (storage) => ({
      ...storage,
      async *list() {
        yield { sha256: '0'.repeat(64), size: 4 };
      },
    }),
  },
  {
    does: 'tells others later',
    caughtBy: 'what was committed is read at once, and by others soon, byte for byte',
    wrap: (storage) => {
      const mine = new Set<string>();
      return {
        ...storage,
        async begin() {
          const writer = await storage.begin();
          return { ...writer, commit: (sha256) => writer.commit(sha256).finally(() => mine.add(sha256)) };
        },
        open: async (sha256, range) => (mine.has(sha256) ? storage.open(sha256, range) : undefined),
      };
    },
  },
  {
    does: 'keeps what was discarded',
    caughtBy: 'what was discarded leaves nothing',
    wrap: (storage) => ({
      ...storage,
      async begin() {
        const writer = await storage.begin();
        return {
          ...writer,
          discard: async () => {
            await writer.commit('0'.repeat(64));
          },
        };
      },
    }),
  },
  {
    does: 'takes back what was committed',
    caughtBy: 'discarding after the commit takes nothing away',
    wrap: (storage) => ({
      ...storage,
      async begin() {
        const writer = await storage.begin();
        let name: string | undefined;
        return {
          ...writer,
          commit: (sha256) => {
            name = sha256;
            return writer.commit(sha256);
          },
          discard: async () => {
            if (name !== undefined) await storage.remove(name);
          },
        };
      },
    }),
  },
  {
    does: 'remembers what came before a restart',
    caughtBy: 'a restart forgets all that was written before it',
    wrap: (storage) => ({
      ...storage,
      begin: async () => ({ ...(await storage.begin()), restart: async () => undefined }),
    }),
  },
  {
    does: 'keeps the writer’s buffer',
    caughtBy: 'a buffer is its owner’s again once it was written',
    wrap: (storage) => ({
      ...storage,
      async begin() {
        const writer = await storage.begin();
        let last: Uint8Array = new Uint8Array();
        return {
          ...writer,
          write: async (bytes) => {
            last = bytes;
          },
          commit: async (sha256) => {
            await writer.write(last, 0);
            return writer.commit(sha256);
          },
        };
      },
    }),
  },
  {
    does: 'keeps a blob for each commit',
    caughtBy: 'two commits of one blob are one blob, and whoever reads the first goes on',
    wrap: (storage) => {
      return {
        ...storage,
        async *list() {
          for await (const one of storage.list()) {
            yield one;
            yield one;
          }
        },
      };
    },
  },
  {
    does: 'has one place for all that is written',
    caughtBy: 'many written at once do not meet',
    wrap: (storage) => {
      let last: Uint8Array = new Uint8Array();
      return {
        ...storage,
        async begin() {
          const writer = await storage.begin();
          return {
            ...writer,
            async write(bytes) {
              last = bytes.slice();
              await new Promise(setImmediate);
              await writer.write(last, 0);
            },
          };
        },
      };
    },
  },
  {
    does: 'is silent about a full disk',
    caughtBy: 'where there is no room that is said, nothing is left, and it works again once there is',
    wrap: (storage) => ({
      ...storage,
      async begin() {
        const writer = await storage.begin();
        return {
          ...writer,
          write: (...given) => writer.write(...given).catch(() => undefined),
          commit: (sha256) => writer.commit(sha256).catch(() => ({ size: 0, version: '' })),
        };
      },
    }),
  },
  {
    does: 'only says that it synced',
    caughtBy: 'what was synced outlasts a power cut, whole',
    wrap: (storage) => ({ ...storage, sync: async () => undefined }),
  },
  {
    does: 'syncs what is not there',
    caughtBy: 'syncing what is not there is an error',
    wrap: (storage) => ({ ...storage, sync: (sha256) => storage.sync(sha256).catch(() => undefined) }),
  },
  {
    does: 'tells all that are synced together what went wrong with one of them',
    caughtBy: 'many synced at once all outlast a power cut, and one that is not there fails alone',
    wrap(storage) {
      const together: Promise<void>[] = [];
      const sync = async (sha256: string) => {
        together.push(storage.sync(sha256));
        await Promise.all(together);
      };
      return { ...storage, sync };
    },
  },
  {
    does: 'reads from the start whatever it is asked',
    caughtBy: 'any range can be read, and what is beyond the end is not there',
    wrap: onOpen((blob) => ({ ...blob, read: (into) => blob.read(into, 0) })),
  },
  {
    does: 'reads no more than the range it was told of',
    caughtBy: 'any range can be read, and what is beyond the end is not there',
    wrap: (storage) => ({
      ...storage,
      async open(sha256, range) {
        const blob = await storage.open(sha256, range);
        return (
          blob && {
            ...blob,
            read: (into, position) => blob.read(into.subarray(0, Math.max(0, range.end - position)), position),
          }
        );
      },
    }),
  },
  {
    does: 'mixes up who reads what',
    caughtBy: 'many read one blob at once, each what it asked for',
    wrap: (storage) => {
      let position = 0;
      return onOpen((blob) => ({
        ...blob,
        async read(into, at) {
          position = at;
          await new Promise(setImmediate);
          return blob.read(into, position);
        },
      }))(storage);
    },
  },
  {
    does: 'gives each look a version',
    caughtBy: 'a version stays while nothing happens, and is another one once other bytes lie there',
    wrap: (storage) => {
      let looks = 0;
      return {
        ...storage,
        async stat(sha256) {
          const facts = await storage.stat(sha256);
          return facts && { ...facts, version: `${looks++}` };
        },
      };
    },
  },
  {
    does: 'takes the size for the version',
    caughtBy: 'a version stays while nothing happens, and is another one once other bytes lie there',
    wrap: (storage) => ({
      ...storage,
      async stat(sha256) {
        const facts = await storage.stat(sha256);
        return facts && { ...facts, version: `${facts.size}` };
      },
    }),
  },
  {
    does: 'lists a part',
    caughtBy: 'what is there is listed, each once, with its size',
    wrap: (storage) => ({
      ...storage,
      async *list() {
        let count = 0;
        for await (const one of storage.list()) if (count++ < 16) yield one;
      },
    }),
  },
  {
    does: 'still opens what was removed',
    caughtBy: 'what was removed is gone for everybody, and nothing else is',
    wrap: (storage) => {
      const known = new Map<string, StoredBytes>();
      return {
        ...storage,
        async open(sha256, range) {
          const blob = (await storage.open(sha256, range)) ?? known.get(sha256);
          if (blob !== undefined) known.set(sha256, blob);
          return blob;
        },
      };
    },
  },
  {
    does: 'takes damage for absence',
    caughtBy: 'what is no blob is damage and not absence, is listed without a size, and can be set aside',
    wrap: (storage) => ({ ...storage, stat: (sha256) => storage.stat(sha256).catch(() => undefined) }),
  },
  {
    does: 'keeps what was set aside',
    caughtBy: 'what was set aside is gone for everybody; setting aside nothing is no error',
    wrap: (storage) => ({ ...storage, setAside: async () => undefined }),
  },
  {
    does: 'keeps the first alias',
    caughtBy: 'another digest leads to a blob until it leads elsewhere or is removed',
    wrap: (storage) => ({
      ...storage,
      async addAlias(algorithm, hex, sha256) {
        if ((await storage.alias(algorithm, hex)) === undefined) await storage.addAlias(algorithm, hex, sha256);
      },
    }),
  },
  {
    does: 'looks at the hex alone',
    caughtBy: 'digests of two algorithms are two names',
    wrap: (storage) => ({
      ...storage,
      alias: (algorithm, hex) => storage.alias(algorithm === 'sha384' ? 'sha512' : algorithm, hex.padEnd(128, 'b')),
    }),
  },
  {
    does: 'gives what was kept to everybody',
    caughtBy: 'what was kept is taken up by the first who asks, also another, and becomes a blob with what is added',
    wrap: (storage) => ({
      ...storage,
      async takeUp(key) {
        const writer = await storage.takeUp(key);
        if (writer === undefined) return undefined;
        const again = await storage.begin(key);
        await again.write(Buffer.alloc(writer.length), 0);
        await again.keep();
        return writer;
      },
    }),
  },
  {
    does: 'keeps once and never again',
    caughtBy: 'what was taken up can be kept again, longer, or begun anew',
    wrap: (storage) => ({
      ...storage,
      async takeUp(key) {
        const writer = await storage.takeUp(key);
        return writer && { ...writer, keep: () => writer.discard() };
      },
    }),
  },
  {
    does: 'keeps whatever is given up',
    caughtBy: 'nothing is kept of what was discarded or committed, or had no key',
    wrap: (storage) => ({
      ...storage,
      async begin(key) {
        const writer = await storage.begin(key);
        return { ...writer, discard: () => writer.keep() };
      },
    }),
  },
  {
    does: 'keeps for ever',
    caughtBy: 'what was kept can be removed; removing nothing is no error',
    wrap: (storage) => ({ ...storage, removeKept: async () => undefined }),
  },
];

describe('a blob storage that', () => {
  it.each(MISBEHAVIOURS)('$does is caught: $caughtBy', async ({ caughtBy, wrap }) => {
    const found = BLOB_STORAGE_CASES.find(({ name }) => name === caughtBy);
    if (found === undefined) throw new Error('no such case');
    await expect(found.run(memoryRig(wrap))).rejects.toThrow();
  });

  it('misbehaves in any way a case is there for', () => {
    const caught = new Set(MISBEHAVIOURS.map(({ caughtBy }) => caughtBy));
    expect(BLOB_STORAGE_CASES.map(({ name }) => name).filter((name) => !caught.has(name))).toEqual([]);
  });
});
