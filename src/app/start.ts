import type { Config } from '../config/config.ts';
import { createAccess } from '../http/access/access.ts';
import { createListener } from '../http/listener.ts';
import { type RunningServer, startServer } from '../http/server.ts';
import type { PackageIndex } from '../mirror/package-index.ts';
import { createEmit } from '../telemetry/events.ts';
import { createLog, type Log } from '../telemetry/log.ts';
import { createMetrics } from '../telemetry/metrics.ts';
import { VERSION } from '../version.ts';
import { compose } from './compose.ts';
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
export async function startMirror({
  config,
  newTrust,
  adminPort,
  log = logOf(config),
}: MirrorOptions): Promise<RunningMirror> {
  const names = Object.keys(config.indexes);
  const certificate = certificateOf(config.server);
  const readers = accessListOf(config.server);
  const metrics = createMetrics({ indexes: names, version: VERSION });
  const emit = createEmit(log, metrics);
  const composition = await compose({ config, emit, newTrust, upkeep: true });
  const access = readers && createAccess(readers, composition.shares.passwords);
  metrics.watchStore(() => {
    const { blobs, bytes, limit } = composition.blobs.usage();
    return { files: blobs, bytes, limitBytes: limit };
  });
  let draining = false;
  const defaultIndex = names.includes(DEFAULT_INDEX) ? DEFAULT_INDEX : (names[0] ?? DEFAULT_INDEX);
  const shared = {
    defaultIndex,
    ready: () => !draining,
    onFault: (error: unknown) => emit({ name: 'faulted', at: 'answer', error }),
  };
  const servers: RunningServer[] = [];
  const close = async () => {
    draining = true;
    await Promise.all(servers.map((server) => server.close()));
    await composition.close();
    await log.flush();
  };
  try {
    let publicUrl: string | undefined;
    const server = await startServer({
      listener: createListener({
        ...shared,
        indexes: composition.indexes.map((index) => ({
          index,
          // Where a web page could read with credentials that are not its own, no web page reads.
          cors: access === undefined && config.indexes[index.name]?.credentials === undefined,
          shared: access === undefined,
        })),
        access,
        publicUrl: () => publicUrl,
        onFinish(finished) {
          emit(finished);
          const { sent, index = '', bytes } = finished;
          if (sent === undefined || bytes === 0) return;
          const { project, filename: file, sha256, client } = sent;
          composition.fetched.record({ at: composition.clock.now(), client, index, project, file, sha256 });
        },
      }),
      host: config.server.host,
      port: config.server.port,
      tls: certificate,
      limits: { connections: config.server.maxConnections },
    });
    servers.push(server);
    publicUrl = addressOf(config.server, server.url);
    const admin =
      adminPort === undefined
        ? undefined
        : await startServer({
            listener: createListener({ ...shared, indexes: [], metrics: metrics.exposition }),
            host: '127.0.0.1',
            port: adminPort,
          });
    if (admin !== undefined) servers.push(admin);
    // The first refresh need not wait for the first client; what it cannot do is logged and tried again on demand.
    for (const index of composition.indexes) index.signed?.refresh().catch(() => undefined);
    const reload = () => {
      try {
        const next = { certificate: certificateOf(config.server), readers: accessListOf(config.server) };
        if (next.certificate !== undefined) server.useCertificate(next.certificate);
        if (next.readers !== undefined) access?.replace(next.readers);
        emit({ name: 'reloaded' });
      } catch (error) {
        emit({ name: 'reloaded', error });
      }
    };
    return {
      url: server.url,
      indexes: composition.indexes,
      defaultIndex,
      log,
      metricsUrl: admin && `${admin.url}/metrics`,
      reload,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

const DEFAULT_INDEX = 'main';

function logOf({ log }: Config): Log {
  const format = log.format === 'auto' ? (process.stderr.isTTY ? 'text' : 'json') : log.format;
  return createLog({ level: log.level, format });
}
