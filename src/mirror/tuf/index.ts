import type { Instant } from '../../bytes/instant.ts';
import type { TrustStore } from '../../ports/trust/trust-store.ts';
import type { MetadataFor } from '../../ports/upstream.ts';
import type { TargetLayout } from '../../presets/target-layout.ts';
import type { Runner } from '../../tuf/sliced.ts';
import { carriedStatus } from '../carried/status.ts';
import type { CarriedTime } from '../carried/time.ts';
import { EvidencedIndex, type RunningIndex } from '../create-index.ts';
import { type IndexOptions, type IndexParts, partsOf } from '../index-parts.ts';
import type { CarriedIndex, SignedRepository } from '../package-index.ts';
import { FlooredClock } from './clock-floor.ts';
import { TufEvidence } from './evidence.ts';
import { earliestExpiry } from './generations.ts';
import { Keeper } from './keeper.ts';
import { Repository } from './repository.ts';
import { Roles } from './roles.ts';

/** Everything an index signed with TUF is made of. */
export interface SignedIndexOptions extends IndexOptions {
  readonly upstreamUrl: string;
  readonly pinnedRoot: Uint8Array;
  /** It is the very one that this index was started with the last time. */
  readonly isSameRoot?: boolean | undefined;
  readonly layout: TargetLayout;
  readonly source: MetadataFor;
  readonly store: TrustStore;
  readonly runner: Runner;
  /** Seconds after which a request makes a refresh start behind it. */
  readonly refreshAfter: number;
  /** No time before it is believed. */
  readonly notBefore: Instant;
  /** Where it arrives by import. */
  readonly time?: CarriedTime | undefined;
  /** Told of a timestamp before anything is served by it. */
  readonly onBelieved?: ((timestamp: Uint8Array) => void) | undefined;
}

export type SignedParts = SignedIndexOptions & IndexParts & { readonly clock: FlooredClock };

/** An index whose every page and file is proved by a chain of signatures from the pinned root. Throws `state`. */
export async function createSignedIndex(options: SignedIndexOptions): Promise<RunningIndex> {
  const clock = new FlooredClock(options.clock, options.notBefore);
  const parts: SignedParts = partsOf({ ...options, clock });
  const keeper = await Keeper.open(parts);
  const roles = new Roles(parts);
  const { time } = options;
  const carried = time && (() => carriedStatus(time, keeper.current && earliestExpiry(keeper.current)));
  const evidence = new TufEvidence({ ...parts, generations: keeper, roles, carried });
  return new EvidencedIndex(parts, evidence, {
    // The first refresh need not wait for the first client; what it cannot do is logged and tried again on demand.
    introduce: (caller) => (time === undefined ? keeper.refresh(caller).then(nothing, nothing) : Promise.resolve()),
    signed: (judge) => new Repository(parts, keeper, roles, judge),
    carried: time && ((signed) => signed && importing(signed, time)),
  });
}

/** Bundles are refreshes from another place. */
function importing(signed: SignedRepository, time: CarriedTime): CarriedIndex {
  return {
    take: ({ from, asOf, look }) => signed.refresh({ from, asOf, beforePublish: look }),
    async adopt() {
      await time.reload();
      await signed.adopt();
    },
  };
}

function nothing(): void {
  // Told already.
}
