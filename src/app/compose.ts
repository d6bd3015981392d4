import { randomUUID } from 'node:crypto';
import { internalCaller } from '../async/caller.ts';
import { type CommonShares, createShares } from '../async/shares.ts';
import { runInSlices } from '../async/yield.ts';
import { type BlobStore, createBlobs } from '../blobs/blob-store.ts';
import { createMemoryCache } from '../bytes/bounded-map.ts';
import type { Config, IndexConfig, SignedIndexConfig, UnsignedIndexConfig } from '../config/config.ts';
import { type AccessRecord, createAccessRecord } from '../disk/access-record.ts';
import { createJournal } from '../disk/journal.ts';
import { openVolume, type Volume } from '../disk/volume.ts';
import type { MirrorIndex } from '../mirror/package-index.ts';
import { createTufIndex } from '../mirror/tuf/index.ts';
import { createIndexMirror } from '../mirror/unsigned/index.ts';
import type { Clock } from '../ports/clock.ts';
import type { Events } from '../ports/events.ts';
import type { PageWork } from '../ports/page-work.ts';
import type { Journal } from '../ports/records.ts';
import { type Layout, layoutBases, resolveLayout } from '../presets/layouts.ts';
import type { IndexLayout } from '../presets/target-layout.ts';
import { fileTarget, pageBaseUrl, pageTarget, targetUrls } from '../presets/targets.ts';
import { createPageStore } from '../state/files/pages.ts';
import { createPins } from '../state/files/pins.ts';
import { createTrustStore } from '../state/files/trust.ts';
import { createUpstream } from '../upstream/client.ts';
import type { UpstreamLimits } from '../upstream/limits.ts';
import { createMetadataSource } from '../upstream/metadata-source.ts';
import { BUILT_AT, VERSION } from '../version.ts';
import { createPageWork } from '../workers/page-work.ts';
import { nowOf } from './data-directory.ts';
import { describedLayout } from './described-layout.ts';
import { readRoot } from './pinned-root.ts';
import { sealingOf } from './secrets.ts';
import { holdToState, holdToUpstream } from './start-policy.ts';
import { reachOf } from './upstream-options.ts';

/** A running mirror without its HTTP side: what every command works with. */
export interface Composition {
  readonly indexes: readonly MirrorIndex[];
  readonly blobs: BlobStore;
  readonly clock: Clock;
  /** Who was sent which file. */
  readonly fetched: AccessRecord;
  readonly shares: CommonShares;
  close(): Promise<void>;
}

interface ComposeOptions {
  readonly config: Config;
  readonly events: Events;
  /** Why the operator begins again from another pinned root; audited. */
  readonly newTrust?: string | undefined;
  /** The server alone limits and tidies the cache; a command beside it may know another limit. */
  readonly upkeep?: boolean | undefined;
  readonly seams?: Seams | undefined;
}

/** What a test replaces so that it need not wait: time, and the waits of the upstream side. */
export interface Seams {
  readonly clock?: Clock | undefined;
  readonly upstreamLimits?: Partial<UpstreamLimits> | undefined;
}

/** Builds the adapters and the indexes on them. Throws Refusal `state`, or `format` for an unusable root. */
export async function compose(options: ComposeOptions): Promise<Composition> {
  const { config, events, newTrust, upkeep = false, seams = {} } = options;
  const clock: Clock = seams.clock ?? { now: () => nowOf(config) };
  const volume = await openVolume(config.data, sealingOf(config));
  const closers: (() => unknown)[] = [];
  try {
    const onCorrupt = ({ sha256, message }: { readonly sha256: string; readonly message: string }) =>
      events.rejected({ index: '', reason: 'digest', subject: 'file', name: sha256, message, at: 'disk' });
    const shares = createShares();
    const blobs = await createBlobs({
      volume,
      shares,
      maxBytes: config.cache.maxBytes,
      upkeep,
      onCorrupt,
      ...(seams.clock === undefined ? {} : { nowMs: () => clock.now() * 1000 }),
    });
    closers.push(() => blobs.close());
    const fetched = createAccessRecord(volume);
    closers.push(() => fetched.close());
    const journal = createJournal(volume);
    closers.push(() => journal.close());
    const work = createPageWork({ shares });
    closers.push(() => work.close());
    const indexes: MirrorIndex[] = [];
    for (const index of Object.values(config.indexes)) {
      const { mirror, close } = await composeIndex({
        config,
        index,
        volume,
        blobs,
        clock,
        events,
        journal,
        work,
        newTrust,
        seams,
      });
      closers.push(close);
      indexes.push(mirror);
    }
    return {
      indexes,
      blobs,
      clock,
      fetched,
      shares,
      async close() {
        for (const close of closers.reverse()) await close();
        await volume.close();
      },
    };
  } catch (error) {
    for (const close of closers.reverse()) await close();
    await volume.close();
    throw error;
  }
}

