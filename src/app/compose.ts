import { randomUUID } from 'node:crypto';
import { type CommonShares, createShares } from '../async/shares.ts';
import { runInSlices } from '../async/yield.ts';
import { BlobStore } from '../blobs/blob-store.ts';
import { sha256Hex } from '../bytes/digest.ts';
import { Refusal } from '../bytes/refusal.ts';
import type { Config, IndexConfig, SignedIndexConfig, UnsignedIndexConfig } from '../config/config.ts';
import { createUsageRecord } from '../disk/blob-storage.ts';
import { type AccessRecord, createAccessRecord } from '../disk/records/access-record.ts';
import { createJournal } from '../disk/records/journal.ts';
import { holdToRoot, holdToUpstream, type IndexStart } from '../mirror/operator/start-policy.ts';
import type { PackageIndex } from '../mirror/package-index.ts';
import { quarantinePolicy } from '../mirror/quarantine-policy.ts';
import { RefusingIndex } from '../mirror/refusing-index.ts';
import { createSignedIndex } from '../mirror/tuf/index.ts';
import { createUnsignedIndex } from '../mirror/unsigned/index.ts';
import type { Clock } from '../ports/clock.ts';
import type { Emit } from '../ports/events.ts';
import type { IndexState } from '../ports/index-state.ts';
import type { PageWork } from '../ports/page-work.ts';
import type { Journal } from '../ports/records.ts';
import { knownLayout } from '../presets/known-upstreams.ts';
import { describedLayout, resolveLayout } from '../presets/layouts.ts';
import { simpleIndex } from '../presets/simple-index.ts';
import { createTargetLayout } from '../presets/target-layout.ts';
import { createPageStore } from '../state/pages.ts';
import { createPins } from '../state/pins.ts';
import { createUpstream } from '../upstream/client.ts';
import type { UpstreamLimits } from '../upstream/limits.ts';
import { createMetadataSource } from '../upstream/metadata-source.ts';
import { BUILT_AT, VERSION } from '../version.ts';
import { createPageWork } from '../workers/page-work.ts';
import { createClock } from './clock.ts';
import { type DataDirectory, openDataDirectory } from './data-directory.ts';
import { DrawnCache } from './drawn-cache.ts';
import { openIndex, refusing } from './open-index.ts';
import { readRoot } from './pinned-root.ts';
import { crowding, type NamedQueue, queuesOf } from './queues.ts';
import { sealingOf } from './secrets.ts';
import { linkBase } from './server-files.ts';
import { limitsOf, seenProjects, signedReach, unsignedReach } from './upstream-options.ts';

/** A running mirror without its HTTP side: what every command works with. */
export interface Composition {
  readonly indexes: readonly PackageIndex[];
  /** What each index remembers, by its name; none of one that refuses because of that. */
  readonly states: ReadonlyMap<string, IndexState>;
  readonly blobs: BlobStore;
  readonly clock: Clock;
  /** Who was sent which file. */
  readonly fetched: AccessRecord;
  readonly shares: CommonShares;
  /** Everything that callers wait for. */
  readonly queues: readonly NamedQueue[];
  close(): Promise<void>;
}

interface ComposeOptions {
  readonly config: Config;
  readonly emit: Emit;
  /** By index: why the operator begins it again from another root, evidence or upstream; audited. */
  readonly newTrust?: ReadonlyMap<string, string> | undefined;
  /** The server alone limits and tidies the cache; a command beside it may know another limit. */
  readonly upkeep?: boolean | undefined;
  readonly seams?: Seams | undefined;
}

/** What a test replaces so that it need not wait: time, and the waits of the upstream side. */
export interface Seams {
  readonly clock?: Clock | undefined;
  readonly upstreamLimits?: Partial<UpstreamLimits> | undefined;
  /** Between two writes of small files. */
  readonly apartMs?: number | undefined;
}

