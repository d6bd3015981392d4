import { type Reason, Refusal } from '../../bytes/refusal.ts';
import type { Blob } from '../../ports/blob.ts';
import { StorageError } from '../../ports/blob-storage.ts';
import type { Lease } from '../../ports/lease.ts';
import type { OfferEnd, PeerFiles } from '../../ports/peers.ts';
import type { Waiting } from '../download.ts';
import type { Filling } from '../fills.ts';
import { LEASE_TIMES } from '../limits.ts';
import { OwnLease } from '../own-lease.ts';
import { type LeaseTimes, underLease } from '../under-lease.ts';

interface Others {
  /** Who downloads what others may be at, too. */
  readonly lease?: Lease | undefined;
  readonly leaseTimes?: Partial<LeaseTimes> | undefined;
  /** Others that may hold it on disks of their own. */
  readonly peerFiles?: PeerFiles | undefined;
}

interface Store {
  /** The file, where it is stored by now. */
  readonly stored: (wanted: Filling) => Promise<Blob | undefined>;
  /** Proves and stores what one of them sends. */
  readonly take: (wanted: Filling, bytes: AsyncIterable<Uint8Array>, waiting: Waiting) => Promise<Blob>;
}

interface Fill {
  readonly key: string;
  readonly wanted: Filling;
  readonly waiting: Waiting;
  /** Holds one of the places that downloads have. */
  inPlace(work: () => Promise<Blob>): Promise<Blob>;
  /** Downloads it from upstream. */
  run(): Promise<Blob>;
}

const WRONG: ReadonlySet<Reason> = new Set(['digest', 'length']);

/** A download that others may be at as well: upstream is asked by whoever the lease grants it, once no peer has the file. */
export class SharedWork {
  readonly #lease: Lease;
  readonly #times: LeaseTimes;
  readonly #peers: PeerFiles | undefined;
  readonly #store: Store;

  constructor({ lease = new OwnLease(), leaseTimes, peerFiles }: Others, store: Store) {
    this.#lease = lease;
    this.#times = { ...LEASE_TIMES, ...leaseTimes };
    this.#peers = peerFiles;
    this.#store = store;
  }

  fill(fill: Fill): Promise<Blob> {
    const { stored } = this.#store;
    const { key, wanted, waiting } = fill;
    let isAsked = false;
    // Whoever had to wait looks before it runs.
    const look = async () => {
      const there = await stored(wanted);
      if (there !== undefined) return there;
      isAsked = true;
      return this.#fromPeers(fill);
    };
    // A place is held by who downloads, and by nobody who waits for another's download.
    const run = async () => (isAsked ? undefined : await this.#fromPeers(fill)) ?? fill.inPlace(() => fill.run());
    return underLease({ lease: this.#lease, key, times: this.#times, signal: waiting.caller.signal, look, run });
  }

  /** Undefined where no peer has it that is believed; one that lied or broke off is not asked again for it. */
  async #fromPeers({ wanted, waiting, inPlace }: Fill): Promise<Blob | undefined> {
    const peers = this.#peers;
    const { caller } = waiting;
    const sha256 = wanted.sight === true ? undefined : wanted.expected.digests.get('sha256');
    if (peers === undefined || sha256 === undefined) return undefined;
    const limit = wanted.expected.length ?? wanted.limit;
    for (let tries = 0; tries < peers.count; tries++) {
      const offer = await peers.find({ sha256, limit }, caller);
      if (offer === undefined) return undefined;
      try {
        const blob = await inPlace(() => this.#store.take(wanted, offer.bytes, waiting));
        offer.ended('proved');
        return blob;
      } catch (error) {
        offer.ended(caller.signal.aborted ? 'left' : endOf(error));
        if (caller.signal.aborted) throw caller.signal.reason;
      }
    }
    return undefined;
  }
}

/** What our own disk or queue refuses, upstream's bytes meet as well: that is told by them. */
function endOf(error: unknown): OfferEnd {
  if (error instanceof StorageError || !(error instanceof Refusal)) return 'left';
  if (WRONG.has(error.reason)) return 'wrong';
  return error.reason === 'limit' ? 'left' : 'failed';
}
