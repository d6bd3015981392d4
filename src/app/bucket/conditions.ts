import type { Condition } from '../../ports/conditions.ts';
import type { Abilities } from '../../s3/abilities.ts';
import type { TierUsage } from '../../s3/tier.ts';

interface BucketState {
  /** Where it is, for people. */
  readonly place: string;
  readonly usage: TierUsage;
  /** Undefined while it could not be tried. */
  readonly abilities: Abilities | undefined;
  /** Whether another service than the bucket can name a leader. */
  readonly hasLease: boolean;
}

/** What an operator should know of a bucket. */
export function bucketConditions({ place, usage, abilities, hasLease }: BucketState): readonly Condition[] {
  const { away, waiting, dropped } = usage;
  const found: Condition[] = [];
  const add = (what: Condition['what'], message: string) => void found.push({ what, index: '', thing: place, message });
  if (away !== undefined)
    add(
      'bucket',
      `The bucket cannot be had: what this disk lacks is fetched from upstream, and ${waiting} files wait to be uploaded (blobs.store). ${away}`,
    );
  if (dropped > 0) add('bucket-behind', `${dropped} files were never uploaded, because too many waited (blobs.store).`);
  if (abilities !== undefined && abilities.faults.length > 0)
    add(
      'bucket-unfit',
      `The bucket does not do what files need (blobs.store): ${abilities.faults.join('; ')}. Everything is proved all the same; what the bucket cannot give comes from upstream.`,
    );
  const conditional = abilities?.conditional;
  if (!hasLease && conditional?.sound !== true)
    add(
      'bucket-grows',
      `Nobody evicts files from the bucket, so blobs.max_bytes is held by nobody: ${whyNobody(conditional?.faults)} With a Redis that replicas share (redis) one of them does; a lifecycle rule of the bucket may remove old files.`,
    );
  return found;
}

function whyNobody(faults: readonly string[] | undefined): string {
  return faults === undefined
    ? 'it was not found out yet whether replicas can agree by the bucket on who does it.'
    : `replicas cannot agree by the bucket on who does it (${faults.join('; ')}).`;
}

/** One line at the start, of what was found out. */
export function abilitiesText(place: string, { faults, conditional }: Abilities): string {
  const files =
    faults.length === 0 ? 'holds files as it must' : `does not hold files as it must (${faults.join('; ')})`;
  const conditions =
    conditional === undefined
      ? 'conditions were not tried'
      : conditional.sound
        ? 'it creates only where there is nothing, by which replicas agree on who evicts'
        : `it cannot hold what trust rests on (${conditional.faults.join('; ')})`;
  return `the bucket ${place} ${files}; ${conditions}`;
}
