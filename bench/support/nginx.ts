import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { freePort, run, start, untilAnswers } from './processes.ts';
import type { Log } from './table.ts';

export interface Nginx {
  /** Ends with a slash. */
  readonly url: string;
  stop(): Promise<void>;
}

/** nginx's version, or undefined where it is not installed. */
export const nginxVersion: string | undefined = await run('sh', ['-c', 'nginx -v 2>&1']).then(
  ({ stdout }) => /nginx\/([\d.]+)/.exec(stdout)?.[1],
  () => undefined,
);

/** nginx with sendfile and one worker a core, over these files; undefined, said aloud, where it is not installed. */
export async function startNginx(
  directory: string,
  files: ReadonlyMap<string, Uint8Array>,
  log: Log,
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
  writeFileSync(config, configuration(directory, port));
  const running = start('nginx', ['-p', directory, '-c', config, '-e', 'stderr', '-g', 'daemon off;']);
  const url = `http://127.0.0.1:${port}/`;
  await untilAnswers(url, 100);
  return { url, stop: running.stop };
}

function configuration(directory: string, port: number): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((kind) => `${kind}_temp_path ${directory}/nginx-${kind};`)
    .join(' ');
  // As root, workers would become a user who may not look into our directory.
  const user = process.getuid?.() === 0 ? 'user root;' : '';
  return `${user} worker_processes auto; pid ${directory}/nginx.pid;
events { worker_connections 1024; }
http {
  sendfile on; tcp_nopush on; access_log off; keepalive_requests 100000; ${temporary}
  types { application/vnd.pypi.simple.v1+json json; text/html html; }
  default_type application/octet-stream;
  server { listen 127.0.0.1:${port}; root ${directory}/html; }
}
`;
}
