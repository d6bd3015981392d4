import { type IndexKindName, indexKind } from './known-upstreams.ts';

/** Where an index that signs nothing has what; every URL ends with a slash but that of a flat page. */
export interface SimpleIndex {
  /** The project list, and below it the project pages (PEP 503); of a flat index the page that has all. */
  readonly simple: string;
  /** Where they may be instead, best first: the address that was given does not tell. */
  readonly others: readonly string[];
  /** What PyPI has beside `simple/` lies below this; absent where the index is called otherwise, and has none. */
  readonly api: string | undefined;
  /** One page with the files of all projects: the only place there is, or a guess where pages are nowhere else. */
  readonly flat: { readonly url: string; readonly only: boolean } | undefined;
}

/** Not a folder: pages of projects cannot lie below it. */
const PAGE = /\.html?\/$/i;
const SIMPLE = /\/\+?simple\/$/;

/** `upstream` is the URL that installers are given, with or without its `simple/`. */
export function simpleIndex(upstream: string, kind?: IndexKindName | undefined): SimpleIndex {
  if (kind !== undefined) return ofKind(upstream, kind);
  if (SIMPLE.test(upstream)) return at(upstream);
  if (PAGE.test(upstream)) return ofKind(upstream, 'flat');
  const flat = { url: upstream, only: false };
  const below = (folder: string) => new URL(folder, upstream).href;
  if (new URL(upstream).pathname === '/') return { ...at(below('simple/')), others: [upstream], flat };
  return { ...at(upstream), others: [below('simple/'), below('+simple/')], flat };
}

function ofKind(upstream: string, kind: IndexKindName): SimpleIndex {
  const { pagesAt } = indexKind(kind);
  if (pagesAt === 'flat') {
    const url = flatPage(upstream);
    return { simple: url, others: [], api: undefined, flat: { url, only: true } };
  }
  if (pagesAt === 'given' || SIMPLE.test(upstream) || upstream.endsWith(`/${pagesAt}`)) return at(upstream);
  return at(new URL(pagesAt, upstream).href);
}

function at(simple: string): SimpleIndex {
  const api = simple.endsWith('/simple/') ? new URL('../', simple).href : undefined;
  return { simple, others: [], api, flat: undefined };
}

/** Every address in the configuration ends with a slash; that of a document does not. */
function flatPage(upstream: string): string {
  return PAGE.test(upstream) ? upstream.slice(0, -1) : upstream;
}
