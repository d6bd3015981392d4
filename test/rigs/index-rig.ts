import { existsSync } from 'node:fs';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Composition, compose } from '../../src/app/compose.ts';
import type { Config, UnsignedIndexConfig } from '../../src/config/config.ts';
import { createJournal } from '../../src/disk/journal.ts';
import { openVolume } from '../../src/disk/volume.ts';
import { createListener } from '../../src/http/app.ts';
import { type RunningServer, startServer } from '../../src/http/server.ts';
import type { MirrorIndex } from '../../src/mirror/package-index.ts';
import type { Events } from '../../src/ports/events.ts';
import type { Pin } from '../../src/ports/index-state.ts';
import type { JournalEntry } from '../../src/ports/records.ts';
import type { IndexFile } from '../../src/repository/index-pages.ts';
import { createPageStore, type PageFiles } from '../../src/state/files/pages.ts';
import { createPins, type PinStore } from '../../src/state/files/pins.ts';
import type { UpstreamLimits } from '../../src/upstream/limits.ts';
import { type Answered, type Asking, ask } from '../support/ask.ts';
import { createClock, type TestClock } from '../support/clock.ts';
import { type FakePypi, type FakePypiOptions, startFakePypi } from '../support/fake-pypi.ts';
import { JSON_PAGE, NOW, type Recorded, type SimpleFile, type SimplePage } from './mirror-rig.ts';

export interface IndexRigOptions extends FakePypiOptions {
  /** What upstream has when the mirror starts. */
  readonly fill?: (pypi: FakePypi) => void;
  readonly index?: Partial<UnsignedIndexConfig>;
  readonly upstreamLimits?: Partial<UpstreamLimits>;
}

/** A whole mirror in this process before a PyPI on loopback that signs nothing, as it is today. */
export interface IndexRig {
  readonly pypi: FakePypi;
  readonly clock: TestClock;
  readonly events: Recorded;
  readonly url: () => string;
  readonly index: () => MirrorIndex;
  readonly get: (path: string, asking?: Asking) => Promise<Answered>;
  /** The project page as pip reads it. Throws where it is not a 200. */
  readonly page: (project: string) => Promise<SimplePage>;
  /** The names of its files. */
  readonly names: (project: string) => Promise<readonly string[]>;
  /** Status and reason of an answer that should be a refusal. */
  readonly refused: (path: string, asking?: Asking) => Promise<string>;
  /** The page when the last one has grown old: refreshed first, the last one where that fails. */
  readonly later: (project: string, seconds?: number) => Promise<readonly SimpleFile[]>;
  /** Where this mirror has the file. */
  readonly path: (file: IndexFile) => string;
  /** Reason and subject of every alarm since the last time of asking. */
  readonly alarms: () => readonly string[];
  /** Kind and file of every entry of the journal; the mirror is restarted for it. */
  readonly journal: () => Promise<readonly JournalEntry[]>;
  readonly pins: (project: string) => Promise<ReadonlyMap<string, Pin>>;
  /** What an operator's command works on, while the mirror runs. */
  readonly onDisk: <T>(
    work: (disk: { readonly pins: PinStore; readonly pages: PageFiles }) => Promise<T>,
  ) => Promise<T>;
  /** `newTrust`: the operator's word for another upstream, which is set in `index` of the options. */
  readonly restart: (newTrust?: string) => Promise<void>;
  /** Starts again on the directory as it lies there at this moment, as after `kill -9`. */
  readonly kill: () => Promise<void>;
  /** Throws where an answer failed by anything but a refusal. */
  readonly close: () => Promise<void>;
}

/** Older than fresh and ageing together: the next request waits for a refresh. */
export const OLD = 901;

const QUICK: Partial<UpstreamLimits> = {
  retryDelay: 1,
  connectTimeout: 2000,
  patience: 20,
  longestRest: 20,
  documents: { headersTimeout: 5000, idleTimeout: 5000, deadline: 20_000, rateWindow: 5000 },
};

const SCRATCH = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

interface Running {
  readonly composition: Composition;
  readonly server: RunningServer;
}

