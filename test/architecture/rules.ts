// Who may import whom, as data. A row that no longer fits is changed here, in the open, with its reason.

const PURE = ['bytes', 'tuf', 'pypi'];
const PORTS = ['bytes', 'async', 'tuf', 'pypi', 'presets', 'render', 'ports'];
const ALL = [
  ...PORTS,
  'mirror',
  'blobs',
  'state',
  'disk',
  'upstream',
  'workers',
  'telemetry',
  'config',
  'http',
  'repository',
  'version',
];

/** What each folder of src may import besides itself. Adapters meet only in app, which builds the mirror. */
export const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  bytes: [],
  async: ['bytes'],
  tuf: ['bytes'],
  pypi: ['bytes'],
  presets: ['bytes'],
  render: ['bytes', 'pypi'],
  ports: ['bytes', 'async', 'tuf', 'pypi', 'render'],
  mirror: [...PORTS],
  blobs: ['bytes', 'async', 'ports'],
  state: ['bytes', 'async', 'ports'],
  disk: ['bytes', 'async', 'ports'],
  upstream: ['bytes', 'async', 'tuf', 'presets', 'ports'],
  workers: [...PURE, 'async', 'render', 'ports'],
  telemetry: ['bytes', 'ports'],
  config: ['bytes', 'presets'],
  http: [...PURE, 'async', 'render', 'ports', 'mirror'],
  repository: ['bytes'],
  version: [],
  app: ALL,
  demo: [...ALL, 'app', 'cli'],
  cli: [...ALL, 'app', 'demo'],
  main: ['cli', 'app', 'config', 'bytes', 'version'],
};

const WIRING = ['src/app/', 'src/cli/', 'src/demo/', 'src/main.ts'];
const DISK = ['src/disk/'];

