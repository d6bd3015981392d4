import type { Config } from '../config/config.ts';
import { type Access, createAccess } from '../http/access/access.ts';
import type { Finished, OnFinish } from '../http/exchange.ts';
import { createListener, type ListenerOptions } from '../http/listener.ts';
import type { Metrics } from '../http/routes/health.ts';
import { type Certificate, type RunningServer, startServer } from '../http/server.ts';
import type { PackageIndex } from '../mirror/package-index.ts';
import { createEvents, createRequestRecord } from '../telemetry/events.ts';
import { createLog, type Log } from '../telemetry/log.ts';
import { createMetrics } from '../telemetry/metrics.ts';
import { VERSION } from '../version.ts';
import { type Composition, compose } from './compose.ts';
import { accessListOf, addressOf, certificateOf } from './server-files.ts';

export interface RunningMirror {
  /** `http://127.0.0.1:3141`, without a slash at the end. */
  readonly url: string;
  readonly indexes: readonly PackageIndex[];
  /** The name of the one that also lies at the root. */
  readonly defaultIndex: string;
  readonly log: Log;
  readonly metricsUrl: string | undefined;
  /** Reads the certificate, the users and the tokens again; what is unusable is logged, and the old stays. */
  reload(): void;
  /** Lets answers under way end, then closes the store. */
  close(): Promise<void>;
}

export interface MirrorOptions {
  readonly config: Config;
  readonly newTrust?: string | undefined;
  /** Loopback only. */
  readonly adminPort?: number | undefined;
  readonly log?: Log | undefined;
}

/** Starts the whole mirror: store, indexes, HTTP. Throws Refusal where it must not start. */
export async function startMirror(options: MirrorOptions): Promise<RunningMirror> {
  const { config, newTrust, adminPort, log = logOf(config) } = options;
  const certificate = certificateOf(config.server);
  const readers = accessListOf(config.server);
  const metrics = createMetrics({ indexes: Object.keys(config.indexes), version: VERSION });
  const composition = await compose({ config, events: createEvents(log, metrics), newTrust, upkeep: true });
  metrics.watchStore(() => {
    const { blobs, bytes, limit } = composition.blobs.usage();
    return { files: blobs, bytes, limitBytes: limit };
  });
  const access = readers && createAccess(readers, composition.shares.passwords);
  const mirror = new Mirror({ config, log, composition, access });
  try {
    await mirror.listen(certificate, createRequestRecord(log, metrics));
    if (adminPort !== undefined) await mirror.listenForAdmin(adminPort, metrics.exposition);
    // The first refresh need not wait for the first client; what it cannot do is logged and tried again on demand.
    for (const index of composition.indexes) index.signed?.refresh().catch(() => undefined);
    return mirror;
  } catch (error) {
    await mirror.close();
    throw error;
  }
}

interface Parts {
  readonly config: Config;
  readonly log: Log;
  readonly composition: Composition;
  readonly access: Access | undefined;
}

class Mirror implements RunningMirror {
  readonly #parts: Parts;
  readonly defaultIndex: string;
  readonly #servers: RunningServer[] = [];
  #server: RunningServer | undefined;
  #publicUrl: string | undefined;
  #metricsUrl: string | undefined;
  #draining = false;

  constructor(parts: Parts) {
    this.#parts = parts;
    const names = Object.keys(parts.config.indexes);
    this.defaultIndex = names.includes(DEFAULT_INDEX) ? DEFAULT_INDEX : (names[0] ?? DEFAULT_INDEX);
  }

  get url(): string {
    return this.#server?.url ?? '';
  }

  get metricsUrl(): string | undefined {
    return this.#metricsUrl;
  }

  get indexes(): readonly PackageIndex[] {
    return this.#parts.composition.indexes;
  }

  get log(): Log {
    return this.#parts.log;
  }

  async listen(tls: Certificate | undefined, record: OnFinish): Promise<void> {
    const { config, composition, access } = this.#parts;
    const { host, port, maxConnections: connections } = config.server;
    const listener = createListener({
      ...this.#shared(),
      indexes: composition.indexes.map((index) => ({
        index,
        // Where a web page could read with credentials that are not its own, no web page reads.
        cors: access === undefined && config.indexes[index.name]?.credentials === undefined,
        shared: access === undefined,
      })),
      access,
      publicUrl: () => this.#publicUrl,
      onFinish: (finished) => {
        record(finished);
        this.#recordFile(finished);
      },
    });
    this.#server = await startServer({ listener, host, port, tls, limits: { connections } });
    this.#servers.push(this.#server);
    this.#publicUrl = addressOf(config.server, this.#server.url);
  }

  /** Health and metrics, on the loopback address. */
  async listenForAdmin(port: number, metrics: Metrics): Promise<void> {
    const listener = createListener({ ...this.#shared(), indexes: [], metrics });
    const server = await startServer({ listener, host: '127.0.0.1', port });
    this.#servers.push(server);
    this.#metricsUrl = `${server.url}/metrics`;
  }

  reload(): void {
    const { config, log, access } = this.#parts;
    try {
      const next = { certificate: certificateOf(config.server), readers: accessListOf(config.server) };
      if (next.certificate !== undefined) this.#server?.useCertificate(next.certificate);
      if (next.readers !== undefined) access?.replace(next.readers);
      log.info('certificate, users and tokens were read again', { event: 'reloaded' });
    } catch (error) {
      log.error(`nothing was changed: ${error instanceof Error ? error.message : String(error)}`, {
        event: 'reloaded',
      });
    }
  }

  async close(): Promise<void> {
    this.#draining = true;
    await Promise.all(this.#servers.map((server) => server.close()));
    await this.#parts.composition.close();
    await this.#parts.log.flush();
  }

  #shared(): Pick<ListenerOptions, 'defaultIndex' | 'ready' | 'onFault'> {
    return {
      defaultIndex: this.defaultIndex,
      ready: () => !this.#draining,
      onFault: (error) =>
        this.log.error('an answer failed inside this program', {
          error: error instanceof Error ? (error.stack ?? error.message) : String(error),
        }),
    };
  }

  /** Who was sent which file. */
  #recordFile({ sent, index = '', bytes }: Finished): void {
    if (sent === undefined || bytes === 0) return;
    const { fetched, clock } = this.#parts.composition;
    const { project, filename: file, sha256, client } = sent;
    fetched.record({ at: clock.now(), client, index, project, file, sha256 });
  }
}

const DEFAULT_INDEX = 'main';

function logOf({ log }: Config): Log {
  const format = log.format === 'auto' ? (process.stderr.isTTY ? 'text' : 'json') : log.format;
  return createLog({ level: log.level, format });
}
