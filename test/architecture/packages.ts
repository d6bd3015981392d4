// Which file may use a package or a part of node. One without a row is refused until it has one, with its reason here.

const WIRING = ['src/app/', 'src/cli/', 'src/demo/', 'src/main.ts'];
const DISK = ['src/disk/', 'src/state/'];

/** A place is a file, or a folder with a slash at its end. */
export const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  hono: ['src/http/app.ts', 'src/http/routes/routes.ts'],
  '@hono/node-server': ['src/http/app.ts', 'src/http/listener.ts', 'src/http/routes/routes.ts'],
  'lru-cache': ['src/bytes/bounded-map.ts', 'src/blobs/', ...DISK],
  '@noble/ed25519': ['src/tuf/keys.ts', 'src/repository/'],
  'hash-wasm': ['src/bytes/prover.ts', 'src/repository/'],
  parse5: ['src/pypi/'],
  'prom-client': ['src/telemetry/'],
  pino: ['src/telemetry/log.ts', 'src/telemetry/standard-error.ts'],
  // What lies on disk is suspect: the store decodes its own records as strictly as the configuration.
  zod: ['src/config/', ...DISK],
  yaml: ['src/config/'],
  commander: ['src/cli/', 'src/main.ts'],

  'node:crypto': [
    'src/repository/',
    'src/bytes/',
    'src/tuf/',
    'src/render/page.ts',
    'src/blobs/tags.ts',
    ...DISK,
    'src/http/',
    'src/upstream/',
    ...WIRING,
  ],
  'node:zlib': [
    'src/render/compress.ts',
    'src/pypi/inflate.ts',
    'src/upstream/decoded.ts',
    'src/repository/',
    ...WIRING,
  ],
  'node:util': [
    'src/render/compress.ts',
    'src/pypi/inflate.ts',
    ...DISK,
    'src/http/',
    'src/upstream/',
    'src/telemetry/',
    ...WIRING,
  ],
  'node:fs': [...DISK, 'src/config/load.ts', ...WIRING],
  'node:fs/promises': [...DISK, ...WIRING],
  'node:path': [...DISK, 'src/config/', ...WIRING],
  'node:os': [...DISK, 'src/config/', ...WIRING],
  'node:url': ['src/disk/database/sqlite.ts', ...WIRING],
  'node:module': ['src/main.ts'],
  'node:child_process': ['src/demo/', 'src/cli/'],
  'node:readline/promises': WIRING,
  // Node's own objects of a request: whoever has them can write a body.
  'node:http': [
    'src/http/exchange.ts',
    'src/http/listener.ts',
    'src/http/server.ts',
    'src/http/reply/sending.ts',
    'src/upstream/',
    ...WIRING,
  ],
  'node:https': ['src/upstream/', 'src/http/server.ts', ...WIRING],
  'node:net': ['src/http/', 'src/upstream/', ...WIRING],
  'node:tls': ['src/upstream/', 'src/http/'],
  'node:dns': ['src/upstream/'],
  'node:dns/promises': ['src/upstream/'],
  'node:stream': [...DISK, 'src/upstream/', 'src/http/', ...WIRING],
  'node:stream/promises': [...DISK, 'src/upstream/', 'src/http/', ...WIRING],
  'node:events': [...DISK, 'src/upstream/', 'src/http/', ...WIRING],
  'node:timers/promises': ['src/async/', 'src/mirror/', ...DISK, 'src/upstream/', 'src/http/', ...WIRING],
  'node:worker_threads': ['src/workers/', 'src/disk/database/'],
  'node:sqlite': ['src/disk/'],
  'node:async_hooks': ['src/http/'],
  'node:perf_hooks': ['src/telemetry/', ...WIRING],
  'node:v8': ['src/app/heap.ts'],
};
