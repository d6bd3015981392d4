import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { readPlainFile } from '../../config/plain-file.ts';
import { isRecord } from '../../pypi/read.ts';
import { readToml } from '../../sync/selection/table.ts';

// Where pip, uv, Poetry and PDM are told which index to ask: their variables, and their files in the order in which they read them.

/** One address that an installer asks. */
export interface ClientIndex {
  readonly tool: 'pip' | 'uv' | 'Poetry' | 'PDM';
  /** `other`: asked besides what is asked first. */
  readonly role: 'first' | 'other' | 'links';
  readonly url: string;
  /** `/etc/pip.conf (extra-index-url)`. */
  readonly where: string;
}

export interface ClientSettings {
  readonly indexes: readonly ClientIndex[];
  /** Files that are there and cannot be read. */
  readonly unreadable: readonly string[];
}

interface Surroundings {
  readonly variables: ReadonlyMap<string, string>;
  /** Where it is looked for the files of a project, and above. */
  readonly folder: string;
}

const MOST_BYTES = 1 << 20;

export function readClientSettings({ variables, folder }: Surroundings): ClientSettings {
  const indexes: ClientIndex[] = [...ofVariables(variables)];
  const unreadable: string[] = [];
  const read = (path: string, of: (path: string, text: string) => readonly ClientIndex[]) => {
    try {
      if (existsSync(path)) indexes.push(...of(path, readPlainFile(path, MOST_BYTES).toString('utf8')));
    } catch (error) {
      unreadable.push(`${path}: ${error instanceof Error ? error.message : String(error)}`);
    }
  };
  for (const path of pipFiles(variables)) read(path, ofPip);
  for (const path of uvFiles(variables, folder)) read(path, (at, text) => ofUv(at, readToml(at, text)));
  const project = nearest(folder, 'pyproject.toml');
  if (project !== undefined) read(project, ofProject);
  return { indexes, unreadable };
}

type Role = ClientIndex['role'];

const VARIABLES: readonly (readonly [name: string, tool: ClientIndex['tool'], role: Role])[] = [
  ['PIP_INDEX_URL', 'pip', 'first'],
  ['PIP_EXTRA_INDEX_URL', 'pip', 'other'],
  ['PIP_FIND_LINKS', 'pip', 'links'],
  ['UV_DEFAULT_INDEX', 'uv', 'first'],
  ['UV_INDEX_URL', 'uv', 'first'],
  ['UV_INDEX', 'uv', 'other'],
  ['UV_EXTRA_INDEX_URL', 'uv', 'other'],
  ['UV_FIND_LINKS', 'uv', 'links'],
];

function ofVariables(variables: ReadonlyMap<string, string>): readonly ClientIndex[] {
  return VARIABLES.flatMap(([name, tool, role]) =>
    wordsIn(variables.get(name)).map((word) => ({ tool, role, url: unnamed(word), where: name })),
  );
}

function wordsIn(value: string | undefined): readonly string[] {
  return (value ?? '').split(/\s+/).filter(Boolean);
}

/** uv's indexes may have a name before them. */
function unnamed(word: string): string {
  return word.replace(/^[A-Za-z0-9_.-]+=(?=[a-z]+:\/\/)/, '');
}

/** The machine's, the user's, the environment's, and the one that is named; pip reads no other where that is given. */
function pipFiles(variables: ReadonlyMap<string, string>): readonly string[] {
  const named = variables.get('PIP_CONFIG_FILE');
  if (named === '/dev/null') return [];
  const home = variables.get('HOME') ?? '';
  const user = variables.get('XDG_CONFIG_HOME') ?? join(home, '.config');
  const machine = (variables.get('XDG_CONFIG_DIRS') ?? '/etc/xdg').split(':').filter(Boolean);
  const environment = variables.get('VIRTUAL_ENV');
  return [
    ...machine.map((folder) => join(folder, 'pip/pip.conf')),
    '/etc/pip.conf',
    join(home, '.pip/pip.conf'),
    join(user, 'pip/pip.conf'),
    ...(environment === undefined ? [] : [join(environment, 'pip.conf')]),
    ...(named === undefined ? [] : [named]),
  ];
}

