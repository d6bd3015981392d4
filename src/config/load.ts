import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { isScalar, parseDocument, visit } from 'yaml';
import type { Config } from './config.ts';
import { assumeKnown, assumePyPI, assumeUnsigned, isTree, type Tree } from './defaults.ts';
import { ConfigRefusal, type Fault, faultsOf, named } from './faults.ts';
import { freeze, toConfig } from './freeze.ts';
import { insecureWords, schema } from './schema.ts';
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
  const faults: Fault[] = [];
  const path = file ?? env[FILE_VARIABLE];
  const raw = path === undefined ? {} : readFile(path, faults);
  const base = path === undefined ? '.' : dirname(path);
  resolveFilePaths(raw, base);
  for (const name of strangers(env, namedVariables(raw)))
    faults.push({ where: name, what: 'is not a variable Verbatim knows' });

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

  if (!withoutIndexes) assumePyPI(raw, sources);
  assumeUnsigned(raw, sources);
  assumeKnown(raw);
  const parsed = schema.safeParse(raw);
  for (const issue of parsed.error?.issues ?? []) faults.push(...faultsOf(issue, sources));
  faults.push(...clearTextFaults(raw, sources));
  if (faults.length > 0 || !parsed.success) throw new ConfigRefusal(faults);
  return freeze(toConfig(parsed.data));
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

// A star is every index.
const PATHS_IN_FILE: readonly (readonly string[])[] = [
  ['data'],
  ['seal_key_file'],
  ['seal_epoch_file'],
  ['server', 'tls', 'cert'],
  ['server', 'tls', 'key'],
  ['server', 'auth', 'htpasswd'],
  ['server', 'auth', 'tokens'],
  ['indexes', '*', 'root'],
  ['indexes', '*', 'ca'],
  ['indexes', '*', 'credentials', 'password_file'],
  ['indexes', '*', 'proxy', 'password_file'],
];

/** Paths in a file are relative to that file, wherever the program was started. */
function resolveFilePaths(raw: Tree, base: string): void {
  for (const path of PATHS_IN_FILE)
    for (const [tree, key] of places(raw, path)) {
      const value = tree[key];
      if (typeof value === 'string' && value !== '') tree[key] = resolve(base, value);
    }
}

/** The trees that hold the last step of a path, with that step. */
function places(tree: Tree, [step = '', ...rest]: readonly string[]): readonly (readonly [Tree, string])[] {
  if (rest.length === 0) return [[tree, step]];
  const next = step === '*' ? Object.values(tree) : [tree[step]];
  return next.filter(isTree).flatMap((each) => places(each, rest));
}

/** Variables the file says hold a secret; whatever they are called, they are meant. */
function namedVariables(raw: Tree): ReadonlySet<unknown> {
  const paths = [['seal_key_env'], ...['credentials', 'proxy'].map((key) => ['indexes', '*', key, 'password_env'])];
  return new Set(paths.flatMap((path) => places(raw, path).map(([tree, key]) => tree[key])));
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
    if (!isTree(index) || index['insecure_upstream'] === insecureWords(index)) continue;
    const scopes = isTree(index['credentials']) ? index['credentials']['scopes'] : undefined;
    const listed = [...elements(index['file_hosts'], 'file_hosts'), ...elements(scopes, 'credentials', 'scopes')];
    for (const path of [...URL_PATHS, ...listed]) {
      const value = path.reduce<unknown>(
        (at, step) => (isTree(at) || Array.isArray(at) ? Reflect.get(at, step) : undefined),
        index,
      );
      if (crossesNetworkInTheClear(value))
        faults.push({ where: named(['indexes', name, ...path], sources), what: clearText(insecureWords(index)) });
    }
  }
  return faults;
}

function elements(list: unknown, ...path: readonly string[]): readonly (readonly string[])[] {
  return Array.isArray(list) ? list.map((_, at) => [...path, String(at)]) : [];
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

function clearText(words: string): string {
  return `is http:// to another machine, where anybody on the way can change or withhold bytes: use https://, or set insecure_upstream: ${words}`;
}
