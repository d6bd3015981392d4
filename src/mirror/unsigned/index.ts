import { createBackground } from '../../async/background.ts';
import type { CreateCache } from '../../bytes/bounded-map.ts';
import { claimedDigest } from '../../bytes/content-path.ts';
import { makeExpected } from '../../bytes/expected.ts';
import { Refusal } from '../../bytes/refusal.ts';
import type { Blobs } from '../../ports/blobs.ts';
import type { Clock, Instant } from '../../ports/clock.ts';
import type { Events } from '../../ports/events.ts';
import type { PageStore, Pins } from '../../ports/index-state.ts';
import { type PageWork, workHere } from '../../ports/page-work.ts';
import type { Journal } from '../../ports/records.ts';
import type { Upstream } from '../../ports/upstream.ts';
import { createCoreMetadata } from '../files/core-metadata.ts';
import { createFetch } from '../files/fetch.ts';
import { createFiles } from '../files/files.ts';
import type { MirrorIndex } from '../package-index.ts';
import { createIndexRelay } from './documents.ts';
import { createIndexExplain } from './explain.ts';
import { createIndexList } from './list.ts';
import { createIndexPages } from './pages.ts';
import { createIndexPins } from './pins.ts';
import { createIndexRefresh } from './refresh.ts';

/** Everything an index that signs nothing is made of. */
export interface IndexMirrorOptions {
  readonly name: string;
  readonly upstreamUrl: string;
  readonly pageUrl: (project: string) => string;
  readonly upstream: Upstream;
  readonly store: PageStore;
  readonly pins: Pins;
  readonly blobs: Blobs;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly events: Events;
  readonly createCache: CreateCache;
  readonly memory: number;
  /** Seconds. */
  readonly maxAge: number;
  readonly staleIfError: number;
  readonly reuploads: boolean;
  /** True where a path `aa/bb/rest` is the file's BLAKE2b-256, as on PyPI: then it must hold too. */
  readonly contentAddressed: boolean;
  /** False where the list of all projects is not to be fetched. */
  readonly projectList: boolean;
  /** What `/pypi/` and `/integrity/` lie under upstream. */
  readonly api: string | undefined;
  readonly nameFetch: () => string;
  /** Pages confirmed up to this moment are another upstream's word. */
  readonly notBefore?: Instant | undefined;
  /** Where long work is done; here where not told. */
  readonly work?: PageWork | undefined;
  /** Whether state on disk carries a seal. */
  readonly sealed: boolean;
}

/** PyPI as it is, devpi, any PEP 503/691 index: the weaker evidence, labelled as such (DESIGN §2 `index`). */
export function createIndexMirror(options: IndexMirrorOptions): MirrorIndex & { settled(): Promise<void> } {
  const { work = workHere } = options;
  const { name: index, blobs, upstream, events, createCache, memory } = options;
  const fetchProved = createFetch({ ...options, index });
  const pins = createIndexPins({ ...options, index });
  const background = createBackground();
  const pages = createIndexPages({
    ...options,
    background,
    index,
    work,
    refresh: createIndexRefresh({ ...options, index, work }),
    pins,
    cache: createCache(memory),
    absent: createCache(memory / 64),
  });
  const files = createFiles({
    index,
    events,
    blobs,
    upstream,
    fetchProved,
    pages,
    coreMetadata: createCoreMetadata({ ...options, index, fetchProved }),
    vouched: async (_held, filename, { content, entry }) =>
      options.contentAddressed && content !== undefined && filename === entry.filename
        ? { expected: makeExpected({ digests: new Map([['blake2b-256', claimedDigest(content)]]) }), urls: [] }
        : undefined,
    onProved: (held, file) => background.add(pins.proved(held, file)),
    onMismatch: pages.doubt,
  });
  const unsigned = async (): Promise<never> => {
    throw new Refusal('unlisted', 'This index signs nothing, so there is no signed metadata to pass on.', {
      subject: 'request',
    });
  };

  return {
    name: index,
    evidence: 'index',
    warmPage: pages.warm,
    async page(project) {
      const asked = options.clock.now();
      const warm = pages.warm(project);
      if (warm !== undefined) return warm;
      const { page, record } = await pages.held(project);
      events.served({ index, kind: 'page', how: record.confirmedAt < asked ? 'disk' : 'upstream' });
      return page;
    },
    list: createIndexList({ ...options, work }),
    packageFile: files.byContentPath,
    digestFile: files.byDigest,
    metadata: unsigned,
    target: unsigned,
    settled: background.settled,
    relay: createIndexRelay({ ...options, work, pages, cache: createCache(memory / 8) }),
    refresh: async () => undefined,
    explain: createIndexExplain({ ...options, pages }),
    async status() {
      return {
        name: index,
        evidence: 'index',
        upstream: options.upstreamUrl,
        layout: 'simple',
        lastRefresh: pages.lastConfirmed,
        lastError: pages.lastError,
        roles: [],
        leftOut: pages.leftOut,
        sealed: options.sealed,
      };
    },
    heldRoles: async () => undefined,
  };
}
