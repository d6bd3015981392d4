import { Refusal } from '../../bytes/refusal.ts';
import type { Carried, CarriedTables } from '../../ports/carried.ts';
import { EvidencedIndex, type RunningIndex } from '../create-index.ts';
import { type IndexOptions, type IndexParts, partsOf } from '../index-parts.ts';
import type { Candidate, CarriedIndex } from '../package-index.ts';
import { Documents } from '../unsigned/documents.ts';
import { unwritten } from '../unwritten-pins.ts';
import { CarriedEvidence } from './evidence.ts';
import { LoadedGeneration } from './generation.ts';
import { CarriedSights } from './sights.ts';
import type { CarriedTime } from './time.ts';
import { carriedUpstream } from './upstream.ts';

/** Everything an index that signs nothing, and arrives by import, is made of. */
export interface CarriedIndexOptions extends Omit<IndexOptions, 'upstream' | 'clock' | 'offline'> {
  readonly time: CarriedTime;
  readonly tables: CarriedTables;
  /** What links are relative to where a manifest does not say. */
  readonly base: string;
  readonly contentAddressed: boolean;
  readonly undigested: 'first-sight' | 'withhold';
}

type CarriedParts = CarriedIndexOptions & IndexParts;

/** An index whose pages a signed manifest lists. */
export async function createCarriedIndex(options: CarriedIndexOptions): Promise<RunningIndex> {
  const { time, tables, base, blobs } = options;
  let broken: Refusal | undefined;
  const load = async (): Promise<LoadedGeneration | undefined> => {
    broken = undefined;
    const last = newest(time.carried);
    try {
      return last && (await LoadedGeneration.load(last, tables));
    } catch (error) {
      // It refuses for that reason until the bundle is imported again.
      if (!(error instanceof Refusal)) throw error;
      broken = error;
      return undefined;
    }
  };
  let current = await load();
  const generation = () => current;
  const upstream = carriedUpstream(generation, blobs);
  const parts: CarriedParts = partsOf({ ...options, upstream, clock: time, offline: true });
  const carried: CarriedIndex = {
    async take(taking) {
      const candidate = candidateOf(parts, await LoadedGeneration.load(taking.generation, tables));
      const sights = new CarriedSights(candidate);
      await taking.look(sights.candidate);
      await sights.pin(parts);
    },
    async adopt() {
      await time.reload();
      if (newest(time.carried)?.manifest !== current?.record.manifest) current = await load();
    },
  };
  const spent = () => broken ?? (time.isSpent() ? time.refusal() : undefined);
  return new EvidencedIndex(parts, new CarriedEvidence({ ...parts, generation, spent }), {
    carried: () => carried,
    unverified: (pages) => new Documents({ ...parts, api: base, pages, maxAge: 0, memory: parts.memory / 8 }),
  });
}

function newest(carried: Carried | undefined) {
  return carried?.generations.at(-1);
}

/** Pages and files of a generation that is not in force yet: nothing is pinned or kept by looking at it. */
function candidateOf(parts: CarriedParts, generation: LoadedGeneration): Candidate {
  const own = { ...parts, pins: unwritten(parts.pins), drawn: undefined, lookAhead: undefined };
  return new EvidencedIndex(own, new CarriedEvidence({ ...own, generation: () => generation, spent: () => undefined }));
}
