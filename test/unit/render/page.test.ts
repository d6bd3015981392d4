import { gunzipSync, gzipSync, zstdDecompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { makeAuthenticator } from '../../../src/bytes/authentic.ts';
import { packFrames, unpackFrames } from '../../../src/bytes/frames.ts';
import { lend } from '../../../src/bytes/proof.ts';
import { decodePage } from '../../../src/pypi/decode.ts';
import { relink } from '../../../src/pypi/relink.ts';
import { FormBodies } from '../../../src/render/form-bodies.ts';
import { makePage, PACKED_PAGE, Page, restorePage, VARY } from '../../../src/render/page.ts';
import { renderPage } from '../../../src/render/render.ts';
import { whole } from '../../support/whole-page.ts';
import { jsonPage, line, SDIST, textOf, through, WHEEL } from '../pypi/fixtures.ts';

const wheelOf = (i: number) => WHEEL.replace('-1.0', `-${i}.0`);

describe('ready-made bodies', () => {
  it('the types are exact', async () => {
    const { page } = await through(jsonPage([line(WHEEL)]));
    await whole(page);
    expect(page.variant('json', 'gzip').contentType).toBe('application/vnd.pypi.simple.v1+json');
    expect(page.variant('html-v1', 'gzip').contentType).toBe('application/vnd.pypi.simple.v1+html');
    expect(page.variant('text-html', 'gzip').contentType).toBe('text/html; charset=UTF-8');
    expect(VARY).toBe('Accept, Accept-Encoding');
  });

  it('the same body in every coding and both HTML types', async () => {
    const { page, text, html } = await through(jsonPage([line(WHEEL)]));
    await whole(page);
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
    await whole(page);
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
    await Promise.all([one, same, other].map(({ page }) => whole(page)));
    const tags = (page: Page) => page.variants().map(({ body }) => body.etag);
    expect(tags(same.page)).toEqual(tags(one.page));
    expect(same.page.variants().map(({ body }) => body.bytes)).toEqual(
      one.page.variants().map(({ body }) => body.bytes),
    );
    for (const tag of tags(other.page)) expect(tags(one.page)).not.toContain(tag);
  });

  it('weighs what it holds, once', async () => {
    const { page } = await through(jsonPage([line(WHEEL)]));
    await whole(page);
    const bodies = new Set(page.variants().map(({ body }) => body.bytes));
    expect(page.size).toBe([...bodies].reduce((sum, body) => sum + body.byteLength, 0));
    const plain = ['json', 'html-v1'] as const;
    expect(page.plainSize).toBe(
      plain.reduce((sum, format) => sum + page.variant(format, 'identity').body.bytes.byteLength, 0),
    );
  });

  it('of a small page are compressed when somebody asks for that coding, and kept', async () => {
    const { page } = await through(jsonPage([line(WHEEL)]));
    expect(page.has({ format: 'json', coding: 'gzip' })).toBe(false);
    expect(() => page.variant('json', 'gzip')).toThrow('no json body in gzip at hand');
    expect(await page.at(7).with({ format: 'json', coding: 'gzip' })).not.toBe(page);
    expect(page.has({ format: 'json', coding: 'gzip' })).toBe(true);
    expect(page.has({ format: 'json', coding: 'zstd' })).toBe(false);
    expect(page.variant('json', 'gzip')).toBe(page.variant('json', 'gzip'));
  });

  it('of a page that is not small are there from the beginning', async () => {
    const { page } = await through(jsonPage(Array.from({ length: 300 }, (_, i) => line(wheelOf(i)))));
    expect(page.variants()).toHaveLength(9);
  });

  it('that may be compressed later are weighed before', async () => {
    const lines = Array.from({ length: 50 }, (_, i) => line(wheelOf(i)));
    const { page } = await through(jsonPage(lines));
    const before = page.size;
    await whole(page);
    expect(page.size).toBeLessThanOrEqual(before);
  });

  it('keeps no memory but that of its bodies', async () => {
    const { page } = await through(jsonPage([line(WHEEL)]));
    await whole(page);
    const bodies = new Set(page.variants().map(({ body }) => body.bytes));
    for (const body of bodies) expect(lend(body).buffer.byteLength).toBe(body.byteLength);
  });

  it('keeps its bodies and tags when it is said to be at a serial', async () => {
    const { page } = await through(jsonPage([line(WHEEL)]));
    await whole(page);
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

it('a form has a body that the others can be made of', () => {
  expect(() => new FormBodies({ hash: 'a'.repeat(32), length: 1 }, {})).toThrow(TypeError);
});

it('a lean page whose plain body is not what was compressed ends before its last piece', async () => {
  const listing = relink(decodePage(jsonPage([line(WHEEL)]), 'foo-bar'), { pageUrl: 'https://index.example/foo-bar/' });
  const bodies = await renderPage(listing);
  const forged = makePage({ ...bodies, json: { ...bodies.json, gzip: gzipSync('another page') } }).lean();
  const read = async () => {
    for await (const piece of forged.plain('json')) expect.fail(`sent ${piece.byteLength} bytes`);
  };
  await expect(read()).rejects.toThrow('not what it was compressed from');
});

describe('a lean page', () => {
  const PLAIN = { format: 'json', coding: 'identity' } as const;
  const SEAL = makeAuthenticator(new Uint8Array(32), PACKED_PAGE);
  const NAME = 'a'.repeat(64);
  const sealed = (packed: Uint8Array) => SEAL.open(NAME, SEAL.seal(NAME, packed)) ?? expect.fail();

  it('has all but the plain bodies, and room for them', async () => {
    const { page } = await through(jsonPage([line(WHEEL)]));
    await whole(page);
    const lean = page.at(7).lean();
    expect(lean.size).toBe(page.size - page.plainSize);
    expect(lean.variants().map(({ coding, serial }) => `${coding} ${serial}`)).toEqual(
      ['json', 'html-v1', 'text-html'].flatMap(() => ['gzip 7', 'zstd 7']),
    );
    expect(() => lean.variant('json', 'identity')).toThrow('no json body in identity at hand');
  });

  it('of one that nobody asked for in zstd makes that of what it has, and keeps it', async () => {
    const { page } = await through(jsonPage([line(WHEEL)]));
    const lean = page.lean();
    const choice = { format: 'json', coding: 'zstd' } as const;
    expect(lean.has(choice)).toBe(false);
    expect(await lean.with(choice)).toBe(lean);
    expect(lean.variant('json', 'zstd')).toEqual((await page.with(choice)).variant('json', 'zstd'));
  });

  it('makes a plain body once for all who wait for it', async () => {
    const { page } = await through(jsonPage([line(WHEEL)]));
    const lean = page.at(7).lean();
    const [one, same, html] = await Promise.all([
      lean.with(PLAIN),
      lean.with(PLAIN),
      lean.with({ format: 'text-html', coding: 'identity' }),
    ]);
    expect(same).toBe(one);
    expect(one.variant('json', 'identity')).toEqual(page.at(7).variant('json', 'identity'));
    expect(html.variant('html-v1', 'identity')).toEqual(page.at(7).variant('html-v1', 'identity'));
    expect(await one.with(PLAIN)).toBe(one);
  });

  it('is packed and made again, with its note', async () => {
    const { page } = await through(jsonPage([line(WHEEL), line(SDIST)]));
    const { page: again, note } = restorePage(sealed(page.packed('left out 1'))) ?? expect.fail();
    expect(note).toBe('left out 1');
    expect(again.variants()).toEqual(page.lean().variants());
    const { page: both } = restorePage(sealed((await whole(page)).packed(''))) ?? expect.fail();
    expect(both.variants()).toEqual(page.lean().variants());
    expect(both.variants()).toHaveLength(2 * again.variants().length);
    expect((await again.with(PLAIN)).variant('json', 'identity')).toEqual(page.variant('json', 'identity'));
  });

  it('is none of bytes that were packed otherwise', async () => {
    const { page } = await through(jsonPage([line(WHEEL)]));
    const values = unpackFrames(page.packed('')) ?? expect.fail();
    const packings = [
      [],
      values.slice(0, -1),
      [...values, Buffer.from('more')],
      values.with(1, Buffer.from('no facts')),
      values.with(1, Buffer.from(`${'a'.repeat(32)} 1`)),
      values.with(1, Buffer.from(`${'a'.repeat(32)} -1\n${'a'.repeat(32)} 1`)),
    ];
    for (const packing of packings) expect(restorePage(sealed(packFrames(packing)))).toBeUndefined();
    expect(restorePage(sealed(Buffer.from('nothing of the kind')))).toBeUndefined();
  });

  it('whose compressed body is not what its plain one was made into gives no other', async () => {
    const { page } = await through(jsonPage([line(WHEEL)]));
    const values = unpackFrames(page.packed('')) ?? expect.fail();
    const swap = (at: number, value: Buffer) =>
      (restorePage(sealed(packFrames(values.with(at, value)))) ?? expect.fail()).page.with(PLAIN);
    const { length } = page.variant('json', 'identity').body.bytes;
    await expect(swap(2, gzipSync('x'.repeat(length)))).rejects.toThrow('not what it was compressed from');
    // A body longer than it says is not unpacked to its end.
    await expect(swap(2, gzipSync('x'.repeat(length + 1)))).rejects.toThrow();
  });
});
