import { type IndexKindName, indexKind } from './known-upstreams.ts';

/** Where an index that signs nothing has what; every URL ends with a slash but that of a flat page. */
export interface SimpleIndex {
  /** The project list, and below it the project pages (PEP 503); of a flat index the page that has all. */
  readonly simple: string;
  /** Where they may be instead, best first: the address that was given does not tell. */
  readonly others: readonly string[];
  /** What PyPI has beside `simple/` lies below this; absent where the index is called otherwise, and has none. */
  readonly api: string | undefined;
  /** One page has the files of all projects. */
  readonly flat: boolean;
}

const SIMPLE = /\/\+?simple\/$/;

/** `upstream` is the URL that installers are given, with or without its `simple/`. */
export function simpleIndex(upstream: string, kind?: IndexKindName | undefined): SimpleIndex {
  if (kind !== undefined) return ofKind(upstream, kind);
  if (SIMPLE.test(upstream)) return at(upstream);
  const below = (folder: string) => new URL(folder, upstream).href;
  if (new URL(upstream).pathname === '/') return { ...at(below('simple/')), others: [upstream] };
  return { ...at(upstream), others: [below('simple/'), below('+simple/')] };
}

function ofKind(upstream: string, kind: IndexKindName): SimpleIndex {
  const { pagesAt } = indexKind(kind);
  if (pagesAt === 'flat') return { simple: flatPage(upstream), others: [], api: undefined, flat: true };
  if (pagesAt === 'given' || SIMPLE.test(upstream)) return at(upstream);
  return at(new URL(pagesAt, upstream).href);
}

function at(simple: string): SimpleIndex {
  const api = simple.endsWith('/simple/') ? new URL('../', simple).href : undefined;
  return { simple, others: [], api, flat: false };
}

/** Every address in the configuration ends with a slash; that of a document does not. */
function flatPage(upstream: string): string {
  return upstream.replace(/(\.html?)\/$/i, '$1');
}
