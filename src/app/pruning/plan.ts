import { yieldToEventLoop } from '../../async/yield.ts';
import { RETAINED } from '../../blobs/upkeep.ts';
import { Refusal } from '../../bytes/refusal.ts';
import { Knowledge, type NeededBy, type OldAs } from './knowledge.ts';
import { lookWhatIsNeeded, type PrunePlace } from './needed.ts';

export interface Counted {
  readonly files: number;
  readonly bytes: number;
}

/** Why something goes: it is known to be old, or nothing here names it. */
export type GoesAs = OldAs | 'unnamed';
/** Why something stays; `kept` for a reason of its own, `unjudged` because its index may need it. */
export type StaysAs = NeededBy | 'kept' | 'unjudged';

/** What goes, and what stays. */
export interface PrunePlan {
  readonly digests: readonly string[];
  readonly total: Counted;
  readonly goes: ReadonlyMap<GoesAs, Counted>;
  /** Of which index it was counted; '' where nobody knows. */
  readonly byIndex: ReadonlyMap<string, Counted>;
  readonly stays: ReadonlyMap<StaysAs, Counted>;
  readonly unjudged: ReadonlyMap<string, string>;
  readonly pagesNotAtHand: number;
}

const A_TURN = 5000;

/** Throws Refusal where nobody can say what is needed, or what is stored. */
export async function planPrune(composition: PrunePlace): Promise<PrunePlan> {
  const { blobs } = composition;
  const known = new Knowledge();
  await lookWhatIsNeeded(composition, known);
  await blobs.scanned;
  if (!blobs.usage().scanned)
    throw new Refusal('state', 'What is stored could not be listed: nothing is removed.', {
      subject: 'state',
      transient: true,
    });
  const digests: string[] = [];
  const [goes, byIndex, stays] = [new Tally<GoesAs>(), new Tally<string>(), new Tally<StaysAs>()];
  const { order } = blobs.pruning;
  let turn = 0;
  for (const { sha256, index, keptBy } of [...order.entries()]) {
    if (++turn % A_TURN === 0) await yieldToEventLoop();
    const size = order.sizeOf(sha256);
    if (size === undefined) continue;
    const isKept = keptBy !== undefined && !keptBy.startsWith(RETAINED);
    const stay = known.neededBy(sha256) ?? (isKept ? 'kept' : undefined);
    const as = known.oldAs(sha256) ?? 'unnamed';
    const mayBeNeeded = as === 'unnamed' && (index === undefined ? known.unjudged.size > 0 : known.unjudged.has(index));
    if (stay !== undefined) stays.add(stay, size);
    else if (mayBeNeeded) stays.add('unjudged', size);
    else {
      digests.push(sha256);
      goes.add(as, size);
      byIndex.add(index ?? '', size);
    }
  }
  const { unjudged, pagesNotAtHand } = known;
  return {
    digests,
    total: goes.total,
    goes: goes.all,
    byIndex: byIndex.all,
    stays: stays.all,
    unjudged,
    pagesNotAtHand,
  };
}

class Tally<Key> {
  readonly #counts = new Map<Key, { files: number; bytes: number }>();

  add(key: Key, size: number): void {
    const { files, bytes } = this.#counts.get(key) ?? NOTHING;
    this.#counts.set(key, { files: files + 1, bytes: bytes + size });
  }

  get all(): ReadonlyMap<Key, Counted> {
    return this.#counts;
  }

  get total(): Counted {
    return [...this.#counts.values()].reduce(
      (sum, { files, bytes }) => ({ files: sum.files + files, bytes: sum.bytes + bytes }),
      NOTHING,
    );
  }
}

const NOTHING: Counted = { files: 0, bytes: 0 };
