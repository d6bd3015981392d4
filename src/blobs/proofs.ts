import { LRUCache } from 'lru-cache';
import { internalCaller } from '../async/caller.ts';
import { createGate, withPlace } from '../async/gate.ts';
import type { Algorithm, Digests, Statement } from '../bytes/digest.ts';
import { createProver } from '../bytes/prover.ts';
import { Refusal } from '../bytes/refusal.ts';
import type { FileOps } from '../disk/file-ops.ts';
import type { ChunkBuffers } from './chunk-buffers.ts';
import { type Checked, readWhole } from './chunks.ts';
import { createTags } from './tags.ts';

/** A blob that was hashed whole in this process: what it proved to be, and its tags. */
export interface Proof extends Checked {
  readonly sha256: string;
  /** Every digest that was computed over it, sha256 among them. */
  readonly digests: Digests;
}

/** Proofs in memory. A blob that has none, or none for a digest now asked for, is hashed whole once, however many ask. */
export interface FirstTouch {
  /** Undefined where it does not prove `digests` although it is what its name says; throws `digest` where it is not. */
  prove(path: string, sha256: string, digests: Digests): Promise<Proof | undefined>;
  remember(proof: Proof): void;
  forget(sha256: string): void;
}

const RECORD_OVERHEAD = 512;

export function createFirstTouch(
  deps: { readonly ops: FileOps; readonly buffers: ChunkBuffers },
  options: { readonly memory: number; readonly hashing: number },
): FirstTouch {
  const proofs = new LRUCache<string, Proof>({
    maxSize: options.memory,
    sizeCalculation: (proof) => RECORD_OVERHEAD + proof.tags.bytes(),
  });
  const underway = new Map<string, Promise<unknown>>();
  const gate = createGate({
    places: options.hashing,
    queue: Number.POSITIVE_INFINITY,
    full: 'Too many files are being proved at this moment.',
  });
  const caller = internalCaller('');

  const hash = (path: string, sha256: string, digests: Digests): Promise<Proof> =>
    withPlace(gate, caller, async () => {
      const stated: Statement = { digests: new Map<Algorithm, string>([...digests, ['sha256', sha256]]) };
      const prover = await createProver(stated);
      const tags = createTags();
      try {
        const size = await readWhole(deps, path, caller, (index, chunk) => {
          prover.update(chunk);
          tags.add(index, chunk);
        });
        prover.finish();
        return { sha256, size, tags, digests: stated.digests };
      } catch (error) {
        prover.abandon();
        throw error;
      }
    });

  const hashOrDoubt = async (path: string, sha256: string, digests: Digests): Promise<Proof> => {
    try {
      return await hash(path, sha256, digests);
    } catch (error) {
      if (
        !(error instanceof Refusal && error.reason === 'digest') ||
        [...digests.keys()].every((name) => name === 'sha256')
      )
        throw error;
      // Which digest was wrong? If sha256 alone holds, the blob is whole and the listing contradicts itself.
      return hash(path, sha256, new Map());
    }
  };

  return {
    async prove(path, sha256, digests) {
      const listed = digests.get('sha256');
      if (listed !== undefined && listed !== sha256) return undefined;
      for (;;) {
        const known = proofs.get(sha256);
        if (known !== undefined) {
          const verdict = covers(known.digests, digests);
          if (verdict !== 'unknown') return verdict === 'holds' ? known : undefined;
        }
        const other = underway.get(sha256);
        if (other !== undefined) {
          await other;
          continue;
        }
        const all = known === undefined ? digests : new Map([...known.digests, ...digests]);
        const job = hashOrDoubt(path, sha256, all);
        const settled = job.catch(() => undefined);
        underway.set(sha256, settled);
        try {
          const proof = await job;
          proofs.set(sha256, proof);
          return covers(proof.digests, digests) === 'holds' ? proof : undefined;
        } finally {
          underway.delete(sha256);
        }
      }
    },
    remember: (proof) => {
      proofs.set(proof.sha256, proof);
    },
    forget: (sha256) => {
      proofs.delete(sha256);
    },
  };
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
