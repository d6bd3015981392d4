// The settings that may also come from the environment and the command line: one row each, so that the three spellings
// never drift apart. A flag's name is its commander key.

export type FlagName =
  | 'host'
  | 'port'
  | 'publicUrl'
  | 'data'
  | 'sealKeyFile'
  | 'sealEpochFile'
  | 'maxBytes'
  | 'referenceTime'
  | 'logLevel'
  | 'logFormat'
  | 'upstream'
  | 'root'
  | 'layout'
  | 'metadataUrl'
  | 'pagesUrl'
  | 'filesUrl'
  | 'fileHost'
  | 'refresh'
  | 'maxAge';

/** Parsed flags as the command line hands them over; names this table does not know are none of ours. */
export type Flags = Readonly<Partial<Record<FlagName, string | number | readonly string[] | undefined>>>;

export interface Setting {
  readonly flag: FlagName;
  readonly path: readonly string[];
  readonly kind: 'text' | 'number' | 'list' | 'path';
}

const main = (key: string) => ['indexes', 'main', key];

export const SETTINGS: readonly Setting[] = [
  { flag: 'host', path: ['server', 'host'], kind: 'text' },
  { flag: 'port', path: ['server', 'port'], kind: 'number' },
  { flag: 'publicUrl', path: ['server', 'public_url'], kind: 'text' },
  { flag: 'data', path: ['data'], kind: 'path' },
  { flag: 'sealKeyFile', path: ['seal_key_file'], kind: 'path' },
  { flag: 'sealEpochFile', path: ['seal_epoch_file'], kind: 'path' },
  { flag: 'maxBytes', path: ['cache', 'max_bytes'], kind: 'number' },
  { flag: 'referenceTime', path: ['reference_time'], kind: 'text' },
  { flag: 'logLevel', path: ['log', 'level'], kind: 'text' },
  { flag: 'logFormat', path: ['log', 'format'], kind: 'text' },
  { flag: 'upstream', path: main('upstream'), kind: 'text' },
  { flag: 'root', path: main('root'), kind: 'path' },
  { flag: 'layout', path: main('layout'), kind: 'text' },
  { flag: 'metadataUrl', path: main('metadata_url'), kind: 'text' },
  { flag: 'pagesUrl', path: main('pages_url'), kind: 'text' },
  { flag: 'filesUrl', path: main('files_url'), kind: 'text' },
  { flag: 'fileHost', path: main('file_hosts'), kind: 'list' },
  { flag: 'refresh', path: main('refresh'), kind: 'number' },
  { flag: 'maxAge', path: main('max_age'), kind: 'number' },
];

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
