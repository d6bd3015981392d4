import type { CreateCache } from '../../bytes/bounded-map.ts';
import type { Blobs } from '../../ports/blobs.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Events } from '../../ports/events.ts';
import type { Pins, TrustStore } from '../../ports/index-state.ts';
import type { PageWork } from '../../ports/page-work.ts';
import type { Upstream } from '../../ports/upstream.ts';
import type { IndexLayout } from '../../presets/target-layout.ts';
import type { MetadataSource } from '../../tuf/refresh.ts';
import type { Runner } from '../../tuf/sliced.ts';
import { createCoreMetadata } from '../files/core-metadata.ts';
import { createFetch } from '../files/fetch.ts';
import { createFiles } from '../files/files.ts';
import type { MirrorIndex } from '../package-index.ts';
import { createExplain } from './explain.ts';
import { createKeeper } from './keeper.ts';
import { createList } from './list.ts';
import { createRelay } from './metadata.ts';
import { createPages } from './pages.ts';
import { roleStatus } from './role-status.ts';
import { createRoles } from './roles.ts';
import { proveHeldRoles } from './stored-roles.ts';
import { createTargets } from './targets.ts';
import { signedEntries } from './vouched.ts';

/** Everything an index signed with TUF is made of. */
export interface TufIndexOptions {
  readonly name: string;
  readonly upstreamUrl: string;
  readonly pinnedRoot: Uint8Array;
  readonly layout: IndexLayout;
  readonly upstream: Upstream;
  readonly source: MetadataSource;
  readonly trust: TrustStore;
  readonly pins: Pins;
  readonly work: PageWork;
  readonly blobs: Blobs;
  readonly clock: Clock;
  readonly patience: Runner;
  readonly events: Events;
  readonly createCache: CreateCache;
  /** Bytes of memory for rendered pages and for roles, each. */
  readonly memory: number;
  readonly refreshAfter: number;
  readonly notBefore: number;
  readonly reuploads: boolean;
}

interface TufIndex extends MirrorIndex {
  /** Waits until nothing more is written: the store may close. */
  settled(): Promise<void>;
}

/** An index whose every page and file is proved by a chain of signatures from the pinned root. Throws `state`. */
export async function createTufIndex(options: TufIndexOptions): Promise<TufIndex> {
  const { name: index, layout, upstream, trust: store, blobs, createCache, memory, patience } = options;
  const keeper = await createKeeper({ ...options, index, store });
  const roles = createRoles({
    ...options,
    index,
    store,
    keeper,
    cache: createCache(memory),
    delegators: createCache(memory / 64),
  });
  const fetchProved = createFetch({ ...options, index });
  const pages = createPages({ ...options, index, keeper, roles, fetchProved, cache: createCache(memory) });
  const coreMetadata = createCoreMetadata({ ...options, index, fetchProved });
  const files = createFiles({
    index,
    events: options.events,
    coreMetadata,
    pages,
    vouched: signedEntries(layout, roles),
    blobs,
    upstream,
    fetchProved,
  });
  const metadata = createRelay({ keeper, roles, store, patience });
  const target = createTargets({ keeper, layout, roles, blobs, fetchProved });

  return {
    name: index,
    evidence: 'tuf',
    warmPage: pages.warm,
    page: async (project) => (await pages.held(project)).page,
    list: createList({ ...options, keeper, roles, fetchProved }),
    packageFile: files.byContentPath,
    digestFile: files.byDigest,
    metadata,
    target,
    relay: undefined,
    refresh: async () => void (await keeper.refreshNow()),
    settled: keeper.settled,
    explain: createExplain({ ...options, pages, roles }),
    async status() {
      // What is believed here and now; upstream is asked only where that is nothing yet.
      const generation = keeper.held ?? (await keeper.refreshNow().catch(() => undefined));
      return {
        name: index,
        evidence: 'tuf',
        upstream: options.upstreamUrl,
        layout: layout.name,
        lastRefresh: keeper.lastRefresh,
        lastError: keeper.lastError,
        roles: generation === undefined ? [] : await roleStatus(generation, patience),
        leftOut: pages.leftOut,
      };
    },
    heldRoles: async () =>
      keeper.held === undefined ? { proved: 0, unproved: 0, wrong: [] } : proveHeldRoles(keeper.held, store, patience),
  };
}
