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
  sigstore: {
    metIn: "Sigstore's own repository, whose address and root come with Verbatim: what provenance is judged by",
    metadata: '',
    files: { base: 'targets/', prefix: true },
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

/** Where Sigstore's own repository lies. */
export const SIGSTORE_UPSTREAM = 'https://tuf-repo-cdn.sigstore.dev/';

export function whereMet(name: LayoutName): string {
  return LAYOUTS[name].metIn;
}

/** Where an index that signs nothing has its pages, of the address that was given: there, below it, or all in one page. */
export type PagesAt = 'given' | 'simple/' | '+simple/' | 'index/' | 'flat';

/** What is known of a kind of index server that signs nothing; each part can be overruled in the configuration. */
export interface IndexKind {
  /** Its row in docs/indexes.md. */
  readonly metIn: string;
  /** For people; what its pages state is seen. */
  readonly digests: string;
  readonly pagesAt: PagesAt;
  /** Further hosts its pages and its redirects lead to for files. */
  readonly fileHosts: readonly string[];
  /** How it says that it does not have something, besides 404 and 410. */
  readonly absent: {
    readonly statuses: readonly number[];
    readonly redirectElsewhere: boolean;
    /** A project that it has in any case. */
    readonly known?: string | undefined;
  };
  /** What becomes of files that it states no digest of, where it has one for every file; undefined where nothing is known of that. */
  readonly undigested?: 'withhold';
  /** aa/bb/rest in a file's URL is its BLAKE2b-256. */
  readonly contentAddressed: boolean;
}

const USUAL = {
  pagesAt: 'simple/',
  fileHosts: [],
  absent: { statuses: [], redirectElsewhere: false },
  contentAddressed: false,
} as const;
const FORWARDS = { statuses: [], redirectElsewhere: true } as const;

const KINDS = {
  pypi: {
    ...USUAL,
    metIn: 'PyPI, and mirrors of it that keep its paths',
    digests: 'all',
    undigested: 'withhold',
    contentAddressed: true,
  },
  pytorch: {
    ...USUAL,
    metIn: "PyTorch's own indexes (`whl/cpu`, `whl/nightly/cu130` …)",
    digests: 'of some files',
    pagesAt: 'given',
    fileHosts: ['download.pytorch.org', 'download-r2.pytorch.org'],
    absent: { statuses: [403], redirectElsewhere: false, known: 'torch' },
  },
  nvidia: { ...USUAL, metIn: "NVIDIA's index, at the root of its host", digests: 'all', pagesAt: 'given' },
  flat: {
    ...USUAL,
    metIn: 'one page with the files of all projects (`pip --find-links`)',
    digests: 'where its links have them',
    pagesAt: 'flat',
  },
  static: {
    ...USUAL,
    metIn: 'files in an object store or on a web server (dumb-pypi, pip2pi, S3)',
    digests: 'where its links have them',
    pagesAt: 'given',
    absent: { statuses: [403], redirectElsewhere: false },
  },
  gitlab: {
    ...USUAL,
    metIn: "GitLab's package registry; forwards what it lacks to PyPI unless told not to",
    digests: 'all',
    absent: FORWARDS,
  },
  artifactory: { ...USUAL, metIn: 'JFrog Artifactory', digests: 'sha256, md5 alone where it has no other' },
  nexus: { ...USUAL, metIn: 'Sonatype Nexus Repository', digests: 'sha256, md5 alone for what was uploaded long ago' },
  devpi: { ...USUAL, metIn: 'devpi, `/USER/INDEX/`', digests: 'all', pagesAt: '+simple/' },
  pypiserver: {
    ...USUAL,
    metIn: 'pypiserver; forwards what it lacks to PyPI unless told not to',
    digests: 'all; md5 alone before its 2.0',
    absent: FORWARDS,
  },
  proxpi: {
    ...USUAL,
    metIn: 'proxpi; sends on to the file host of the index behind it what takes it long',
    digests: 'as the index behind it',
    pagesAt: 'index/',
    fileHosts: ['files.pythonhosted.org'],
  },
  'simple-repository': {
    ...USUAL,
    metIn: 'simple-repository-server; sends on to the file host of the index behind it',
    digests: 'none of a folder, else as the index behind it',
    fileHosts: ['files.pythonhosted.org'],
  },
  codeartifact: { ...USUAL, metIn: 'AWS CodeArtifact; see `password_command` for its tokens', digests: 'all' },
  azure: {
    ...USUAL,
    metIn: 'Azure Artifacts; files lie on hosts of its own',
    digests: 'all',
    fileHosts: ['*.blob.core.windows.net', '*.vsblob.vsassets.io'],
  },
  google: { ...USUAL, metIn: 'Google Artifact Registry; see `password_command` for its tokens', digests: 'all' },
} as const satisfies Readonly<Record<string, IndexKind>>;

export type IndexKindName = keyof typeof KINDS;

const isKindName = (name: string): name is IndexKindName => Object.hasOwn(KINDS, name);

/** In the order of the documents. */
export const KIND_NAMES: readonly IndexKindName[] = Object.keys(KINDS).filter(isKindName);

/** For sentences: `a, b or c`. */
export const KIND_CHOICE = `${KIND_NAMES.slice(0, -1).join(', ')} or ${KIND_NAMES.at(-1)}`;

export function indexKind(name: IndexKindName): IndexKind {
  return KINDS[name];
}

interface KnownIndex {
  /** A host, or `*.` and the domain that its host lies in. */
  readonly host: string;
  readonly kind: IndexKindName;
  /** Where its pages send installers for files, besides the hosts of its kind. */
  readonly fileHosts: readonly string[];
  /** Everybody may read there, and it is nobody's own. */
  readonly isPublic: boolean;
}

const INDEXES: readonly KnownIndex[] = [
  { host: 'pypi.org', kind: 'pypi', fileHosts: ['files.pythonhosted.org'], isPublic: true },
  { host: 'test.pypi.org', kind: 'pypi', fileHosts: ['test-files.pythonhosted.org'], isPublic: true },
  { host: 'download.pytorch.org', kind: 'pytorch', fileHosts: [], isPublic: true },
  { host: 'pypi.nvidia.com', kind: 'nvidia', fileHosts: [], isPublic: true },
  { host: 'gitlab.com', kind: 'gitlab', fileHosts: [], isPublic: false },
  { host: '*.jfrog.io', kind: 'artifactory', fileHosts: [], isPublic: false },
  { host: '*.amazonaws.com', kind: 'codeartifact', fileHosts: [], isPublic: false },
  { host: 'pkgs.dev.azure.com', kind: 'azure', fileHosts: [], isPublic: false },
  { host: '*.pkg.dev', kind: 'google', fileHosts: [], isPublic: false },
];

/** What is mirrored where nothing else was asked for. */
export const DEFAULT_INDEX = 'https://pypi.org/simple/';

/** What is known of the index at this URL, if anything. */
export function knownIndex(url: string): KnownIndex | undefined {
  const parsed = URL.parse(url);
  if (parsed === null) return undefined;
  const { host } = parsed;
  return INDEXES.find((index) =>
    index.host.startsWith('*.')
      ? host.endsWith(index.host.slice(1)) && (index.kind !== 'codeartifact' || host.includes('.d.codeartifact.'))
      : host === index.host,
  );
}

/** An index that anybody mirrors: a private one that sends us there has no such project. */
export function isPublicIndex(url: string): boolean {
  return knownIndex(url)?.isPublic === true;
}
