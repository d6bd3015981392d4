import type { Layout } from './layouts.ts';

// Everything that is known of upstreams by name. A new one is a row here and a case in test/support/layout-cases.ts; the
// configuration's schema, the command line's help and the tests of the documents take the names from here.

interface KnownLayout extends Omit<Layout, 'name'> {
  /** Its row in docs/architecture.md. */
  readonly metIn: string;
}

const LAYOUTS = {
  pep458: {
    metIn: 'PEP 458 as written: pages and files are targets, stored under their digests',
    metadata: 'metadata/',
    pages: { base: '', target: 'simple/{project}/index.html', seenAt: 'simple/{project}/', prefix: true },
    files: { base: '', target: 'packages/{aa}/{bb}/{rest}/{filename}', prefix: true },
  },
  'pip-2020': {
    metIn: "pip's first TUF branches; files keep their plain names, as their paths hold a digest already",
    metadata: 'tuf/',
    pages: { base: 'simple/', target: '{project}/index.html', seenAt: '{project}/', prefix: true },
    files: { base: 'packages/', target: '{aa}/{bb}/{rest}/{filename}', prefix: false },
  },
  'pip-2022': {
    metIn: 'the later pip branches, and what warehouse stored for them',
    metadata: 'metadata/',
    pages: { base: 'simple/', target: '{project}/{project}.html', seenAt: '{project}/', prefix: true },
    files: { base: 'packages/', target: '{aa}/{bb}/{rest}/{filename}', prefix: false },
  },
  'rstuf-2024': {
    metIn: 'RSTUF with warehouse: the target is the bare project name; files are vouched for by the page alone',
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
  datadog: {
    metIn: 'an index with bare anchors in its pages; wheels are targets beside them',
    metadata: 'metadata.staged/',
    pages: { base: 'targets/', target: 'simple/{project}/index.html', seenAt: 'simple/{project}/', prefix: true },
    files: { base: 'targets/', target: 'simple/{project}/{filename}', prefix: true },
    list: 'simple/index.html',
  },
  plain: {
    metIn: 'any other TUF repository: targets, no pages',
    metadata: 'metadata/',
    files: { base: 'targets/', prefix: true },
  },
} as const satisfies Readonly<Record<string, KnownLayout>>;

export type LayoutName = keyof typeof LAYOUTS;

const isLayoutName = (name: string): name is LayoutName => Object.hasOwn(LAYOUTS, name);

/** In the order of the documents. */
export const LAYOUT_NAMES: readonly LayoutName[] = Object.keys(LAYOUTS).filter(isLayoutName);

/** For sentences: `a, b or c`. */
export const LAYOUT_CHOICE = `${LAYOUT_NAMES.slice(0, -1).join(', ')} or ${LAYOUT_NAMES.at(-1)}`;

export function knownLayout(name: LayoutName): Layout {
  const { metIn: _, ...layout } = LAYOUTS[name];
  return { name, ...layout };
}

export function whereMet(name: LayoutName): string {
  return LAYOUTS[name].metIn;
}

interface KnownIndex {
  readonly host: string;
  /** Where its pages send installers for files. */
  readonly fileHost: string;
  /** aa/bb/rest in a file's URL is its BLAKE2b-256. */
  readonly contentAddressed: boolean;
}

const INDEXES: readonly KnownIndex[] = [
  { host: 'pypi.org', fileHost: 'files.pythonhosted.org', contentAddressed: true },
  { host: 'test.pypi.org', fileHost: 'test-files.pythonhosted.org', contentAddressed: true },
];

/** What is mirrored where nothing else was asked for. */
export const DEFAULT_INDEX = 'https://pypi.org/simple/';

/** What is known of the index at this URL, if anything. */
export function knownIndex(url: string): KnownIndex | undefined {
  const host = URL.parse(url)?.host;
  return INDEXES.find((index) => index.host === host);
}
