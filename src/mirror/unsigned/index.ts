import type { Instant } from '../../bytes/instant.ts';
import type { PageStore } from '../../ports/index-state.ts';
import { EvidencedIndex, type IndexOptions, partsOf, type RunningIndex } from '../create-index.ts';
import { Documents } from './documents.ts';
import { UnsignedEvidence } from './evidence.ts';
import type { Lifetimes } from './freshness.ts';
import { PageRefresh } from './refresh.ts';

/** Everything an index that signs nothing is made of. */
export interface UnsignedIndexOptions extends IndexOptions, Lifetimes {
  readonly upstreamUrl: string;
  readonly pageUrl: (project: string) => string;
  readonly store: PageStore;
  /** True where a path `aa/bb/rest` is the file's BLAKE2b-256, as on PyPI: then it must hold too. */
  readonly contentAddressed: boolean;
  /** False where the list of all projects is not to be fetched. */
  readonly projectList: boolean;
  /** What `/pypi/` and `/integrity/` lie under upstream. */
  readonly api: string | undefined;
  readonly nameFetch: () => string;
  /** Pages confirmed up to this moment are another upstream's word. */
  readonly notBefore?: Instant | undefined;
  /** Whether state on disk carries a seal. */
  readonly sealed: boolean;
}

/** PyPI as it is, devpi, any PEP 503/691 index: the weaker evidence, labelled as such. */
export function createUnsignedIndex(options: UnsignedIndexOptions): RunningIndex {
  const parts = partsOf(options);
  const evidence = new UnsignedEvidence({ ...parts, refresh: new PageRefresh(parts) });
  return new EvidencedIndex(parts, evidence, {
    unverified: (pages) => new Documents({ ...parts, pages, memory: parts.memory / 8 }),
  });
}
