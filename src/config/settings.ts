import { KIND_CHOICE, LAYOUT_CHOICE } from '../presets/known-upstreams.ts';

// The settings that may also come from the environment and from the command line: one row each, so that the spellings never
// drift apart. What a value means, and its form, the schema says; a test holds docs/operating.md to this table.

interface Row {
  /** Its commander key: `publicUrl` is `--public-url` and `VERBATIM_PUBLIC_URL`. */
  readonly flag: string;
  /** Where it lies in the file; `main` stands for the index that flags speak of. */
  readonly path: readonly string[];
  /** What the help calls its value; undefined for what is only switched on. */
  readonly value: string | undefined;
  /** For the help. */
  readonly says: string;
  /** What the help names as the default; the schema has it. */
  readonly otherwise?: string;
  /** May be given several times. */
  readonly isList?: boolean;
}

const main = (key: string) => ['indexes', 'main', key] as const;

const ROWS = [
  {
    flag: 'upstream',
    path: main('upstream'),
    value: 'url',
    says: 'the index to mirror; PyPI where none is named',
  },
  {
    flag: 'kind',
    path: main('kind'),
    value: 'kind',
    says: `what kind of server an index without signatures is: ${KIND_CHOICE}`,
  },
  { flag: 'root', path: main('root'), value: 'file', says: 'its root of trust: root.json, from a source you trust' },
  { flag: 'layout', path: main('layout'), value: 'preset', says: `how it names things: ${LAYOUT_CHOICE}` },
  {
    flag: 'metadataUrl',
    path: main('metadata_url'),
    value: 'url',
    says: 'where its signed metadata is, if not where the layout says',
  },
  {
    flag: 'pagesUrl',
    path: main('pages_url'),
    value: 'url',
    says: 'where its project pages are, if not where the layout says',
  },
  {
    flag: 'filesUrl',
    path: main('files_url'),
    value: 'url',
    says: 'where its files are, if not where the layout says',
  },
  {
    flag: 'fileHost',
    path: main('file_hosts'),
    value: 'host',
    says: 'a further host its pages may link files on; may be repeated',
    isList: true,
  },
  { flag: 'refresh', path: main('refresh'), value: 'seconds', says: 'look for new metadata when older than this' },
  {
    flag: 'maxAge',
    path: main('max_age'),
    value: 'seconds',
    says: 'index evidence: serve a page this long without asking upstream again',
  },
  {
    flag: 'staleIfError',
    path: main('stale_if_error'),
    value: 'seconds',
    says: 'index evidence: serve a page this old where upstream cannot be had; or forever',
  },
  {
    flag: 'ca',
    path: main('ca'),
    value: 'file',
    says: 'certificate authorities besides the usual ones, PEM, for its upstream',
  },
  {
    flag: 'proxy',
    path: [...main('proxy'), 'url'],
    value: 'url',
    says: 'an HTTP proxy through which everything of it is fetched',
  },
  {
    flag: 'offline',
    path: ['offline'],
    value: undefined,
    says: 'serve what is held, and ask upstream for nothing',
  },
  {
    flag: 'offlinePages',
    path: ['offline_pages'],
    value: 'which',
    says: 'offline: what pages list of files that are not held: all (with a mark) or held (none of them)',
    otherwise: 'all',
  },
  {
    flag: 'undigested',
    path: main('undigested'),
    value: 'how',
    says: 'index evidence, files without a usable digest: first-sight (the default, but of PyPI) or withhold',
  },
  { flag: 'data', path: ['data'], value: 'dir', says: 'the data directory', otherwise: './verbatim-data' },
  {
    flag: 'sealKeyFile',
    path: ['seal_key_file'],
    value: 'file',
    says: 'seal what nobody signed with this secret, so that it cannot be forged on disk',
  },
  {
    flag: 'sealEpochFile',
    path: ['seal_epoch_file'],
    value: 'file',
    says: 'notice by this file, kept elsewhere, that the data directory was put back',
  },
  {
    flag: 'fleetState',
    path: ['fleet', 'state'],
    value: 'url',
    says: 'share what is believed with other replicas: s3://BUCKET/PREFIX?endpoint=…&region=…',
  },
  {
    flag: 'fleetPeer',
    path: ['fleet', 'peers'],
    value: 'url',
    says: 'where a replica is that files may be had from before upstream is asked; may be repeated',
    isList: true,
  },
  {
    flag: 'host',
    path: ['server', 'host'],
    value: 'address',
    says: 'listen on this address',
    otherwise: '127.0.0.1',
  },
  { flag: 'port', path: ['server', 'port'], value: 'port', says: 'listen on this port', otherwise: '3141' },
  {
    flag: 'workers',
    path: ['server', 'workers'],
    value: 'number',
    says: 'processes that answer on the one port; auto for as many as there are cores',
    otherwise: '1',
  },
  {
    flag: 'drain',
    path: ['server', 'drain'],
    value: 'seconds',
    says: 'at SIGTERM, serve on for so long while /readyz says no: for balancers',
    otherwise: '0',
  },
  { flag: 'publicUrl', path: ['server', 'public_url'], value: 'url', says: 'the address clients reach it by' },
  {
    flag: 'trustedProxy',
    path: ['server', 'trusted_proxies'],
    value: 'address',
    says: 'an address or network whose X-Forwarded-For or Forwarded is believed; may be repeated',
    isList: true,
  },
  {
    flag: 'maxBytes',
    path: ['cache', 'max_bytes'],
    value: 'bytes',
    says: 'disk for files; what was used least goes first',
  },
  {
    flag: 'redis',
    path: ['redis', 'url'],
    value: 'url',
    says: 'a Redis that several mirrors share to save work: redis://host:port/database, or rediss:// for TLS',
  },
  {
    flag: 'blobs',
    path: ['blobs', 'store'],
    value: 'url',
    says: 'keep files in a bucket that machines share: s3://BUCKET/PREFIX?endpoint=…&region=…',
  },
  {
    flag: 'referenceTime',
    path: ['reference_time'],
    value: 'time',
    says: 'judge expiry as of this time instead of the clock',
  },
  { flag: 'logLevel', path: ['log', 'level'], value: 'level', says: 'debug, info, warn or error' },
  { flag: 'logFormat', path: ['log', 'format'], value: 'format', says: 'auto, json or text' },
] as const satisfies readonly Row[];

