import { randomUUID } from 'node:crypto';
import { runInSlices } from '../async/yield.ts';
import type { BlobStore } from '../blobs/blob-store.ts';
import { sha256Hex } from '../bytes/digest.ts';
import { existing } from '../bytes/existing.ts';
import { Refusal } from '../bytes/refusal.ts';
import type { Config, IndexConfig, SignedIndexConfig, UnsignedIndexConfig } from '../config/config.ts';
import { createCarriedIndex } from '../mirror/carried/index.ts';
import { CarriedTime } from '../mirror/carried/time.ts';
import { holdToRoot, holdToUpstream, type IndexStart } from '../mirror/operator/start-policy.ts';
import type { PackageIndex } from '../mirror/package-index.ts';
import { RefusingIndex } from '../mirror/refusing-index.ts';
import { SeenQuarantines } from '../mirror/seen-quarantines.ts';
import { createSignedIndex } from '../mirror/tuf/index.ts';
import { createUnsignedIndex } from '../mirror/unsigned/index.ts';
import type { BlobStorage } from '../ports/blob-storage.ts';
import type { Clock } from '../ports/clock.ts';
import type { Emit } from '../ports/events.ts';
import type { FileWork } from '../ports/file-work.ts';
import type { IndexState } from '../ports/index-state.ts';
import type { Tallies } from '../ports/left-out.ts';
import type { PageWork } from '../ports/page-work.ts';
import type { Peers } from '../ports/peers.ts';
import type { Journal } from '../ports/records.ts';
import { knownLayout } from '../presets/known-upstreams.ts';
import { describedLayout, resolveLayout } from '../presets/layouts.ts';
import { simpleIndex } from '../presets/simple-index.ts';
import { createTargetLayout } from '../presets/target-layout.ts';
import { createListStore } from '../state/list.ts';
import { createPageStore } from '../state/pages.ts';
import { createPins } from '../state/pins.ts';
import { createUpstream, type HttpUpstream } from '../upstream/client.ts';
import { createMetadataSource } from '../upstream/metadata-source.ts';
import { BUILT_AT, VERSION } from '../version.ts';
import type { FeedKeeper } from './advisories/keeper.ts';
import { relayedPlace } from './carry/relayed-place.ts';
import { carriedTables } from './carry/tables.ts';
import type { Seams } from './clock.ts';
import type { ClockComparison } from './conditions/clocks.ts';
import type { DrawnCache } from './drawn-cache.ts';
import type { SharedRedis } from './fleet/redis.ts';
import { refusing } from './open-index.ts';
import { readRoot } from './pinned-root.ts';
import { composePolicy } from './policy/compose-policy.ts';
import type { PolicyFiles } from './policy/policy-files.ts';
import { composeProvenance, type ProvenanceParts } from './provenance/compose-provenance.ts';
import { crowding, silence } from './queues.ts';
import { linkBase, standsBefore } from './server-files.ts';
import { limitsOf, seenProjects, signedReach, unsignedReach } from './upstream-options.ts';

/** What one index is made of. */
export interface IndexParts {
  readonly config: Config;
  readonly index: IndexConfig;
  readonly state: IndexState;
  readonly blobs: BlobStore;
  /** Where their bytes lie. */
  readonly storage: BlobStorage;
  readonly clock: Clock;
  readonly emit: Emit;
  readonly newTrust: ReadonlyMap<string, string>;
  readonly seams: Seams;
  readonly journal: Journal;
  readonly tallies: Tallies;
  readonly work: PageWork;
  readonly fileWork: FileWork;
  /** Of a server: who judges provenance, and where another index's copy of Sigstore's root is. */
  readonly provenance?: ProvenanceParts | undefined;
  readonly drawn: DrawnCache | undefined;
  readonly advisories: FeedKeeper | undefined;
  readonly policyFiles: PolicyFiles;
  readonly redis: Pick<SharedRedis, 'beliefs'> | undefined;
  readonly clocks: ClockComparison;
  /** The other processes of this server, where it has several. */
  readonly peers: Peers | undefined;
}

interface ComposedIndex {
  readonly mirror: PackageIndex;
  /** Undefined where nobody is asked. */
  readonly upstream: Pick<HttpUpstream, 'shares'> | undefined;
  /** Where it arrives by import. */
  readonly time: CarriedTime | undefined;
  close(): Promise<void>;
}

