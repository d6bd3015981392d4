import type { Caller } from '../../async/caller.ts';
import type { Instant } from '../../bytes/instant.ts';
import type { RelayedPlace } from '../../ports/blobs.ts';
import type { CommonPages } from '../../ports/common-pages.ts';
import type { PageStore } from '../../ports/index-state.ts';
import type { ListStore } from '../../ports/list-store.ts';
import { EvidencedIndex, type RunningIndex } from '../create-index.ts';
import { type IndexOptions, partsOf } from '../index-parts.ts';
import { Adoption } from './adoption.ts';
import { Documents } from './documents.ts';
import { UnsignedEvidence } from './evidence.ts';
import { FlatPlaces } from './flat-places.ts';
import type { Lifetimes } from './freshness.ts';
import { Hearing } from './hearing.ts';
import { Introduction } from './introduction.ts';
import { SimplePlaces } from './places.ts';
import { PageRefresh } from './refresh.ts';
import { relayedDocuments } from './relayed.ts';
import { releaseOf } from './release.ts';
import { sharingStore } from './sharing-store.ts';

/** Everything an index that signs nothing is made of. */
export interface UnsignedIndexOptions extends IndexOptions, Lifetimes {
  readonly upstreamUrl: string;
  /** Base URLs of the index, best guess first. */
  readonly bases: readonly [string, ...string[]];
  /** The address of one page with the files of all projects: the only place there is, or a guess where pages are nowhere else. */
  /** Whether something of the index is there besides a page that is not; given where others answer for what it does not have. */
  readonly isThere?: ((page: string, caller: Caller, anew: boolean) => Promise<boolean>) | undefined;
  readonly flat: { readonly url: string; readonly only: boolean } | undefined;
  readonly store: PageStore;
  readonly lists: ListStore;
  /** True where a path `aa/bb/rest` is the file's BLAKE2b-256, as on PyPI: then it must hold too. */
  readonly contentAddressed: boolean;
  /** False where the list of all projects is not to be fetched. */
  readonly projectList: boolean;
  /** What `/pypi/` and `/integrity/` lie under upstream. */
  readonly api: string | undefined;
  /** Projects that were seen before, one or two. */
  readonly seen: () => Promise<readonly string[]>;
  /** Where provenance and signatures are kept that were relayed. */
  readonly relayed: RelayedPlace | undefined;
  readonly nameFetch: () => string;
  /** Pages confirmed up to this moment are another upstream's word. */
  readonly notBefore?: Instant | undefined;
  /** Whether state on disk carries a seal. */
  readonly sealed: boolean;
  /** What other replicas believe; undefined where this one is alone. */
  readonly common?: CommonPages | undefined;
}

/** PyPI as it is, devpi, any PEP 503/691 index: the weaker evidence, labelled as such. */
export function createUnsignedIndex(options: UnsignedIndexOptions): RunningIndex {
  const parts = partsOf(options);
  const { flat } = parts;
  const whole = flat && new FlatPlaces({ ...parts, url: flat.url });
  const where = flat?.only === true && whole !== undefined ? whole : new SimplePlaces({ ...parts, flat: whole });
  const hearing = new Hearing(parts.clock);
  const places = new Introduction({ ...parts, hearing, places: where });
  const { common, store: own } = parts;
  const store = common === undefined ? own : sharingStore(own, common);
  const { relayed: place } = parts;
  const adoption = common && new Adoption({ ...parts, common, store: own });
  const refresh = new PageRefresh({ ...parts, places, store });
  const evidence = new UnsignedEvidence({ ...parts, hearing, places, store, refresh, adoption });
  return new EvidencedIndex({ ...parts, floors: store }, evidence, {
    release: releaseOf(parts),
    introduce: parts.offline ? undefined : (caller) => places.atStart(caller),
    unverified: (pages) =>
      new Documents({
        ...parts,
        pages,
        relayed: place && relayedDocuments(parts.name, place),
        memory: parts.memory / 8,
      }),
  });
}
