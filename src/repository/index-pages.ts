import { digestHex } from './digests.ts';

/** One uploaded file and what its project page says of it. */
export interface IndexFile {
  readonly filename: string;
  readonly bytes: Uint8Array;
  readonly requiresPython?: string;
  readonly yanked?: boolean | string;
  readonly uploadTime?: string;
  /** The METADATA of a wheel, published beside it (PEP 658). */
  readonly coreMetadata?: Uint8Array;
}

/** PyPI's content-addressed path: BLAKE2b-256 cut in 2, 2 and 60 digits. */
export function filePath(file: IndexFile): string {
  const hex = digestHex('blake2b-256', file.bytes);
  return `packages/${hex.slice(0, 2)}/${hex.slice(2, 4)}/${hex.slice(4)}/${file.filename}`;
}

function fileUrl(file: IndexFile): string {
  return `../../${filePath(file)}`;
}

function versionOf(filename: string): string {
  return filename.replace(/\.(tar\.gz|zip)$/, '').split('-')[1] ?? '0';
}

/** PEP 691 with PEP 700's members. */
export function jsonPage(project: string, files: readonly IndexFile[]): string {
  return JSON.stringify({
    meta: { 'api-version': '1.1' },
    name: project,
    versions: [...new Set(files.map((file) => versionOf(file.filename)))],
    files: files.map((file) => ({
      filename: file.filename,
      url: fileUrl(file),
      hashes: { sha256: digestHex('sha256', file.bytes) },
      size: file.bytes.byteLength,
      'upload-time': file.uploadTime,
      'requires-python': file.requiresPython,
      yanked: file.yanked ?? false,
      'core-metadata': file.coreMetadata && { sha256: digestHex('sha256', file.coreMetadata) },
    })),
  });
}

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/** PEP 503 with the attributes of PEP 592, 658 and 714. */
export function htmlPage(project: string, files: readonly IndexFile[]): string {
  const lines = files.map((file) => {
    const attributes: [string, string | undefined][] = [
      ['href', `${fileUrl(file)}#sha256=${digestHex('sha256', file.bytes)}`],
      ['data-requires-python', file.requiresPython],
      ['data-yanked', file.yanked === true ? '' : file.yanked || undefined],
      ['data-core-metadata', file.coreMetadata && `sha256=${digestHex('sha256', file.coreMetadata)}`],
      ['data-dist-info-metadata', file.coreMetadata && `sha256=${digestHex('sha256', file.coreMetadata)}`],
    ];
    const written = attributes.flatMap(([name, value]) =>
      value === undefined ? [] : [`${name}="${escapeHtml(value)}"`],
    );
    return `    <a ${written.join(' ')}>${escapeHtml(file.filename)}</a><br />`;
  });
  return [
    '<!DOCTYPE html>',
    '<html>',
    '  <head>',
    '    <meta name="pypi:repository-version" content="1.0">',
    `    <title>Links for ${escapeHtml(project)}</title>`,
    '  </head>',
    '  <body>',
    `    <h1>Links for ${escapeHtml(project)}</h1>`,
    ...lines,
    '  </body>',
    '</html>',
    '',
  ].join('\n');
}