/** The index over its adapters. Throws Refusal `state`, or `format` for an unusable root. */
export async function composeIndex(parts: IndexParts): Promise<ComposedIndex> {
  const { index } = parts;
  if (index.import !== undefined && index.evidence === 'index') return composeCarried({ ...parts, index });
  return index.evidence === 'tuf' ? composeSigned({ ...parts, index }) : composeUnsigned({ ...parts, index });
}

/** What the operator says of the start of this index, and what is told where it was said before. */
function startOf({ index, clock, newTrust, emit }: IndexParts): IndexStart {
  const message = 'the word given with --new-trust was carried out by an earlier start and is spent: take it away';
  return {
    evidence: index.evidence,
    now: clock.now(),
    newTrust: newTrust.get(index.name),
    onSpent: () => emit({ name: 'noted', index: index.name, message, detail: {} }),
  };
}

async function composeUnsigned(parts: IndexParts & { readonly index: UnsignedIndexConfig }) {
  const { config, index, state, blobs, clock, clocks, emit, journal, tallies, work, fileWork, drawn, redis, seams } =
    parts;
  const place = simpleIndex(index.upstream, index.kind);
  const { simple, others, api, flat } = place;
  const upstreamSince = await holdToUpstream(state, simple, startOf(parts));
  const upstream = createUpstream({
    ...unsignedReach(index, place, state),
    version: VERSION,
    contact: config.contact,
    trace: index.trace,
    limits: { ...limitsOf(index), connections: config.limits.upstreamConnections, ...seams.upstreamLimits },
    offline: config.offline,
    onCrowding: crowding(emit, index.name),
    onSilence: silence(emit, index.name),
    onAsked: (asked) => emit({ name: 'askedUpstream', index: index.name, ...asked }),
    heard: (there) => clocks.heard(index.name, there, clock.now()),
  });
  const common = redis?.beliefs.pages(index.name, simple, clock);
  const provenance = composeProvenance(parts);
  const mirror = createUnsignedIndex({
    name: index.name,
    upstreamUrl: simple,
    lease: parts.peers?.lease,
    bases: [simple, ...others],
    flat,
    api,
    upstream,
    store: createPageStore(state),
    lists: createListStore(state, common?.list),
    pins: createPins(state),
    isThere: standsBefore(config, index.name) ? upstream.isThere : undefined,
    blobs: blobs.of(index.name),
    relayed: relayedPlace(parts, index.name),
    journal,
    tallies,
    work,
    drawn: drawn?.of(index.name, { linkBase: linkBase(config, index.name) }),
    shared: redis?.beliefs.documents(index.name),
    common,
    policy: await composePolicy(parts, provenance),
    clock,
    emit,
    memory: memoryEach(config) * UNSIGNED_SHARE,
    linkBase: linkBase(config, index.name),
    lookAhead: index.lookAhead,
    maxAge: index.maxAge,
    staleIfError: index.staleIfError,
    reuploads: index.reuploads,
    offline: config.offline,
    offlinePages: config.offlinePages,
    firstSight: index.undigested === 'first-sight' ? { twiceUpTo: index.secondFetchUpTo, fileWork } : undefined,
    contentAddressed: index.contentAddressed,
    ...ofRemoved(parts),
    projectList: index.projectList,
    seen: () => seenProjects(state),
    nameFetch: () => randomUUID(),
    notBefore: upstreamSince,
    sealed: config.seal !== undefined,
  });
  if (api !== undefined) provenance?.attach(mirror.unverified);
  return {
    mirror,
    upstream,
    time: undefined,
    async close() {
      upstream.close();
      // What it was about to write finds the data directory open.
      await mirror.settled();
    },
  };
}

/** Its time, where it arrives by import. */
async function carriedTime({ index, state, clock, config }: IndexParts): Promise<CarriedTime | undefined> {
  if (index.import === undefined) return undefined;
  const { maxAge: maxAgeDays } = index.import;
  return CarriedTime.open({ clock, carried: state.carried, maxAgeDays, reference: config.referenceTime });
}

