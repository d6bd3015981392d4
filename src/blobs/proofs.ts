import { LRUCache } from 'lru-cache';
import type { Caller } from '../async/caller.ts';
import { createFlights, type Flights } from '../async/flight.ts';
import { type Gate, withPlace } from '../async/gate.ts';
import type { Algorithm, Digests, Statement } from '../bytes/digest.ts';
import { createProver } from '../bytes/prover.ts';
import { Refusal } from '../bytes/refusal.ts';
import type { BlobStorage, StoredFacts } from '../ports/blob-storage.ts';
import type { ChunkBuffers } from './chunk-buffers.ts';
import { type Checked, readWhole } from './chunks.ts';
import { Tags } from './tags.ts';

/** A blob that was hashed whole in this process: what it proved to be, and its tags. */
export interface Proof extends Checked {
  /** Every digest that was computed over it, sha256 among them. */
  readonly digests: Digests;
  /** The storage's name for what was hashed. */
  readonly version: string;
}

interface ProofsOptions {
  readonly storage: BlobStorage;
  readonly buffers: ChunkBuffers;
  /** Bytes of proofs kept. */
  readonly memory: number;
  /** Where blobs wait to be hashed. */
  readonly gate: Gate;
}

const RECORD_OVERHEAD = 512;

/**
 * Proofs in memory. A blob that has none, none for a digest now asked for, or that is not what was hashed, is hashed whole
 * at its next touch, once however many ask.
 */
export class Proofs {
  readonly #deps: ProofsOptions;
  readonly #proofs: LRUCache<string, Proof>;
  readonly #underway: Flights<Proof> = createFlights();

  constructor(options: ProofsOptions) {
    this.#deps = options;
    this.#proofs = new LRUCache({
      maxSize: options.memory,
      sizeCalculation: ({ tags }) => RECORD_OVERHEAD + tags.bytes,
    });
  }

  remember(proof: Proof): void {
    this.#proofs.set(proof.sha256, proof);
  }

  forget(sha256: string): void {
    this.#proofs.delete(sha256);
  }

  /**
   * Undefined where it does not prove `digests` although it is what its name says; throws `digest` where it is not, `limit`
   * where too many wait for theirs. `facts`: what lies there now, where somebody looked.
   */
  async prove(sha256: string, digests: Digests, caller: Caller, facts?: StoredFacts): Promise<Proof | undefined> {
    const listed = digests.get('sha256');
    if (listed !== undefined && listed !== sha256) return undefined;
    for (;;) {
      const known = this.#proofs.get(sha256);
      if (known !== undefined && (facts === undefined || known.version === facts.version)) {
        const verdict = covers(known.digests, digests);
        if (verdict !== 'unknown') return verdict === 'holds' ? known : undefined;
      }
      const other = this.#underway.joinUnderway(sha256, caller);
      if (other === undefined) return this.#proveNow(sha256, digests, known, caller);
      // It may have been asked for another digest, or have failed by one.
      await other.catch(() => caller.signal.throwIfAborted());
    }
  }

  async #proveNow(
    sha256: string,
    digests: Digests,
    known: Proof | undefined,
    caller: Caller,
  ): Promise<Proof | undefined> {
    const all = known === undefined ? digests : new Map([...known.digests, ...digests]);
    const proof = await this.#underway.join(sha256, caller, async (shared) => {
      const made = await this.#hashOrDoubt(sha256, all, shared);
      this.remember(made);
      return made;
    });
    return covers(proof.digests, digests) === 'holds' ? proof : undefined;
  }

  async #hashOrDoubt(sha256: string, digests: Digests, caller: Caller): Promise<Proof> {
    try {
      return await this.#hash(sha256, digests, caller);
    } catch (error) {
      const others = [...digests.keys()].some((name) => name !== 'sha256');
      if (!others || !(error instanceof Refusal && error.reason === 'digest')) throw error;
      // Which digest was wrong? If sha256 alone holds, the blob is whole and the listing contradicts itself.
      return this.#hash(sha256, new Map(), caller);
    }
  }

  #hash(sha256: string, digests: Digests, caller: Caller): Promise<Proof> {
    return withPlace(this.#deps.gate, caller, async () => {
      const stated: Statement = { digests: new Map<Algorithm, string>([...digests, ['sha256', sha256]]) };
      const prover = await createProver(stated);
      const tags = new Tags();
      try {
        const { size, version } = await readWhole(this.#deps, sha256, caller, (index, chunk) => {
          prover.update(chunk);
          tags.add(index, chunk);
        });
        prover.finish();
        return { sha256, size, tags, digests: stated.digests, version };
      } catch (error) {
        prover.abandon();
        throw error;
      }
    });
  }
}

function covers(proved: Digests, asked: Digests): 'holds' | 'contradicts' | 'unknown' {
  let verdict: 'holds' | 'unknown' = 'holds';
  for (const [algorithm, hex] of asked) {
    const actual = proved.get(algorithm);
    if (actual === undefined) verdict = 'unknown';
    else if (actual !== hex) return 'contradicts';
  }
  return verdict;
}
