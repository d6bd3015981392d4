import { DEFAULT_INDEX, knownIndex } from '../presets/known-upstreams.ts';
import { isTree, type Tree } from './tree.ts';

// What is meant where less was said.

/** PyPI as it is, where no index was asked for: `verbatim serve` alone, or with flags that say nothing of which. */
export function assumePyPI(raw: Tree, sources: ReadonlyMap<string, string>): void {
  raw['indexes'] ??= {};
  if (!isTree(raw['indexes'])) return;
  const { main = {}, ...others } = raw['indexes'];
  if (!isTree(main) || Object.keys(others).length > 0) return;
  const says = Object.keys(main);
  if (says.some((key) => !['max_age', 'file_hosts', 'undigested'].includes(key) || !sources.has(`indexes.main.${key}`)))
    return;
  raw['indexes']['main'] = { ...main, upstream: DEFAULT_INDEX, evidence: 'index' };
}

/** `--upstream URL` alone means an index that signs nothing; a file must say so itself, lest a forgotten root pass for it. */
export function assumeUnsigned(raw: Tree, sources: ReadonlyMap<string, string>): void {
  const main = isTree(raw['indexes']) ? raw['indexes']['main'] : undefined;
  if (!isTree(main) || !sources.has('indexes.main.upstream')) return;
  const signed = ['root', 'evidence', 'layout', 'metadata_url', 'pages_url', 'files_url'];
  if (signed.every((key) => main[key] === undefined)) main['evidence'] = 'index';
}

/** Where PyPI's files lie, which everybody means who mirrors it. */
export function assumeKnown(raw: Tree): void {
  if (!isTree(raw['indexes'])) return;
  for (const index of Object.values(raw['indexes'])) {
    if (!isTree(index) || index['evidence'] !== 'index') continue;
    const { upstream, file_hosts: hosts = [] } = index;
    if (typeof upstream !== 'string' || !Array.isArray(hosts)) continue;
    const known = knownIndex(upstream);
    if (known === undefined) continue;
    index['file_hosts'] = [known.fileHost, ...hosts.filter((each) => each !== known.fileHost)];
    index['content_addressed'] ??= known.contentAddressed;
    index['undigested'] ??= 'withhold';
  }
}
