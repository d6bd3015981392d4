/** Where an index that signs nothing has what; every URL ends with a slash. */
export interface SimpleIndex {
  /** The project list, and below it the project pages (PEP 503). */
  readonly simple: string;
  /** What PyPI has beside `simple/` lies below this; absent where the index is called otherwise, and has none. */
  readonly api: string | undefined;
}

/** `upstream` is the URL of the project list, or a bare host that has it at `simple/`. */
export function simpleIndex(upstream: string): SimpleIndex {
  const simple = new URL(upstream).pathname === '/' ? new URL('simple/', upstream).href : upstream;
  return { simple, api: simple.endsWith('/simple/') ? new URL('../', simple).href : undefined };
}
