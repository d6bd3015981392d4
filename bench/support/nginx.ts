import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { GOOD, TEST_KEY } from '../../test/support/certificates.ts';
import { freePort, run, start, untilListens } from './processes.ts';
import type { Log } from './table.ts';

export interface Nginx {
  /** Of the process that its workers are children of. */
  readonly pid: number;
  /** Ends with a slash. */
  readonly url: string;
  stop(): Promise<void>;
}

/** nginx's version, or undefined where it is not installed. */
export const nginxVersion: string | undefined = await run('sh', ['-c', 'nginx -v 2>&1']).then(
  ({ stdout }) => /nginx\/([\d.]+)/.exec(stdout)?.[1],
  () => undefined,
);

/** nginx with sendfile and one worker a core (or `workers`), over these files; undefined, said aloud, where it is not installed. */
export async function startNginx(
  directory: string,
  files: ReadonlyMap<string, Uint8Array>,
  log: Log,
  { tls = false, workers }: { readonly tls?: boolean; readonly workers?: number } = {},
): Promise<Nginx | undefined> {
  if (nginxVersion === undefined) {
    log('*** nginx is NOT installed here: no comparison with it (apt-get install nginx-light)');
    return undefined;
  }
  const html = join(directory, 'html');
  for (const [name, bytes] of files) {
    const path = join(html, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, bytes);
  }
  const port = await freePort();
  const config = join(directory, 'nginx.conf');
  writeFileSync(config, configuration(directory, port, tls, workers ?? 'auto'));
  const running = start('nginx', ['-p', directory, '-c', config, '-e', 'stderr', '-g', 'daemon off;']);
  const url = `${tls ? 'https' : 'http'}://127.0.0.1:${port}/`;
  await untilListens(port, 100);
  return { pid: running.pid, url, stop: running.stop };
}

function configuration(directory: string, port: number, tls: boolean, workers: number | 'auto'): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((kind) => `${kind}_temp_path ${directory}/nginx-${kind};`)
    .join(' ');
  // As root, workers would become a user who may not look into our directory.
  const user = process.getuid?.() === 0 ? 'user root;' : '';
  return `${user} worker_processes ${workers}; pid ${directory}/nginx.pid;
events { worker_connections 1024; }
http {
  sendfile on; tcp_nopush on; access_log off; keepalive_requests 100000; ${temporary}
  types { application/vnd.pypi.simple.v1+json json; text/html html; }
  default_type application/octet-stream;
  server { listen 127.0.0.1:${port}${tls ? ` ssl; ${certificate(directory)}` : ';'} root ${directory}/html; }
}
`;
}

/** Sessions and buffers as they are by default; the reader says which cipher. */
function certificate(directory: string): string {
  const [cert, key] = [join(directory, 'nginx-cert.pem'), join(directory, 'nginx-key.pem')];
  writeFileSync(cert, GOOD);
  writeFileSync(key, TEST_KEY, { mode: 0o600 });
  return `ssl_certificate ${cert}; ssl_certificate_key ${key}; ssl_protocols TLSv1.2 TLSv1.3;`;
}