interface IndexParts {
  readonly config: Config;
  readonly index: IndexConfig;
  readonly volume: Volume;
  readonly blobs: BlobStore;
  readonly clock: Clock;
  readonly events: Events;
  readonly newTrust: string | undefined;
  readonly seams: Seams;
  readonly journal: Journal;
  readonly work: PageWork;
}

function composeIndex(parts: IndexParts) {
  const { index } = parts;
  return index.evidence === 'tuf' ? composeSigned({ ...parts, index }) : composeUnsigned({ ...parts, index });
}

async function composeUnsigned({
  config,
  index,
  volume,
  blobs,
  clock,
  events,
  journal,
  work,
  newTrust,
  seams,
}: IndexParts & { readonly index: UnsignedIndexConfig }) {
  const simple = simpleUrl(index.upstream);
  const upstreamSince = await holdToUpstream(volume, index, simple, clock.now(), newTrust);
  const upstream = createUpstream({
    bases: [simple, ...apiOf(simple)],
    fileHosts: index.fileHosts,
    insecureUpstream: index.insecureUpstream,
    ...reachOf(index),
    version: VERSION,
    limits: seams.upstreamLimits,
  });
  const mirror = createIndexMirror({
    name: index.name,
    upstreamUrl: simple,
    pageUrl: (project) => `${simple}${project}/`,
    api: apiOf(simple)[0],
    upstream,
    store: createPageStore(volume, index.name),
    pins: createPins(volume, index.name),
    blobs,
    journal,
    work,
    clock,
    events,
    createCache: createMemoryCache,
    memory: memoryEach(config),
    maxAge: index.maxAge,
    staleIfError: index.staleIfError,
    reuploads: index.reuploads,
    contentAddressed: index.contentAddressed,
    projectList: index.projectList,
    nameFetch: () => randomUUID(),
    notBefore: upstreamSince,
    sealed: config.seal !== undefined,
  });
  return {
    mirror,
    async close() {
      upstream.close();
      // What it was about to write finds the data directory open.
      await mirror.settled();
    },
  };
}

/** The budget is for all indexes together; half of an index's part is for its pages, half for what they are made from. */
const memoryEach = ({ cache, indexes }: Config) => cache.memoryBytes / Object.keys(indexes).length / 2;

/** Where a PEP 503 index begins: the URL given, or `simple/` under a bare host. */
function simpleUrl(upstream: string): string {
  return new URL(upstream).pathname === '/' ? new URL('simple/', upstream).href : upstream;
}

/** PyPI's other documents lie beside `simple/`; an index that is called otherwise has none. */
function apiOf(simple: string): readonly string[] {
  return simple.endsWith('/simple/') ? [new URL('../', simple).href] : [];
}

async function composeSigned({
  config,
  index,
  volume,
  blobs,
  clock,
  events,
  work,
  newTrust,
  seams,
}: IndexParts & { readonly index: SignedIndexConfig }) {
  const layout = resolveLayout(typeof index.layout === 'string' ? index.layout : describedLayout(index.layout), index);
  const pinnedRoot = readRoot(index.root);
  const accepted = await holdToState(volume, index, pinnedRoot, clock.now(), newTrust);
  const upstream = createUpstream({
    bases: [index.upstream, ...layoutBases(layout)],
    fileHosts: index.fileHosts,
    insecureUpstream: index.insecureUpstream,
    ...reachOf(index),
    version: VERSION,
    limits: seams.upstreamLimits,
  });
  const mirror = await createTufIndex({
    name: index.name,
    upstreamUrl: index.upstream,
    pinnedRoot,
    layout: layoutPort(layout),
    upstream,
    source: createMetadataSource(upstream, layout, internalCaller(index.name, 'metadata')),
    trust: createTrustStore(volume, index.name),
    pins: createPins(volume, index.name),
    work,
    blobs,
    clock,
    patience: runInSlices,
    events,
    createCache: createMemoryCache,
    memory: memoryEach(config),
    refreshAfter: index.refresh,
    notBefore: config.referenceTime === undefined ? BUILT_AT : 0,
    reuploads: index.reuploads,
  });
  await accepted();
  const close = async () => {
    upstream.close();
    await mirror.settled();
  };
  return { mirror, close };
}

function layoutPort(layout: Layout): IndexLayout {
  return {
    name: layout.name,
    pageTarget: (project) => pageTarget(layout, project),
    fileTarget: ({ project, filename, content }) => fileTarget(layout, { project, filename, contentPath: content }),
    listTarget: layout.list,
    urls: (target, digests, consistent) => targetUrls(layout, target, digests, consistent),
    pageUrl: (project) => pageBaseUrl(layout, project) ?? layout.files.base,
  };
}
