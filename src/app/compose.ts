import { type CommonShares, createShares } from '../async/shares.ts';
import { BlobStore } from '../blobs/blob-store.ts';
import { Refusal } from '../bytes/refusal.ts';
import type { Config } from '../config/config.ts';
import type { DiskBlobs } from '../disk/blob-storage.ts';
import type { Volume } from '../disk/volume.ts';
import type { CarriedTime } from '../mirror/carried/time.ts';
import type { PackageIndex } from '../mirror/package-index.ts';
import { relayedDocuments } from '../mirror/unsigned/relayed.ts';
import type { RelayedDocuments } from '../ports/blobs.ts';
import type { Clock } from '../ports/clock.ts';
import type { Emit } from '../ports/events.ts';
import type { IndexState } from '../ports/index-state.ts';
import type { PageWork } from '../ports/page-work.ts';
import type { Peers } from '../ports/peers.ts';
import type { ProvenanceWork } from '../ports/provenance/work.ts';
import { createFileWork } from '../workers/file-work.ts';
import { createPageWork } from '../workers/page-work.ts';
import { createPasswordWork, type PasswordWork } from '../workers/password-work.ts';
import { createProvenanceWork } from '../workers/provenance-work.ts';
import type { FeedKeeper } from './advisories/keeper.ts';
import { openFeed } from './advisories/open-feed.ts';
import { type BucketReport, type FilePlace, filePlace } from './bucket/bucket.ts';
import { BESIDE } from './bucket/waiting.ts';
import { relayedPlace } from './carry/relayed-place.ts';
import { holdDaysOf, Retention } from './carry/retention.ts';
import { createClock, type Seams } from './clock.ts';
import { composeIndex, type IndexParts } from './compose-index.ts';
import { ClockComparison } from './conditions/clocks.ts';
import { type DataDirectory, openDataDirectory, readDataDirectory } from './data-directory.ts';
import { DrawnCache } from './drawn-cache.ts';
import type { FleetPeers } from './fleet/peer-files.ts';
import type { SharedRedis } from './fleet/redis.ts';
import { ALONE, leaseOf, openShared } from './fleet/shared.ts';
import { tellingPeers } from './fleet/telling-peers.ts';
import { keepRoom, openIndex, refuseNothingLeft, refuseUnknown, refusing } from './open-index.ts';
import { operatorOn } from './operator/of-composition.ts';
import type { OperatorPlace } from './operator/place.ts';
import { PolicyFiles } from './policy/policy-files.ts';
import { workersOf } from './processes/divide.ts';
import { SigstoreRoots } from './provenance/roots.ts';
import { crowding, type NamedQueue, queuesOf } from './queues.ts';
import { type Records, recordsOf } from './running/records.ts';
import { sealingOf } from './secrets.ts';

/** A running mirror without its HTTP side: what every command works with. */
export interface Composition {
  readonly indexes: readonly PackageIndex[];
  /** What each index remembers, by its name; none of one that refuses because of that. */
  readonly states: ReadonlyMap<string, IndexState>;
  /** The time of each index that arrives by import, by its name. */
  readonly imports: ReadonlyMap<string, CarriedTime>;
  readonly blobs: BlobStore;
  readonly disk: DiskBlobs;
  /** What was relayed of an index's files, and is kept. */
  readonly relayed: (index: string) => RelayedDocuments;
  /** Of the bucket that files are kept in, where there is one. */
  readonly bucket: BucketReport | undefined;
  /** What lies on disk besides fetched files. */
  readonly sizes: DataDirectory['sizes'];
  readonly kept: DataDirectory['kept'];
  readonly clock: Clock;
  /** Who was sent which file; what upstream changed; what was refused. */
  readonly fetched: Records['fetched'];
  readonly journal: Records['journal'];
  readonly news: Records['news'];
  /** How much was answered and asked, by the hour. */
  readonly traffic: Records['traffic'];
  /** What pages in force leave out, by project. */
  readonly tallies: Records['tallies'];
  /** What was asked for and refused by policy. */
  readonly requests: Records['requests'];
  readonly passwords: PasswordWork;
  readonly work: PageWork;
  /** This machine's clock beside those of upstreams. */
  readonly clocks: ClockComparison;
  readonly shares: CommonShares;
  /** Everything that callers wait for. */
  readonly queues: readonly NamedQueue[];
  /** Where operators act. */
  readonly operator: OperatorPlace;
  readonly volume: Volume;
  /** What is known to be bad, where it is configured. */
  readonly advisories: FeedKeeper | undefined;
  readonly policyFiles: PolicyFiles;
  /** What is believed of Sigstore. */
  readonly roots: SigstoreRoots;
  /** Where it is configured, of a server. */
  readonly redis: SharedRedis | undefined;
  readonly fleet: DataDirectory['fleet'];
  /** The replicas that have files from each other, of a server. */
  readonly fleetPeers: FleetPeers | undefined;
  close(): Promise<void>;
}

