import { join } from 'node:path';
import { startDevpi } from '../../test/interop/devpi.ts';
import { indexServers } from '../../test/support/environments.ts';
import { freePort, start, untilAnswers } from './processes.ts';
import type { Log } from './table.ts';

/** What a user would pick instead, each before the same index; undefined where it is not installed. */
export interface Neighbours {
  /** Where a project's page lies under. Ends with a slash. */
  readonly devpi: string | undefined;
  readonly proxpi: string | undefined;
  stop(): Promise<void>;
}

/** devpi-server and proxpi from their packages, as their handbooks start them. `simple` ends with a slash. */
export async function startNeighbours(directory: string, simple: string, log: Log): Promise<Neighbours> {
  const bin = await indexServers();
  if (bin === undefined) log('*** devpi-server and proxpi are NOT installed here: no comparison with them');
  const devpi = bin === undefined ? undefined : await startDevpi(bin, simple);
  const proxpi = bin === undefined ? undefined : await startProxpi(bin, directory, simple);
  return {
    devpi: devpi?.simple,
    proxpi: proxpi?.simple,
    async stop() {
      await Promise.all([devpi?.close(), proxpi?.stop()]);
    },
  };
}

/** As its Dockerfile does: gunicorn with threads. */
async function startProxpi(bin: string, directory: string, upstream: string) {
  const port = await freePort();
  const running = start('env', [
    ...[`PROXPI_INDEX_URL=${upstream}`, `PROXPI_CACHE_DIR=${join(directory, 'proxpi')}`, 'PROXPI_INDEX_TTL=86400'],
    ...[join(bin, 'gunicorn'), '--preload', '--bind', `127.0.0.1:${port}`, '--worker-class', 'gthread'],
    ...['--threads', '2', '--log-level', 'error', 'proxpi.server:app'],
  ]);
  const simple = `http://127.0.0.1:${port}/index/`;
  await untilAnswers(`http://127.0.0.1:${port}/health`, 400);
  return { simple, stop: running.stop };
}
