import { existsSync } from 'node:fs';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Composition, compose } from '../../src/app/compose.ts';
import type { Config, SignedIndexConfig } from '../../src/config/config.ts';
import { createListener } from '../../src/http/app.ts';
import { type RunningServer, startServer } from '../../src/http/server.ts';
import type { MirrorIndex } from '../../src/mirror/package-index.ts';
import type { Events } from '../../src/ports/events.ts';
import type { UpstreamLimits } from '../../src/upstream/limits.ts';
import { BUILT_AT } from '../../src/version.ts';
import { type Answered, type Asking, ask } from '../support/ask.ts';
import { createClock, DAY, type TestClock } from '../support/clock.ts';
import { startUpstream, type TestUpstream, type UpstreamServerOptions } from '../support/upstream.ts';

type Event<Name extends keyof Events> = Parameters<Events[Name]>[0];

/** What the mirror told its log and its metrics, in order. */
export interface Recorded {
  readonly rejected: Event<'rejected'>[];
  readonly served: Event<'served'>[];
  readonly refreshed: Event<'refreshed'>[];
  readonly notes: Event<'note'>[];
}

export interface MirrorRigOptions {
  /** What upstream has, by URL path without its leading slash. */
  readonly files: UpstreamServerOptions['files'];
  readonly handler?: UpstreamServerOptions['handler'];
  readonly root: Uint8Array;
  readonly clock?: TestClock;
  /** Beside upstream, root and name; may need the upstream's URL. */
  readonly index?: Partial<SignedIndexConfig> | ((upstream: string) => Partial<SignedIndexConfig>);
  readonly upstreamLimits?: Partial<UpstreamLimits>;
  readonly maxBytes?: number;
}

/** How a running mirror is asked. */
export interface Face {
  readonly url: () => string;
  readonly index: () => MirrorIndex;
  readonly get: (path: string, asking?: Asking) => Promise<Answered>;
  /** The project page as pip reads it. Throws where it is not a 200. */
  readonly page: (project: string) => Promise<SimplePage>;
  /** Status and reason of an answer that should be a refusal. */
  readonly refused: (path: string, asking?: Asking) => Promise<string>;
  /** Asks upstream for new metadata now, whatever comes of it. */
  readonly refresh: () => Promise<void>;
}

/** A whole mirror in this process, between a misbehaving upstream and whoever asks, all on loopback. */
export interface MirrorRig extends Face {
  readonly upstream: TestUpstream;
  readonly clock: TestClock;
  readonly events: Recorded;
  /** The data directory of the mirror that runs. */
  readonly data: () => string;
  /** Another process, as good as: a second mirror on the same data directory. It ends with the rig. */
  readonly twin: () => Promise<Face>;
  readonly stop: () => Promise<void>;
  readonly start: (how?: { readonly root?: Uint8Array; readonly newTrust?: string }) => Promise<void>;
  /** Stops and starts again on the same directory. */
  readonly restart: () => Promise<void>;
  /** Starts again on the directory as it lies there at this moment, as after `kill -9`. */
  readonly kill: () => Promise<void>;
  /** Throws where an answer failed by anything but a refusal. */
  readonly close: () => Promise<void>;
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
  readonly 'core-metadata'?: boolean | Readonly<Record<string, string>>;
}

export const JSON_PAGE = 'application/vnd.pypi.simple.v1+json';

/** Well after this program was built, so that its clock is believed. */
export const NOW = BUILT_AT + 30 * DAY;

const QUICK: Partial<UpstreamLimits> = {
  retryDelay: 1,
  connectTimeout: 500,
  patience: 20,
  longestRest: 20,
  documents: { headersTimeout: 1000, idleTimeout: 1000, deadline: 5000, rateWindow: 1000 },
};

/** In memory where the system offers it: every publish syncs, and a test has nothing to lose in a power cut. */
const SCRATCH = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

interface Running {
  readonly composition: Composition;
  readonly server: RunningServer;
}

function indexOf({ composition }: Running): MirrorIndex {
  const [index] = composition.indexes;
  if (index === undefined) throw new Error('no index');
  return index;
}