/** Builds the adapters and the indexes on them. Throws Refusal `state`, or `format` for an unusable root. */
export async function compose(options: ComposeOptions): Promise<Composition> {
  const { config, emit, newTrust = new Map<string, string>(), upkeep = false, seams = {} } = options;
  refuseUnknown(newTrust.keys(), config);
  const clock = seams.clock ?? createClock(config.referenceTime);
  // What a command judges as of another time is true of that time alone.
  const rehearsal = !upkeep && config.referenceTime !== undefined;
  const directory = await openDataDirectory(config, { serving: upkeep, rehearsal });
  const { volume } = directory;
  const closers: (() => unknown)[] = [];
  try {
    const onCorrupt = ({ sha256, message }: { readonly sha256: string; readonly message: string }) =>
      emit({ name: 'rejected', index: '', reason: 'digest', subject: 'file', thing: sha256, message, at: 'disk' });
    const shares = createShares(
      { fills: { places: config.limits.fills } },
      { indexes: Object.keys(config.indexes).length, onCrowding: crowding(emit, '') },
    );
    const nowMs = seams.clock === undefined ? Date.now : () => clock.now() * 1000;
    const { maxBytes } = config.cache;
    const storage = directory.blobs(maxBytes, { nowMs, apartMs: seams.apartMs });
    closers.push(() => storage.close());
    const blobs = new BlobStore({
      storage,
      shares,
      record: createUsageRecord(volume),
      maxBytes,
      indexes: new Map(Object.values(config.indexes).map((index) => [index.name, index.maxBytes])),
      upkeep,
      onCorrupt,
      onTrouble: (error) => emit({ name: 'faulted', at: 'store', error }),
      nowMs,
    });
    closers.push(() => blobs.close());
    const fetched = createAccessRecord(directory.records);
    closers.push(() => fetched.close());
    const stored = createJournal(directory.records);
    closers.push(() => stored.close());
    const journal: Journal = rehearsal ? { ...stored, note() {} } : stored;
    const work = createPageWork({ shares });
    closers.push(() => work.close());
    const { sealKey } = sealingOf(config);
    // A command serves no page twice.
    const drawn = upkeep ? await DrawnCache.open(volume, { sealKey, maxBytes, emit }) : undefined;
    if (drawn !== undefined) closers.push(() => drawn.close());
    const shared = { config, blobs, clock, emit, journal, work, drawn, newTrust, seams };
    const { indexes, states, queues } = await composeIndexes(shared, directory, closers);
    return {
      indexes,
      states,
      queues: [...queuesOf('', shares), ...queues],
      blobs,
      clock,
      fetched,
      shares,
      async close() {
        for (const close of closers.reverse()) await close();
        await directory.close();
      },
    };
  } catch (error) {
    for (const close of closers.reverse()) await close();
    await directory.close();
    throw error;
  }
}

async function composeIndexes(
  shared: Omit<IndexParts, 'index' | 'state'>,
  directory: DataDirectory,
  closers: (() => unknown)[],
): Promise<Pick<Composition, 'indexes' | 'states' | 'queues'>> {
  const { config, emit } = shared;
  const indexes: PackageIndex[] = [];
  const queues: NamedQueue[] = [];
  const states = new Map<string, IndexState>();
  for (const index of Object.values(config.indexes)) {
    const state = await openIndex(directory, index.name, emit);
    if (state instanceof Refusal) {
      indexes.push(refusing(index, state, emit));
      continue;
    }
    states.set(index.name, state);
    const { mirror, upstream, close } = await composeIndex({ ...shared, index, state });
    closers.push(close);
    indexes.push(mirror);
    queues.push(...queuesOf(index.name, upstream.shares));
  }
  refuseNothingLeft(indexes);
  return { indexes, states, queues };
}

function refuseUnknown(names: Iterable<string>, { indexes }: Config): void {
  for (const name of names)
    if (indexes[name] === undefined)
      throw new Refusal(
        'format',
        `--new-trust speaks of the index "${name}", and there is none of that name. There are: ${Object.keys(indexes).join(', ')}.`,
        { subject: 'request' },
      );
}

/** An index whose stored state is damaged refuses alone; where there is no other, the start does. */
function refuseNothingLeft(indexes: readonly PackageIndex[]): void {
  const refusing = indexes.filter((index) => index instanceof RefusingIndex);
  if (refusing.length === indexes.length && refusing[0] !== undefined) throw refusing[0].refusal;
}

