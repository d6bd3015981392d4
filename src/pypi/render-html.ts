import type { Digests } from '../bytes/digest.ts';
import { HIGHEST_MINOR, type Listing, type OwnFile } from './relink.ts';
import { HASHLIB } from './render-json.ts';

/** PEP 503 with 592, 629, 658/714, 740 and 792, written from the model: nothing of upstream's markup comes through. */
export function renderPageHtml(listing: Listing): Buffer {
  const { name, projectStatus: status } = listing;
  const lines = [
    ...head(`Links for ${name}`, listing.apiVersion, [
      ['pypi:project-status', status?.status],
      ['pypi:project-status-reason', status?.reason],
    ]),
  ];
  for (const file of listing.files.values()) lines.push(anchor(file));
  lines.push('</body>', '</html>', '');
  return Buffer.from(lines.join('\n'));
}

/** PEP 503, the project list. */
export function renderListHtml(names: readonly string[]): Buffer {
  const anchors = names.map((name) => `<a href="${escapeHtml(encodeURIComponent(name))}/">${escapeHtml(name)}</a><br>`);
  const top = head('Simple index', `1.${HIGHEST_MINOR}`, []);
  return Buffer.from([...top, ...anchors, '</body>', '</html>', ''].join('\n'));
}

type Attribute = readonly [name: string, value: string | undefined];

function head(title: string, apiVersion: string, meta: readonly Attribute[]): readonly string[] {
  const stated: readonly Attribute[] = [['pypi:repository-version', apiVersion], ...meta];
  return [
    '<!DOCTYPE html>',
    '<html lang="en">',
    '<head>',
    '<meta charset="utf-8">',
    ...stated.flatMap(([name, content]) =>
      content === undefined ? [] : [`<meta name="${name}" content="${escapeHtml(content)}">`],
    ),
    `<title>${escapeHtml(title)}</title>`,
    '</head>',
    '<body>',
    `<h1>${escapeHtml(title)}</h1>`,
  ];
}

function anchor({ entry, href }: OwnFile): string {
  const { coreMetadata } = entry;
  const metadata = coreMetadata === 'announced' || coreMetadata === undefined ? undefined : digest(coreMetadata);
  const fragment = digest(entry.digests);
  const attributes: readonly Attribute[] = [
    ['href', fragment === undefined ? href : `${href}#${fragment}`],
    ['data-requires-python', entry.requiresPython],
    ['data-yanked', entry.yanked === true ? '' : entry.yanked],
    // PEP 714: both names, for pip of every age.
    ['data-core-metadata', metadata],
    ['data-dist-info-metadata', metadata],
    ['data-provenance', entry.provenance],
    ['data-gpg-sig', entry.gpgSig?.toString()],
    ['data-size', entry.size?.toString()],
    ['data-upload-time', entry.uploadTime],
  ];
  let tag = '<a';
  for (const [name, value] of attributes) if (value !== undefined) tag += ` ${name}="${escapeHtml(value)}"`;
  return `${tag}>${escapeHtml(entry.filename)}</a><br>`;
}

/** One digest, as a fragment has it; uv refuses any but hashlib's. */
function digest(digests: Digests): string | undefined {
  const algorithm = HASHLIB.find((name) => digests.has(name));
  return algorithm === undefined ? undefined : `${algorithm}=${digests.get(algorithm)}`;
}

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
  // Bare, a parser would make these a line feed and nothing.
  '\r': '&#13;',
  '\0': '\ufffd',
};

function escapeHtml(text: string): string {
  return text.replace(/[&<>"'\r\0]/g, (character) => ESCAPES[character] ?? '');
}
