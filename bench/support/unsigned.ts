import { join } from 'node:path';
import { startUpstream, type TestUpstream } from '../../test/support/upstream.ts';
import { type Mirror, type Mirrored, withServers } from './index.ts';
import { start, VERBATIM } from './processes.ts';

/** The built program before an index that signs nothing, as `verbatim serve --upstream URL` starts it. */
export async function startUnsigned(directory: string, upstream: string): Promise<Mirror> {
  const running = start(process.execPath, [
    VERBATIM,
    ...['serve', '--json', '--port', '0', '--log-level', 'error', '--data', join(directory, 'data')],
    ...['--upstream', `${upstream}simple/`, '--max-age', '86400'],
  ]);
  const { url } = JSON.parse(await running.line()) as { readonly url: string };
  return { url: `${url}/`, pid: running.pid, stop: running.stop };
}

/** Runs with a server of these documents and a mirror before it, and leaves nothing behind. */
export function withUnsigned<T>(
  files: ReadonlyMap<string, Uint8Array>,
  run: (mirrored: Mirrored) => Promise<T>,
): Promise<T> {
  return withServers(() => serveIndex(files), startUnsigned, run);
}

/** The documents by their paths, and at `simple/` what is there or else the list of the projects. */
export function serveIndex(files: ReadonlyMap<string, Uint8Array>): Promise<TestUpstream> {
  const projects = [...files.keys()].flatMap((path) => /^simple\/([^/]+)\/$/.exec(path)?.[1] ?? []);
  const list = JSON.stringify({ meta: { 'api-version': '1.0' }, projects: projects.map((name) => ({ name })) });
  return startUpstream({
    handler({ url = '' }, response) {
      const path = url.slice(1);
      const bytes = files.get(path) ?? (path === 'simple/' ? Buffer.from(list) : undefined);
      const type = path.endsWith('/') ? 'application/vnd.pypi.simple.v1+json' : 'application/octet-stream';
      if (bytes === undefined) response.writeHead(404).end();
      else response.writeHead(200, { 'Content-Type': type, 'Content-Length': bytes.byteLength }).end(bytes);
    },
  });
}
