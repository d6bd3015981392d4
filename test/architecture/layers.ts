// Who may import whom. A row that no longer fits is changed here, in the open, with its reason.

const FACE = 'mirror/package-index.ts';
const PURE = ['bytes', 'tuf', 'pypi', 'presets', 'render'];
const PORTS = [...PURE, 'async', 'ports'];
const ADAPTERS = ['blobs', 'state', 'disk', 'upstream', 'workers', 'telemetry'];

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
  ports: ['bytes', 'async', 'tuf', 'pypi', 'render'],
  mirror: PORTS,
  blobs: ['bytes', 'async', 'ports'],
  state: ['bytes', 'async', 'ports'],
  disk: ['bytes', 'async', 'ports'],
  upstream: ['bytes', 'async', 'tuf', 'presets', 'ports'],
  workers: ['bytes', 'async', 'pypi', 'render', 'ports'],
  telemetry: ['bytes', 'ports'],
  config: ['bytes', 'presets'],
  http: ['bytes', 'async', 'pypi', 'render', FACE, 'tuf/verified.ts'],
  app: [...PORTS, 'mirror', ...ADAPTERS, 'config', 'http', 'version'],
  repository: ['bytes'],
  demo: ['bytes', 'app', 'repository', FACE, 'http', 'config'],
  cli: [...PORTS, 'app', FACE, 'state', 'disk', 'upstream', 'config', 'demo', 'version', 'http/access/passwords.ts'],
  main: ['cli', 'app', 'config', 'bytes', 'version'],
};

/** What the table itself must go on forbidding, and why nothing else holds it. */
export const NEVER: readonly (readonly [from: string, to: string])[] = [
  ['bytes', 'disk'],
  ['tuf', 'upstream'],
  ['pypi', 'http'],
  ['http', 'disk'],
  ['http', 'blobs'],
  ['http', 'state'],
  ['http', 'upstream'],
  ['mirror', 'disk'],
  ['mirror', 'blobs'],
  ['mirror', 'state'],
  ['mirror', 'upstream'],
  ['mirror', 'telemetry'],
  ['ports', 'mirror'],
  ['disk', 'upstream'],
];
