import { existsSync } from 'node:fs';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AdvisoryAnswers } from '../../src/app/advisories/answers.ts';
import { importPlace } from '../../src/app/carry/import-place.ts';
import { type Composition, compose } from '../../src/app/compose.ts';
import { ownFacts } from '../../src/app/health/facts.ts';
import { createHealth } from '../../src/app/health/health.ts';
import { noEvents } from '../../src/app/no-events.ts';
import { combinedOf } from '../../src/app/running/combined.ts';
import { recordSent } from '../../src/app/running/record-sent.ts';
import { type Jobs, jobsOf } from '../../src/app/scrubbing/jobs.ts';
import { createPeoplePages } from '../../src/app/web/people-pages.ts';
import type { Gate } from '../../src/async/gate.ts';
import type { Waiting } from '../../src/blobs/scrub/scrub.ts';
import type { Imported, ImportPlace } from '../../src/bundle/import/place.ts';
import { importBundle } from '../../src/bundle/import/run.ts';
import { findings } from '../../src/cli/verify.ts';
import type { Config, IndexConfig, SignedIndexConfig, UnsignedIndexConfig } from '../../src/config/config.ts';
import type { RedisConfig } from '../../src/config/redis.ts';
import { createAccess } from '../../src/http/access/access.ts';
import type { AccessList } from '../../src/http/access/access-list.ts';
import type { ConnectionCounts } from '../../src/http/connections.ts';
import { createConnectionRefusal, createListener } from '../../src/http/listener.ts';
import { type RunningServer, startServer } from '../../src/http/server.ts';
import type { PackageIndex } from '../../src/mirror/package-index.ts';
import type { Condition } from '../../src/ports/conditions.ts';
import type { ScrubNumbers } from '../../src/telemetry/scrub-metrics.ts';
import type { UpstreamLimits } from '../../src/upstream/limits.ts';
import { BUILT_AT } from '../../src/version.ts';
import { type Answered, type Asking, ask } from '../support/ask.ts';
import { bytesOf } from '../support/bundles.ts';
import { DAY, type TestClock } from '../support/clock.ts';
import { createRecorder, type Recorded } from '../support/recorder.ts';
import { TIMEOUTS } from '../support/timeouts.ts';

/** How a running mirror is asked. */
export interface Face {
  readonly url: () => string;
  /** One of its indexes; the default one where no name is given. */
  readonly index: (name?: string) => PackageIndex;
  readonly get: (path: string, asking?: Asking) => Promise<Answered>;
  /** The project page as pip reads it. Throws where it is not a 200. */
  readonly page: (project: string) => Promise<SimplePage>;
  /** The names of its files. */
  readonly names: (project: string) => Promise<readonly string[]>;
  /** Status and reason of an answer that should be a refusal. */
  readonly refused: (path: string, asking?: Asking) => Promise<string>;
  /** Asks upstream for new metadata now, whatever comes of it. */
  readonly refresh: () => Promise<void>;
}

/** A whole mirror in this process, on loopback. */
export interface Mirror extends Face {
  readonly clock: TestClock;
  readonly events: Recorded;
  /** Connections of clients, and what callers hold or wait for. */
  readonly held: () => Held;
  /** The data directory of the mirror that runs. */
  readonly data: () => string;
  /** Another process, as good as: a second mirror on the same data directory. It ends with the rig. */
  readonly twin: () => Promise<Face>;
  readonly stop: () => Promise<void>;
  readonly start: (newTrust?: string) => Promise<void>;
  /** Stops and starts again on the same directory; `newTrust`: the operator's word for another root, evidence or upstream of the index `main`. */
  readonly restart: (newTrust?: string) => Promise<void>;
  /** Stops and starts again so that no upstream is asked. */
  readonly goOffline: () => Promise<void>;
  /** As an operator drops a stored file. */
  readonly forget: (sha256: string) => Promise<void>;
  /** Begins what a server does unasked, as of these settings; `numbers`: what metrics read. */
  readonly jobs: (how?: JobsHow) => {
    readonly jobs: Jobs | undefined;
    readonly numbers: () => ScrubNumbers | undefined;
  };
  /** Starts again on the directory as it lies there at this moment, as after `kill -9`. */
  readonly kill: () => Promise<void>;
  /** Imports a bundle whose files these are, into the index `main`. Throws Refusal. */
  readonly take: (files: readonly Uint8Array[], how?: TakingIn) => Promise<Imported>;
  /** What callers wait for; of the process that runs. */
  readonly queues: () => Composition['queues'];
  /** What `verbatim verify` says of the data directory, whether it runs or not. */
  readonly verify: () => ReturnType<typeof findings>;
  /** Throws where an answer failed by anything but a refusal. */
  readonly close: () => Promise<void>;
}

