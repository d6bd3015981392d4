// Who may import whom. A row that no longer fits is changed here, in the open, with its reason.

const FACE = 'mirror/package-index.ts';
const PURE = ['bytes', 'tuf', 'pypi', 'presets', 'render'];
/** What is judged by rules, and how their words are told: types, and Refusal. */
const JUDGED = [
  'bytes',
  'pypi',
  'provenance',
  'ports/policy.ts',
  'ports/index-state.ts',
  'ports/provenance',
  'ports/contents',
];
const PORTS = [...PURE, 'async', 'ports'];
const ADAPTERS = ['blobs', 'state', 'disk', 'upstream', 'redis', 's3', 'workers', 'telemetry'];

/**
 * By room: what it may import besides itself, as rooms or files of src. The row of a room within a room replaces that of
 * the outer one. Adapters meet in app alone, which builds the mirror.
 */
export const LAYERS: Readonly<Record<string, readonly string[]>> = {
  bytes: [],
  version: [],
  async: ['bytes'],
  tuf: ['bytes'],
  pypi: ['bytes'],
  presets: ['bytes'],
  render: ['bytes', 'pypi'],
  provenance: ['bytes', 'pypi', 'tuf'],
  advisories: ['bytes', 'pypi'],
  web: ['bytes'],
  ports: ['bytes', 'async', 'tuf', 'pypi', 'render', 'provenance'],
  policy: JUDGED,
  mirror: [...PORTS, 'policy', 'provenance'],
  // It asks an index as a client would, and writes nothing.
  sync: ['bytes', 'async', 'pypi', 'ports', FACE],
  // What it carries comes from the mirror's face; where it lies is for whoever calls.
  bundle: ['bytes', 'async', 'tuf', 'pypi', 'ports', FACE],
  blobs: ['bytes', 'async', 'ports'],
  state: ['bytes', 'async', 'provenance', 'ports'],
  disk: ['bytes', 'async', 'ports'],
  redis: ['bytes', 'async', 'ports'],
  upstream: ['bytes', 'async', 'tuf', 'presets', 'ports'],
  s3: ['bytes', 'async', 'ports'],
  workers: ['bytes', 'async', 'pypi', 'advisories', 'render', 'provenance', 'ports'],
  telemetry: ['bytes', 'ports'],
  // A policy is read with the words of its rules, so that what contradicts itself is refused.
  config: ['bytes', 'presets', 'policy', 'pypi/names.ts'],
  // A door asks for the proof that it sends.
  http: [
    'bytes',
    'async',
    'pypi',
    'render',
    'web',
    FACE,
    'advisories/answer.ts',
    'tuf/verified.ts',
    'ports/blob.ts',
    'ports/events.ts',
    'ports/peers.ts',
  ],
  app: [
    ...PORTS,
    'web',
    'policy',
    'mirror',
    'provenance',
    'advisories',
    'bundle',
    'sync',
    ...ADAPTERS,
    'config',
    'http',
    'version',
  ],
  repository: ['bytes'],
  demo: ['bytes', 'async', 'pypi', 'app', 'repository', FACE, 'http', 'config', 'telemetry/log.ts'],
  cli: [
    ...PORTS,
    'policy',
    'advisories',
    'app',
    'bundle',
    'sync',
    FACE,
    'mirror/operator',
    'state',
    'disk',
    'upstream',
    'config',
    'demo',
    'version',
    'http/access/passwords.ts',
  ],
  main: ['cli', 'app', 'config', 'bytes', 'version'],
};

/** What the table itself must go on forbidding, and why nothing else holds it. */
export const NEVER: readonly (readonly [from: string, to: string])[] = [
  ['bytes', 'disk'],
  ['tuf', 'upstream'],
  ['pypi', 'http'],
  ['web', 'mirror'],
  ['web', 'ports'],
  ['http', 'disk'],
  ['http', 'blobs'],
  ['http', 'state'],
  ['http', 'upstream'],
  ['http', 's3'],
  ['mirror', 's3'],
  ['mirror', 'disk'],
  ['mirror', 'blobs'],
  ['mirror', 'state'],
  ['mirror', 'upstream'],
  ['mirror', 'telemetry'],
  ['bundle', 'upstream'],
  ['bundle', 'disk'],
  ['ports', 'mirror'],
  ['policy', 'mirror'],
  ['policy', 'state'],
  ['sync', 'disk'],
  ['sync', 'upstream'],
  ['disk', 'upstream'],
];

/**
 * What exists once, above both kinds of evidence: memory of pages, one flight a project, pins, events and lists. The two
 * rooms of evidence may not reach for them; `except` says who may, and why.
 */
export const ONCE: {
  readonly rooms: readonly string[];
  readonly targets: readonly string[];
  readonly except: Readonly<Record<string, string>>;
} = {
  rooms: ['src/mirror/tuf/', 'src/mirror/unsigned/', 'src/mirror/carried/'],
  targets: ['src/bytes/bounded-map.ts', 'src/async/flight.ts', 'src/ports/events.ts', 'src/mirror/projects/'],
  except: {
    'src/mirror/projects/reports.ts': 'how evidence reports; what becomes of it is decided there',
    'src/mirror/tuf/keeper.ts': 'a refresh of the metadata is no page: clients join the one under way',
    'src/mirror/tuf/roles.ts': 'delegated roles are no pages: they have a memory and flights of their own',
    'src/mirror/unsigned/documents.ts': 'nor are documents that nothing vouches for; they are found by a page',
    'src/mirror/unsigned/drawn-legacy.ts': 'nor is what is drawn of them',
  },
};
