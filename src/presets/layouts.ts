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

/** Where an upstream signed with TUF keeps what. A preset is such a record, and so is free configuration. */
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

// The letters are those of the implementations met in the field.
export const PRESETS = {
  /** PEP 458 as written: pages and files are targets, both stored under their digests. */
  pep458: {
    name: 'pep458',
    metadata: 'metadata/',
    pages: { base: '', target: 'simple/{project}/index.html', seenAt: 'simple/{project}/', prefix: true },
    files: { base: '', target: 'packages/{aa}/{bb}/{rest}/{filename}', prefix: true },
  },
  /** B: pip's first TUF branches; a file's path holds its digest already, so its name does not. */
  'pip-2020': {
    name: 'pip-2020',
    metadata: 'tuf/',
    pages: { base: 'simple/', target: '{project}/index.html', seenAt: '{project}/', prefix: true },
    files: { base: 'packages/', target: '{aa}/{bb}/{rest}/{filename}', prefix: false },
  },
  /** C and D: the later pip branches and what warehouse stores. */
  'pip-2022': {
    name: 'pip-2022',
    metadata: 'metadata/',
    pages: { base: 'simple/', target: '{project}/{project}.html', seenAt: '{project}/', prefix: true },
    files: { base: 'packages/', target: '{aa}/{bb}/{rest}/{filename}', prefix: false },
  },
  /** E: the target is the bare project name, storage has warehouse's file names, and files are not targets. */
  'rstuf-2024': {
    name: 'rstuf-2024',
    metadata: 'metadata/',
    pages: {
      base: 'simple/',
      target: '{project}',
      seenAt: '{project}/',
      storedAt: ['{project}/{hash}.{project}.html', '{project}/index.html'],
      prefix: true,
    },
    files: { base: 'packages/', prefix: false },
    digitRolesUnversioned: true,
  },
  /** G: bare anchors in pages; wheels are targets beside them. */
  datadog: {
    name: 'datadog',
    metadata: 'metadata.staged/',
    pages: { base: 'targets/', target: 'simple/{project}/index.html', seenAt: 'simple/{project}/', prefix: true },
    files: { base: 'targets/', target: 'simple/{project}/{filename}', prefix: true },
    list: 'simple/index.html',
  },
  /** Any other TUF repository: targets by path, no pages. */
  plain: {
    name: 'plain',
    metadata: 'metadata/',
    files: { base: 'targets/', prefix: true },
  },
} as const satisfies Readonly<Record<string, Layout>>;

export type PresetName = keyof typeof PRESETS;

export function isPreset(name: string): name is PresetName {
  return Object.hasOwn(PRESETS, name);
}

export interface LayoutUrls {
  readonly upstream: string;
  readonly metadataUrl?: string | undefined;
  readonly pagesUrl?: string | undefined;
  readonly filesUrl?: string | undefined;
}

/** The layout with absolute bases that end in a slash and hold no user name or password. */
export function resolveLayout(layout: PresetName | Layout, urls: LayoutUrls): Layout {
  const plan: Layout = typeof layout === 'string' ? PRESETS[layout] : layout;
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
