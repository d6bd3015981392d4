import { createHash } from 'node:crypto';
import { expect } from 'vitest';
import { lend } from '../../../src/bytes/proof.ts';
import { type Reason, Refusal } from '../../../src/bytes/refusal.ts';
import { decodePage } from '../../../src/pypi/decode.ts';
import type { Listing } from '../../../src/pypi/listing.ts';
import { relink, type Undigested } from '../../../src/pypi/relink.ts';
import { makePage, type Variant } from '../../../src/render/page.ts';
import { renderPage } from '../../../src/render/render.ts';

export const PAGE_URL = 'https://index.example/simple/foo-bar/';

export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** A 64-digit claim cut as PyPI cuts it. */
export function contentPathOf(text: string): string {
  const hex = sha256(`blake ${text}`);
  return `${hex.slice(0, 2)}/${hex.slice(2, 4)}/${hex.slice(4)}`;
}

export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** A file's line as PyPI writes it. */
export function line(filename: string, changes: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return {
    'core-metadata': { sha256: sha256(`metadata of ${filename}`) },
    'data-dist-info-metadata': { sha256: sha256(`metadata of ${filename}`) },
    filename,
    hashes: { sha256: sha256(filename) },
    provenance: null,
    'requires-python': '>=3.8',
    size: 1234,
    'upload-time': '2024-02-29T03:04:05.123456Z',
    url: `https://files.example/packages/${contentPathOf(filename)}/${encodeURIComponent(filename)}`,
    yanked: false,
    ...changes,
  };
}

export const WHEEL = 'foo_bar-1.0-py3-none-any.whl';
export const SDIST = 'foo_bar-1.0.tar.gz';

export function jsonPage(files: readonly unknown[], changes: Readonly<Record<string, unknown>> = {}): Uint8Array {
  const page = { meta: { '_last-serial': 42, 'api-version': '1.4' }, name: 'foo-bar', versions: ['1.0'], files };
  return bytes(JSON.stringify({ ...page, ...changes }));
}

/** Upstream's bytes to what this mirror says, read back as JSON and as text. */
export async function through(
  upstream: Uint8Array,
  known?: Undigested['known'],
  others: Undigested['others'] = 'no-digest',
) {
  const listing = relink(decodePage(upstream, 'foo-bar'), {
    pageUrl: PAGE_URL,
    undigested: { known: known ?? new Map(), others },
  });
  const page = makePage(await renderPage(listing));
  const text = textOf(page.variant('json', 'identity'));
  const html = textOf(page.variant('text-html', 'identity'));
  return { listing, page, text, html, json: JSON.parse(text) };
}

export function onlyFile(listing: Listing) {
  const [file] = listing.files.values();
  if (file === undefined) throw new Error('the listing has no file');
  return file;
}

export function refusedFor(reason: Reason, act: () => unknown): void {
  let thrown: unknown;
  try {
    act();
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toBeInstanceOf(Refusal);
  expect(thrown instanceof Refusal ? thrown.reason : undefined).toBe(reason);
}

/** A body as text. */
export function textOf({ body }: Variant): string {
  return Buffer.from(lend(body.bytes)).toString();
}
