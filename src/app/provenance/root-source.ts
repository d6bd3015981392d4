import { statSync } from 'node:fs';
import { internalCaller } from '../../async/caller.ts';
import { sha256Hex } from '../../bytes/digest.ts';
import { type Instant, parseInstant } from '../../bytes/instant.ts';
import { Refusal } from '../../bytes/refusal.ts';
import type { PackageIndex } from '../../mirror/package-index.ts';
import type { Clock } from '../../ports/clock.ts';
import type { SigstoreRoot } from '../../ports/provenance/work.ts';
import { PACKAGED_AT, PACKAGED_ROOT } from '../../provenance/packaged-root.ts';
import { readTrustedRoot } from '../../provenance/trusted-root.ts';
import { readGiven } from '../given-file.ts';
import { rootBytesFrom } from './sigstore-root.ts';

export interface RootPlaces {
  readonly trustedRoot: string | undefined;
  readonly rootFrom: string | undefined;
  readonly indexOf: (name: string) => PackageIndex | undefined;
  readonly clock: Pick<Clock, 'now'>;
}

/** How the copy in force stands. `of`: when it was proved last, was written, or came with the program. */
export interface RootStanding {
  readonly from: 'index' | 'file' | 'packaged';
  /** The index, or the file. */
  readonly place: string;
  readonly of: Instant;
  /** Why the last look at the index brought none. */
  readonly trouble: string | undefined;
}

/** What is believed of Sigstore. */
export interface RootSource {
  /** The index is asked where it is time to. Never rejects for what an index brings, or does not. */
  readonly root: () => Promise<SigstoreRoot>;
  readonly standing: () => RootStanding;
}

/** Seconds after which an index is asked again for its copy. */
export const ASKED_EVERY = 3600;
const ASKED_AGAIN = 60;

/**
 * What is believed of Sigstore, as a server needs it again and again. A copy of its repository that cannot be had leaves the last one in force, or
 * the one that came with this program: what those do not know cannot be checked, and is not bad. Throws Refusal for a file that is none.
 */
export function rootSource({ trustedRoot, rootFrom, indexOf, clock }: RootPlaces): RootSource {
  let current =
    trustedRoot === undefined
      ? rootOf(Buffer.from(PACKAGED_ROOT))
      : rootOf(readGiven(trustedRoot, "Sigstore's trusted root"));
  let standing = ownStanding(trustedRoot);
  if (rootFrom === undefined) return { root: async () => current, standing: () => standing };
  let next = 0;
  let asking: Promise<void> | undefined;
  const ask = async () => {
    next = clock.now() + ASKED_AGAIN;
    try {
      const index = indexOf(rootFrom);
      if (index === undefined) throw new Refusal('state', `The index ${rootFrom} cannot be used.`);
      current = rootOf(await rootBytesFrom(index, internalCaller(index.name, 'provenance')));
      next = clock.now() + ASKED_EVERY;
      standing = { from: 'index', place: rootFrom, of: clock.now(), trouble: undefined };
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      standing = { ...standing, trouble: error.message };
    }
  };
  /** One look at a time. */
  const look = () => {
    asking ??= ask().finally(() => {
      asking = undefined;
    });
    return asking;
  };
  const root = async () => {
    // Nothing of it was ever had here: that is worth waiting for.
    if (clock.now() >= next || standing.from !== 'index') await (clock.now() >= next ? look() : asking);
    return current;
  };
  return { root, standing: () => standing };
}

function ownStanding(file: string | undefined): RootStanding {
  if (file === undefined)
    return { from: 'packaged', place: '', of: parseInstant(PACKAGED_AT) ?? 0, trouble: undefined };
  return { from: 'file', place: file, of: Math.floor(statSync(file).mtimeMs / 1000), trouble: undefined };
}

function rootOf(bytes: Uint8Array): SigstoreRoot {
  readTrustedRoot(bytes);
  return { sha256: sha256Hex(bytes), bytes };
}