interface ComposeOptions {
  readonly config: Config;
  readonly emit: Emit;
  /** By index: why the operator begins it again from another root, evidence or upstream; audited. */
  readonly newTrust?: ReadonlyMap<string, string> | undefined;
  /** The server alone limits and tidies the cache; a command beside it may know another limit. */
  readonly upkeep?: boolean | undefined;
  /** Only looks: nothing in the data directory is made or changed, and upstream is not asked. */
  readonly reading?: boolean | undefined;
  /** The other processes of this server, where it has several. */
  readonly peers?: Peers | undefined;
  readonly seams?: Seams | undefined;
}

/** Builds the adapters and the indexes on them. Throws Refusal `state`, or `format` for an unusable root. */
export async function compose(options: ComposeOptions): Promise<Composition> {
  const { newTrust = new Map<string, string>(), upkeep = false, reading = false, seams = {}, peers } = options;
  const told = peers === undefined ? options.emit : tellingPeers(options.emit, peers);
  const config = reading ? readingOnly(options.config) : options.config;
  refuseUnknown(newTrust.keys(), config);
  const clock = seams.clock ?? createClock(config.referenceTime);
  // What a command judges as of another time is true of that time alone.
  const rehearsal = reading || (!upkeep && config.referenceTime !== undefined);
  const directory = reading
    ? await readDataDirectory(config)
    : await openDataDirectory(config, { serving: upkeep, rehearsal, emit: told, peers });
  const { volume } = directory;
  const closers: (() => unknown)[] = [];
  const close = async (): Promise<void> => {
    for (const each of closers.reverse()) await each();
    await directory.close();
  };
  try {
    const records = { config, clock, rehearsal, serving: upkeep, emit: told };
    const { emit, ...kept } = recordsOf(directory, records, closers);
    const { journal, tallies } = kept;
    const shares = createShares(
      { fills: { places: config.limits.fills } },
      { indexes: Object.keys(config.indexes).length, onCrowding: crowding(emit, '') },
    );
    const nowMs = seams.clock === undefined ? Date.now : () => clock.now() * 1000;
    const { redis, fleetPeers } = upkeep ? await openShared(config, emit, closers) : ALONE;
    const retention = new Retention();
    const shown = { shares, emit, nowMs, upkeep, reading, seams, redis, fleetPeers, retention, peers };
    const { blobs, disk, place } = filesOf({ config, directory, ...shown }, closers);
    closers.push(() => retention.end());
    const ready = place.ready();
    const { work, fileWork, passwords, judging } = threadsOf(shares, upkeep, closers);
    const { sealKey } = sealingOf(config);
    if (redis !== undefined && sealKey !== undefined) directory.fleet?.hear(redis.stateHints(sealKey));
    // A command serves no page twice.
    const { maxBytes } = config.cache;
    const drawn = upkeep ? await DrawnCache.open(volume, { sealKey, maxBytes, shared: redis?.cache, emit }) : undefined;
    if (drawn !== undefined) closers.push(() => drawn.close());
    const leads = upkeep && peers?.leads !== false;
    const advisories = await openFeed({ config, volume, clock, emit, leads }, closers);
    const [clocks, policyFiles] = [new ClockComparison(), new PolicyFiles()];
    const files = { policyFiles, blobs, storage: place.storage, work, fileWork, judging, drawn, redis };
    const parts = { ...files, config, clock, clocks, emit, journal, tallies, newTrust, seams, peers, advisories };
    const { indexes, states, queues, ...others } = await composeIndexes(parts, directory, upkeep, closers);
    const retaining = { blobs, indexes: Object.values(config.indexes), states, volume, now: () => clock.now() };
    retention.begin({ ...retaining, holdDays: holdDaysOf(config) });
    await redis?.beliefs.follow(indexes);
    await ready;
    return {
      indexes,
      states,
      ...others,
      queues: [...queuesOf('', shares), ...queues],
      blobs,
      disk,
      relayed: (index) => relayedDocuments(index, relayedPlace({ storage: place.storage, blobs }, index)),
      bucket: place.bucket,
      sizes: directory.sizes,
      kept: directory.kept,
      clock,
      ...kept,
      passwords,
      work,
      clocks,
      shares,
      redis,
      operator: operatorOn({ config, journal, storage: place.storage, blobs, clock, indexes, states, policyFiles }),
      volume,
      advisories,
      policyFiles,
      fleet: directory.fleet,
      fleetPeers,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Upstream is not asked, and that takes nothing off the pages that are looked at. */
function readingOnly(config: Config): Config {
  return { ...config, offline: true, offlinePages: config.offline ? config.offlinePages : 'all' };
}

/** What is done on threads of its own. */
function threadsOf(shares: CommonShares, upkeep: boolean, closers: (() => unknown)[]) {
  const [work, fileWork] = [createPageWork({ shares }), createFileWork({ shares })];
  const [passwords, provenanceWork] = [createPasswordWork(), createProvenanceWork()];
  for (const each of [work, fileWork, passwords, provenanceWork]) closers.push(() => each.close());
  // A command finds nothing out behind its back.
  return { work, fileWork, passwords, judging: upkeep ? provenanceWork : undefined };
}

interface FilesOptions {
  readonly config: Config;
  readonly emit: Emit;
  readonly upkeep: boolean;
  readonly reading: boolean;
  readonly seams: Seams;
  readonly directory: DataDirectory;
  readonly shares: CommonShares;
  readonly nowMs: () => number;
  readonly redis: SharedRedis | undefined;
  readonly fleetPeers: FleetPeers | undefined;
  readonly retention: Retention;
  readonly peers: Peers | undefined;
}

/** Files and documents, and where they lie. */
function filesOf(
  { config, directory, shares, emit, nowMs, upkeep, reading, seams, redis, fleetPeers, retention, peers }: FilesOptions,
  closers: (() => unknown)[],
): { readonly blobs: BlobStore; readonly disk: DiskBlobs; readonly place: FilePlace } {
  const { volume } = directory;
  const { maxBytes } = config.cache;
  const disk = directory.blobs(maxBytes, { nowMs, apartMs: seams.apartMs });
  closers.push(() => disk.close());
  // Who only looks asks no bucket either.
  const onDisk = reading ? { ...config, blobs: undefined } : config;
  const worker = upkeep ? { number: peers?.number ?? 1, workers: workersOf(config) } : BESIDE;
  const place = filePlace({ config: onDisk, volume, disk, upkeep, emit, worker, leaseOver: redis?.leaseOver });
  closers.push(() => place.close());
  const blobs = new BlobStore({
    storage: place.storage,
    lease: leaseOf(peers?.lease, redis, { store: onDisk.blobs?.store, fleetPeers, volume }),
    peerFiles: fleetPeers?.files,
    peers,
    hasReplicas: fleetPeers !== undefined,
    shares,
    record: place.record,
    maxBytes: place.maxBytes,
    diskBytes: maxBytes,
    shared: place.shared,
    indexes: new Map(Object.values(config.indexes).map((index) => [index.name, index.maxBytes])),
    upkeep,
    retained: () => retention.digests(),
    onCorrupt: ({ sha256, message }) =>
      emit({ name: 'rejected', index: '', reason: 'digest', subject: 'file', thing: sha256, message, at: 'disk' }),
    onTrouble: (error) => emit({ name: 'faulted', at: 'store', error }),
    nowMs,
  });
  closers.push(() => blobs.close());
  return { blobs, disk, place };
}

async function composeIndexes(
  { judging, ...shared }: Omit<IndexParts, 'index' | 'state'> & { readonly judging: ProvenanceWork | undefined },
  directory: DataDirectory,
  upkeep: boolean,
  closers: (() => unknown)[],
): Promise<Pick<Composition, 'indexes' | 'states' | 'imports' | 'queues' | 'roots'>> {
  const { config, emit } = shared;
  const indexes: PackageIndex[] = [];
  const queues: NamedQueue[] = [];
  const states = new Map<string, IndexState>();
  const imports = new Map<string, CarriedTime>();
  const indexOf = (name: string) => indexes.find((each) => each.name === name);
  const roots = new SigstoreRoots(emit);
  const provenance = judging && { work: judging, indexOf, roots };
  for (const index of Object.values(config.indexes)) {
    const state = await openIndex(directory, index.name, emit);
    if (state instanceof Refusal) {
      indexes.push(refusing(index, state, emit));
      continue;
    }
    states.set(index.name, state);
    if (upkeep) closers.push(keepRoom(index.name, directory, shared));
    const { mirror, upstream, time, close } = await composeIndex({ ...shared, provenance, index, state });
    closers.push(close);
    indexes.push(mirror);
    if (time !== undefined) imports.set(index.name, time);
    if (upstream !== undefined) queues.push(...queuesOf(index.name, upstream.shares));
  }
  refuseNothingLeft(indexes);
  if (judging !== undefined) roots.start();
  closers.push(() => roots.close());
  return { indexes, states, imports, queues, roots };
}
