import { describe, expect, it } from 'vitest';
import { knownDigests } from '../../../src/bytes/digest.ts';
import { knownLayout, type LayoutName } from '../../../src/presets/known-upstreams.ts';
import { type Layout, layoutBases, resolveLayout } from '../../../src/presets/layouts.ts';
import {
  fileTarget,
  kindOfTarget,
  metadataUrl,
  pageBaseUrl,
  pageTarget,
  targetUrls,
} from '../../../src/presets/targets.ts';

const SHA256 = 'a'.repeat(64);
const SHA512 = 'b'.repeat(128);
const BLAKE = 'c'.repeat(64);
const REST = 'd'.repeat(60);
const both = knownDigests([
  ['sha512', SHA512],
  ['sha256', SHA256],
]);
const blake = knownDigests([['blake2b-256', BLAKE]]);
const UP = 'https://index.example';
const wheel = {
  project: 'foo-bar',
  filename: 'foo_bar-1-py3-none-any.whl',
  content: { aa: 'aa', bb: 'bb', rest: REST },
};

interface Row {
  readonly preset: LayoutName;
  readonly metadata: string;
  readonly page: string | undefined;
  readonly pageUrls: readonly string[];
  readonly seenAt: string | undefined;
  readonly file: string | undefined;
  readonly fileUrls: readonly string[];
}

// The layouts of the field, each with the URLs its own client asks for.
const ROWS: readonly Row[] = [
  {
    preset: 'pep458',
    metadata: `${UP}/metadata/`,
    page: 'simple/foo-bar/index.html',
    pageUrls: [`${UP}/simple/foo-bar/${SHA512}.index.html`, `${UP}/simple/foo-bar/${SHA256}.index.html`],
    seenAt: `${UP}/simple/foo-bar/`,
    file: `packages/aa/bb/${REST}/${wheel.filename}`,
    fileUrls: [SHA512, SHA256].map((hash) => `${UP}/packages/aa/bb/${REST}/${hash}.${wheel.filename}`),
  },
  {
    preset: 'pip-2020',
    metadata: `${UP}/tuf/`,
    page: 'foo-bar/index.html',
    pageUrls: [`${UP}/simple/foo-bar/${SHA512}.index.html`, `${UP}/simple/foo-bar/${SHA256}.index.html`],
    seenAt: `${UP}/simple/foo-bar/`,
    file: `aa/bb/${REST}/${wheel.filename}`,
    fileUrls: [`${UP}/packages/aa/bb/${REST}/${wheel.filename}`],
  },
  {
    preset: 'pip-2022',
    metadata: `${UP}/metadata/`,
    page: 'foo-bar/foo-bar.html',
    pageUrls: [`${UP}/simple/foo-bar/${SHA512}.foo-bar.html`, `${UP}/simple/foo-bar/${SHA256}.foo-bar.html`],
    seenAt: `${UP}/simple/foo-bar/`,
    file: `aa/bb/${REST}/${wheel.filename}`,
    fileUrls: [`${UP}/packages/aa/bb/${REST}/${wheel.filename}`],
  },
  {
    preset: 'rstuf-2024',
    metadata: `${UP}/metadata/`,
    page: 'foo-bar',
    pageUrls: [
      `${UP}/simple/foo-bar/${SHA512}.foo-bar.html`,
      `${UP}/simple/foo-bar/${SHA256}.foo-bar.html`,
      `${UP}/simple/foo-bar/index.html`,
      `${UP}/simple/${SHA512}.foo-bar`,
      `${UP}/simple/${SHA256}.foo-bar`,
    ],
    seenAt: `${UP}/simple/foo-bar/`,
    file: undefined,
    fileUrls: [],
  },
  {
    preset: 'datadog',
    metadata: `${UP}/metadata.staged/`,
    page: 'simple/foo-bar/index.html',
    pageUrls: [
      `${UP}/targets/simple/foo-bar/${SHA512}.index.html`,
      `${UP}/targets/simple/foo-bar/${SHA256}.index.html`,
    ],
    seenAt: `${UP}/targets/simple/foo-bar/`,
    file: `simple/foo-bar/${wheel.filename}`,
    fileUrls: [SHA512, SHA256].map((hash) => `${UP}/targets/simple/foo-bar/${hash}.${wheel.filename}`),
  },
  {
    preset: 'sigstore',
    metadata: `${UP}/`,
    page: undefined,
    pageUrls: [],
    seenAt: undefined,
    file: undefined,
    fileUrls: [],
  },
  {
    preset: 'plain',
    metadata: `${UP}/metadata/`,
    page: undefined,
    pageUrls: [],
    seenAt: undefined,
    file: undefined,
    fileUrls: [],
  },
];

