import type { Background } from '../async/background.ts';
import type { Caller } from '../async/caller.ts';
import type { Statement } from '../bytes/digest.ts';
import { Refusal, type Subject } from '../bytes/refusal.ts';
import { type BlobStorage, StorageError } from '../ports/blob-storage.ts';
import type { BlobChange } from '../ports/peers.ts';
import type { Aliases } from './aliases.ts';
import { BlobGone } from './chunks.ts';
import { SYNC_FROM } from './limits.ts';
import type { Bulletin } from './peers/bulletin.ts';
import type { Proof, Proofs } from './proofs.ts';
import { isWrong } from './scan.ts';
import type { UsageOrder } from './usage-order.ts';

interface StoredBlobsDeps {
  readonly storage: BlobStorage;
  readonly order: UsageOrder;
  readonly proofs: Proofs;
  readonly aliases: Aliases;
  readonly behind: Background;
  readonly bulletin: Bulletin;
  /** The order of use has changed. */
  readonly onChange: () => void;
  /** What is kept has changed. */
  readonly onKept: () => void;
  readonly onCorrupt: (event: { readonly sha256: string; readonly message: string }) => void;
  readonly onTrouble: (error: unknown) => void;
}

/**
 * What the storage holds, and what is known of it. Invariant: what was found wrong or gone is neither proved nor in the
 * order of use any more, and is found by nobody.
 */
export class StoredBlobs {
  readonly #deps: StoredBlobsDeps;

  constructor(deps: StoredBlobsDeps) {
    this.#deps = deps;
  }

  /** The proof of what is stored, without counting it as a use; undefined where nothing is, or it does not prove `expected`. */
  async find({ digests, length }: Statement, caller: Caller): Promise<Proof | undefined> {
    const { storage, order, proofs, aliases } = this.#deps;
    const sha256 = await aliases.find(digests);
    if (sha256 === undefined) return undefined;
    // What is published while the storage looks is not gone because the look came before it.
    const wasThere = order.has(sha256);
    try {
      const facts = await storage.stat(sha256, length);
      if (facts === undefined) {
        if (wasThere) this.#gone(sha256);
        return undefined;
      }
      const proof = await proofs.prove(sha256, digests, caller, facts);
      return length !== undefined && length !== proof?.size ? undefined : proof;
    } catch (error) {
      const refusal = await this.afterFailedRead(sha256, error);
      if (error instanceof BlobGone || isWrong(error)) return undefined;
      throw refusal;
    }
  }

  /** What was proved and committed: everybody finds it from now on. `index`: for which it is counted. */
  publish(proof: Proof, index: string | undefined): void {
    const { order, proofs, aliases, behind, bulletin, onChange, onTrouble } = this.#deps;
    const { sha256, size, digests } = proof;
    proofs.remember(proof);
    order.added(sha256, size, index);
    bulletin.add({ kind: 'added', sha256, size, index });
    onChange();
    aliases.add(digests, sha256);
    if (size >= SYNC_FROM) behind.add(this.sync(sha256).catch(onTrouble));
  }

  /** It outlasts a power cut when this resolves; the storage syncs together what is asked for together. */
  async sync(sha256: string): Promise<void> {
    try {
      await this.#deps.storage.sync(sha256);
    } catch (error) {
      this.#gone(sha256);
      throw refusalOf(error, 'file');
    }
  }

  /** What a failed read of a blob means for it; resolves with what to tell the reader. */
  async afterFailedRead(sha256: string, error: unknown): Promise<unknown> {
    if (error instanceof BlobGone) this.#gone(sha256);
    else if (isWrong(error)) await this.setAside(sha256, error instanceof Error ? error.message : 'unreadable');
    return refusalOf(error, 'file');
  }

  /** Nobody finds it from now on. Throws StorageError where it could not be removed. */
  async forget(sha256: string): Promise<void> {
    this.#gone(sha256);
    await this.#deps.storage.remove(sha256);
    this.#deps.bulletin.add({ kind: 'removed', sha256 });
  }

  /** What another process did to the same blobs. */
  follow(changes: readonly BlobChange[]): void {
    const { storage, order, proofs, onChange, onKept } = this.#deps;
    for (const change of changes) {
      if (change.kind === 'vouched') continue;
      storage.heard?.(change);
      if (change.kind === 'removed') {
        proofs.forget(change.sha256);
        order.removed(change.sha256);
      } else if (change.kind === 'kept') {
        order.keep(change.sha256, change.by);
        onKept();
      } else order[change.kind](change.sha256, change.size, change.index);
    }
    onChange();
  }

  async setAside(sha256: string, message: string): Promise<void> {
    const { storage, bulletin, onCorrupt, onTrouble } = this.#deps;
    this.#gone(sha256);
    await storage.setAside(sha256).catch(onTrouble);
    bulletin.add({ kind: 'removed', sha256 });
    onCorrupt({ sha256, message });
  }

  #gone(sha256: string): void {
    this.#deps.proofs.forget(sha256);
    this.#deps.order.removed(sha256);
    this.#deps.onChange();
  }
}

/** A storage in trouble as an answer: always transient, because nothing about the asked-for bytes was judged. */
export function refusalOf(error: unknown, subject: Subject): unknown {
  if (!(error instanceof StorageError)) return error;
  const reason = error.kind === 'full' || error.kind === 'busy' ? 'limit' : 'state';
  return new Refusal(reason, error.message, { subject, cause: error, transient: true });
}
