import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { existing } from '../bytes/existing.ts';
import { portOf } from '../http/server.ts';

/** The signed index on the network, with an attacker's hands on the wire where the demo asks for it. */
export interface IndexServer {
  /** `http://127.0.0.1:PORT/`: metadata/, simple/, packages/ and, for TUF clients, targets/ lie below. */
  readonly url: string;
  /** Answers with these bytes for every address of a file (plain or with its digest in front) until told otherwise. */
  readonly tamper: (filename: string, bytes: Uint8Array) => void;
  /** Answers with this state of the index instead of the present one. */
  readonly replay: (old: ReadonlyMap<string, Uint8Array>) => void;
  /** Answers truthfully again. */
  readonly behave: () => void;
  readonly close: () => Promise<void>;
}

const TARGETS = 'targets/';
const METADATA = 'metadata/';
const PAGE = /^simple\/([^/]+)\/$/;

/** Serves what the repository has published, as it is at each request, on loopback. */
export async function serveIndex(published: ReadonlyMap<string, Uint8Array>): Promise<IndexServer> {
  const tampered = new Map<string, Uint8Array>();
  let shown = published;

  const find = (path: string): Uint8Array | undefined => {
    const name = nameOf(path);
    const filename = name.slice(name.lastIndexOf('/') + 1);
    for (const [victim, bytes] of tampered)
      if (filename === victim || filename.endsWith(`.${victim}`)) return shown.has(name) ? bytes : undefined;
    return shown.get(name);
  };

  const server = createServer((request, response) => {
    request.resume();
    answer(request, response, find(new URL(request.url ?? '/', 'http://index').pathname.slice(1)));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: '127.0.0.1', port: 0 }, resolve);
  });
  return {
    url: `http://127.0.0.1:${existing(portOf(server), 'the demo index has no port')}/`,
    tamper: (filename, bytes) => tampered.set(filename, bytes),
    replay: (old) => {
      shown = old;
    },
    behave: () => {
      tampered.clear();
      shown = published;
    },
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Where the repository keeps what a path asks for. A role's file has its escaped name; targets lie at the base too. */
function nameOf(path: string): string {
  if (path.startsWith(METADATA)) return path;
  const decoded = decode(path);
  const page = PAGE.exec(decoded);
  if (page !== null) return `${TARGETS}simple/${page[1]}/index.html`;
  return decoded.startsWith(TARGETS) ? decoded : TARGETS + decoded;
}

function decode(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return '';
  }
}

const TYPES: readonly (readonly [RegExp, string])[] = [
  [/(\/|\.html)$/, 'text/html'],
  [/\.json$/, 'application/json'],
];

function answer({ method, url = '/' }: IncomingMessage, response: ServerResponse, bytes: Uint8Array | undefined): void {
  if (method !== 'GET' && method !== 'HEAD') response.writeHead(405, { allow: 'GET, HEAD' }).end();
  else if (bytes === undefined) response.writeHead(404).end();
  else {
    const type = TYPES.find(([pattern]) => pattern.test(url))?.[1] ?? 'application/octet-stream';
    response.writeHead(200, { 'content-type': type, 'content-length': bytes.byteLength });
    response.end(method === 'HEAD' ? undefined : bytes);
  }
}