/** Starts upstream and a mirror before it; `close` frees everything. */
export async function startMirrorRig(options: MirrorRigOptions): Promise<MirrorRig> {
  const { clock = createClock(NOW) } = options;
  const upstream = await startUpstream({ files: options.files, handler: options.handler });
  const scratch = await mkdtemp(join(SCRATCH, 'verbatim-rig-'));
  const rootFile = join(scratch, 'root.json');
  const events: Recorded = { rejected: [], served: [], refreshed: [], notes: [] };
  const recorder: Events = {
    rejected: (event) => void events.rejected.push(event),
    served: (event) => void events.served.push(event),
    refreshed: (event) => void events.refreshed.push(event),
    note: (event) => void events.notes.push(event),
  };
  const faults: unknown[] = [];
  let data = join(scratch, 'data-0');
  let lives = 0;
  let running: Running | undefined;
  const twins: Running[] = [];

  const config = (): Config => ({
    server: { host: '127.0.0.1', port: 0, publicUrl: undefined, maxConnections: 4096, tls: undefined, auth: undefined },
    data,
    cache: { maxBytes: options.maxBytes ?? 1e9, memoryBytes: 64 * 1024 * 1024 },
    log: { level: 'error', format: 'json' },
    referenceTime: undefined,
    indexes: {
      main: {
        name: 'main',
        upstream: upstream.url,
        evidence: 'tuf',
        root: rootFile,
        layout: 'pep458',
        metadataUrl: undefined,
        pagesUrl: undefined,
        filesUrl: undefined,
        fileHosts: [],
        insecureUpstream: false,
        refresh: 60,
        reuploads: false,
        credentials: undefined,
        ca: undefined,
        proxy: undefined,
        privateHosts: [],
        ...(typeof options.index === 'function' ? options.index(upstream.url) : options.index),
      },
    },
  });
  const live = () => {
    if (running === undefined) throw new Error('the mirror does not run');
    return running;
  };
  const launch = async (newTrust?: string): Promise<Running> => {
    const upstreamLimits = { ...QUICK, ...options.upstreamLimits };
    const composition = await compose({
      config: config(),
      events: recorder,
      newTrust,
      upkeep: true,
      seams: { clock, upstreamLimits },
    });
    const server = await startServer({
      listener: createListener({
        indexes: composition.indexes.map((index) => ({ index })),
        defaultIndex: 'main',
        onFault: (error) => void faults.push(error),
      }),
      host: '127.0.0.1',
      port: 0,
      limits: { grace: 200 },
    });
    return { composition, server };
  };
  const start: MirrorRig['start'] = async ({ root, newTrust } = {}) => {
    if (root !== undefined) await writeFile(rootFile, root);
    running = await launch(newTrust);
  };
  const end = async (ending: Running | undefined) => {
    await ending?.server.close();
    await ending?.composition.close();
  };
  const stop = async () => {
    const ending = running;
    running = undefined;
    await end(ending);
  };
  const faceOf = (which: () => Running): Face => {
    const get: Face['get'] = (path, asking) => ask(which().server.url, path, asking);
    return {
      url: () => which().server.url,
      index: () => indexOf(which()),
      get,
      async page(project) {
        const { status, body } = await get(`/simple/${project}/`, { headers: { accept: JSON_PAGE } });
        if (status !== 200) throw new Error(`the page of ${project} answers ${status}: ${body}`);
        return JSON.parse(body.toString('utf8'));
      },
      async refused(path, asking) {
        const { status, headers, body } = await get(path, asking);
        if (headers['content-type'] !== 'application/problem+json') return `${status} ${headers['content-type']}`;
        return `${status} ${JSON.parse(body.toString('utf8')).reason}`;
      },
      refresh: () =>
        indexOf(which())
          .refresh()
          .catch(() => undefined),
    };
  };

  await writeFile(rootFile, options.root);
  await start();
  return {
    upstream,
    clock,
    events,
    data: () => data,
    ...faceOf(live),
    async twin() {
      const other = await launch();
      twins.push(other);
      return faceOf(() => other);
    },
    stop,
    start,
    async restart() {
      await stop();
      await start();
    },
    async kill() {
      const left = join(scratch, `data-${++lives}`);
      await cp(data, left, { recursive: true });
      await stop();
      data = left;
      await start();
    },
    async close() {
      await stop();
      for (const other of twins) await end(other);
      await upstream.close();
      await rm(scratch, { recursive: true, force: true });
      if (faults.length > 0) throw new AggregateError(faults, 'answers failed inside the mirror');
    },
  };
}
