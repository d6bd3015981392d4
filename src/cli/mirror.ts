import type { Config } from '../config/config.ts';
import { createListener } from '../http/app.ts';
import { type RunningServer, startServer } from '../http/server.ts';
import type { MirrorIndex } from '../mirror/mirror.ts';
import { createEvents, createRequestRecord } from '../telemetry/events.ts';
import { createLog, type Log } from '../telemetry/log.ts';
import { createMetrics } from '../telemetry/metrics.ts';
import { VERSION } from '../version.ts';
import { compose } from './compose.ts';

export interface RunningMirror {
  /** `http://127.0.0.1:3141`, without a slash at the end. */
  readonly url: string;
  readonly indexes: readonly MirrorIndex[];
  readonly log: Log;
  readonly metricsUrl: string | undefined;
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
  const metrics = createMetrics({ indexes: names, version: VERSION });
  const events = createEvents(log, metrics);
  const composition = await compose({ config, events, newTrust, upkeep: true });
  metrics.watchStore(() => {
    const { blobs, bytes, limit } = composition.blobs.usage();
    return { files: blobs, bytes, limitBytes: limit };
  });
  let draining = false;
  const shared = {
    indexes: composition.indexes.map((index) => ({ index })),
    defaultIndex: names.includes(DEFAULT_INDEX) ? DEFAULT_INDEX : (names[0] ?? DEFAULT_INDEX),
    ready: () => !draining,
    onFault: (error: unknown) =>
      log.error('an answer failed inside this program', {
        error: error instanceof Error ? (error.stack ?? error.message) : String(error),
      }),
  };
  const servers: RunningServer[] = [];
  const close = async () => {
    draining = true;
    await Promise.all(servers.map((server) => server.close()));
    await composition.close();
    await log.flush();
  };
  try {
    const server = await startServer({
      listener: createListener({ ...shared, onFinish: createRequestRecord(log, metrics) }),
      host: config.server.host,
      port: config.server.port,
      limits: { connections: config.server.maxConnections },
    });
    servers.push(server);
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
    for (const index of composition.indexes) index.refresh().catch(() => undefined);
    return { url: server.url, indexes: composition.indexes, log, metricsUrl: admin && `${admin.url}/metrics`, close };
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
