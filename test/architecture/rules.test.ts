import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { brokenRules } from './broken.ts';
import {
  functionsOf,
  MANY_LINES_OF_FUNCTION,
  MOST_FILES,
  MOST_LINES,
  MOST_LINES_OF_FUNCTION,
  violations,
} from './check.ts';
import { LAYERS, NEVER, ONCE } from './layers.ts';
import { CASTS, JSON_READERS, MAKERS } from './makers.ts';
import { PACKAGES } from './packages.ts';
import { parse, readSources } from './source.ts';
import { TREE_RULES } from './tree-rules.ts';
import { ABSENT, absentReferences } from './words.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const src = readSources(root, 'src');
const paths = src.map(({ path }) => path);

describe('the project keeps its rules', () => {
  it('and is there to be read', () => {
    expect(paths).toContain('src/bytes/digest.ts');
    expect(paths.length).toBeGreaterThan(200);
  });

  it('every one of them', () => {
    expect(brokenRules(root)).toEqual([]);
  });

  it('says which functions are long', () => {
    const long = src
      .flatMap((source) =>
        functionsOf(parse(source))
          .filter(({ lines }) => lines > MANY_LINES_OF_FUNCTION)
          .map(({ name, lines }) => `${lines} ${source.path} ${name}`),
      )
      .sort((a, b) => Number.parseInt(b, 10) - Number.parseInt(a, 10));
    console.info(`${long.length} functions have more than ${MANY_LINES_OF_FUNCTION} lines:\n${long.join('\n')}`);
  });
});

/** Rules that the code breaks, by their names. */
const caught = (path: string, text: string) =>
  violations({ path, text }).map((line) => line.slice(path.length + 2).split(': ')[0]);

// A rule that cannot fail holds nothing: each is shown code it must catch.
describe('who may import whom', () => {
  const rooms = Object.keys(LAYERS);
  const fileIn = (room: string) => (room === 'main' || room === 'version' ? `src/${room}.ts` : `src/${room}/x.ts`);
  const way = (from: string, target: string) =>
    `${'../'.repeat(fileIn(from).split('/').length - 2) || './'}${target.slice('src/'.length)}`;
  const allowed = (from: string, to: string) => LAYERS[from]?.includes(to) ?? false;
  const forbidden = rooms.flatMap((from) =>
    rooms
      .filter((to) => to !== from && !from.startsWith(`${to}/`) && !allowed(from, to))
      .map((to) => [from, to] as const),
  );

  it.each(forbidden)('%s must not import %s', (from, to) => {
    const target = way(from, fileIn(to));
    expect(caught(fileIn(from), `import { y } from '${target}';`)).toEqual(['who may import whom']);
    expect(caught(fileIn(from), `import type { Y } from '${target}';`)).toEqual(['who may import whom']);
    expect(caught(fileIn(from), `type Y = import('${target}').Y;`)).toEqual(['who may import whom']);
  });

  it.each(NEVER)('the table itself still forbids %s → %s', (from, to) => {
    expect(forbidden).toContainEqual([from, to]);
  });

  it('the face of the mirror is all that http sees of it', () => {
    const text = (file: string) => `import { x } from '../mirror/${file}';`;
    expect(caught('src/http/x.ts', text('package-index.ts'))).toEqual([]);
    expect(caught('src/http/x.ts', text('tuf/keeper.ts'))).toEqual(['who may import whom']);
  });

  it.each(ONCE.targets)('evidence of either kind does not reach for %s', (target) => {
    const file = target.endsWith('/') ? `${target}kept-documents.ts` : target;
    expect(paths).toContain(file);
    const text = `import { x } from '../../${file.slice('src/'.length)}';`;
    for (const room of ONCE.rooms) expect(caught(`${room}x.ts`, text)).toEqual(['what exists once']);
  });

  it.each(Object.keys(ONCE.except))('%s has leave, and uses it', (path) => {
    const users = src.filter((source) => ONCE.rooms.some((room) => source.path.startsWith(room)));
    const uses = users.flatMap((source) =>
      parse(source).imports.flatMap(({ target = '' }) =>
        ONCE.targets.some((place) => (place.endsWith('/') ? target.startsWith(place) : target === place))
          ? [source.path, target]
          : [],
      ),
    );
    expect(uses).toContain(path);
  });

  it.each(rooms)('%s is there', (room) => {
    expect(paths.some((path) => path === `src/${room}.ts` || path.startsWith(`src/${room}/`))).toBe(true);
  });

  it.each([
    ["import { x } from '../../test/support/clock.ts';", 'src imports only src'],
    ["import { x } from './y.js';", 'imports end in .ts'],
    ["import { x } from './y';", 'imports end in .ts'],
    ['const x = await import(name);', 'imports are literal'],
    ["const x = await import('./' + name);", 'imports are literal'],
    ["const x = require('hono');", 'imports are literal'],
    ["import { createRequire } from 'node:module';", 'imports are literal'],
  ])('%s', (text, rule) => {
    expect(caught('src/cli/x.ts', text)).toContain(rule);
  });

  it('a room without a row', () => {
    expect(caught('src/elsewhere/x.ts', 'x();')).toEqual(['every room has a row']);
  });
});