export async function startIndexRig(options: IndexRigOptions = {}): Promise<IndexRig> {
  const clock = createClock(NOW);
  const pypi = await startFakePypi(options);
  options.fill?.(pypi);
  const scratch = await mkdtemp(join(SCRATCH, 'verbatim-index-'));
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
  let alarmed = 0;
  let running: Running | undefined;

  const config = (): Config => ({
    server: { host: '127.0.0.1', port: 0, publicUrl: undefined, maxConnections: 4096, tls: undefined, auth: undefined },
    data,
    cache: { maxBytes: 1e9, memoryBytes: 64 * 1024 * 1024 },
    log: { level: 'error', format: 'json' },
    referenceTime: undefined,
    indexes: {
      main: {
        name: 'main',
        upstream: `${pypi.url}simple/`,
        evidence: 'index',
        fileHosts: [`127.0.0.1:${pypi.files.port}`],
        insecureUpstream: false,
        maxAge: 600,
        staleIfError: 86_400,
        contentAddressed: true,
        projectList: true,
        reuploads: false,
        credentials: undefined,
        ca: undefined,
        proxy: undefined,
        privateHosts: [],
        ...options.index,
      },
    },
  });
  const live = (): Running => {
    if (running === undefined) throw new Error('the mirror does not run');
    return running;
  };
  const start = async (newTrust?: string) => {
    const composition = await compose({
      config: config(),
      events: recorder,
      newTrust,
      seams: { clock, upstreamLimits: { ...QUICK, ...options.upstreamLimits } },
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
    running = { composition, server };
  };
  const stop = async () => {
    const ending = running;
    running = undefined;
    await ending?.server.close();
    await ending?.composition.close();
  };
  const restart = async (newTrust?: string) => {
    await stop();
    await start(newTrust);
  };
  const onDisk: IndexRig['onDisk'] = async (work) => {
    const volume = await openVolume(data);
    try {
      return await work({ pins: createPins(volume, 'main'), pages: createPageStore(volume, 'main') });
    } finally {
      await volume.close();
    }
  };
  const get: IndexRig['get'] = (path, asking) => ask(live().server.url, path, asking);
  const page: IndexRig['page'] = async (project) => {
    const { status, body } = await get(`/simple/${project}/`, { headers: { accept: JSON_PAGE } });
    if (status !== 200) throw new Error(`the page of ${project} answers ${status}: ${body}`);
    return JSON.parse(body.toString('utf8'));
  };

  await start();
  return {
    pypi,
    clock,
    events,
    url: () => live().server.url,
    index() {
      const [index] = live().composition.indexes;
      if (index === undefined) throw new Error('no index');
      return index;
    },
    get,
    page,
    names: async (project) => (await page(project)).files.map(({ filename }) => filename),
    async refused(path, asking) {
      const { status, headers, body } = await get(path, asking);
      if (headers['content-type'] !== 'application/problem+json') return `${status} ${headers['content-type']}`;
      return `${status} ${JSON.parse(body.toString('utf8')).reason}`;
    },
    async later(project, seconds = OLD) {
      clock.advance(seconds);
      return (await page(project)).files;
    },
    path: (file) => pypi.storedAt(file),
    alarms() {
      const since = events.rejected.slice(alarmed).map(({ reason, subject }) => `${reason} ${subject}`);
      alarmed = events.rejected.length;
      return since;
    },
    async journal() {
      await stop();
      const volume = await openVolume(data);
      const journal = createJournal(volume);
      const entries: JournalEntry[] = [];
      for await (const entry of journal.read()) entries.push(entry);
      await journal.close();
      await volume.close();
      await start();
      return entries;
    },
    pins: (project) => onDisk(({ pins }) => pins.of(project)),
    onDisk,
    restart,
    async kill() {
      const left = join(scratch, `data-${++lives}`);
      await cp(data, left, { recursive: true });
      await stop();
      data = left;
      await start();
    },
    async close() {
      await stop();
      await pypi.close();
      await rm(scratch, { recursive: true, force: true });
      if (faults.length > 0) throw new AggregateError(faults, 'answers failed inside the mirror');
    },
  };
}