export type FlagName = (typeof ROWS)[number]['flag'];

export interface Setting extends Row {
  readonly flag: FlagName;
}

/** In the order of the help. */
export const SETTINGS: readonly Setting[] = ROWS;

/** Parsed flags as the command line hands them over; names this table does not know are none of ours. */
export type Flags = Readonly<Partial<Record<FlagName, string | number | boolean | readonly string[] | undefined>>>;

/** `publicUrl` → `VERBATIM_PUBLIC_URL`. */
export function variable(flag: FlagName): string {
  return `VERBATIM_${flag.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
}

/** `publicUrl` → `--public-url`. */
export function option(flag: FlagName): string {
  return `--${flag.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}
/** Names the configuration file itself. */
export const FILE_VARIABLE = 'VERBATIM_CONFIG';

const KNOWN: ReadonlySet<string> = new Set([FILE_VARIABLE, ...SETTINGS.map(({ flag }) => variable(flag))]);

/** Variables that carry our prefix and mean nothing (`named` are those the file itself speaks of): a slip of the pen, which must not pass unseen. */
export function strangers(environment: NodeJS.ProcessEnv, named: ReadonlySet<unknown>): readonly string[] {
  return Object.keys(environment).filter(
    (name) =>
      name.startsWith('VERBATIM_') &&
      !name.startsWith('VERBATIM_TEST_') &&
      !KNOWN.has(name) &&
      !named.has(name) &&
      !isServiceLink(name),
  );
}

/** Kubernetes sets these in every pod beside a service called `verbatim`; they are not meant for us. */
function isServiceLink(name: string): boolean {
  return /_SERVICE_(HOST|PORT)(_|$)|_PORT(_|$)/.test(name);
}

/** The same trap by value: `VERBATIM_PORT=tcp://10.0.0.1:80`. */
export function isServiceAddress(value: string): boolean {
  return /^(tcp|udp|sctp):\/\//.test(value);
}