describe.each(ROWS)('layout $preset', (row) => {
  const layout = resolveLayout(knownLayout(row.preset), { upstream: UP });

  it('derives targets and the URLs to fetch them from', () => {
    expect(layout.metadata).toBe(row.metadata);
    expect(pageTarget(layout, 'foo-bar')).toBe(row.page);
    expect(pageBaseUrl(layout, 'foo-bar')).toBe(row.seenAt);
    expect(fileTarget(layout, wheel)).toBe(row.file);
    if (row.page) expect(targetUrls(layout, row.page, both, true)).toEqual(row.pageUrls);
    if (row.file) expect(targetUrls(layout, row.file, both, true)).toEqual(row.fileUrls);
  });

  it('knows its own pages again, and takes everything else for a file', () => {
    const pages = ROWS.flatMap(({ page }) => page ?? []);
    expect(pages.filter((path) => kindOfTarget(layout, path).kind === 'page')).toEqual(
      pages.filter((path) => path === row.page),
    );
    if (row.page !== undefined) expect(kindOfTarget(layout, row.page)).toEqual({ kind: 'page', project: 'foo-bar' });
    for (const { file } of ROWS) if (file !== undefined) expect(kindOfTarget(layout, file)).toEqual({ kind: 'file' });
  });
});

describe('targets', () => {
  const plain = resolveLayout(knownLayout('plain'), { upstream: `${UP}/deep` });

  it('are asked for by plain name without consistent snapshots, and where the prefix is switched off', () => {
    expect(targetUrls(plain, 'a/b.txt', both, false)).toEqual([`${UP}/deep/targets/a/b.txt`]);
    const unprefixed: Layout = { ...plain, files: { ...plain.files, prefix: false } };
    expect(targetUrls(unprefixed, 'a/b.txt', both, true)).toEqual([`${UP}/deep/targets/a/b.txt`]);
  });

  it('take every listed digest as prefix of the last segment, blake2b-256 among them', () => {
    expect(targetUrls(plain, 'b.txt', blake, true)).toEqual([`${UP}/deep/targets/${BLAKE}.b.txt`]);
    expect(targetUrls(plain, 'x/y/b.txt', both, true)).toEqual(
      [SHA512, SHA256].map((hash) => `${UP}/deep/targets/x/y/${hash}.b.txt`),
    );
  });

  it.each([
    ['a b/é+!@~.txt', 'a%20b/%C3%A9+!@~.txt'],
    ['a#b?c%2e.txt', 'a%23b%3Fc%252e.txt'],
    ['a\\b.txt', 'a%5Cb.txt'],
    ['%2e%2e/b', '%252e%252e/b'],
  ])('escape %j as one URL that no parser changes', (path, escaped) => {
    const [url] = targetUrls(plain, path, both, false);
    expect(url).toBe(`${UP}/deep/targets/${escaped}`);
    expect(new URL(url ?? '').href).toBe(url);
  });

  it.each([
    ['a%41.txt', ['a%2541.txt', 'a%41.txt']],
    ['a b%2Bc.txt', ['a%20b%252Bc.txt', 'a%20b%2Bc.txt']],
    ['100%.txt', ['100%25.txt']],
    ['%2e%2E/b', ['%252e%252E/b']],
    ['a/%2e/b', ['a/%252e/b']],
    ['a/..%2fb', ['a/..%252fb']],
    ['a%5Cb', ['a%255Cb']],
    ['a%00b', ['a%2500b']],
    ['a%ffb', ['a%25ffb']],
  ])(
    '%j is asked for by %j: as a URL, then as sent by clients that escape no percent sign, unless it leads elsewhere',
    (path, spelled) => {
      expect(targetUrls(plain, path, both, false)).toEqual(spelled.map((each) => `${UP}/deep/targets/${each}`));
    },
  );

  it.each(['../x', 'a/../x', 'a/./x', 'a//x', '/x', 'x/', '', '..', 'a/\ud800'])(
    'refuse %j, which a URL would change',
    (path) => {
      expect(() => targetUrls(plain, path, both, false)).toThrow(expect.objectContaining({ reason: 'format' }));
    },
  );

  it('find a file only with what its template needs', () => {
    const layout = resolveLayout(knownLayout('pep458'), { upstream: UP });
    expect(fileTarget(layout, { project: 'foo-bar', filename: 'x.whl' })).toBeUndefined();
  });

  it('are no pages where the project is not a normalized name, or the two names differ', () => {
    const pep458 = resolveLayout(knownLayout('pep458'), { upstream: UP });
    const pip2022 = resolveLayout(knownLayout('pip-2022'), { upstream: UP });
    for (const path of [
      'simple/Foo/index.html',
      'simple/a--b/index.html',
      'simple/-a/index.html',
      'simple/a/b/index.html',
      'simple//index.html',
    ])
      expect(kindOfTarget(pep458, path)).toEqual({ kind: 'file' });
    expect(kindOfTarget(pip2022, 'foo/bar.html')).toEqual({ kind: 'file' });
  });

  it('name the project list of DataDog', () => {
    const layout = resolveLayout(knownLayout('datadog'), { upstream: UP });
    expect(kindOfTarget(layout, 'simple/index.html')).toEqual({ kind: 'list' });
    expect(targetUrls(layout, 'simple/index.html', both, true)[0]).toBe(`${UP}/targets/simple/${SHA512}.index.html`);
  });
});

