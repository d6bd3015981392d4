import { isNode, isReference, memberOf, type Node, nameOf, type Parsed, type Site } from './source.ts';

// Rules on the syntax tree that are no table: what may stand in code at all, and where.

export interface TreeRule {
  readonly name: string;
  /** Where it is looked for: files, or folders with a slash at their end. */
  readonly within: readonly string[];
  /** Where it is allowed. */
  readonly except: readonly string[];
  readonly finds: (site: Site, parsed: Parsed) => boolean;
  /** Code that must be caught, at a path that must not hold it: the rule's own test. */
  readonly caught: readonly (readonly [path: string, text: string])[];
  /** Code that must not be. */
  readonly passed: readonly (readonly [path: string, text: string])[];
}

const SRC = ['src/'];
const PURE = ['src/bytes/', 'src/tuf/', 'src/pypi/', 'src/presets/', 'src/render/', 'src/advisories/'];

const IMPURE = new Set([
  ...['performance', 'process', 'setTimeout', 'setInterval', 'setImmediate', 'fetch', 'console'],
  ...['randomBytes', 'randomUUID', 'randomInt', 'randomFillSync'],
]);

export const TREE_RULES: readonly TreeRule[] = [
  {
    name: 'only config reads the environment',
    within: SRC,
    except: ['src/config/'],
    finds: ({ node, parent }) =>
      (node.type === 'MemberExpression' && isNamed(node['object'], 'process') && memberIs(node, 'env')) ||
      (isNamed(node, 'process') &&
        isReference({ node, parent }) &&
        isHandedOn({ node, parent }, (name) => name !== 'env')),
    caught: [
      ['src/main.ts', 'const port = process.env.PORT;'],
      ['src/main.ts', "const port = process['env'].PORT;"],
      ['src/main.ts', 'const port = process[name];'],
      ['src/cli/x.ts', 'const { argv, env } = process;'],
      ['src/cli/x.ts', 'const it = process;'],
      ['src/cli/x.ts', 'const { argv, ...rest } = process;'],
      ['src/cli/x.ts', 'read(process);'],
    ],
    passed: [['src/cli/x.ts', "process.on('exit', end); process.exitCode = 1; const { stdin } = process;"]],
  },
  {
    name: 'the terminal is written to where what comes from outside is made harmless',
    within: SRC,
    // main.ts speaks before anything is loaded, a password is asked for on the terminal alone, and the log and the narrator
    // make their own lines harmless.
    except: [
      'src/cli/ask-secret.ts',
      'src/cli/output.ts',
      'src/main.ts',
      'src/demo/demo.ts',
      'src/telemetry/',
      'src/app/running/log.ts',
    ],
    finds: ({ node, parent }) =>
      memberOf(node) === 'stdout' ||
      memberOf(node) === 'stderr' ||
      (isNamed(node, 'console') && isReference({ node, parent })) ||
      (isNamed(node, 'process') &&
        isReference({ node, parent }) &&
        isHandedOn({ node, parent }, (name) => name !== 'stdout' && name !== 'stderr')),
    caught: [
      ['src/cli/x.ts', 'process.stdout.write(name);'],
      ['src/cli/x.ts', "process['stderr'].write(name);"],
      ['src/cli/x.ts', 'console.log(name);'],
      ['src/cli/x.ts', 'const { stdout } = process;'],
    ],
    passed: [['src/cli/x.ts', 'print(name); process.exitCode = 1;']],
  },
  {
    name: 'nothing reaches around its imports',
    within: SRC,
    // Both say why node's own modules are not imported there.
    except: ['src/disk/database/sqlite.ts', 'src/upstream/node-http.ts'],
    finds: (site) =>
      (isReference(site) && ['globalThis', 'eval', 'Function'].includes(nameOf(site.node) ?? '')) ||
      memberOf(site.node) === 'getBuiltinModule',
    caught: [
      ['src/http/x.ts', 'globalThis.fetch(url);'],
      ['src/http/x.ts', "const fs = process.getBuiltinModule('node:fs');"],
      ['src/http/x.ts', "new Function('return 1')();"],
    ],
    passed: [['src/http/x.ts', 'type F = Function; const it = { eval: 1 }; it.eval;']],
  },
  {
    name: 'only disk renames',
    within: SRC,
    except: ['src/disk/'],
    finds: ({ node }) =>
      node.type === 'CallExpression' &&
      /^rename(?:Sync)?$/.test(nameOf(node['callee']) ?? memberIn(node['callee']) ?? ''),
    caught: [
      ['src/blobs/x.ts', 'await rename(temporary, final);'],
      ['src/blobs/x.ts', 'fs.renameSync(temporary, final);'],
    ],
    passed: [],
  },
  {
    name: 'pure rooms have no clock, chance, process or timer',
    within: PURE,
    except: [],
    finds: (site) =>
      (isReference(site) && IMPURE.has(nameOf(site.node) ?? '')) ||
      isMember(site.node, 'Date', 'now') ||
      isMember(site.node, 'Math', 'random') ||
      (isNamed(site.node, 'Date') && isReference(site) && isHandedOn(site)) ||
      (/^(?:New|Call)Expression$/.test(site.node.type) &&
        isNamed(site.node['callee'], 'Date') &&
        (site.node.type === 'CallExpression' || isEmpty(site.node['arguments']))),
    caught: [
      ['src/bytes/x.ts', 'const now = Date.now();'],
      ['src/tuf/x.ts', 'const now = new Date();'],
      ['src/tuf/x.ts', 'const now = Date();'],
      ['src/tuf/x.ts', 'const { now } = Date;'],
      ['src/tuf/x.ts', 'const it = performance.now();'],
      ['src/pypi/x.ts', 'setTimeout(done, 10);'],
      ['src/tuf/x.ts', 'if (process.pid) yes();'],
      ['src/pypi/x.ts', 'await fetch(url);'],
      ['src/bytes/x.ts', 'const salt = randomBytes(8);'],
      ['src/render/x.ts', 'const chance = Math.random();'],
    ],
    passed: [['src/bytes/x.ts', 'const at = new Date(0); source.fetch(at); const it = { process: 1 };']],
  },
  {
    name: 'no any',
    within: SRC,
    except: [],
    finds: ({ node }) => node.type === 'TSAnyKeyword',
    caught: [
      ['src/cli/x.ts', 'function f(value: any) {}'],
      ['src/cli/x.ts', 'const m = new Map<string, any>();'],
      ['src/cli/x.ts', 'type T = any;'],
    ],
    passed: [['src/cli/x.ts', 'const any = 1; many(any);']],
  },
  {
    name: 'no default exports',
    within: SRC,
    except: [],
    finds: ({ node }) =>
      node.type === 'ExportDefaultDeclaration' ||
      (node.type === 'ExportSpecifier' && nameOf(node['exported']) === 'default'),
    caught: [
      ['src/cli/x.ts', 'export default run;'],
      ['src/cli/x.ts', 'export { run as default };'],
    ],
    passed: [],
  },
  {
    name: 'hono writes no body',
    within: ['src/http/'],
    except: [],
    finds: (site, { imports }) =>
      imports.some(({ specifier }) => specifier === 'hono') &&
      (/^(?:body|text|json|html|newResponse|redirect|render)$/.test(memberOf(site.node) ?? '') ||
        (isNamed(site.node, 'Response') && isReference(site))),
    caught: [
      ['src/http/app.ts', "import { Hono } from 'hono'; new Hono().get('/', (c) => c.json({ ok: true }));"],
      ['src/http/app.ts', "import { Hono } from 'hono'; new Hono().get('/', (c) => c['text']('evil'));"],
      ['src/http/app.ts', "import { Hono } from 'hono'; new Hono().get('/', () => new Response('evil'));"],
    ],
    passed: [['src/http/x.ts', 'metrics.text();']],
  },
];

