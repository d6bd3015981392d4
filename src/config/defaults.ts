import {
  DEFAULT_INDEX,
  type IndexKind,
  indexKind,
  KIND_NAMES,
  knownIndex,
  SIGSTORE_UPSTREAM,
} from '../presets/known-upstreams.ts';
import { isTree, type Tree } from './tree.ts';

// What is meant where less was said.

/** PyPI as it is, where no index was asked for: `verbatim serve` alone, or with flags that say nothing of which. */
export function assumePyPI(raw: Tree, sources: ReadonlyMap<string, string>): void {
  raw['indexes'] ??= {};
  if (!isTree(raw['indexes'])) return;
  const { main = {}, ...others } = raw['indexes'];
  if (!isTree(main) || Object.keys(others).length > 0) return;
  if (Object.keys(main).some((key) => !WHICHEVER.has(key) || !isFlag(key, sources))) return;
  raw['indexes']['main'] = { ...main, upstream: DEFAULT_INDEX, evidence: 'index' };
}

/** What flags say of an index whichever it is. */
const WHICHEVER: ReadonlySet<string> = new Set([
  'max_age',
  'file_hosts',
  'undigested',
  'stale_if_error',
  'ca',
  'proxy',
]);

/** True where it, or a part of it, came from a flag or a variable. */
function isFlag(key: string, sources: ReadonlyMap<string, string>): boolean {
  const path = `indexes.main.${key}`;
  return [...sources.keys()].some((source) => source === path || source.startsWith(`${path}.`));
}

/** `--upstream URL` alone means an index that signs nothing; a file must say so itself, lest a forgotten root pass for it. */
export function assumeUnsigned(raw: Tree, sources: ReadonlyMap<string, string>): void {
  const main = isTree(raw['indexes']) ? raw['indexes']['main'] : undefined;
  if (!isTree(main) || !sources.has('indexes.main.upstream')) return;
  const signed = ['root', 'evidence', 'layout', 'metadata_url', 'pages_url', 'files_url'];
  if (signed.every((key) => main[key] === undefined)) main['evidence'] = 'index';
}

/** Sigstore's own repository has one address; a copy of it another. */
export function assumeSigstore(raw: Tree): void {
  if (!isTree(raw['indexes'])) return;
  for (const index of Object.values(raw['indexes'])) {
    if (!isTree(index) || index['layout'] !== 'sigstore' || index['import'] !== undefined) continue;
    index['upstream'] ??= SIGSTORE_UPSTREAM;
  }
}

/** What everybody means who mirrors an index that is known, by its address or because its kind was named. */
export function assumeKnown(raw: Tree): void {
  if (!isTree(raw['indexes'])) return;
  for (const index of Object.values(raw['indexes'])) {
    if (!isTree(index) || index['evidence'] !== 'index' || typeof index['upstream'] !== 'string') continue;
    const known = knownIndex(index['upstream']);
    const kind = KIND_NAMES.find((name) => name === (index['kind'] ?? known?.kind));
    if (kind === undefined) continue;
    // What an index is known for by its address, it is held to whatever kind it is said to be.
    if (known !== undefined) assumeUndigested(index, indexKind(known.kind));
    index['kind'] ??= kind;
    assumeKind(index, indexKind(kind), known?.kind === kind ? known.fileHosts : []);
  }
}

function assumeUndigested(index: Tree, { undigested }: IndexKind): void {
  if (undigested !== undefined) index['undigested'] ??= undigested;
}

function assumeKind(index: Tree, kind: IndexKind, further: readonly string[]): void {
  const { fileHosts, absent, contentAddressed } = kind;
  const { file_hosts: given = [] } = index;
  const assumed = [...further, ...fileHosts];
  if (Array.isArray(given)) index['file_hosts'] = [...assumed, ...given.filter((each) => !assumed.includes(each))];
  index['content_addressed'] ??= contentAddressed;
  assumeUndigested(index, kind);
  const said = index['absent'] ?? {};
  if (isTree(said))
    index['absent'] = {
      statuses: [...absent.statuses],
      redirect_elsewhere: absent.redirectElsewhere,
      known: absent.known,
      ...said,
    };
}