interface IndexParts {
  readonly config: Config;
  readonly index: IndexConfig;
  readonly state: IndexState;
  readonly blobs: BlobStore;
  readonly clock: Clock;
  readonly emit: Emit;
  readonly newTrust: ReadonlyMap<string, string>;
  readonly seams: Seams;
  readonly journal: Journal;
  readonly work: PageWork;
  readonly drawn: DrawnCache | undefined;
}

function composeIndex(parts: IndexParts) {
  const { index } = parts;
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
  const { config, index, state, blobs, clock, emit, journal, work, drawn, seams } = parts;
  const place = simpleIndex(index.upstream, index.kind);
  const { simple, others, api, flat } = place;
  const upstreamSince = await holdToUpstream(state, simple, startOf(parts));
  const upstream = createUpstream({
    ...unsignedReach(index, place, state),
    version: VERSION,
    contact: config.contact,
    limits: { ...limitsOf(index), connections: config.limits.upstreamConnections, ...seams.upstreamLimits },
    onCrowding: crowding(emit, index.name),
  });
  const mirror = createUnsignedIndex({
    name: index.name,
    upstreamUrl: simple,
    bases: [simple, ...others],
    flat,
    api,
    upstream,
    store: createPageStore(state),
    pins: createPins(state),
    blobs: blobs.of(index.name),
    journal,
    work,
    drawn: drawn?.of(index.name, undefined),
    policy: quarantinePolicy,
    clock,
    emit,
    memory: memoryEach(config),
    linkBase: linkBase(config, index.name),
    maxAge: index.maxAge,
    staleIfError: index.staleIfError,
    reuploads: index.reuploads,
    contentAddressed: index.contentAddressed,
    projectList: index.projectList,
    seen: () => seenProjects(state),
    nameFetch: () => randomUUID(),
    notBefore: upstreamSince,
    sealed: config.seal !== undefined,
  });
  return {
    mirror,
    upstream,
    async close() {
      upstream.close();
      // What it was about to write finds the data directory open.
      await mirror.settled();
    },
  };
}

/** The budget is for all indexes together; half of an index's part is for its pages, half for what they are made from. */
const memoryEach = ({ cache, indexes }: Config) => cache.memoryBytes / Object.keys(indexes).length / 2;

async function composeSigned(parts: IndexParts & { readonly index: SignedIndexConfig }) {
  const { config, index, state, blobs, clock, emit, journal, work, drawn, seams } = parts;
  const plan = typeof index.layout === 'string' ? knownLayout(index.layout) : describedLayout(index.layout);
  const layout = resolveLayout(plan, index);
  const pinnedRoot = readRoot(index.root);
  const accepted = await holdToRoot(state, pinnedRoot, startOf(parts));
  const upstream = createUpstream({
    ...signedReach(index, layout),
    version: VERSION,
    contact: config.contact,
    limits: { ...limitsOf(index), connections: config.limits.upstreamConnections, ...seams.upstreamLimits },
    onCrowding: crowding(emit, index.name),
  });
  const mirror = await createSignedIndex({
    name: index.name,
    upstreamUrl: index.upstream,
    pinnedRoot,
    layout: createTargetLayout(layout),
    upstream,
    source: createMetadataSource(upstream, layout),
    store: state.trust,
    pins: createPins(state),
    work,
    drawn: drawn?.of(index.name, sha256Hex(pinnedRoot)),
    blobs: blobs.of(index.name),
    policy: quarantinePolicy,
    journal,
    clock,
    runner: runInSlices,
    emit,
    memory: memoryEach(config),
    linkBase: linkBase(config, index.name),
    refreshAfter: index.refresh,
    notBefore: config.referenceTime === undefined ? BUILT_AT : 0,
    reuploads: index.reuploads,
  }).catch((error: unknown) => {
    if (!(error instanceof Refusal) || error.reason !== 'state') throw error;
    return refusing(index, error, emit);
  });
  if (!(mirror instanceof RefusingIndex)) await accepted();
  const close = async () => {
    upstream.close();
    await mirror.settled();
  };
  return { mirror, upstream, close };
}