function isNamed(value: unknown, name: string): boolean {
  return isNode(value) && value.type === 'Identifier' && value['name'] === name;
}

/** Also where nobody can say which member it is. */
function memberIs(node: Node, name: string): boolean {
  const member = memberOf(node);
  return member === undefined || member === name;
}

function memberIn(value: unknown): string | undefined {
  return isNode(value) ? memberOf(value) : undefined;
}

function isMember(node: Node, object: string, name: string): boolean {
  return node.type === 'MemberExpression' && isNamed(node['object'], object) && memberIs(node, name);
}

/** Given a name or handed on, so that its members are had without it. */
function isHandedOn({ node, parent }: Site, mayTake: (name: string) => boolean = () => false): boolean {
  if (parent === undefined || parent.type === 'MemberExpression' || parent.type === 'UnaryExpression') return false;
  if (parent.type === 'VariableDeclarator' && isNode(parent['id'])) return !takesOnly(parent['id'], mayTake);
  return !/^(?:New|Call)Expression$/.test(parent.type) || parent['callee'] !== node;
}

/** A pattern that names each member it takes, and takes none but these. */
function takesOnly(pattern: Node, isRight: (name: string) => boolean): boolean {
  const { properties } = pattern;
  if (pattern.type !== 'ObjectPattern' || !Array.isArray(properties)) return false;
  return properties.every((each) => {
    const name =
      isNode(each) && each.type === 'Property' && each['computed'] !== true ? nameOf(each['key']) : undefined;
    return name !== undefined && isRight(name);
  });
}

function isEmpty(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0;
}
