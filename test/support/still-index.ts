import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { blake2b } from 'hash-wasm';
import type { CommonShares } from '../../src/async/shares.ts';
import type { BlobStore } from '../../src/blobs/blob-store.ts';
import { sha256Hex } from '../../src/bytes/digest.ts';
import { makeExpected } from '../../src/bytes/expected.ts';
import { Refusal } from '../../src/bytes/refusal.ts';
import { openVolume } from '../../src/disk/volume.ts';
import type { ReadIndex } from '../../src/http/mount.ts';
import { type FileAnswer, makeFileAnswer } from '../../src/mirror/files/file-answer.ts';
import type { EvidenceKind, SignedDocument, UnverifiedDocuments } from '../../src/mirror/package-index.ts';
import type { Wanted } from '../../src/ports/blobs.ts';
import type { OpenDownload } from '../../src/ports/upstream.ts';
import { decodeJson } from '../../src/pypi/decode-json.ts';
import type { Listing } from '../../src/pypi/listing.ts';
import { fileByDigest, relink } from '../../src/pypi/relink.ts';
import { makePage, type Page } from '../../src/render/page.ts';
import { renderList, renderPage } from '../../src/render/render.ts';
import { blobsOn } from './blobs-on.ts';
import { client } from './callers.ts';

export interface StillFile {
  readonly project: string;
  readonly filename: string;
  readonly bytes: Uint8Array;
  readonly metadata?: Uint8Array;
  /** Under files/PROJECT/DIGEST/ instead of packages/. */
  readonly plain?: boolean;
  /** Left out: the index states it. */
  readonly sizeUnknown?: boolean;
  /** What upstream delivers where that is not what it lists. */
  readonly delivered?: Uint8Array;
}

export interface StillOptions {
  readonly name?: string;
  readonly evidence?: EvidenceKind;
  readonly files?: readonly StillFile[];
  readonly documents?: ReadonlyMap<string, SignedDocument>;
  readonly targets?: ReadonlyMap<string, Uint8Array>;
  /** Documents nothing vouches for. */
  readonly unverified?: UnverifiedDocuments;
  /** False: a layout without one. */
  readonly list?: boolean;
  readonly shares?: CommonShares;
}

/** An index that does not move: real pages, real blobs out of a data directory of its own, an upstream under control. */
export interface StillIndex {
  readonly index: ReadIndex;
  readonly blobs: BlobStore;
  /** `packages/aa/bb/rest/FILE` or `files/PROJECT/DIGEST/FILE`. */
  pathOf(filename: string): string;
  /** Where the blob of these bytes lies. */
  onDisk(bytes: Uint8Array): string;
  /** Downloads begun so far. */
  readonly downloads: { count: number };
  /** Pages are at hand (the default), or only after a wait. */
  warm: boolean;
  /** Projects that were here once. */
  readonly kept: Set<string>;
  /** Thrown by every page and file instead of an answer. */
  refusal: Error | undefined;
  /** Until the returned function is called no download delivers a byte. */
  holdUpstream(): () => void;
  close(): Promise<void>;
}

const absent = (subject: 'page' | 'file' | 'targets' | 'target') =>
  new Refusal('unlisted', 'The index does not list it.', { subject });