describe('metadata URLs', () => {
  const layout = resolveLayout(knownLayout('pep458'), { upstream: UP });

  it.each([
    ['root', 2, '2.root.json'],
    ['timestamp', undefined, 'timestamp.json'],
    ['snapshot', undefined, 'snapshot.json'],
    ['bins-0a', 7, '7.bins-0a.json'],
    ['../delegated', 1, '1...%2Fdelegated.json'],
    ['?', 1, '1.%3F.json'],
    ['#', undefined, '%23.json'],
    ["a !'()*~é", 1, '1.a%20%21%27%28%29%2A~%C3%A9.json'],
    ['..', undefined, '...json'],
  ])('write role %j, version %j as %s, one path segment (quote(safe=""))', (role, version, name) => {
    const url = metadataUrl(layout, role, version);
    expect(url).toBe(`${UP}/metadata/${name}`);
    expect(new URL(url).href).toBe(url);
  });
});

describe('resolving a layout', () => {
  it('lets each base be given apart, and ends it with a slash', () => {
    const layout = resolveLayout(knownLayout('pep458'), {
      upstream: 'https://mirror.example/main',
      metadataUrl: 'https://mirror.example/main/tuf/metadata',
      pagesUrl: 'https://pages.example/t',
      filesUrl: 'https://files.example/',
    });
    expect(layoutBases(layout)).toEqual([
      'https://mirror.example/main/tuf/metadata/',
      'https://pages.example/t/',
      'https://files.example/',
    ]);
    expect(pageBaseUrl(layout, 'foo')).toBe('https://pages.example/t/simple/foo/');
  });

  it('takes a free configuration of the same shape', () => {
    const layout = resolveLayout(
      {
        name: 'ours',
        metadata: 'https://keys.example/m/',
        pages: { base: 'p', target: 'pages/{project}.json', seenAt: 'pages/', prefix: false },
        files: { base: 'f', target: '{project}/{filename}', prefix: true },
      },
      { upstream: UP },
    );
    expect(layout.metadata).toBe('https://keys.example/m/');
    expect(targetUrls(layout, 'pages/foo.json', both, true)).toEqual([`${UP}/p/pages/foo.json`]);
    expect(targetUrls(layout, 'foo/x.whl', blake, true)).toEqual([`${UP}/f/foo/${BLAKE}.x.whl`]);
  });

  it('drops user name, password, query and fragment from every base', () => {
    const layout = resolveLayout(knownLayout('plain'), {
      upstream: 'https://somebody:secret@index.example/?token=1#x',
      metadataUrl: 'https://somebody:secret@metadata.example/?token=1#x',
    });
    expect(layoutBases(layout)).toEqual(['https://metadata.example/', 'https://index.example/targets/']);
  });

  it.each(['ftp://x/', 'file:///etc/passwd', 'index.example', ''])('refuses %j', (upstream) => {
    expect(() => resolveLayout(knownLayout('plain'), { upstream })).toThrow(
      expect.objectContaining({ reason: 'format' }),
    );
  });
});
