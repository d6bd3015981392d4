import { Refusal } from '../bytes/refusal.ts';

/**
 * A kind of target: where it is fetched from, how its path is built, and whether storage puts its digest before its name.
 * Templates know {project}, {filename} and the content path {aa}, {bb}, {rest}.
 */
export interface Place {
  /** Relative to the upstream's URL, or absolute; ends with a slash once resolved. */
  readonly base: string;
  /** The target path in the signed metadata; absent where such targets are not signed by path. */
  readonly target?: string | undefined;
  /** TUF §6.2: with consistent snapshots a target is stored as HASH.NAME; some indexes leave that out for files. */
  readonly prefix: boolean;
}

export interface PagePlace extends Place {
  readonly target: string;
  /** Where the page is seen by a browser, relative to the base: its links are relative to this. */
  readonly seenAt: string;
  /** Other names storage may hold it under, tried first; {hash} is each listed digest in turn. */
  readonly storedAt?: readonly string[] | undefined;
}

/** How an upstream signed with TUF names its targets, and where it keeps what: a known one, or an operator's own. */
export interface Layout {
  readonly name: string;
  readonly metadata: string;
  readonly pages?: PagePlace | undefined;
  readonly files: Place;
  /** The target path of the project list, under the pages' base. */
  readonly list?: string | undefined;
  /** RSTUF's worker stores a role whose name begins with a digit without its version. */
  readonly digitRolesUnversioned?: boolean | undefined;
}

export interface LayoutUrls {
  readonly upstream: string;
  readonly metadataUrl?: string | undefined;
  readonly pagesUrl?: string | undefined;
  readonly filesUrl?: string | undefined;
}

/** A layout as an operator writes it down: bases are URLs or paths under the upstream. */
export interface LayoutDescription {
  readonly metadata: string;
  readonly pages: PagesDescription | undefined;
  readonly files: FilesDescription | undefined;
}

export interface PagesDescription {
  readonly base: string;
  readonly hashPrefix: boolean;
  readonly target: string;
  readonly list: string | undefined;
}

export interface FilesDescription {
  readonly base: string;
  readonly hashPrefix: boolean;
  /** Absent where only pages are signed, and vouch for their files. */
  readonly target: string | undefined;
}

export function describedLayout({ metadata, pages, files }: LayoutDescription): Layout {
  return {
    name: 'custom',
    metadata,
    ...(pages === undefined
      ? {}
      : {
          pages: {
            base: pages.base,
            target: pages.target,
            // Links are relative to the folder a browser would see the page in.
            seenAt: pages.target.slice(0, pages.target.lastIndexOf('/') + 1) || '{project}/',
            prefix: pages.hashPrefix,
          },
          list: pages.list,
        }),
    files:
      files === undefined
        ? { base: '', prefix: false }
        : { base: files.base, target: files.target, prefix: files.hashPrefix },
  };
}

/** The layout with absolute bases that end in a slash and hold no user name or password. */
export function resolveLayout(plan: Layout, urls: LayoutUrls): Layout {
  const upstream = folder(urls.upstream);
  const base = (given: string | undefined, planned: string) => folder(given ?? new URL(planned, upstream).href).href;
  return {
    ...plan,
    metadata: base(urls.metadataUrl, plan.metadata),
    pages: plan.pages && { ...plan.pages, base: base(urls.pagesUrl, plan.pages.base) },
    files: { ...plan.files, base: base(urls.filesUrl, plan.files.base) },
  };
}

/** The bases of a resolved layout: where its upstream client may go. */
export function layoutBases(layout: Layout): readonly string[] {
  return [layout.metadata, ...(layout.pages ? [layout.pages.base] : []), layout.files.base];
}

function folder(url: string): URL {
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch (cause) {
    throw new Refusal('format', `Not a URL: ${url}`, { cause });
  }
  if (parsed.protocol !== 'http:' && parsed.protocol !== 'https:')
    throw new Refusal('format', `An upstream URL must begin with https:// or http://, unlike ${parsed.protocol}`);
  parsed.username = '';
  parsed.password = '';
  parsed.search = '';
  parsed.hash = '';
  if (!parsed.pathname.endsWith('/')) parsed.pathname += '/';
  return parsed;
}
