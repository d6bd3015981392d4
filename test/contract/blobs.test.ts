import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { internalCaller, withSignal } from '../../src/async/caller.ts';
import { BlobStore } from '../../src/blobs/blob-store.ts';
import { sha256Hex } from '../../src/bytes/digest.ts';
import { makeExpected } from '../../src/bytes/expected.ts';
import { createBlobStorage, type DiskBlobs } from '../../src/disk/blob-storage.ts';
import { withSmallBlobs } from '../../src/disk/small-blobs.ts';
import { openVolume } from '../../src/disk/volume.ts';
import { makeBlob } from '../../src/ports/blob.ts';
import type { BlobStorage, UsageRecord } from '../../src/ports/blob-storage.ts';
import type { Blobs } from '../../src/ports/blobs.ts';
import type { Download, OpenDownload } from '../../src/ports/upstream.ts';
import { client } from '../support/callers.ts';
import { createMemoryBlobs } from '../support/memory-blobs.ts';
import { flipQuietly } from '../support/quiet-damage.ts';
import { scratch } from '../support/volume-harness.ts';
import { documentsOf } from '../unit/disk/state/rig.ts';
import { BLOBS_CASES, type BlobsRig, blobsContract, ROOM } from './blobs.ts';

type Wrap = (blobs: Blobs, storage: BlobStorage) => Blobs;

function memoryRecord(): UsageRecord {
  let record: Uint8Array | undefined;
  return {
    read: async () => record,
    async write(bytes) {
      record = bytes;
    },
  };
}

/** The store over one storage, begun again at each call. */
function starting(storage: BlobStorage): () => Promise<BlobStore> {
  const record = memoryRecord();
  let last: BlobStore | undefined;
  onTestFinished(async () => last?.close());
  return async () => {
    await last?.close();
    last = new BlobStore({ storage, record, maxBytes: ROOM });
    await last.scanned;
    return last;
  };
}

async function memoryRig(wrap: Wrap = (blobs) => blobs): Promise<BlobsRig> {
  const memory = createMemoryBlobs();
  const storage = memory.party();
  const start = starting(storage);
  return {
    blobs: wrap(await start(), storage),
    restart: async () => wrap(await start(), storage),
    change: async (sha256, at) => memory.change(sha256, at),
  };
}

async function fileRig(tier: (files: DiskBlobs, data: string) => DiskBlobs = (files) => files): Promise<BlobsRig> {
  const data = join(await scratch(), 'data');
  const volume = await openVolume(data);
  const storage = tier(createBlobStorage(volume), data);
  onTestFinished(async () => {
    await storage.close();
    await volume.close();
  });
  const start = starting(storage);
  const pathOf = (sha256: string) => join(data, 'blobs', 'sha256', sha256.slice(0, 2), sha256.slice(2));
  return { blobs: await start(), restart: start, change: (sha256, at) => flipQuietly(pathOf(sha256), at) };
}

blobsContract('over a storage in memory', () => memoryRig());
blobsContract('over files', () => fileRig());
blobsContract('over files, and small ones in a database', () =>
  fileRig((files, data) => withSmallBlobs(files, documentsOf(data))),
);

/** As it is, but for what `change` says. */
function but(blobs: Blobs, change: Partial<Blobs>): Blobs {
  return {
    stored: (expected) => blobs.stored(expected),
    isHeld: (stated) => blobs.isHeld(stated),
    get removals() {
      return blobs.removals;
    },
    open: (expected) => blobs.open(expected),
    fetch: (...given) => blobs.fetch(...given),
    sight: (...given) => blobs.sight(...given),
    sync: (sha256) => blobs.sync(sha256),
    keep: (...given) => blobs.keep(...given),
    readDocument: (...given) => blobs.readDocument(...given),
    writeDocument: (document) => blobs.writeDocument(document),
    ...change,
  };
}

/** What is stored, as it is: nobody looks at it. */
async function unchecked(storage: BlobStorage, sha256: string) {
  const size = (await storage.stat(sha256))?.size;
  if (size === undefined) return undefined;
  const read = async (start: number, end: number) => {
    const into = Buffer.alloc(end - start);
    const blob = await storage.open(sha256, { start, end });
    await blob?.read(into, start);
    return into;
  };
  return makeBlob(sha256, size, {
    send: async ({ start, end }, write) => write(await read(start, end)),
    bytes: async () => read(0, size),
  });
}

/** Takes whatever comes. */
async function unproved(download: OpenDownload) {
  const parts: Uint8Array[] = [];
  const { bytes }: Download = await download({ offset: 0, limit: ROOM, attempt: 1, caller: client() });
  for await (const part of bytes) parts.push(part.slice());
  const whole = Buffer.concat(parts);
  return makeBlob(sha256Hex(whole), whole.byteLength, {
    send: ({ start, end }, write) => write(whole.subarray(start, end)),
    bytes: async () => whole,
  });
}

let origins = 0;

