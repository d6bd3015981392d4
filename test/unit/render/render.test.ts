import { parse } from 'parse5';
import { describe, expect, it } from 'vitest';
import { decodePage } from '../../../src/pypi/decode.ts';
import type { Format } from '../../../src/render/negotiate.ts';
import { makePage } from '../../../src/render/page.ts';
import { renderList } from '../../../src/render/render.ts';
import { namesOfListJson, renderListJson } from '../../../src/render/render-json.ts';
import { bytes, contentPathOf, jsonPage, line, SDIST, sha256, textOf, through, WHEEL } from '../pypi/fixtures.ts';

describe('JSON pages', () => {
  it('a page as a client reads it', async () => {
    const { json } = await through(jsonPage([line(WHEEL), line(SDIST, { yanked: 'broken' })]));
    expect(json).toEqual({
      meta: { 'api-version': '1.4', '_last-serial': 42 },
      name: 'foo-bar',
      versions: ['1.0'],
      files: [WHEEL, SDIST].map((filename) => ({
        filename,
        url: `../../packages/${contentPathOf(filename)}/${filename}`,
        hashes: { sha256: sha256(filename) },
        size: 1234,
        'upload-time': '2024-02-29T03:04:05.123456Z',
        'requires-python': '>=3.8',
        yanked: filename === SDIST ? 'broken' : false,
        'core-metadata': { sha256: sha256(`metadata of ${filename}`) },
      })),
    });
  });

  it('no null, no dist-info-metadata, whatever upstream says', async () => {
    const poor = line(WHEEL, {
      size: null,
      'upload-time': null,
      yanked: null,
      'core-metadata': null,
      'requires-python': null,
    });
    const { text, json } = await through(
      jsonPage([poor, line(SDIST, { 'core-metadata': true, 'dist-info-metadata': true })]),
    );
    expect(text).not.toMatch(/null|dist-info/);
    expect(json.meta['api-version']).toBe('1.0');
    expect(json.files[0]).not.toHaveProperty('size');
  });

  it('hashes holds only what hashlib knows', async () => {
    const hashes = { 'blake2b-256': 'b'.repeat(64), sha512: 'c'.repeat(128), sha256: 'a'.repeat(64), md5: 'x' };
    const { json } = await through(
      jsonPage([line(WHEEL, { hashes }), line(SDIST, { hashes: { 'blake2b-256': 'b'.repeat(64) } })]),
    );
    expect(Object.keys(json.files[0].hashes)).toEqual(['sha256', 'sha512']);
    expect(json.files[1].hashes).toEqual({});
  });

  it('blake2b reaches clients under that name where upstream uses it, behind the others', async () => {
    const hashes = { blake2b: 'B'.repeat(64), SHA512: 'c'.repeat(128), sha256: 'a'.repeat(64), sha3: 'x' };
    const { json } = await through(jsonPage([line(WHEEL, { hashes })]));
    expect(Object.entries(json.files[0].hashes)).toEqual([
      ['sha256', 'a'.repeat(64)],
      ['sha512', 'c'.repeat(128)],
      ['blake2b', 'b'.repeat(64)],
    ]);
  });

  it('the sha256 of a held file is added once it is known', async () => {
    const known = new Map([[WHEEL, { digests: new Map([['sha256', sha256(WHEEL)] as const]) }]]);
    const { json, html } = await through(jsonPage([line(WHEEL, { hashes: { 'blake2b-256': 'b'.repeat(64) } })]), known);
    expect(json.files[0].hashes).toEqual({ sha256: sha256(WHEEL) });
    expect(html).toContain(`#sha256=${sha256(WHEEL)}"`);
  });

  it('core-metadata only with its digest', async () => {
    const bare = { 'core-metadata': true, 'data-dist-info-metadata': undefined };
    const { json, html } = await through(jsonPage([line(WHEEL, bare), line(SDIST)]));
    expect(json.files[0]).not.toHaveProperty('core-metadata');
    expect(json.files[1]['core-metadata']).toEqual({ sha256: sha256(`metadata of ${SDIST}`) });
    expect(html.match(/data-core-metadata/g)).toHaveLength(1);
  });

  it('project status, unknown keys and provenance are handed on', async () => {
    const status = { status: 'archived', reason: 'moved' };
    const upstream = jsonPage([line(WHEEL, { provenance: 'https://index.example/p', next: [1, { a: null }] })], {
      'project-status': status,
      later: { b: 2 },
    });
    const { json } = await through(upstream);
    expect(json['project-status']).toEqual(status);
    expect(json.later).toEqual({ b: 2 });
    expect(json.files[0].next).toEqual([1, { a: null }]);
    expect(json.files[0].provenance).toBe('https://index.example/p');
    expect(json).not.toHaveProperty('tracks');
  });

  it('__proto__ stays a key', async () => {
    const text = new TextDecoder()
      .decode(jsonPage([line(WHEEL, { next: 1 })]))
      .replace('"next":1', '"__proto__":{"x":1}');
    expect((await through(bytes(text))).text).toContain('"__proto__":{"x":1}');
  });

  it('a project without files', async () => {
    const { json, html } = await through(jsonPage([], { versions: [] }));
    expect(json).toMatchObject({ files: [], versions: [] });
    expect(decodePage(bytes(html), 'foo-bar').files).toEqual([]);
  });
});

