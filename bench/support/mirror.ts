import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { GOOD, TEST_KEY } from '../../test/support/certificates.ts';
import { start, VERBATIM } from './processes.ts';

export interface Mirror {
  /** Ends with a slash. */
  readonly url: string;
  readonly pid: number;
  /** Where its metrics are, with --admin-port. */
  readonly metrics: string | undefined;
  stop(): Promise<void>;
}

export interface Served {
  /** `dist/main.js` of the build to run; this checkout's where none is named. */
  readonly program?: string | undefined;
  /** Over TLS, with a certificate that nobody is asked to believe. */
  readonly tls?: boolean | undefined;
  /** Processes that answer; one unless stated. */
  readonly workers?: number | undefined;
}

/** A built program as a server on a port of its own, over a data directory that may be there already. */
export async function serve(
  directory: string,
  args: readonly string[],
  { program = VERBATIM, tls = false, workers }: Served = {},
): Promise<Mirror> {
  const running = start(process.execPath, [
    program,
    ...['serve', '--json', '--port', '0', '--log-level', 'error', '--data', join(directory, 'data')],
    ...(tls ? ['--config', tlsConfig(directory)] : []),
    ...(workers === undefined ? [] : ['--workers', String(workers)]),
    ...args,
  ]);
  const { url, metrics } = JSON.parse(await running.line()) as Pick<Mirror, 'url' | 'metrics'>;
  return { url: `${url}/`, metrics, pid: running.pid, stop: running.stop };
}

/** The paths in it are relative to it. */
function tlsConfig(directory: string): string {
  const file = join(directory, 'tls.yaml');
  writeFileSync(join(directory, 'cert.pem'), GOOD);
  writeFileSync(join(directory, 'key.pem'), TEST_KEY, { mode: 0o600 });
  writeFileSync(file, 'server:\n  tls: { cert: cert.pem, key: key.pem }\n');
  return file;
}