const MISBEHAVIOURS: readonly { readonly does: string; readonly caughtBy: string; readonly wrap: Wrap }[] = [
  {
    does: 'says that everything is there',
    caughtBy: 'what was never fetched is not there; what was is there at once, and after a restart',
    wrap: (blobs) => but(blobs, { stored: async () => true }),
  },
  {
    does: 'downloads for each who asks',
    caughtBy: 'however many ask there is one download, and all get its bytes',
    wrap: (blobs) =>
      but(blobs, { fetch: (want, ...given) => blobs.fetch({ ...want, origin: `${origins++}` }, ...given) }),
  },
  {
    does: 'hands out what came',
    caughtBy: 'nobody is handed anything before the whole was proved, and nothing wrong is kept',
    wrap: (blobs) => but(blobs, { fetch: (_, download) => unproved(download) }),
  },
  {
    does: 'takes the digest for enough',
    caughtBy: 'a body longer than stated is refused',
    wrap: (blobs) =>
      but(blobs, {
        fetch: (want, download, caller) =>
          blobs.fetch(
            want,
            async (request) => {
              const { start, bytes } = await download(request);
              const cut = async function* () {
                for await (const part of bytes) yield part.subarray(0, want.expected.length);
              };
              return { start, bytes: cut() };
            },
            caller,
          ),
      }),
  },
  {
    does: 'believes any expectation',
    caughtBy: 'an expectation that nobody of ours stated is refused',
    wrap: (blobs) =>
      but(blobs, {
        fetch: (want, ...given) => blobs.fetch({ ...want, expected: makeExpected(want.expected) }, ...given),
      }),
  },
  {
    does: 'sends what is stored without a look at it',
    caughtBy: 'of a MiB that was changed no byte leaves, wherever in it one asks, and it is fetched anew',
    wrap: (blobs, storage) =>
      but(blobs, {
        async fetch(...given) {
          const blob = await blobs.fetch(...given);
          return (await unchecked(storage, blob.sha256)) ?? blob;
        },
      }),
  },
  {
    does: 'believes what is stored at its first touch',
    caughtBy: 'what was changed before a start is found before anything of it leaves',
    wrap: (blobs, storage) => but(blobs, { open: ({ digests }) => unchecked(storage, digests.get('sha256') ?? '') }),
  },
  {
    does: 'downloads for nobody',
    caughtBy: 'a download of which nothing has come ends when all have left',
    wrap: (blobs) =>
      but(blobs, {
        async fetch(want, download, caller) {
          const left = new Promise<never>((_, reject) => {
            caller.signal.addEventListener('abort', () => reject(new Error('left')));
          });
          return Promise.race([blobs.fetch(want, download, client()), left]);
        },
      }),
  },
  {
    does: 'ends with the first who leaves',
    caughtBy: 'a download goes on for whoever stays',
    wrap: (blobs) => {
      const left = new AbortController();
      return but(blobs, {
        fetch(want, download, caller) {
          caller.signal.addEventListener('abort', () => left.abort(caller.signal.reason));
          return blobs.fetch(want, download, client({ signal: left.signal }));
        },
      });
    },
  },
  {
    does: 'keeps a job a job',
    caughtBy: 'a download for a job is a client’s as soon as a client waits for it',
    wrap: (blobs) =>
      but(blobs, {
        fetch: (want, download, caller) =>
          blobs.fetch(want, download, withSignal(internalCaller('main', 'sync'), caller.signal)),
      }),
  },
  {
    does: 'forgets what is to be kept',
    caughtBy: 'what is kept stays when others go for want of room, also after a restart',
    wrap: (blobs) => but(blobs, { keep: async (sha256) => !sha256.startsWith('00000000') }),
  },
  {
    does: 'knows a document by its SHA-256 alone',
    caughtBy: 'a document that was written is read, proved, by each of its digests, also after a restart',
    wrap: (blobs) =>
      but(blobs, {
        readDocument: async (expected, limit) =>
          expected.digests.has('sha256') ? blobs.readDocument(expected, limit) : undefined,
      }),
  },
  {
    does: 'reads a document of any size',
    caughtBy: 'a document larger than its reader accepts is refused',
    wrap: (blobs) => but(blobs, { readDocument: (expected) => blobs.readDocument(expected, ROOM) }),
  },
  {
    does: 'keeps documents apart',
    caughtBy: 'a document that was written is a file like any other',
    wrap: (blobs) => but(blobs, { writeDocument: async () => undefined }),
  },
];

describe('a store that', () => {
  it.each(MISBEHAVIOURS)('$does is caught: $caughtBy', async ({ caughtBy, wrap }) => {
    const found = BLOBS_CASES.find(({ name }) => name === caughtBy);
    if (found === undefined) throw new Error('no such case');
    await expect(found.run(await memoryRig(wrap))).rejects.toThrow();
  });

  it('misbehaves in any way a case is there for', () => {
    const caught = new Set(MISBEHAVIOURS.map(({ caughtBy }) => caughtBy));
    expect(BLOBS_CASES.map(({ name }) => name).filter((name) => !caught.has(name))).toEqual([]);
  });
});