/** How a test imports. */
export interface TakingIn {
  readonly dryRun?: boolean;
  readonly asOf?: number;
  readonly place?: (place: ImportPlace) => ImportPlace;
}

/** What clients hold of a mirror. */
export interface Held {
  readonly connections: ConnectionCounts;
  /** Buffers of one chunk. */
  readonly chunks: Gate['usage'];
}

export interface MirrorOptions {
  /** Removed when the rig closes; the data directory lies in it. */
  readonly scratch: string;
  /** The indexes to mirror; `main` is the default one. Read at each start. */
  readonly indexes: () => readonly IndexConfig[];
  /** Addresses over several of them; `main` is the default one here, too. */
  readonly addresses?: Config['addresses'];
  readonly clock: TestClock;
  readonly upstreamLimits?: Partial<UpstreamLimits> | undefined;
  readonly maxBytes?: number | undefined;
  /** Most bytes of what is remembered of each index. */
  readonly stateBytes?: number | undefined;
  /** Connections at once. */
  readonly connections?: number | undefined;
  /** Who may read; everybody unless given. */
  readonly readers?: AccessList | undefined;
  /** Users who see who was sent which file. */
  readonly auditors?: readonly string[] | undefined;
  /** What is to be known of it as a whole, for its pages for people. */
  readonly conditions?: (() => readonly Condition[]) | undefined;
  /** A data directory that is there already; by default an empty one. */
  readonly data?: string | undefined;
  /** Absolute links, and what they begin with. */
  readonly linksBelow?: string | undefined;
  /** Started so that no upstream is asked. */
  readonly offline?: boolean | undefined;
  /** Files on pages of an offline mirror. */
  readonly offlinePages?: 'all' | 'held' | undefined;
  /** What is known to be bad. */
  readonly advisories?: Config['advisories'];
  /** Files of a seal key and its epoch. */
  readonly seal?: { readonly key: string; readonly epoch: string } | undefined;
  /** The ports of Redis on this machine: of one server, or of some nodes of a cluster. */
  readonly redis?: readonly number[] | undefined;
}

export interface JobsHow {
  readonly scrubDays?: number;
  readonly leads?: boolean;
  readonly waiting?: Waiting;
  readonly looking?: Waiting;
}

export interface SimplePage {
  readonly meta: { readonly 'api-version': string };
  readonly name: string;
  readonly versions?: readonly string[];
  readonly files: readonly SimpleFile[];
}

export interface SimpleFile {
  readonly filename: string;
  readonly url: string;
  readonly hashes: Readonly<Record<string, string>>;
  readonly size?: number;
  readonly yanked?: boolean | string;
  readonly 'core-metadata'?: boolean | Readonly<Record<string, string>>;
}

export const JSON_PAGE = 'application/vnd.pypi.simple.v1+json';

/** Well after this program was built, so that its clock is believed. */
export const NOW = BUILT_AT + 30 * DAY;

/** No retry, rest, look or queue makes a test wait; what a busy machine needs is not cut short. */
const LIMITS: Partial<UpstreamLimits> = {
  retryDelay: 1,
  longestWait: 20,
  longestRetryAfter: 20,
  silentRest: 0,
  longestLook: 0,
};

/** In memory where the system offers it: every publish syncs, and a test has nothing to lose in a power cut. */
const SCRATCH = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

/** A directory for one rig. */
export function makeScratch(): Promise<string> {
  return mkdtemp(join(SCRATCH, 'verbatim-rig-'));
}

const ANY_INDEX = {
  name: 'main',
  fileHosts: [],
  insecureUpstream: false,
  reuploads: false,
  maxBytes: undefined,
  absent: { statuses: [], redirectElsewhere: false },
  credentials: undefined,
  ca: undefined,
  client: undefined,
  proxy: undefined,
  privateHosts: [],
  timeouts: TIMEOUTS,
  // What upstream is asked for is what a test asks for, unless it says otherwise.
  lookAhead: undefined,
} as const;

