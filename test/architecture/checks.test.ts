import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { EXEMPT } from '../../scripts/checks/exempt.ts';
import { checksOf } from '../../scripts/checks/find.ts';
import { instrumented } from '../../scripts/checks/instrument.ts';
import { namesOf, readRecord, recorded, testFileOf, unrecorded } from '../../scripts/checks/record.ts';
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
    ["import { z } from 'zod'; const a = z.int().min(1).max(9);", ['limit: .max(9)', 'limit: .min(1)']],
    [
      "import { z } from 'zod'; const a = z.string().regex(B, 'c').refine((d) => e(d));",
      ['limit: .refine((d) => e(d))', "limit: .regex(B, 'c')"],
    ],
    ["import { z } from 'zod'; const a = Math.max(1, 2);", []],
    ['const a = b.max(9);', []],
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

  // Minutes of one processor that others keep busy.
  it('can be removed from every source', { timeout: 600_000 }, () => {
    expect(checks.length).toBeGreaterThan(500);
    for (const source of src) {
      const own = checksOf(source).map((check, id) => ({ check, id }));
      expect(() => parse({ path: source.path, text: instrumented(source, own) })).not.toThrow();
    }
  });

  it('is told apart where it stands twice in one place, and by the test that missed it last', () => {
    const [first, second] = namesOf(checksOf({ path: 'src/x.ts', text: 'if (a) throw b; if (a) throw c;' }));
    const rows = { 'src/x.ts': { ': a': 'test/a.test.ts', ': a (2)': 'test/b.test.ts > b > c' } };
    expect(recorded(rows, 'src/x.ts', first ?? '')).toEqual({ file: 'test/a.test.ts', test: '' });
    expect(recorded(rows, 'src/x.ts', second ?? '')).toEqual({ file: 'test/b.test.ts', test: 'b > c' });
    expect(recorded(rows, 'src/y.ts', first ?? '')).toBeUndefined();
  });

  it('has for every check a test that turns red without it', () => {
    const more = unrecorded(readRecord(root), checks);
    const files = [...new Set(more.map(({ path }) => path))].join(' ');
    const remedy = `Write a test that makes each of them refuse, run \`npm run checks -- ${files} --new --record --by test/OF/IT.test.ts\`, and commit scripts/checks/record.json.`;
    expect(
      more.map(({ path, line, where, text }) => `${path}:${line} ${where}: ${text}`),
      remedy,
    ).toEqual([]);
  });

  it('names no test that is gone', () => {
    const files = new Set(Object.values(readRecord(root)).flatMap((rows) => Object.values(rows).map(testFileOf)));
    expect([...files].filter((file) => !existsSync(join(root, file)))).toEqual([]);
  });

  it('has few exceptions, each with its reason, and each of a check that is there', () => {
    expect(EXEMPT.length).toBeLessThanOrEqual(MOST_EXEMPT);
    for (const { path, where, text, why } of EXEMPT) {
      expect(why).toMatch(/^.{20,}\.$/);
      expect(checks).toContainEqual(expect.objectContaining({ path, where, text }));
    }
  });
});
