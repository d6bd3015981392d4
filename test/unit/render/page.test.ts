import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { lend } from '../../../src/bytes/proof.ts';
import { Page, VARY } from '../../../src/render/page.ts';
import { jsonPage, line, SDIST, textOf, through, WHEEL } from '../pypi/fixtures.ts';

describe('ready-made bodies', () => {
  it('the types are exact', async () => {
    const { page } = await through(jsonPage([line(WHEEL)]));
    expect(page.variant('json', 'gzip').contentType).toBe('application/vnd.pypi.simple.v1+json');
    expect(page.variant('html-v1', 'gzip').contentType).toBe('application/vnd.pypi.simple.v1+html');
    expect(page.variant('text-html', 'gzip').contentType).toBe('text/html; charset=UTF-8');
    expect(VARY).toBe('Accept, Accept-Encoding');
  });

  it('the same body in every coding and both HTML types', async () => {
    const { page, text, html } = await through(jsonPage([line(WHEEL)]));
    for (const [format, expected] of [
      ['json', text],
      ['html-v1', html],
      ['text-html', html],
    ] as const) {
      expect(textOf(page.variant(format, 'identity'))).toBe(expected);
      expect(gunzipSync(lend(page.variant(format, 'gzip').body.bytes)).toString()).toBe(expected);
      expect(zstdDecompressSync(lend(page.variant(format, 'zstd').body.bytes)).toString()).toBe(expected);
    }
    expect(page.variant('html-v1', 'gzip').body.bytes).toBe(page.variant('text-html', 'gzip').body.bytes);
  });

  it('nine strong tags, all different', async () => {
    const { page } = await through(jsonPage([line(WHEEL)]));
    const tags = page.variants().map(({ body }) => body.etag);
    expect(new Set(tags).size).toBe(9);
    for (const tag of tags) expect(tag).toMatch(/^"[0-9a-f]{32}-[a-z0-9-]+"$/);
  });

  it('the same content gives the same bytes and tags; other content does not', async () => {
    const [one, same, other] = await Promise.all([
      through(jsonPage([line(WHEEL), line(SDIST)])),
      through(jsonPage([line(WHEEL), line(SDIST)])),
      through(jsonPage([line(WHEEL), line(SDIST, { yanked: true })])),
    ]);
    const tags = (page: Page) => page.variants().map(({ body }) => body.etag);
    expect(tags(same.page)).toEqual(tags(one.page));
    expect(same.page.variants().map(({ body }) => body.bytes)).toEqual(
      one.page.variants().map(({ body }) => body.bytes),
    );
    for (const tag of tags(other.page)) expect(tags(one.page)).not.toContain(tag);
  });

  it('weighs what it holds, once', async () => {
    const { page } = await through(jsonPage([line(WHEEL)]));
    const bodies = new Set(page.variants().map(({ body }) => body.bytes));
    expect(page.size).toBe([...bodies].reduce((sum, body) => sum + body.byteLength, 0));
  });

  it('keeps no memory but that of its bodies', async () => {
    const { page } = await through(jsonPage([line(WHEEL)]));
    const bodies = new Set(page.variants().map(({ body }) => body.bytes));
    for (const body of bodies) expect(lend(body).buffer.byteLength).toBe(body.byteLength);
  });

  it('keeps its bodies and tags when it is said to be at a serial', async () => {
    const { page } = await through(jsonPage([line(WHEEL)]));
    const marked = page.at(7);
    expect(marked.variants().map(({ serial }) => serial)).toEqual(Array(9).fill(7));
    expect(marked.variants().map(({ body }) => body)).toEqual(page.variants().map(({ body }) => body));
    expect(marked.size).toBe(page.size);
    expect(page.at(undefined)).toBe(page);
    expect(page.variants().every(({ serial }) => serial === undefined)).toBe(true);
  });

  it('only its maker makes one', async () => {
    const { page } = await through(jsonPage([]));
    expect(Page.is(page)).toBe(true);
    expect(Page.is({ ...page })).toBe(false);
    expect(Page.is(Object.create(Page.prototype))).toBe(false);
  });
});