function faultsOf(html: string): readonly string[] {
  const faults: string[] = [];
  parse(html, { onParseError: ({ code }) => faults.push(code) });
  return faults;
}

describe('HTML pages', () => {
  it('strict HTML5 with its version', async () => {
    const { html } = await through(jsonPage([line(WHEEL), line(SDIST)]));
    expect(html.startsWith('<!DOCTYPE html>\n')).toBe(true);
    expect(html).toContain('<meta name="pypi:repository-version" content="1.4">');
    expect(faultsOf(html)).toEqual([]);
  });

  it('an anchor has the attributes of its file', async () => {
    const { html } = await through(jsonPage([line(WHEEL, { yanked: true })]));
    const metadata = `sha256=${sha256(`metadata of ${WHEEL}`)}`;
    expect(html).toContain(
      `<a href="../../packages/${contentPathOf(WHEEL)}/${WHEEL}#sha256=${sha256(WHEEL)}" data-requires-python="&gt;=3.8" ` +
        `data-yanked="" data-core-metadata="${metadata}" data-dist-info-metadata="${metadata}" ` +
        `data-size="1234" data-upload-time="2024-02-29T03:04:05.123456Z">${WHEEL}</a>`,
    );
  });

  it('markup of upstream is text here', async () => {
    const evil = `"><script>alert('1')</script><base href="//evil">&amp;\0\r\n`;
    const name = 'foo_bar-1.0"><script>x-py3-none-any.whl';
    const upstream = jsonPage([line(WHEEL, { yanked: evil, 'requires-python': evil }), line(name)], {
      'project-status': { status: evil, reason: evil },
    });
    const { html, json } = await through(upstream);
    expect(html).not.toMatch(/<script|<base|\r/);
    expect(faultsOf(html)).toEqual([]);
    const seen = evil.replace('\0', '\ufffd').replace('\r\n', '\n');
    const read = decodePage(bytes(html), 'foo-bar');
    expect(read.projectStatus).toEqual({ status: seen, reason: seen });
    expect(read.files[0]).toMatchObject({ yanked: seen, requiresPython: seen });
    expect(read.files[1]?.filename).toBe(name);
    expect(json.files[0].yanked).toBe(evil);
  });

  it('HTML in, JSON out', async () => {
    const html = `<a href='../../f/${WHEEL}#sha256=${sha256('w')}'>x</a>`;
    const { json } = await through(bytes(html));
    expect(json).toEqual({
      meta: { 'api-version': '1.0' },
      name: 'foo-bar',
      versions: ['1.0'],
      files: [
        {
          filename: WHEEL,
          url: `../../files/foo-bar/${sha256('w')}/${WHEEL}`,
          hashes: { sha256: sha256('w') },
          yanked: false,
        },
      ],
    });
  });

  it('bare anchors in, digest and size out', async () => {
    const known = new Map([[WHEEL, { length: 9, digests: new Map([['sha256', sha256('t')] as const]) }]]);
    const { json, html } = await through(bytes(`<a href='${WHEEL}'>${WHEEL}</a><br />`), known);
    expect(json.meta['api-version']).toBe('1.1');
    expect(json.files[0]).toMatchObject({ hashes: { sha256: sha256('t') }, size: 9 });
    expect(html).toContain(`${WHEEL}#sha256=${sha256('t')}"`);
  });
});

it('the project list in both forms', async () => {
  const list = makePage(await renderList(['bar', 'foo']));
  const plain = async (format: Format) => (await list.with({ format, coding: 'identity' })).variant(format, 'identity');
  expect(JSON.parse(textOf(await plain('json')))).toEqual({
    meta: { 'api-version': '1.4' },
    projects: [{ name: 'bar' }, { name: 'foo' }],
  });
  const html = textOf(await plain('text-html'));
  expect(html).toContain('<a href="foo/">foo</a>');
  expect(faultsOf(html)).toEqual([]);
});

it('a long project list keeps no plain bodies', async () => {
  const list = makePage(await renderList(Array.from({ length: 10_000 }, (_, i) => `project-${i}`)));
  expect(list.has({ format: 'json', coding: 'identity' })).toBe(false);
});

it.each([[[]], [['one']], [['bar', 'foo', 'q"uote']]])(
  'the names of a list are read back from its JSON: %j',
  async (names) => {
    const list = makePage(await renderList(names));
    for (const page of [list, list.lean()]) {
      const read: string[] = [];
      for await (const name of namesOfListJson(page.plain('json'))) read.push(name);
      expect(read).toEqual(names);
    }
  },
);

it.each([1, 2, 7, 1000])('the names of a list are read of pieces of %i bytes', async (size) => {
  const names = ['bar', 'foo', 'q"uote', 'x'.repeat(30)];
  const body = Buffer.from(renderListJson(names));
  async function* pieces() {
    for (let at = 0; at < body.byteLength; at += size) yield body.subarray(at, at + size);
  }
  const read: string[] = [];
  for await (const name of namesOfListJson(pieces())) read.push(name);
  expect(read).toEqual(names);
});
