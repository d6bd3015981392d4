import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { violations } from './check.ts';
import { MAY_IMPORT, MOST_LINES, PACKAGES, PATTERNS } from './rules.ts';
import { codeOf, importsOf, readSources } from './source.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const sources = readSources(root, 'src');

describe('src keeps the rules of the house', () => {
  it('is there to be read', () => {
    expect(sources.map(({ path }) => path)).toContain('src/bytes/digest.ts');
  });

  it.each(sources.map((source) => [source.path, source] as const))('%s', (_, source) => {
    expect(violations(source)).toEqual([]);
  });
});

// A rule that cannot fail holds nothing: each is shown code it must catch.
describe('each rule can fail', () => {
  const caught = (path: string, text: string) => violations({ path, text }).map((line) => line.split(': ')[1]);
  const folders = Object.keys(MAY_IMPORT);
  const fileIn = (folder: string) => (folder === 'main' ? 'src/main.ts' : `src/${folder}/x.ts`);
  const toward = (from: string, folder: string) =>
    `${from === 'main' ? './' : '../'}${folder === 'main' ? 'main' : `${folder}/y`}.ts`;
  const forbidden = folders.flatMap((from) =>
    folders.filter((to) => to !== from && !MAY_IMPORT[from]?.includes(to)).map((to) => [from, to] as const),
  );

  it.each(forbidden)('%s must not import %s', (from, to) => {
    expect(caught(fileIn(from), `import { y } from '${toward(from, to)}';`)).toEqual(['who may import whom']);
    expect(caught(fileIn(from), `import type { Y } from '${toward(from, to)}';`)).toEqual(['who may import whom']);
  });

  it.each([
    ['bytes', 'disk'],
    ['tuf', 'upstream'],
    ['pypi', 'http'],
    ['http', 'disk'],
    ['http', 'blobs'],
    ['http', 'upstream'],
    ['mirror', 'disk'],
    ['mirror', 'blobs'],
    ['mirror', 'upstream'],
    ['mirror', 'telemetry'],
    ['ports', 'mirror'],
    ['disk', 'upstream'],
  ])('the table itself still forbids %s → %s', (from, to) => {
    expect(forbidden).toContainEqual([from, to]);
  });

  it.each(['hono', 'lru-cache', 'prom-client', 'pino', 'node:fs', 'node:http'])(
    'the table itself still keeps %s out of mirror and the pure folders',
    (name) => {
      for (const folder of ['bytes', 'tuf', 'pypi', 'mirror'])
        expect(caught(`src/${folder}/x.ts`, `import { x } from '${name}';`)).toEqual(['packages stay in their places']);
    },
  );

  it.each(Object.entries(PACKAGES))('%s stays in its places', (name, places) => {
    const outside = folders.filter((folder) => !places.some((place) => place.startsWith(`src/${folder}`)));
    expect(outside).not.toEqual([]);
    for (const folder of outside)
      expect(caught(fileIn(folder), `import x from '${name}';`)).toEqual(['packages stay in their places']);
  });

  it.each(
    PATTERNS.flatMap(({ name, caught: snippets }) => snippets.map(([path, text]) => [name, path, text] as const)),
  )('%s: %s: %s', (name, path, text) => {
    expect(violations({ path, text }).map((line) => line.slice(path.length + 2))).toContainEqual(
      expect.stringContaining(`${name}: `),
    );
  });

  it.each([
    ["import { x } from 'left-pad';", 'every package has a row'],
    ["import { x } from 'fs';", 'every package has a row'],
    ["import { x } from '../../test/support/clock.ts';", 'src imports only src'],
    ["import { x } from './y.js';", 'imports end in .ts'],
    ["import { x } from './y';", 'imports end in .ts'],
    ['const x = await import(name);', 'imports are literal'],
    ["const x = await import('./' + name);", 'imports are literal'],
    ["const x = require('hono');", 'imports are literal'],
    ['x();\n'.repeat(MOST_LINES + 1), `at most ${MOST_LINES} lines`],
  ])('%j', (text, rule) => {
    expect(caught('src/cli/x.ts', text)).toEqual([rule]);
  });

  it('a folder without a row', () => {
    expect(caught('src/elsewhere/x.ts', 'x();')).toEqual(['every folder has a row']);
  });
});

describe('the reader', () => {
  it('sees every kind of import, over lines', () => {
    const text = [
      "import a from './a.ts';",
      "import type { B } from './b.ts';",
      'import {\n  c,\n  type C,\n} from "./c.ts";',
      "import * as d from './d.ts';",
      "import './e.ts';",
      "export { f } from './f.ts';",
      "export * from './g.ts';",
      "const h = await import('./h.ts');",
      "type I = import('./i.ts').I;",
    ].join('\n');
    expect(
      importsOf({ path: 'src/x/y.ts', text })
        .map(({ target }) => target?.slice(6, 7))
        .toSorted()
        .join(''),
    ).toBe('abcdefghi');
  });

  it('is not fooled by comments, strings, templates and regular expressions', () => {
    const text = [
      "// import x from 'comment';",
      "/* import x from 'block'; */",
      'const s = "import x from \'string\'";',
      // biome-ignore lint/suspicious/noTemplateCurlyInString: the text under test is a template literal
      "const t = `import x from 'template' ${nested(`as any ${'as any'}`)} as any`;",
      'const r = /[/\'"`] as any/.test(x);',
      'const q = a / b; const any = 1; many(any);',
    ].join('\n');
    expect(importsOf({ path: 'src/x/y.ts', text })).toEqual([]);
    expect(codeOf(text)).toHaveLength(text.length);
    expect(codeOf(text)).not.toMatch(/as any/);
    expect(codeOf(text)).toContain('nested(`');
  });

  it('still sees code inside a template', () => {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the text under test is a template literal
    expect(codeOf('`a ${value as any} b`')).toContain('value as any');
  });
});
