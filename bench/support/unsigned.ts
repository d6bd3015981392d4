import type { IncomingMessage, ServerResponse } from 'node:http';
import { startUpstream, type TestUpstream } from '../../test/support/upstream.ts';
import { type Mirrored, withServers } from './index.ts';
import { type Mirror, type Served, serve } from './mirror.ts';

/** A built program before an index that signs nothing, as `verbatim serve --upstream URL` starts it. */
export function startUnsigned(directory: string, upstream: string, served: Served = {}): Promise<Mirror> {
  return serve(directory, ['--upstream', `${upstream}simple/`, '--max-age', '86400'], served);
}

/** Runs with a server of these documents and a mirror before it, and leaves nothing behind. */
export function withUnsigned<T>(
  files: ReadonlyMap<string, Uint8Array>,
  run: (mirrored: Mirrored) => Promise<T>,
): Promise<T> {
  return withServers(() => serveIndex(files), startUnsigned, run);
}

/** The documents by their paths, each so many milliseconds late, and at `simple/` what is there or else the list of the projects. */
export function serveIndex(files: ReadonlyMap<string, Uint8Array>, late = 0): Promise<TestUpstream> {
  const projects = [...files.keys()].flatMap((path) => /^simple\/([^/]+)\/$/.exec(path)?.[1] ?? []);
  const list = JSON.stringify({ meta: { 'api-version': '1.0' }, projects: projects.map((name) => ({ name })) });
  const answer = ({ url = '' }: IncomingMessage, response: ServerResponse) => {
    const path = url.slice(1);
    const bytes = files.get(path) ?? (path === 'simple/' ? Buffer.from(list) : undefined);
    const type = path.endsWith('/') ? 'application/vnd.pypi.simple.v1+json' : 'application/octet-stream';
    if (bytes === undefined) response.writeHead(404).end();
    else response.writeHead(200, { 'Content-Type': type, 'Content-Length': bytes.byteLength }).end(bytes);
  };
  return startUpstream({ handler: late === 0 ? answer : (...asked) => setTimeout(answer, late, ...asked) });
}