/** Who may import a package or a part of node; one without a row is refused until it has one. */
export const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  hono: ['src/http/'],
  '@hono/node-server': ['src/http/'],
  'lru-cache': ['src/bytes/bounded-map.ts', 'src/blobs/', 'src/state/', ...DISK],
  '@noble/ed25519': ['src/tuf/keys.ts', 'src/repository/'],
  'hash-wasm': ['src/bytes/prover.ts', 'src/repository/'],
  parse5: ['src/pypi/'],
  'prom-client': ['src/telemetry/'],
  pino: ['src/telemetry/log.ts', 'src/telemetry/standard-error.ts'],
  // What lies on disk is suspect: the store decodes its own records as strictly as the configuration.
  zod: ['src/config/', 'src/state/', ...DISK],
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
    'src/state/page-codec.ts',
    'src/render/compress.ts',
    'src/pypi/inflate.ts',
    'src/upstream/decoded.ts',
    'src/repository/',
    ...WIRING,
  ],
  'node:util': [
    'src/state/page-codec.ts',
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
  'node:http': ['src/http/', 'src/upstream/', ...WIRING],
  'node:https': ['src/upstream/', 'src/http/', ...WIRING],
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

/** A pattern that code may hold only in some places. */
export interface PatternRule {
  readonly name: string;
  readonly pattern: RegExp;
  /** Where it is looked for. */
  readonly within: readonly string[];
  /** Where it is allowed. */
  readonly except: readonly string[];
  /** `text` looks at comments too. */
  readonly on?: 'code' | 'text';
  /** Code that must be caught, at a path that must not hold it: the rule's own test. */
  readonly caught: readonly (readonly [path: string, text: string])[];
}

const SRC = ['src/'];
const PURE_PATHS = [...PURE, 'presets'].map((folder) => `src/${folder}/`);

export const PATTERNS: readonly PatternRule[] = [
  {
    name: 'only bytes/proven.ts makes Proven',
    pattern: /\bnew Proven\b/,
    within: SRC,
    except: ['src/bytes/proven.ts'],
    caught: [['src/blobs/x.ts', 'const p = new Proven(bytes, hex);']],
  },
  {
    name: 'only tuf/verified.ts makes Verified',
    pattern: /\bnew Verified\b/,
    within: SRC,
    except: ['src/tuf/verified.ts'],
    caught: [['src/tuf/accept.ts', 'return new Verified<Root>(bytes, root);']],
  },
  {
    name: 'only blobs makes a Blob',
    pattern: /\bBlob\.of\b|\bnew Blob\b/,
    within: SRC,
    except: ['src/blobs/', 'src/bytes/blob.ts'],
    caught: [
      ['src/mirror/files.ts', 'const blob = Blob.of(hex, 1, reader);'],
      ['src/http/x.ts', 'const make = Blob.of;'],
    ],
  },
  {
    name: 'only render makes a Page',
    pattern: /\bnew Page\b|\bPage\.(render|of)\b/,
    within: SRC,
    except: ['src/render/'],
    caught: [['src/http/simple.ts', 'await Page.render(drawing);']],
  },
  {
    name: 'only http/reply/ writes a body',
    pattern:
      /\bnew Response\b|\bResponse\.(json|redirect)\(|\bc(ontext)?\.(body|text|json|html|newResponse)\(|\b(res|response|outgoing|reply|socket)\.(write|end)\(/,
    within: ['src/http/'],
    except: ['src/http/reply/'],
    caught: [
      ['src/http/simple.ts', 'return c.json({ ok: true });'],
      ['src/http/files.ts', 'outgoing.write(chunk);'],
      ['src/http/tuf.ts', 'return new Response(bytes);'],
    ],
  },
  {
    name: 'only config reads the environment',
    pattern: /\bprocess\s*(\?\.|\.)\s*env\b|\bprocess\s*\[|\{[^}]*\benv\b[^}]*\}\s*=\s*process\b/,
    within: SRC,
    except: ['src/config/'],
    caught: [
      ['src/main.ts', 'const port = process.env.PORT;'],
      ['src/cli/x.ts', 'const { argv, env } = process;'],
    ],
  },
  {
    name: 'only disk/durable.ts renames',
    pattern: /\brename(Sync)?\s*\(/,
    within: SRC,
    except: ['src/disk/durable.ts', 'src/disk/file-ops.ts'],
    caught: [['src/blobs/x.ts', 'await rename(temporary, final);']],
  },
  {
    name: 'only disk/database/sqlite.ts opens SQLite',
    pattern: /\bnew\b[^;\n]*\bDatabaseSync\b/,
    within: SRC,
    except: ['src/disk/database/sqlite.ts'],
    caught: [['src/state/x.ts', 'const database = new (sqlite().DatabaseSync)(path);']],
  },
  {
    name: 'pure folders have no clock, chance, process or timer',
    pattern:
      /\bDate\.now\b|\bnew Date\(\s*\)|(?<!\.)(?<!new )\bDate\(\s*\)|\bperformance\b|\bprocess\b|\bset(Timeout|Interval|Immediate)\b|\bfetch\(|\bMath\.random\b|\brandom(Bytes|UUID|Int|FillSync)\b|\bglobalThis\b|\bconsole\b/,
    within: PURE_PATHS,
    except: [],
    caught: [
      ['src/bytes/x.ts', 'const now = Date.now();'],
      ['src/tuf/x.ts', 'const now = new Date();'],
      ['src/tuf/x.ts', 'const now = Date();'],
      ['src/pypi/x.ts', 'setTimeout(done, 10);'],
      ['src/tuf/x.ts', 'if (process.pid) yes();'],
      ['src/pypi/x.ts', 'await fetch(url);'],
      ['src/bytes/x.ts', 'const salt = randomBytes(8);'],
    ],
  },
  {
    name: 'no cast forges trust',
    pattern:
      /\bas\s+unknown\s+as\b|\bas\s+(readonly\s+)?(Verified|Proven|Blob|Page|Generation|AtRoot|AtTimestamp|AtSnapshot)\b/,
    within: SRC,
    except: [],
    caught: [
      ['src/tuf/x.ts', 'return root as Verified<Root>;'],
      ['src/mirror/x.ts', 'const it = (thing as unknown as Blob);'],
      ['src/http/x.ts', 'send(value as Page);'],
    ],
  },
  {
    name: 'no any',
    pattern: /(:|\bas|<|,|\||&|=>?)\s*any\b(?!\s*[(:.=])|\bany\[\]/,
    within: SRC,
    except: [],
    caught: [
      ['src/cli/x.ts', 'function f(value: any) {}'],
      ['src/cli/x.ts', 'const v = JSON.parse(text) as any;'],
      ['src/cli/x.ts', 'const m = new Map<string, any>();'],
      ['src/cli/x.ts', 'type T = any;'],
    ],
  },
  {
    name: 'no default exports',
    pattern: /\bexport\s+default\b|\bas\s+default\b/,
    within: SRC,
    except: [],
    caught: [
      ['src/cli/x.ts', 'export default run;'],
      ['src/cli/x.ts', 'export { run as default };'],
    ],
  },
  {
    name: 'the compiler is not told to look away',
    pattern: /@ts-(ignore|expect-error|nocheck)\b/,
    within: SRC,
    except: [],
    on: 'text',
    caught: [['src/cli/x.ts', '// @ts-ignore\nx();']],
  },
];

/** A file that needs more holds more than one idea. */
export const MOST_LINES = 300;