function uvFiles(variables: ReadonlyMap<string, string>, folder: string): readonly string[] {
  const home = variables.get('HOME') ?? '';
  const user = variables.get('XDG_CONFIG_HOME') ?? join(home, '.config');
  const project = nearest(folder, 'uv.toml');
  return [
    '/etc/uv/uv.toml',
    join(user, 'uv/uv.toml'),
    ...(project === undefined ? [] : [project]),
    ...wordsIn(variables.get('UV_CONFIG_FILE')),
  ];
}

/** The first file of this name in the folder or above it. */
function nearest(folder: string, name: string): string | undefined {
  const path = join(folder, name);
  if (existsSync(path)) return path;
  const parent = dirname(folder);
  return parent === folder ? undefined : nearest(parent, name);
}

const PIP_KEYS: ReadonlyMap<string, Role> = new Map([
  ['index-url', 'first'],
  ['extra-index-url', 'other'],
  ['find-links', 'links'],
]);

/** An ini file as pip reads it: a key's further lines are indented. */
function ofPip(path: string, text: string): readonly ClientIndex[] {
  const found: ClientIndex[] = [];
  let key = '';
  for (const line of text.split(/\r?\n/)) {
    if (/^\s*(?:[#;]|$)/.test(line) || line.startsWith('[')) continue;
    const [, name, value] = /^([A-Za-z][\w-]*)\s*[=:]\s*(.*)$/.exec(line) ?? [];
    if (name !== undefined) key = name.toLowerCase().replaceAll('_', '-');
    const role = PIP_KEYS.get(key);
    if (role === undefined) continue;
    for (const url of wordsIn(value ?? line)) found.push({ tool: 'pip', role, url, where: `${path} (${key})` });
  }
  return found;
}

function ofUv(path: string, table: Readonly<Record<string, unknown>>, inside = ''): readonly ClientIndex[] {
  const pip = isRecord(table['pip']) ? ofUv(path, table['pip'], `${inside}pip.`) : [];
  const listed = rows(table['index']).map((row) => uvRow(row, path, inside));
  return [
    ...listed.flat(),
    ...texts(table['index-url']).map((url) => ({
      tool: 'uv' as const,
      role: 'first' as const,
      url,
      where: `${path} (${inside}index-url)`,
    })),
    ...texts(table['extra-index-url']).map((url) => ({
      tool: 'uv' as const,
      role: 'other' as const,
      url,
      where: `${path} (${inside}extra-index-url)`,
    })),
    ...texts(table['find-links']).map((url) => ({
      tool: 'uv' as const,
      role: 'links' as const,
      url,
      where: `${path} (${inside}find-links)`,
    })),
    ...pip,
  ];
}

function uvRow(row: Readonly<Record<string, unknown>>, path: string, inside: string): readonly ClientIndex[] {
  const { url, default: isDefault, explicit } = row;
  // An explicit one is asked for nothing but what names it.
  if (typeof url !== 'string' || explicit === true) return [];
  return [{ tool: 'uv', role: isDefault === true ? 'first' : 'other', url, where: `${path} (${inside}index)` }];
}

/** Of a project: what it says to uv, Poetry and PDM. */
function ofProject(path: string, text: string): readonly ClientIndex[] {
  const tool = readToml(path, text)['tool'];
  if (!isRecord(tool)) return [];
  const uv = isRecord(tool['uv']) ? ofUv(path, tool['uv'], 'tool.uv.') : [];
  return [...uv, ...sources(tool['poetry'], 'Poetry', path), ...sources(tool['pdm'], 'PDM', path)];
}

function sources(table: unknown, tool: 'Poetry' | 'PDM', path: string): readonly ClientIndex[] {
  if (!isRecord(table)) return [];
  const where = `${path} (tool.${tool.toLowerCase()}.source)`;
  return rows(table['source']).flatMap(({ url, priority }, at) => {
    if (typeof url !== 'string' || priority === 'explicit') return [];
    return [{ tool, role: at === 0 ? ('first' as const) : ('other' as const), url, where }];
  });
}

function rows(value: unknown): readonly Readonly<Record<string, unknown>>[] {
  return Array.isArray(value) ? value.filter(isRecord) : [];
}

function texts(value: unknown): readonly string[] {
  return (Array.isArray(value) ? value : [value]).filter((each) => typeof each === 'string');
}