export async function createStillIndex(options: StillOptions = {}): Promise<StillIndex> {
  const { name = 'main', evidence = 'tuf', files = [], documents = new Map(), targets = new Map() } = options;
  const data = await mkdtemp(join(tmpdir(), 'verbatim-http-'));
  const volume = await openVolume(join(data, 'data'));
  const { blobs, close: closeBlobs } = blobsOn(volume, { shares: options.shares });
  const listings = new Map<string, Listing>();
  const pages = new Map<string, Page>();
  for (const project of new Set(files.map((file) => file.project))) {
    const listing = await listingOf(project, files);
    listings.set(project, listing);
    pages.set(project, makePage(await renderPage(listing)));
  }
  const list = makePage(await renderList([...pages.keys()]));
  const downloads = { count: 0 };
  let gate: Promise<void> = Promise.resolve();

  const answer = async (
    file: Omit<StillFile, 'project' | 'metadata'> & { readonly project: string | undefined },
  ): Promise<FileAnswer> => {
    const sha256 = sha256Hex(file.bytes);
    const expected = makeExpected({ length: file.bytes.byteLength, digests: new Map([['sha256', sha256]]) });
    const wanted: Wanted = {
      origin: `${name} ${file.filename}`,
      expected,
      limit: 1e9,
      name: file.filename,
      subject: 'file',
    };
    const download: OpenDownload = async ({ offset }) => {
      downloads.count++;
      await gate;
      const bytes = (file.delivered ?? file.bytes).subarray(offset);
      return { start: offset, bytes: deliver(bytes) };
    };
    return makeFileAnswer({
      filename: file.filename,
      project: file.project,
      size: file.sizeUnknown === true ? undefined : file.bytes.byteLength,
      sha256: file.sizeUnknown === true ? undefined : sha256,
      stored: await blobs.stored(expected),
      open: () => blobs.fetch(wanted, download, client()),
    });
  };
  const find = async (project: string, path: string): Promise<FileAnswer> => {
    if (still.refusal !== undefined) throw still.refusal;
    const metadata = path.endsWith('.metadata');
    const bare = metadata ? path.slice(0, -'.metadata'.length) : path;
    const listing = listings.get(project);
    const parts = bare.split('/');
    const own =
      parts.length === 3
        ? listing && fileByDigest(listing, parts[1] ?? '', parts[2] ?? '')
        : listing?.byContentPath.get(bare);
    const file = files.find((each) => each.project === project && each.filename === own?.entry.filename);
    if (file === undefined) throw absent('file');
    if (!metadata) return answer(file);
    if (file.metadata === undefined) throw absent('file');
    return answer({ project, filename: `${file.filename}.metadata`, bytes: file.metadata });
  };

  const index: ReadIndex = {
    name,
    evidence,
    warmPage(project, choice) {
      const page = pages.get(project);
      if (!still.warm || still.refusal !== undefined || page?.has(choice) !== true) return undefined;
      return { page, life: undefined };
    },
    async page(project) {
      if (still.refusal !== undefined) throw still.refusal;
      const page = pages.get(project);
      if (page === undefined) throw absent('page');
      return { page, life: undefined };
    },
    isAbsent: (project) => still.warm && still.refusal === undefined && !pages.has(project),
    mayBeKept: (project) => still.kept.has(project),
    isKept: async (project) => still.kept.has(project),
    async has(project) {
      if (still.refusal !== undefined) throw still.refusal;
      return pages.has(project);
    },
    holds: async (project) => pages.has(project),
    async list() {
      if (options.list === false) throw new Refusal('policy', 'The layout signs no list.', { subject: 'list' });
      return { page: list, life: undefined };
    },
    async file(at) {
      if (!('path' in at)) return find(at.project, `${at.project}/${at.digest}/${at.filename}`);
      const filename = (at.path.split('/').at(-1) ?? '').replace(/\.metadata$/, '');
      return find(at.of ?? files.find((file) => file.filename === filename)?.project ?? '', at.path);
    },
    unverified: options.unverified,
    signed: {
      async metadata(document) {
        const found = documents.get(document);
        if (found === undefined) throw absent('targets');
        return found;
      },
      async target({ path }) {
        const bytes = targets.get(path);
        if (bytes === undefined) throw absent('target');
        return answer({ project: undefined, filename: path.split('/').at(-1) ?? '', bytes });
      },
    },
  };

  const still: StillIndex = {
    index,
    blobs,
    downloads,
    warm: true,
    kept: new Set(),
    refusal: undefined,
    pathOf(filename) {
      for (const listing of listings.values()) {
        const file = listing.files.get(filename);
        if (file !== undefined) return file.path;
      }
      throw new Error(`no file ${filename}`);
    },
    onDisk(bytes) {
      const hex = sha256Hex(bytes);
      return join(data, 'data', 'blobs', 'sha256', hex.slice(0, 2), hex.slice(2));
    },
    holdUpstream() {
      const { promise, resolve } = Promise.withResolvers<void>();
      gate = promise;
      return resolve;
    },
    async close() {
      await closeBlobs();
      await volume.close();
      await rm(data, { recursive: true, force: true });
    },
  };
  return still;
}

async function* deliver(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += 65_536) yield bytes.subarray(at, at + 65_536);
}

async function listingOf(project: string, files: readonly StillFile[]): Promise<Listing> {
  const entries = await Promise.all(
    files
      .filter((file) => file.project === project)
      .map(async ({ filename, bytes, metadata, plain, sizeUnknown }) => {
        const hex = await blake2b(bytes, 256);
        const folder = plain === true ? 'plain' : `${hex.slice(0, 2)}/${hex.slice(2, 4)}/${hex.slice(4)}`;
        return {
          filename,
          url: `https://files.example/packages/${folder}/${encodeURIComponent(filename)}`,
          hashes: { sha256: sha256Hex(bytes) },
          'requires-python': '>=3.8',
          'upload-time': '2024-01-01T00:00:00.000000Z',
          yanked: false,
          ...(sizeUnknown === true ? {} : { size: bytes.byteLength }),
          ...(metadata === undefined ? {} : { 'core-metadata': { sha256: sha256Hex(metadata) } }),
        };
      }),
  );
  const json = JSON.stringify({ meta: { 'api-version': '1.1' }, name: project, files: entries, versions: [] });
  return relink(decodeJson(Buffer.from(json), project), { pageUrl: `https://index.example/simple/${project}/` });
}