/** An index signed with TUF as the configuration describes it, with every default. */
export function signedConfig(
  given: Pick<SignedIndexConfig, 'upstream' | 'root'> & Partial<SignedIndexConfig>,
): SignedIndexConfig {
  return {
    ...ANY_INDEX,
    evidence: 'tuf',
    layout: 'pep458',
    metadataUrl: undefined,
    pagesUrl: undefined,
    filesUrl: undefined,
    refresh: 60,
    ...given,
  };
}

/** An index that signs nothing, with every default but for content paths, which are PyPI's. */
export function unsignedConfig(
  given: Pick<UnsignedIndexConfig, 'upstream'> & Partial<UnsignedIndexConfig>,
): UnsignedIndexConfig {
  return {
    ...ANY_INDEX,
    evidence: 'index',
    kind: undefined,
    maxAge: 600,
    staleIfError: 30 * DAY,
    contentAddressed: true,
    projectList: true,
    undigested: 'first-sight',
    secondFetchUpTo: 64e6,
    ...given,
  };
}

/** Who was sent a file is written down with whose credentials came. */
const NAMED = { cache: {}, server: { auth: { recordNames: true } } } as const;

interface Running {
  readonly composition: Composition;
  readonly server: RunningServer;
}

function faceOf(which: () => Running): Face {
  const url = () => which().server.url;
  const get: Face['get'] = (path, asking) => ask(url(), path, asking);
  const index: Face['index'] = (name = 'main') => {
    const found = which().composition.indexes.find((candidate) => candidate.name === name);
    if (found === undefined) throw new Error(`no index ${name}`);
    return found;
  };
  const page: Face['page'] = async (project) => {
    const { status, body } = await get(`/simple/${project}/`, { headers: { accept: JSON_PAGE } });
    if (status !== 200) throw new Error(`the page of ${project} answers ${status}: ${body}`);
    return JSON.parse(body.toString('utf8'));
  };
  return {
    url,
    index,
    get,
    page,
    names: async (project) => (await page(project)).files.map(({ filename }) => filename),
    async refused(path, asking) {
      const { status, headers, body } = await get(path, asking);
      if (headers['content-type'] !== 'application/problem+json') return `${status} ${headers['content-type']}`;
      return `${status} ${JSON.parse(body.toString('utf8')).reason}`;
    },
    async refresh() {
      await index()
        .signed?.refresh()
        .catch(() => undefined);
    },
  };
}