describe('packages', () => {
  it.each(Object.entries(PACKAGES))('%s stays in its places', (name, places) => {
    const outside = Object.keys(LAYERS).filter((room) => !places.some((place) => place.startsWith(`src/${room}`)));
    expect(outside).not.toEqual([]);
    for (const room of outside)
      expect(caught(room === 'main' ? 'src/main.ts' : `src/${room}/x.ts`, `import x from '${name}';`)).toContain(
        'packages stay in their places',
      );
  });

  it.each(Object.values(PACKAGES).flat())('%s is a place', (place) => {
    expect(paths.some((path) => path === place || (place.endsWith('/') && path.startsWith(place)))).toBe(true);
  });

  it.each(['hono', 'lru-cache', 'prom-client', 'pino', 'node:fs', 'node:http'])(
    'the table itself still keeps %s out of mirror and the pure rooms',
    (name) => {
      for (const room of ['bytes', 'tuf', 'pypi', 'render', 'mirror'])
        expect(caught(`src/${room}/x.ts`, `import { x } from '${name}';`)).toEqual(['packages stay in their places']);
    },
  );

  it('a route cannot name node’s objects of a request', () => {
    const text = "import type { ServerResponse } from 'node:http';";
    expect(caught('src/http/routes/x.ts', text)).toEqual(['packages stay in their places']);
  });

  it.each(['left-pad', 'fs', 'node:process'])('%s has no row', (name) => {
    expect(caught('src/cli/x.ts', `import { x } from '${name}';`)).toEqual(['every package has a row']);
  });
});

describe('makers', () => {
  const all = Object.entries(MAKERS).flatMap(([file, names]) =>
    Object.entries(names).map(([name, places]) => ({ file, name, places })),
  );
  const stranger = 'src/app/x.ts';
  const way = (file: string) => `../${file.slice('src/'.length)}`;
  const rule = 'who may import a maker';

  it.each(all)('$name of $file is there, and so is who may import it', ({ file, name, places }) => {
    const text = readFileSync(root + file, 'utf8');
    expect(text).toMatch(new RegExp(`export (?:(?:async )?function\\*? |const )${name}\\b`));
    for (const place of places)
      expect([place, paths.some((path) => (place.endsWith('/') ? path.startsWith(place) : path === place))]).toEqual([
        place,
        true,
      ]);
  });

  it.each(all)('nobody else imports $name, by no other name either', ({ file, name }) => {
    for (const text of [
      `import { ${name} } from '${way(file)}';`,
      `import { ${name} as innocent } from '${way(file)}';`,
      `export { ${name} } from '${way(file)}';`,
      `export { ${name} as innocent } from '${way(file)}';`,
    ])
      expect(caught(stranger, text)).toContain(rule);
  });

  it.each(Object.keys(MAKERS))('%s is never imported whole', (file) => {
    for (const text of [
      `import * as all from '${way(file)}';`,
      `export * from '${way(file)}';`,
      `export * as all from '${way(file)}';`,
      `const all = await import('${way(file)}');`,
    ])
      expect(caught(stranger, text)).toContain('a file with a maker is not imported whole');
  });

  it('whoever is named may import it', () => {
    expect(caught('src/tuf/delegation.ts', "import { makeExpected } from '../bytes/expected.ts';")).toEqual([]);
  });

  it.each(all.flatMap(({ file, name, places }) => places.map((place) => [name, place, file] as const)))(
    '%s is still imported by %s',
    (name, place, file) => {
      const importers = src.filter(({ path }) => (place.endsWith('/') ? path.startsWith(place) : path === place));
      const uses = importers.some((source) =>
        parse(source).imports.some(({ target, names }) => target === file && names.includes(name)),
      );
      expect(uses).toBe(true);
    },
  );

  it('a class that can be asked for has a row', () => {
    const text = 'export class Proof { static is(value: unknown): value is Proof { return true; } }';
    expect(caught('src/mirror/x.ts', text)).toEqual(['every proof lists its makers']);
  });
});

