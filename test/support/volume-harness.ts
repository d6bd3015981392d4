import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { blake2b } from 'hash-wasm';
import { expect, onTestFinished } from 'vitest';
import type { BlobStore } from '../../src/blobs/blob-store.ts';
import type { BlobsOptions } from '../../src/blobs/parts.ts';
import type { Algorithm, Digests } from '../../src/bytes/digest.ts';
import { type Expected, makeExpected } from '../../src/bytes/expected.ts';
import type { Range } from '../../src/bytes/range.ts';
import { type Reason, Refusal } from '../../src/bytes/refusal.ts';
import type { DiskBlobsOptions } from '../../src/disk/blob-storage.ts';
import type { FileOps } from '../../src/disk/file-ops.ts';
import { openVolume, type Volume } from '../../src/disk/volume.ts';
import type { Blob } from '../../src/ports/blob.ts';
import type { Wanted } from '../../src/ports/blobs.ts';
import type { Download, OpenDownload } from '../../src/ports/upstream.ts';
import { blobsOn } from './blobs-on.ts';
import { client } from './callers.ts';

export const MIB = 1024 * 1024;

/** A directory that goes when the test ends. */
export async function scratch(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'verbatim-store-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

export interface Store {
  readonly data: string;
  readonly volume: Volume;
  readonly blobs: BlobStore;
  readonly corrupt: string[];
  pathOf(bytes: Uint8Array): string;
  close(): Promise<void>;
}

export interface StoreOptions extends Omit<BlobsOptions, 'storage' | 'record'>, DiskBlobsOptions {
  readonly data?: string;
  readonly ops?: FileOps;
}

export async function openStore(options: StoreOptions = {}): Promise<Store> {
  const { data: given, ops, ...rest } = options;
  const data = given ?? join(await scratch(), 'data');
  const volume = await openVolume(data, ops === undefined ? {} : { ops });
  const corrupt: string[] = [];
  const { blobs, close: closeBlobs } = blobsOn(volume, { onCorrupt: ({ sha256 }) => corrupt.push(sha256), ...rest });
  let open = true;
  const close = async () => {
    if (!open) return;
    open = false;
    await closeBlobs();
    await volume.close().catch(() => undefined);
  };
  onTestFinished(close);
  const pathOf = (bytes: Uint8Array) => {
    const hex = sha256(bytes);
    return join(data, 'blobs', 'sha256', hex.slice(0, 2), hex.slice(2));
  };
  return { data, volume, blobs, corrupt, pathOf, close };
}

/** The same directory, as after a restart. */
export async function reopen(store: Store, options: StoreOptions = {}): Promise<Store> {
  await store.close();
  return openStore({ ...options, data: store.data });
}

export function content(size: number): Buffer {
  return randomBytes(size);
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

export async function digestsOf(bytes: Uint8Array, algorithms: readonly Algorithm[] = ['sha256']): Promise<Digests> {
  const digests = new Map<Algorithm, string>();
  for (const algorithm of algorithms)
    digests.set(
      algorithm,
      algorithm === 'blake2b-256' ? await blake2b(bytes, 256) : createHash(algorithm).update(bytes).digest('hex'),
    );
  return digests;
}

export function expectedOf(bytes: Uint8Array): Expected {
  return makeExpected({ length: bytes.byteLength, digests: new Map([['sha256', sha256(bytes)]]) });
}

export function wanted(bytes: Uint8Array, over: Partial<Wanted> = {}): Wanted {
  return {
    origin: 'main https://upstream.invalid/f',
    expected: expectedOf(bytes),
    limit: 64 * MIB,
    name: 'f-1.0.whl',
    subject: 'file',
    ...over,
  };
}

type Request = Parameters<OpenDownload>[0];

export async function* inParts(bytes: Uint8Array, size = 64 * 1024): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += size) yield bytes.subarray(at, at + size);
}

/** An upstream that answers each attempt in turn (the last answer again and again), and remembers what it was asked. */
export function upstream(...answers: readonly ((request: Request) => Download | Promise<Download>)[]) {
  const requests: Request[] = [];
  const download: OpenDownload = async (request) => {
    requests.push(request);
    const answer = answers[Math.min(requests.length, answers.length) - 1];
    if (answer === undefined) throw new Error('no answer was prepared');
    return answer(request);
  };
  return { download, requests };
}

/** Answers with the body from the offset asked for. */
export function whole(bytes: Uint8Array): (request: Request) => Download {
  return ({ offset }) => ({ start: offset, bytes: inParts(bytes.subarray(offset)) });
}

/** As `whole`, but the connection ends, or breaks with `error`, after `length` more bytes. */
export function cut(bytes: Uint8Array, length: number, error?: Error): (request: Request) => Download {
  return ({ offset }) => ({
    start: offset,
    bytes: (async function* () {
      yield* inParts(bytes.subarray(offset, offset + length));
      if (error !== undefined) throw error;
    })(),
  });
}

/** A body that goes on only when the test says so. */
export function held(bytes: Uint8Array) {
  const gate = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  const answer = ({ offset }: Request): Download => ({
    start: offset,
    bytes: (async function* () {
      yield bytes.subarray(offset, Math.floor(bytes.byteLength / 2));
      begun.resolve();
      await gate.promise;
      yield bytes.subarray(Math.max(offset, Math.floor(bytes.byteLength / 2)));
    })(),
  });
  return { answer, begun: begun.promise, release: gate.resolve };
}

/** What a send hands on, copied as a socket would. */
export async function sent(blob: Blob, range: Range = { start: 0, end: blob.size }): Promise<Buffer> {
  const parts: Buffer[] = [];
  await blob.send(
    range,
    async (chunk) => {
      parts.push(Buffer.from(chunk));
    },
    client(),
  );
  return Buffer.concat(parts);
}

/** As `sent`, for a send that is refused: what left before, and why it ended. */
export async function sentUntilRefused(
  blob: Blob,
  range?: Range,
): Promise<{ readonly left: Buffer; readonly reason: Reason }> {
  const parts: Buffer[] = [];
  const error = await blob
    .send(
      range ?? { start: 0, end: blob.size },
      async (chunk) => {
        parts.push(Buffer.from(chunk));
      },
      client(),
    )
    .then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
  if (!(error instanceof Refusal)) throw new Error('the send was not refused', { cause: error });
  return { left: Buffer.concat(parts), reason: error.reason };
}

export async function refusalOf(task: Promise<unknown>): Promise<Refusal> {
  const error = await task.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(Refusal);
  if (!(error instanceof Refusal)) throw error;
  return error;
}

/** Every file below a directory, as paths relative to it. */
export async function filesBelow(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1))
    .sort();
}

/** Everything an iteration yields. */
export async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}