/** Starts a mirror of the given indexes; `close` frees everything. */
export async function startMirror(options: MirrorOptions): Promise<Mirror> {
  const { scratch, clock, seal, redis } = options;
  const { events, emit } = createRecorder();
  const faults: unknown[] = [];
  let data = options.data ?? join(scratch, 'data-0');
  let lives = 0;
  let offline = false;
  let running: Running | undefined;
  const twins: Running[] = [];

  const config = (): Config => ({
    server: {
      host: '127.0.0.1',
      port: 0,
      publicUrl: options.linksBelow,
      ...(options.linksBelow !== undefined && { links: 'absolute' }),
      maxConnections: 4096,
      grace: 30,
      trustedProxies: [],
      tls: undefined,
      auth: undefined,
    },
    data,
    allowFuse: false,
    offline: offline || options.offline === true,
    offlinePages: options.offlinePages,
    advisories: options.advisories,
    ...(redis !== undefined && { redis: redisAt(redis) }),
    ...(seal && { seal: { key: { file: seal.key, variable: undefined }, epochFile: seal.epoch } }),
    cache: { maxBytes: options.maxBytes ?? 1e9, stateBytes: options.stateBytes, memoryBytes: 64 * 1024 * 1024 },
    limits: { fills: 32, upstreamConnections: 32 },
    log: { level: 'error', format: 'json' },
    referenceTime: undefined,
    indexes: Object.fromEntries(options.indexes().map((index) => [index.name, index])),
    addresses: options.addresses,
  });
  const launch = async (newTrust?: string): Promise<Running> => {
    const upstreamLimits = { ...LIMITS, ...options.upstreamLimits };
    const seams = { clock, upstreamLimits, apartMs: 0 };
    const words = newTrust === undefined ? undefined : new Map([['main', newTrust]]);
    const composition = await compose({ config: config(), emit, newTrust: words, upkeep: true, seams });
    const { readers, connections, conditions = () => [] } = options;
    const facts = () => ownFacts(composition, conditions());
    const health = createHealth({ config: config(), facts, startedAt: clock.now(), keptMs: 0 });
    const listener = createListener({
      indexes: composition.indexes.map((index) => ({ index })),
      combined: combinedOf(options, composition),
      defaultIndex: 'main',
      advisories: new AdvisoryAnswers(composition.advisories, composition.shares),
      health,
      people: createPeoplePages({
        composition,
        config: config(),
        defaultIndex: 'main',
        startedAt: clock.now(),
        health,
        address: () => options.linksBelow,
        auditors: options.auditors,
      }),
      access: readers && createAccess(readers, { queues: composition.shares, bcrypt: composition.passwords.bcrypt }),
      ...(options.auditors && { onSent: (sent) => recordSent({ config: NAMED, composition }, sent) }),
      onFault: (error) => void faults.push(error),
    });
    const server = await startServer({
      listener,
      host: '127.0.0.1',
      port: 0,
      limits: { grace: 200, ...(connections !== undefined && { connections }) },
      refuse: createConnectionRefusal(undefined),
      onCrowding: (crowding) => emit({ name: 'crowded', ...crowding }),
    });
    return { composition, server };
  };
  const end = async (ending: Running | undefined) => {
    await ending?.server.close();
    await ending?.composition.close();
  };
  const start = async (newTrust?: string) => {
    running = await launch(newTrust);
  };
  const stop = async () => {
    const ending = running;
    running = undefined;
    await end(ending);
  };

  await start();
  return {
    clock,
    events,
    held() {
      if (running === undefined) throw new Error('the mirror does not run');
      const { server, composition } = running;
      return { connections: server.connections, chunks: composition.shares.chunks.usage };
    },
    data: () => data,
    ...faceOf(() => {
      if (running === undefined) throw new Error('the mirror does not run');
      return running;
    }),
    async twin() {
      const other = await launch();
      twins.push(other);
      return faceOf(() => other);
    },
    stop,
    start,
    queues: () => running?.composition.queues ?? [],
    async restart(newTrust) {
      await stop();
      await start(newTrust);
    },
    async goOffline() {
      await stop();
      offline = true;
      await start();
    },
    async take(files, { dryRun = false, asOf, place = (own: ImportPlace) => own } = {}) {
      if (running === undefined) throw new Error('the mirror does not run');
      const given = files.map((bytes, at) => ({ name: `file ${at}`, bytes: bytesOf(bytes) }));
      return importBundle(place(await importPlace(running.composition, 'main')), { files: given, dryRun, asOf });
    },
    jobs({ scrubDays = 30, leads = true, waiting, looking } = {}) {
      if (running === undefined) throw new Error('the mirror does not run');
      const { composition } = running;
      let numbers: (() => ScrubNumbers) | undefined;
      const metrics = {
        watchScrub(read: () => ScrubNumbers) {
          numbers = read;
        },
      };
      const scrubbed = { ...config(), cache: { ...config().cache, scrubDays } };
      const jobs = jobsOf({ config: scrubbed, composition, emit, metrics, leads, waiting, looking });
      return { jobs, numbers: () => numbers?.() };
    },
    async forget(sha256) {
      await running?.composition.operator.forget(sha256);
    },
    async kill() {
      const left = join(scratch, `data-${++lives}`);
      await cp(data, left, { recursive: true });
      await stop();
      data = left;
      await start();
    },
    async verify() {
      const seams = { clock };
      const composition = await compose({ config: config(), emit: noEvents, reading: true, seams });
      try {
        return await findings(composition, () => undefined);
      } finally {
        await composition.close();
      }
    },
    async close() {
      await stop();
      for (const other of twins) await end(other);
      await rm(scratch, { recursive: true, force: true });
      if (faults.length > 0) throw new AggregateError(faults, 'answers failed inside the mirror');
    },
  };
}

function redisAt(ports: readonly number[]): RedisConfig {
  const nodes = ports.map((port) => ({ host: '127.0.0.1', port }));
  const [node] = nodes;
  if (node === undefined) throw new Error('there is no server');
  return {
    place: nodes.length === 1 ? { mode: 'standalone', node, database: 0 } : { mode: 'cluster', nodes },
    login: { username: undefined, password: undefined },
    tls: undefined,
    prefix: 'verbatim',
    maxValue: 16 * 1024 * 1024,
  };
}
