import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { EXEMPT } from '../../scripts/checks/exempt.ts';
import { checksOf } from '../../scripts/checks/find.ts';
import { instrumented } from '../../scripts/checks/instrument.ts';
import { parse, readSources } from './source.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const src = readSources(root, 'src');
const checks = src.flatMap(checksOf);

const found = (text: string) => checksOf({ path: 'src/x.ts', text }).map(({ by, text }) => `${by}: ${text}`);

/** The list may only get shorter. */
const MOST_EXEMPT = 5;

describe('what `npm run checks` removes', () => {
  it.each([
    ['if (a > LIMIT) throw new Refusal("limit", "x");', ['true: a > LIMIT']],
    ['if (a || !(b && c)) { const d = 1; throw d; }', ['true: a', 'false: b', 'false: c']],
    ['if (a && b) throw c;', ['true: a && b']],
    ['if (a) go(); else throw c;', ['false: a']],
    ['function f() { if (a) return false; return true; }', ['true: a']],
    ['function urlFault() { if (a) return `no`; }', ['true: a']],
    ['function textOf() { if (a) return `no`; }', []],
    ['function f() { if (a) return "malformed"; }', ['true: a']],
    ['function f() { if (a) return { why: "b" }; }', ['true: a']],
    ['function f() { if (a) return new Refusal("limit", "b"); }', ['true: a']],
    ['if (a) context.addIssue(b);', ['true: a']],
    ['async function f() { await checkPlace(a); }', ['call: await checkPlace(a);']],
    ['class A { #b() { this.#refuseDenied(c); } }', ['call: this.#refuseDenied(c);']],
    ['const a = mustBe(A, b);', ['proof: mustBe(A, b)']],
    ['if (a) go(); while (b) refused.push(c);', []],
    [
      'try { a(); } catch (error) { if (!(error instanceof Refusal) || error.transient) throw error; }',
      ['true: error.transient'],
    ],
  ])('of %s', (text, expected) => {
    expect(found(text)).toEqual(expected);
  });

  it('says in which function a check stands', () => {
    const [check] = checksOf({ path: 'src/x.ts', text: 'class A {\n  b() {\n    if (c) throw d;\n  }\n}' });
    expect(check).toMatchObject({ where: 'A.b', line: 3 });
  });

  it('can be removed from every source', () => {
    expect(checks.length).toBeGreaterThan(500);
    for (const source of src) {
      const own = checksOf(source).map((check, id) => ({ check, id }));
      expect(() => parse({ path: source.path, text: instrumented(source, own) })).not.toThrow();
    }
  });

  it('has few exceptions, each with its reason, and each of a check that is there', () => {
    expect(EXEMPT.length).toBeLessThanOrEqual(MOST_EXEMPT);
    for (const { path, where, text, why } of EXEMPT) {
      expect(why).toMatch(/^.{20,}\.$/);
      expect(checks).toContainEqual(expect.objectContaining({ path, where, text }));
    }
  });
});
