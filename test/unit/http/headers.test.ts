import { expect, it } from 'vitest';
import { createPageHeaders } from '../../../src/http/reply/headers.ts';
import type { Variant } from '../../../src/render/page.ts';

const headersOf = createPageHeaders({
  name: 'main',
  evidence: 'index',
  cors: true,
  storedBy: 'public',
  pageMaxAge: 600,
  longestRetryAfter: 5,
});
const variant: Variant = {
  contentType: 'text/html',
  coding: 'identity',
  body: { bytes: Buffer.from('page'), etag: '"tag"', length: 4 },
};
const headerIn = (headers: readonly string[], name: string) =>
  headers.includes(name) ? headers[headers.indexOf(name) + 1] : undefined;

it('a page says the serial it came with, and so does its 304: devpi takes none with a lower one', () => {
  const { full, unchanged } = headersOf({ ...variant, serial: 7 });
  expect([headerIn(full, 'X-PyPI-Last-Serial'), headerIn(unchanged, 'X-PyPI-Last-Serial')]).toEqual(['7', '7']);
});

it('a page that came with none says none', () => {
  const { full, unchanged } = headersOf(variant);
  for (const headers of [full, unchanged]) expect(headers).not.toContain('X-PyPI-Last-Serial');
});
