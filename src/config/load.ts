import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { isScalar, parseDocument, visit } from 'yaml';
import type { Config } from './config.ts';
import { ConfigRefusal, type Fault, faultsOf, named } from './faults.ts';
import { freeze, toConfig } from './freeze.ts';
import { INSECURE_UPSTREAM, schema } from './schema.ts';
import {
  FILE_VARIABLE,
  type Flags,
  isServiceAddress,
  option,
  SETTINGS,
  type Setting,
  strangers,
  variable,
} from './settings.ts';
import { crossesNetworkInTheClear } from './values.ts';

const MOST_FILE_BYTES = 1 << 20;

export interface LoadOptions {
  /** The configuration file; VERBATIM_CONFIG otherwise; none otherwise. */
  readonly file?: string | undefined;
  /** Read in place of the process's own environment. */
  readonly env?: NodeJS.ProcessEnv | undefined;
  readonly flags?: Flags | undefined;
  /** For commands that need the data directory and no index. */
  readonly withoutIndexes?: boolean | undefined;
}

/** The configuration: file, overruled by environment, overruled by flags. Throws ConfigRefusal with every fault in it. */
export function loadConfig({ file, env = process.env, flags = {}, withoutIndexes = false }: LoadOptions): Config {
  const faults: Fault[] = strangers(env).map((name) => ({ where: name, what: 'is not a variable Verbatim knows' }));
  const path = file ?? env[FILE_VARIABLE];
  const raw = path === undefined ? {} : readFile(path, faults);
  const base = path === undefined ? '.' : dirname(path);
  resolveFilePaths(raw, base);

  const sources = new Map<string, string>();
  for (const setting of SETTINGS) {
    const variableName = variable(setting.flag);
    const fromEnvironment = env[variableName];
    if (fromEnvironment !== undefined && fromEnvironment !== '' && !isServiceAddress(fromEnvironment)) {
      const value = setting.kind === 'list' ? fromEnvironment.split(',').map((part) => part.trim()) : fromEnvironment;
      put(raw, setting, value, sources, variableName);
    }
    const fromFlag = flags[setting.flag];
    if (fromFlag !== undefined) put(raw, setting, fromFlag, sources, option(setting.flag));
  }

  if (isEmpty(raw['indexes']) && !withoutIndexes) raw['indexes'] = { main: { ...PYPI } };
  assumeUnsigned(raw, sources);
  const parsed = schema.safeParse(raw);
  for (const issue of parsed.error?.issues ?? []) faults.push(...faultsOf(issue, sources));
  faults.push(...clearTextFaults(raw, sources));
  if (faults.length > 0 || !parsed.success) throw new ConfigRefusal(faults);
  return freeze(toConfig(parsed.data));
}

type Tree = Record<string, unknown>;

/** PyPI as it is: what is mirrored where nothing else was asked for. */
const PYPI: Tree = {
  upstream: 'https://pypi.org/simple/',
  evidence: 'index',
  file_hosts: ['files.pythonhosted.org'],
  content_addressed: true,
};

/** `--upstream URL` alone means an index that signs nothing; a file must say so itself, lest a forgotten root pass for it. */
function assumeUnsigned(raw: Tree, sources: ReadonlyMap<string, string>): void {
  const main = isTree(raw['indexes']) ? raw['indexes']['main'] : undefined;
  if (!isTree(main) || !sources.has('indexes.main.upstream')) return;
  if (main['root'] === undefined && main['evidence'] === undefined && main['layout'] === undefined)
    main['evidence'] = 'index';
}

function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isEmpty(value: unknown): boolean {
  return value === undefined || (isTree(value) && Object.keys(value).length === 0);
}

function readFile(path: string, faults: Fault[]): Tree {
  const fault = (what: string): Tree => {
    faults.push({ where: path, what });
    return {};
  };
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    return fault(`cannot be read (${error instanceof Error && 'code' in error ? error.code : 'unknown error'})`);
  }
  if (text.length > MOST_FILE_BYTES) return fault('is larger than a configuration can be');
  const document = parseDocument(text, { stringKeys: true });
  for (const error of document.errors) fault(error.message.split('\n')[0] ?? 'is not YAML');
  if (document.errors.length > 0) return {};
  visit(document, {
    Pair: (_, { key }) => {
      // The one key a plain object cannot hold, and the schema therefore cannot see.
      if (isScalar(key) && key.value === '__proto__') fault('has a key called __proto__');
    },
  });
  let tree: unknown;
  try {
    tree = document.toJS() ?? {};
  } catch {
    return fault('repeats itself (&, *) too often');
  }
  return isTree(tree) ? tree : fault('must hold keys and values');
}

/** Paths in a file are relative to that file, wherever the program was started. */
function resolveFilePaths(raw: Tree, base: string): void {
  if (typeof raw['data'] === 'string' && raw['data'] !== '') raw['data'] = resolve(base, raw['data']);
  if (!isTree(raw['indexes'])) return;
  for (const index of Object.values(raw['indexes'])) {
    if (isTree(index) && typeof index['root'] === 'string' && index['root'] !== '')
      index['root'] = resolve(base, index['root']);
  }
}

function put(
  raw: Tree,
  setting: Setting,
  given: string | number | readonly string[],
  sources: Map<string, string>,
  source: string,
): void {
  let tree = raw;
  for (const step of setting.path.slice(0, -1)) {
    const next = tree[step];
    if (isTree(next)) tree = next;
    else {
      const made: Tree = {};
      tree[step] = made;
      tree = made;
    }
  }
  const key = setting.path.at(-1) ?? '';
  tree[key] = convert(setting, given);
  sources.set(setting.path.join('.'), source);
}

function convert({ kind }: Setting, given: string | number | readonly string[]): unknown {
  if (kind === 'number') return typeof given === 'string' && /^\d{1,15}$/.test(given) ? Number(given) : given;
  if (kind === 'list') return typeof given === 'string' ? [given] : given;
  if (kind === 'path') return typeof given === 'string' && given !== '' ? resolve(given) : given;
  return given;
}

/** http:// to another machine is refused, whatever else is wrong, unless the operator wrote the words. */
function clearTextFaults(raw: Tree, sources: ReadonlyMap<string, string>): readonly Fault[] {
  if (!isTree(raw['indexes'])) return [];
  const faults: Fault[] = [];
  for (const [name, index] of Object.entries(raw['indexes'])) {
    if (!isTree(index) || index['insecure_upstream'] === INSECURE_UPSTREAM) continue;
    const hosts = Array.isArray(index['file_hosts'])
      ? index['file_hosts'].map((_, at) => ['file_hosts', String(at)])
      : [];
    for (const path of [...URL_PATHS, ...hosts]) {
      const value = path.reduce<unknown>(
        (at, step) => (isTree(at) || Array.isArray(at) ? Reflect.get(at, step) : undefined),
        index,
      );
      if (crossesNetworkInTheClear(value))
        faults.push({ where: named(['indexes', name, ...path], sources), what: CLEAR_TEXT });
    }
  }
  return faults;
}

const URL_PATHS: readonly (readonly string[])[] = [
  ['upstream'],
  ['metadata_url'],
  ['pages_url'],
  ['files_url'],
  ['layout', 'metadata'],
  ['layout', 'pages', 'base'],
  ['layout', 'files', 'base'],
];

const CLEAR_TEXT = `is http:// to another machine, where anybody on the way can change or withhold bytes: use https://, or set insecure_upstream: ${INSECURE_UPSTREAM}`;
