import { randomUUID } from 'node:crypto';
import type { Algorithm } from '../bytes/digest.ts';
import { isDigest, sha256Hex } from '../bytes/digest.ts';
import type { BlobWriter, StoredFacts } from '../ports/blob-storage.ts';
import { ObjectStoreError } from '../ports/object-store.ts';
import { hedged, patiently } from './attempts.ts';
import { refusedBy, type S3Answer, type S3Client } from './client.ts';
import { JoinedWrites } from './joined-writes.ts';
import {
  ASIDE_OBJECTS,
  BODY_MS,
  BODY_SLOWEST,
  PART_BYTES,
  PRESIGNED_SECONDS,
  WAITED_HEAD_MS,
  WAITED_SILENCE_MS,
} from './limits.ts';
import { uploadInParts } from './multipart.ts';
import type { S3ObjectStore } from './object-store.ts';

/** What is asked of a blob before it is uploaded: reads of it, in order. */
export interface Readable {
  readonly size: number;
  read(into: Uint8Array, position: number): Promise<number>;
}

/** Who reads an object while it comes. */
export interface Beside {
  begin(size: number): void;
  add(bytes: Uint8Array): void;
}

export interface BlobFacts extends StoredFacts {
  /** Milliseconds since it was written, by the store's own clock; undefined where it does not tell. */
  readonly ageMs: number | undefined;
}

export interface ListedBlob {
  readonly sha256: string;
  /** Undefined where it cannot be read. */
  readonly size: number | undefined;
}

const BLOBS = 'blobs/sha256/';
const ASIDE = 'aside/';
/** Classes of storage from which nothing is read before somebody has restored it. */
const ARCHIVED: ReadonlySet<string> = new Set(['GLACIER', 'DEEP_ARCHIVE']);

export function isArchived(storageClass: string | undefined): boolean {
  return storageClass !== undefined && ARCHIVED.has(storageClass);
}

function blobKey(sha256: string): string {
  return `${BLOBS}${sha256.slice(0, 2)}/${sha256}`;
}

function aliasKey(algorithm: Algorithm, hex: string): string {
  return `blobs/by/${algorithm}/${hex}`;
}

/** Blobs as objects of a bucket, by sha256. What comes back is suspect. Every call may throw ObjectStoreError. */
export class BlobObjects {
  readonly #client: S3Client;
  readonly #store: S3ObjectStore;

  constructor(client: S3Client, store: S3ObjectStore) {
    this.#client = client;
    this.#store = store;
  }

  /** Undefined where nothing lies there; throws `wrong` for what cannot be read before somebody restores it. */
  async facts(sha256: string): Promise<BlobFacts | undefined> {
    const answer = await this.#client.send({ method: 'HEAD', key: blobKey(sha256), headMs: WAITED_HEAD_MS });
    if (answer.status === 404) return discarded(answer, undefined);
    if (answer.status !== 200) throw await refusedBy(answer, 'Looking for a stored file');
    answer.discard();
    const { headers } = answer;
    const isRestored = String(headers['x-amz-restore'] ?? '').includes('ongoing-request="false"');
    if (isArchived(single(headers['x-amz-storage-class'])) && !isRestored)
      throw new ObjectStoreError('wrong', 'A stored file was archived, and cannot be read from the bucket.');
    const size = sizeOf(answer);
    const age = Date.parse(headers.date ?? '') - Date.parse(headers['last-modified'] ?? '');
    return { size, version: `s3-${(headers.etag ?? '').slice(0, 128)}`, ageMs: Number.isNaN(age) ? undefined : age };
  }

  /** An address of it for whoever is given it; undefined unless it lies there, so long and readable. */
  async presigned(sha256: string, size: number): Promise<string | undefined> {
    const there = await this.facts(sha256);
    return there?.size === size ? this.#client.presigned(blobKey(sha256), PRESIGNED_SECONDS) : undefined;
  }

  /**
   * Writes the whole object into `writer`, and gives it to `beside` as it comes; false where nothing lies there. Waits for its first byte no
   * longer than whoever waits would.
   */
  async bring(sha256: string, writer: BlobWriter, beside: Beside): Promise<boolean> {
    const key = blobKey(sha256);
    const waited = { headMs: WAITED_HEAD_MS, silenceMs: WAITED_SILENCE_MS };
    const answer = await this.#client.send({ method: 'GET', key, ...waited });
    if (answer.status === 404) return discarded(answer, false);
    if (answer.status !== 200) throw await refusedBy(answer, 'Reading a stored file');
    const size = sizeOf(answer);
    const began = performance.now();
    const writes = new JoinedWrites(writer, size);
    beside.begin(size);
    try {
      for await (const bytes of answer.body()) {
        if (performance.now() - began > BODY_MS + (size / BODY_SLOWEST) * 1000)
          throw new ObjectStoreError('away', 'A stored file comes too slowly from the bucket.');
        beside.add(bytes);
        await writes.add(bytes);
      }
      await writes.end();
    } finally {
      // The writer is its caller's again.
      await writes.settled();
    }
    return true;
  }