/** An index that signs nothing, and that bundles bring. */
async function composeCarried(parts: IndexParts & { readonly index: UnsignedIndexConfig }): Promise<ComposedIndex> {
  const { config, index, state, blobs, emit, journal, tallies, work, drawn } = parts;
  await holdToUpstream(state, index.upstream, startOf(parts));
  const time = existing(await carriedTime(parts), 'an index that is fetched was taken for one that is imported');
  const shared = { name: index.name, journal, tallies, work, emit, linkBase: linkBase(config, index.name) };
  const provenance = composeProvenance(parts);
  const mirror = await createCarriedIndex({
    ...shared,
    time,
    tables: carriedTables(blobs),
    undigested: index.undigested,
    base: index.upstream,
    ...namesIn(state),
    blobs: blobs.of(index.name),
    drawn: drawn?.of(index.name, { linkBase: shared.linkBase }),
    policy: await composePolicy(parts, provenance),
    memory: memoryEach(config) * UNSIGNED_SHARE,
    reuploads: index.reuploads,
    offlinePages: config.offlinePages,
    ...ofRemoved({ ...parts, clock: time }),
    contentAddressed: index.contentAddressed,
  });
  provenance?.attach(mirror.unverified);
  return { mirror, upstream: undefined, time, close: () => mirror.settled() };
}

function ofRemoved({ index, state, clock }: Pick<IndexParts, 'index' | 'state' | 'clock'>) {
  return { quarantines: new SeenQuarantines({ state, clock }), servesRemoved: index.removed === 'serve' };
}

const namesIn = (state: IndexState) => ({ pins: createPins(state), floors: createPageStore(state) });

/** The budget is for all indexes together. */
const memoryEach = ({ cache, indexes }: Config) => cache.memoryBytes / Object.keys(indexes).length;

/** Of a signed index half is for its pages, half for the roles that they are proved by. */
const SIGNED_SHARE = 1 / 2;
/** Of one that signs nothing all but what its other documents take (an eighth as much) is for pages. */
const UNSIGNED_SHARE = 8 / 9;

async function composeSigned(parts: IndexParts & { readonly index: SignedIndexConfig }) {
  const { config, index, state, blobs, clock, clocks, emit, journal, tallies, work, drawn, redis, seams } = parts;
  const plan = typeof index.layout === 'string' ? knownLayout(index.layout) : describedLayout(index.layout);
  const layout = resolveLayout(plan, index);
  const pinnedRoot = readRoot(index.root);
  const before = (await state.facts.read())?.value.pinnedRootSha256;
  const accepted = await holdToRoot(state, pinnedRoot, startOf(parts));
  const time = await carriedTime(parts);
  const offline = config.offline || time !== undefined;
  const asked = createUpstream({
    ...signedReach(index, layout),
    version: VERSION,
    contact: config.contact,
    trace: index.trace,
    limits: { ...limitsOf(index), connections: config.limits.upstreamConnections, ...seams.upstreamLimits },
    offline,
    onCrowding: crowding(emit, index.name),
    onSilence: silence(emit, index.name),
    onAsked: (asked) => emit({ name: 'askedUpstream', index: index.name, ...asked }),
    heard: (there) => clocks.heard(index.name, there, clock.now()),
  });
  // Where its files are had by digest, it does not matter where they are said to be.
  const upstream = time === undefined ? asked : { ...asked, mayFetch: () => true };
  const mirror = await createSignedIndex({
    name: index.name,
    upstreamUrl: index.import === undefined ? index.upstream : 'carried by import',
    pinnedRoot,
    lease: parts.peers?.lease,
    isSameRoot: before === sha256Hex(pinnedRoot),
    layout: createTargetLayout(layout),
    upstream,
    source: createMetadataSource(upstream, layout),
    store: state.trust,
    shared: redis?.beliefs.documents(index.name, sha256Hex(pinnedRoot)),
    onBelieved: (timestamp) => redis?.beliefs.believed(index.name, timestamp),
    ...namesIn(state),
    work,
    drawn: drawn?.of(index.name, {
      pinnedRoot: sha256Hex(pinnedRoot),
      linkBase: linkBase(config, index.name),
    }),
    blobs: blobs.of(index.name),
    policy: await composePolicy(parts),
    journal,
    tallies,
    clock: time ?? clock,
    time,
    runner: runInSlices,
    emit,
    memory: memoryEach(config) * SIGNED_SHARE,
    linkBase: linkBase(config, index.name),
    lookAhead: index.lookAhead,
    refreshAfter: index.refresh,
    notBefore: config.referenceTime === undefined && time === undefined ? BUILT_AT : 0,
    reuploads: index.reuploads,
    offline,
    offlinePages: config.offlinePages,
    ...ofRemoved(parts),
  }).catch((error: unknown) => {
    if (!(error instanceof Refusal) || error.reason !== 'state') throw error;
    return refusing(index, error, emit);
  });
  if (!(mirror instanceof RefusingIndex)) await accepted();
  const close = async () => {
    upstream.close();
    await mirror.settled();
  };
  return { mirror, upstream, time, close };
}
