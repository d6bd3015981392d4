import { hostname } from 'node:os';
import type { Config } from '../../config/config.ts';
import { type ClientIndex, type ClientSettings, readClientSettings } from './client-settings.ts';
import { type Finding, findingsIn, withoutLogin } from './finding.ts';

const { good, note, warning } = findingsIn('clients');

/** What the installers of this user ask, and whether that is this mirror alone. */
export function examineClients(
  server: Config['server'] | undefined,
  around: { readonly variables: ReadonlyMap<string, string>; readonly folder: string },
): readonly Finding[] {
  return judgeClients(readClientSettings(around), server);
}

/** `server`: where this mirror is; undefined where that is not known. */
export function judgeClients(
  { indexes, unreadable }: ClientSettings,
  server: Config['server'] | undefined,
): readonly Finding[] {
  const isHere = (url: string) => server !== undefined && namesOf(server).has(URL.parse(url)?.host ?? '');
  const found = unreadable.map((file) =>
    warning('unreadable', file, 'Installers cannot read it either: mend it, or take it away.'),
  );
  for (const [tool, all] of Map.groupBy(indexes, (each) => each.tool)) {
    const first = all.filter(({ role }) => role === 'first').at(0);
    const others = all.filter(({ role, url }) => role !== 'first' && !isHere(url));
    const usesMirror = all.some(({ url }) => isHere(url));
    if (usesMirror && others.length === 0 && (first === undefined || isHere(first.url)))
      found.push(good('index', `${tool} asks this mirror and nobody else.`));
    if (first !== undefined && !isHere(first.url))
      found.push(note('index', `${tool} asks ${said(first)}, which is not this mirror.`));
    found.push(...others.map((other) => secondIndex(tool, other)));
    // Without a first one it asks PyPI besides.
    if (usesMirror && first === undefined)
      found.push(
        warning(
          'second-index',
          `${tool} asks PyPI beside this mirror, as nothing names the index it asks first.`,
          WHICH_FIRST[tool],
        ),
      );
  }
  return found.length === 0
    ? [
        note(
          'index',
          'No setting of pip, uv, Poetry or PDM names an index: they ask PyPI itself, unless a command line says otherwise.',
        ),
      ]
    : found;
}

const WHICH_FIRST: Readonly<Record<ClientIndex['tool'], string>> = {
  pip: 'Set index-url to this mirror: pip config set global.index-url URL.',
  uv: 'Mark it with default = true, or set UV_DEFAULT_INDEX.',
  Poetry: 'Make it the first [[tool.poetry.source]], with priority = "primary".',
  PDM: 'Name it pypi in [[tool.pdm.source]]: that one takes the place of PyPI.',
};

function secondIndex(tool: string, other: ClientIndex): Finding {
  const how = other.role === 'links' ? 'looks for files at' : 'also asks';
  return warning(
    'second-index',
    `${tool} ${how} ${said(other)}: whoever can publish a name there can have it installed in place of this mirror's.`,
    'Take it away, and let this mirror have that index as another one (indexes in its configuration); uv can hold one to names (explicit = true).',
  );
}

function said({ url, where }: ClientIndex): string {
  return `${withoutLogin(url)} (${where})`;
}

/** Hosts, with their ports, by which clients of this machine and others reach it. */
function namesOf({ host, port, publicUrl }: Config['server']): ReadonlySet<string> {
  const own = [host, 'localhost', '127.0.0.1', '[::1]', hostname()].map((name) => `${name}:${port}`);
  const named = publicUrl === undefined ? undefined : URL.parse(publicUrl)?.host;
  return new Set([...own, ...(named === undefined ? [] : [named])]);
}
