import { internalCaller } from '../../async/caller.ts';
import { sha256Hex } from '../../bytes/digest.ts';
import { Refusal } from '../../bytes/refusal.ts';
import type { PackageIndex } from '../../mirror/package-index.ts';
import type { Clock } from '../../ports/clock.ts';
import type { SigstoreRoot } from '../../ports/provenance/work.ts';
import { PACKAGED_ROOT } from '../../provenance/packaged-root.ts';
import { readTrustedRoot } from '../../provenance/trusted-root.ts';
import { readGiven } from '../given-file.ts';
import { rootBytesFrom } from './sigstore-root.ts';

interface RootPlaces {
  readonly trustedRoot: string | undefined;
  readonly rootFrom: string | undefined;
  readonly indexOf: (name: string) => PackageIndex | undefined;
  readonly clock: Pick<Clock, 'now'>;
}

/** Seconds after which an index is asked again for its copy. */
const ASKED_EVERY = 3600;
const ASKED_AGAIN = 60;

/**
 * What is believed of Sigstore, as a server needs it again and again. A copy of its repository that cannot be had leaves the last one in force, or
 * the one that came with this program: what those do not know cannot be checked, and is not bad. Throws Refusal for a file that is none.
 */
export function rootSource({ trustedRoot, rootFrom, indexOf, clock }: RootPlaces): () => Promise<SigstoreRoot> {
  const own =
    trustedRoot === undefined ? Buffer.from(PACKAGED_ROOT) : readGiven(trustedRoot, "Sigstore's trusted root");
  let current = rootOf(own);
  if (rootFrom === undefined) return async () => current;
  let next = 0;
  return async () => {
    if (clock.now() < next) return current;
    next = clock.now() + ASKED_AGAIN;
    try {
      const index = indexOf(rootFrom);
      if (index === undefined) return current;
      current = rootOf(await rootBytesFrom(index, internalCaller(index.name, 'provenance')));
      next = clock.now() + ASKED_EVERY;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
    }
    return current;
  };
}

function rootOf(bytes: Uint8Array): SigstoreRoot {
  readTrustedRoot(bytes);
  return { sha256: sha256Hex(bytes), bytes };
}
