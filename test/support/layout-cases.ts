import { digestHex } from '../../src/repository/digests.ts';
import type { LayoutCase, Named } from '../rigs/layout-rig.ts';

function sha256(bytes: Uint8Array): string {
  return digestHex('sha256', bytes);
}

/** PEP 691, links as given. */
function json(url: (file: Named) => string) {
  return (project: string, files: readonly Named[]) =>
    JSON.stringify({
      meta: { 'api-version': '1.1' },
      name: project,
      versions: [...new Set(files.map(({ filename }) => filename.split('-')[1]))],
      files: files.map((file) => ({
        filename: file.filename,
        url: url(file),
        hashes: { sha256: sha256(file.bytes) },
        size: file.bytes.byteLength,
        'core-metadata': { sha256: sha256(file.coreMetadata) },
      })),
    });
}

/** PEP 503 with digests in the links, as warehouse writes it; no sizes. */
function html(url: (file: Named) => string) {
  return (project: string, files: readonly Named[]) =>
    [
      '<!DOCTYPE html><html><head><meta name="pypi:repository-version" content="1.0">',
      `<title>Links for ${project}</title></head><body>`,
      ...files.map(
        (file) =>
          `<a href="${url(file)}#sha256=${sha256(file.bytes)}" data-core-metadata="sha256=${sha256(file.coreMetadata)}">${file.filename}</a><br/>`,
      ),
      '</body></html>',
    ].join('\n');
}

/** What DataDog publishes: no head, no digests, single quotes. */
function bareAnchors(_project: string, files: readonly Named[]): string {
  return files.map(({ filename }) => `<a href='${filename}'>${filename}</a><br />\n`).join('');
}

function prefixed(hash: string | undefined, name: string): string {
  return hash === undefined ? name : `${hash}.${name}`;
}

/** Every preset, as the implementations in the field name and store their targets; and one of nobody's. */
export const LAYOUT_CASES: readonly LayoutCase[] = [
  {
    name: 'pep458',
    layout: 'pep458',
    metadata: 'metadata/',
    hashes: ['sha256'],
    page: {
      target: (project) => `simple/${project}/index.html`,
      url: (project, hash) => `simple/${project}/${prefixed(hash, 'index.html')}`,
      text: html((file) => `../../packages/${file.content}/${file.filename}`),
    },
    file: {
      target: (file) => `packages/${file.content}/${file.filename}`,
      url: (file, hash) => `packages/${file.content}/${prefixed(hash, file.filename)}`,
    },
    coreMetadataUrl: (file) => `packages/${file.content}/${file.filename}.metadata`,
  },
  {
    name: 'pip-2020',
    layout: 'pip-2020',
    metadata: 'tuf/',
    hashes: ['sha256'],
    page: {
      target: (project) => `${project}/index.html`,
      url: (project, hash) => `simple/${project}/${prefixed(hash, 'index.html')}`,
      text: html((file) => `../../packages/${file.content}/${file.filename}`),
    },
    file: {
      target: (file) => `${file.content}/${file.filename}`,
      url: (file) => `packages/${file.content}/${file.filename}`,
    },
    coreMetadataUrl: (file) => `packages/${file.content}/${file.filename}.metadata`,
  },
  {
    name: 'pip-2022',
    layout: 'pip-2022',
    metadata: 'metadata/',
    hashes: ['blake2b-256'],
    page: {
      target: (project) => `${project}/${project}.html`,
      url: (project, hash) => `simple/${project}/${prefixed(hash, `${project}.html`)}`,
      text: html((file) => `../../packages/${file.content}/${file.filename}`),
    },
    file: {
      target: (file) => `${file.content}/${file.filename}`,
      url: (file) => `packages/${file.content}/${file.filename}`,
    },
    coreMetadataUrl: (file) => `packages/${file.content}/${file.filename}.metadata`,
  },
  {
    name: 'rstuf-2024',
    layout: 'rstuf-2024',
    metadata: 'metadata/',
    hashes: ['blake2b-256'],
    page: {
      target: (project) => project,
      url: (project, hash) => `simple/${project}/${hash === undefined ? 'index.html' : `${hash}.${project}.html`}`,
      text: html((file) => `../../packages/${file.content}/${file.filename}`),
    },
    file: { url: (file) => `packages/${file.content}/${file.filename}` },
    coreMetadataUrl: (file) => `packages/${file.content}/${file.filename}.metadata`,
  },
  {
    name: 'datadog',
    layout: 'datadog',
    metadata: 'metadata.staged/',
    hashes: ['sha512', 'sha256'],
    page: {
      target: (project) => `simple/${project}/index.html`,
      url: (project, hash) => `targets/simple/${project}/${prefixed(hash, 'index.html')}`,
      text: bareAnchors,
    },
    list: {
      target: 'simple/index.html',
      url: (hash) => `targets/simple/${prefixed(hash, 'index.html')}`,
      text: "<a href='alpha/'>alpha</a><br />\n<a href='beta-tool/'>beta-tool</a><br />\n",
    },
    file: {
      target: (file) => `simple/${file.project}/${file.filename}`,
      url: (file, hash) => `targets/simple/${file.project}/${prefixed(hash, file.filename)}`,
    },
  },
  {
    name: 'free configuration',
    layout: (upstream) => ({
      metadata: `${upstream}trust/`,
      pages: { base: 'idx/', hashPrefix: false, target: 'p/{project}/page.json', list: 'p/all.html' },
      files: { base: `${upstream}store/blobs/`, hashPrefix: true, target: 'f/{project}/{aa}{bb}/{filename}' },
    }),
    metadata: 'trust/',
    hashes: ['sha512'],
    page: {
      target: (project) => `p/${project}/page.json`,
      url: (project) => `idx/p/${project}/page.json`,
      text: json((file) => `../../../store/blobs/${file.content}/${file.filename}`),
    },
    list: {
      target: 'p/all.html',
      url: () => 'idx/p/all.html',
      text: '<a href="alpha/">alpha</a>\n<a href="beta-tool/">beta-tool</a>',
    },
    file: {
      target: (file) => `f/${file.project}/${file.content.slice(0, 2)}${file.content.slice(3, 5)}/${file.filename}`,
      url: (file, hash) =>
        `store/blobs/f/${file.project}/${file.content.slice(0, 2)}${file.content.slice(3, 5)}/${prefixed(hash, file.filename)}`,
    },
    coreMetadataUrl: (file) => `store/blobs/${file.content}/${file.filename}.metadata`,
  },
];

export const PLAIN: LayoutCase = {
  name: 'plain',
  layout: 'plain',
  metadata: 'metadata/',
  hashes: ['sha256', 'sha512'],
  file: {
    target: (file) => `wheels/${file.filename}`,
    url: (file, hash) => `targets/wheels/${prefixed(hash, file.filename)}`,
  },
};