describe('casts and JSON', () => {
  it.each([
    'const it = root as Verified<Root>;',
    'const it = (thing as unknown as Blob);',
    'send(value as Page);',
    'const it = ({}) as never;',
    'const it = <Page>value;',
    'const it = found!;',
    "import { Page as P } from '../render/page.ts'; const it = value as P;",
  ])('%s', (text) => {
    expect(caught('src/mirror/x.ts', text)).toContain('no cast');
    expect(caught('src/mirror/x.ts', text.replace('as const', ''))).toContain('no cast');
  });

  it('what is constant, satisfies or renames is no cast', () => {
    const text = "import { a as b } from './y.ts'; export const c = [b] as const satisfies readonly unknown[];";
    expect(caught('src/mirror/x.ts', text)).toEqual([]);
  });

  it.each(['const it: Page = JSON.parse(text);', 'const { parse } = JSON;', "JSON['parse'](text);", 'const j = JSON;'])(
    '%s',
    (text) => {
      expect(caught('src/mirror/x.ts', text)).toEqual(['only readers read JSON']);
    },
  );

  it('JSON may be written', () => {
    expect(caught('src/mirror/x.ts', 'JSON.stringify(it);')).toEqual([]);
  });

  it.each([...Object.keys(CASTS)])('%s still casts', (path) => {
    expect(caughtWithout(path)).toContain('no cast');
  });

  it.each([...Object.keys(JSON_READERS)])('%s still reads JSON', (path) => {
    expect(caughtWithout(path)).toContain('only readers read JSON');
  });

  /** As if the file stood where it has no leave. */
  function caughtWithout(path: string): readonly (string | undefined)[] {
    return caught('src/mirror/x.ts', readFileSync(root + path, 'utf8'));
  }
});

describe.each(TREE_RULES)('$name', ({ name, caught: bad, passed }) => {
  it.each(bad)('%s: %s', (path, text) => {
    expect(caught(path, text)).toContain(name);
  });

  it.each(passed)('lets %s: %s pass', (path, text) => {
    expect(caught(path, text)).not.toContain(name);
  });
});

describe('sizes', () => {
  const lines = (count: number) => '  x();\n'.repeat(count);
  const long = `at most ${MOST_LINES_OF_FUNCTION} lines a function`;

  it('of a file', () => {
    expect(caught('src/cli/x.ts', lines(MOST_LINES))).toEqual([]);
    expect(caught('src/cli/x.ts', lines(MOST_LINES + 1))).toEqual([`at most ${MOST_LINES} lines a file`]);
  });

  it.each([
    ['a function', (body: string) => `function f() {\n${body}}`],
    ['an arrow', (body: string) => `const f = () => {\n${body}};`],
    ['a method', (body: string) => `class C { f() {\n${body}} }`],
    ['a generator in an object', (body: string) => `const o = { *f() {\n${body}} };`],
    ['a constructor', (body: string) => `class C { constructor() {\n${body}} }`],
  ])('of %s', (_, of) => {
    expect(caught('src/cli/x.ts', of(lines(MOST_LINES_OF_FUNCTION - 2)))).toEqual([]);
    expect(caught('src/cli/x.ts', of(lines(MOST_LINES_OF_FUNCTION - 1)))).toEqual([long]);
  });

  it.each(['// @ts-ignore', '/* @ts-expect-error */', '// @ts-nocheck'])('%s', (comment) => {
    expect(caught('src/cli/x.ts', `${comment}\nx();`)).toEqual(['the compiler is not told to look away']);
  });

  it('of a folder', () => {
    const folders = Map.groupBy(paths, (path) => dirname(path));
    for (const [folder, files] of folders) expect([folder, files.length <= MOST_FILES]).toEqual([folder, true]);
  });
});

describe('words', () => {
  it.each(ABSENT.flatMap(({ name, caught: bad }) => bad.map((text) => [name, text] as const)))(
    '%s: %s',
    (name, text) => {
      expect(absentReferences({ path: 'docs/x.md', text })).toEqual([`docs/x.md: refers to ${name}`]);
    },
  );

  it.each(ABSENT.flatMap(({ name, passed }) => passed.map((text) => [name, text] as const)))(
    '%s is not in: %s',
    (_, text) => {
      expect(absentReferences({ path: 'docs/x.md', text })).toEqual([]);
    },
  );
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
    expect(parse({ path: 'src/x/y.ts', text }).imports.map(({ target, names }) => [target, ...names])).toEqual([
      ['src/x/a.ts', 'default'],
      ['src/x/b.ts', 'B'],
      ['src/x/c.ts', 'c', 'C'],
      ['src/x/d.ts', '*'],
      ['src/x/e.ts'],
      ['src/x/f.ts', 'f'],
      ['src/x/g.ts', '*'],
      ['src/x/h.ts', '*'],
      ['src/x/i.ts'],
    ]);
  });

  it('is not fooled by comments, strings, templates and regular expressions', () => {
    const text = [
      "// import x from 'comment';",
      "/* import x from 'block'; */",
      'export const s = "import x from \'string\'; it as any";',
      "export const t = `import x from 'template' as any`;",
      'export const r = /[/\'"`] as any/.test(s);',
    ].join('\n');
    expect(violations({ path: 'src/bytes/y.ts', text })).toEqual([]);
  });

  it('refuses what it cannot read', () => {
    expect(() => parse({ path: 'src/x/y.ts', text: 'const = 1;' })).toThrow('src/x/y.ts');
  });
});