  /** Uploads what has this digest, and refuses what has not. Others see all of it or nothing. */
  async upload(sha256: string, from: Readable, signal?: AbortSignal): Promise<void> {
    const key = blobKey(sha256);
    if (from.size > PART_BYTES) {
      const there = await this.facts(sha256);
      if (there?.size !== from.size) await uploadInParts(this.#client, { key, sha256, from, signal });
      return;
    }
    const body = new Uint8Array(from.size);
    if ((await from.read(body, 0)) !== from.size || sha256Hex(body) !== sha256)
      throw new ObjectStoreError('wrong', 'A file on this disk is not what its name says, and is not uploaded.');
    await patiently(this.#client, signal, async () => {
      const answer = await hedged(this.#client, { method: 'PUT', key, body, signal });
      if (answer.status !== 200) throw await refusedBy(answer, 'Uploading a file');
      answer.discard();
    });
  }

  remove(sha256: string): Promise<void> {
    return this.#store.remove(blobKey(sha256));
  }

  /** Moves it to where evidence lies. What cannot be copied (archived, too large for one copy) is removed alone. */
  async setAside(sha256: string): Promise<void> {
    const { bucket, prefix } = this.#client.address;
    const source = `/${bucket}/${prefix}${blobKey(sha256)}`;
    const answer = await this.#client.send({
      method: 'PUT',
      key: `${ASIDE}${sha256}-${randomUUID()}`,
      headers: { 'x-amz-copy-source': source },
    });
    const isCopied = answer.status === 200;
    answer.discard();
    await this.remove(sha256);
    if (isCopied) await this.#boundEvidence();
  }

  /** Everything under a digest's name. Never on a request. */
  async *list(): AsyncGenerator<ListedBlob, void, undefined> {
    for await (const { key, size, storageClass } of this.#store.objects(BLOBS)) {
      const sha256 = key.slice(BLOBS.length + 3);
      if (isDigest('sha256', sha256) && key === blobKey(sha256))
        yield { sha256, size: isArchived(storageClass) ? undefined : size };
    }
  }

  async alias(algorithm: Algorithm, hex: string): Promise<string | undefined> {
    const answer = await this.#client.send({ method: 'GET', key: aliasKey(algorithm, hex), headMs: WAITED_HEAD_MS });
    if (answer.status === 404) return discarded(answer, undefined);
    if (answer.status !== 200) throw await refusedBy(answer, 'Reading which file a digest is of');
    const sha256 = Buffer.from(await answer.bytes(64)).toString('latin1');
    return isDigest('sha256', sha256) ? sha256 : undefined;
  }

  async addAlias(algorithm: Algorithm, hex: string, sha256: string): Promise<void> {
    const request = { method: 'PUT', key: aliasKey(algorithm, hex), body: Buffer.from(sha256) } as const;
    await patiently(this.#client, undefined, async () => {
      const answer = await hedged(this.#client, request);
      if (answer.status !== 200) throw await refusedBy(answer, 'Recording which file a digest is of');
      answer.discard();
    });
  }

  removeAlias(algorithm: Algorithm, hex: string): Promise<void> {
    return this.#store.remove(aliasKey(algorithm, hex));
  }

  async #boundEvidence(): Promise<void> {
    const evidence: { readonly key: string; readonly changedMs: number }[] = [];
    for await (const one of this.#store.objects(ASIDE)) evidence.push(one);
    evidence.sort((one, other) => one.changedMs - other.changedMs);
    for (const { key } of evidence.slice(0, Math.max(0, evidence.length - ASIDE_OBJECTS)))
      await this.#store.remove(key);
  }
}

function sizeOf({ headers }: S3Answer): number {
  const size = Number(headers['content-length'] ?? Number.NaN);
  if (!Number.isSafeInteger(size))
    throw new ObjectStoreError('wrong', 'The bucket does not say how long a stored file is.');
  return size;
}

function single(header: string | readonly string[] | undefined): string | undefined {
  return typeof header === 'string' ? header : header?.[0];
}

function discarded<T>(answer: S3Answer, value: T): T {
  answer.discard();
  return value;
}
