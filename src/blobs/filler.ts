import type { Statement } from '../bytes/digest.ts';
import { createProver } from '../bytes/prover.ts';
import { Refusal } from '../bytes/refusal.ts';
import type { Blob } from '../ports/blob.ts';
import { StorageError } from '../ports/blob-storage.ts';
import type { OpenDownload } from '../ports/upstream.ts';
import { download as downloadInto, type Waiting } from './download.ts';
import { FillWriter } from './fill-writer.ts';
import type { Filling } from './fills.ts';
import { ROOM_UNSTATED } from './limits.ts';
import type { Partials } from './partials.ts';
import type { Parts } from './parts.ts';
import type { Proof } from './proofs.ts';
import { refusalOf } from './stored-blobs.ts';

/** Tells other downloads of a proof; `blobOf` gives each the blob it wants, where there is one by now. */
export type OnProved = (proof: Proof, blobOf: (wanted: Filling) => Promise<Blob | undefined>) => Promise<void>;

/** One download after another: into a partial, proved, published. Makes room where the disk is full. */
export class Filler {
  readonly #parts: Parts;
  readonly #partials: Partials;
  readonly #onProved: OnProved;
  #published = 0;

  constructor(parts: Parts, partials: Partials, onProved: OnProved) {
    this.#parts = parts;
    this.#partials = partials;
    this.#onProved = onProved;
  }

  /** Counts publications. */
  get published(): number {
    return this.#published;
  }

  /** Whether a look for it that began at that count and found nothing overlapped its publication, and is to be taken again. */
  mayHavePublished({ digests }: Statement, since: number): boolean {
    const sha256 = digests.get('sha256');
    return since !== this.#published && (sha256 === undefined || this.#parts.order.has(sha256));
  }

  async fill(wanted: Filling, download: OpenDownload, waiting: Waiting): Promise<Blob> {
    const { expected, subject } = wanted;
    const { isOwner, behind, onTrouble, maxBytes } = this.#parts;
    // What nobody stated the length of may not grow past what is kept at all.
    const limit = expected.length === undefined ? Math.min(wanted.limit, maxBytes) : wanted.limit;
    const bounded = { ...wanted, limit };
    try {
      return await this.#partials.writing(bounded, waiting.caller.signal, async (writer) => {
        await downloadInto(writer, bounded, download, waiting);
        return this.#commit(writer, wanted, waiting);
      });
    } catch (error) {
      if (isOwner && error instanceof StorageError && error.kind === 'full') await this.#makeRoom(bounded);
      else if (isOwner) behind.add(this.#partials.tidy().catch(onTrouble));
      throw refusalOf(limit < wanted.limit ? aboutCache(error, limit) : error, subject);
    }
  }

  /** What a peer sends: proved as every download is, and nothing of it is kept where it does not prove. */
  async take(wanted: Filling, bytes: AsyncIterable<Uint8Array>, waiting: Waiting): Promise<Blob> {
    const { expected } = wanted;
    const { storage, maxBytes } = this.#parts;
    const limit = Math.min(wanted.limit, maxBytes);
    const writing = { expected, limit, startProver: () => createProver(expected) };
    const writer = await FillWriter.open(await storage.begin(), writing);
    try {
      for await (const chunk of bytes) {
        waiting.received();
        await writer.write(chunk);
      }
      await writer.prove();
      return await this.#commit(writer, wanted, waiting);
    } finally {
      await writer.discard();
    }
  }

  async #commit(writer: FillWriter, wanted: Filling, { caller }: Waiting): Promise<Blob> {
    const { stored, reader, blobOf } = this.#parts;
    const proof = await writer.commit();
    this.publish(proof, wanted.index);
    const { whole } = writer;
    if (whole !== undefined) reader.remember(proof, whole);
    await this.#onProved(proof, async (other) => {
      const there = other === wanted ? undefined : await stored.find(other.expected, caller);
      return there && blobOf(there);
    });
    return blobOf(proof);
  }

  /** What was proved and committed is found from now on, and may push out what is older. */
  publish(proof: Proof, index: string | undefined): void {
    const { stored, isOwner, evictor, onTrouble } = this.#parts;
    stored.publish(proof, index);
    this.#published++;
    if (isOwner) evictor.run({ newest: proof.sha256 }).catch(onTrouble);
  }

  /** Another program may fill the disk below our own limit: make room by as much as was wanted. */
  async #makeRoom({ expected, limit }: Filling): Promise<void> {
    await this.#partials.removeAll();
    const { limit: most, bytes } = this.#parts.order.usage();
    const room = expected.length ?? Math.min(limit, ROOM_UNSTATED);
    await this.#parts.evictor.run({ room: Math.max(0, most - bytes) + room });
  }
}

/** A body that is refused for its size names the setting where that is what it met. */
function aboutCache(error: unknown, maxBytes: number): unknown {
  if (!(error instanceof Refusal) || error.reason !== 'limit' || error.transient) return error;
  const message = `${error.message} The whole cache has ${maxBytes} (cache.max_bytes).`;
  return new Refusal('limit', message, { subject: error.subject, cause: error });
}
