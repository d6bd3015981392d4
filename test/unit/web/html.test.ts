import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { html, Markup, styleElement } from '../../../src/web/html.ts';
import { page } from '../../../src/web/layout.ts';
import { makeShown, Shown } from '../../../src/web/shown.ts';

describe('what is put into a page', () => {
  it.each([
    ['<script>alert(1)</script>', '&lt;script&gt;alert(1)&lt;/script&gt;'],
    ['" onload="x', '&quot; onload=&quot;x'],
    ["' onload='x", '&#39; onload=&#39;x'],
    ['a & b', 'a &amp; b'],
    ['evil\u202egpj.exe', 'evil·gpj.exe'],
    ['two\nlines\u0000', 'two·lines·'],
  ])('is text: %j', (value, text) => {
    expect(html`<p title="${value}">${value}</p>`.toString()).toBe(`<p title="${text}">${text}</p>`);
  });

  it('ends no element and no attribute, whatever it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (value) => {
        const [, inside = '?'] = /^<p title="(.*)">x<\/p>$/s.exec(html`<p title="${value}">x</p>`.toString()) ?? [];
        expect(inside).not.toMatch(/[<>"']/);
      }),
    );
  });

  it('is itself where it is markup, in lists too, and nothing where there is nothing', () => {
    const parts = ['<a>', html`<b>${'<i>'}</b>`, undefined, 7, [html`<hr>`]];
    expect(html`<p>${parts}</p>`.toString()).toBe('<p>&lt;a&gt;<b>&lt;i&gt;</b>7<hr></p>');
  });

  it('is text where it only looks like markup', () => {
    const fake = Object.assign(Object.create(Markup.prototype), { isEscaped: true });
    expect(Markup.is(fake)).toBe(false);
    expect(Markup.is({ isEscaped: true, toString: () => '<b>' })).toBe(false);
  });

  it('no style ends its element', () => {
    expect(() => styleElement('a{}</style><script>')).toThrow(TypeError);
  });
});

describe('a page', () => {
  const made = page({ title: '<t>', place: { root: '../' }, main: html`<h1>${'&'}</h1>` });

  it('has a language, one heading and a way past the header, and loads nothing', () => {
    const text = made.toString();
    expect(text).toContain('<html lang="en">');
    expect(text).toContain('<title>&lt;t&gt;</title>');
    expect(text).toContain('<a class="skip" href="#main">');
    expect(text).not.toMatch(/<script|@import|url\(|src=|https?:\/\/(?!www\.w3\.org\/2000\/svg)/);
  });

  it('is sent as what was made, and what only looks like it is not', () => {
    const shown = makeShown({ a: undefined, b: '<' }, made, 404);
    expect(Shown.is(shown)).toBe(true);
    expect(Shown.is({ ...shown })).toBe(false);
    expect(Shown.is(structuredClone({ html: '', json: '', status: 200 }))).toBe(false);
    expect(JSON.parse(shown.json)).toEqual({ a: null, b: '<' });
    expect(shown.status).toBe(404);
  });
});
