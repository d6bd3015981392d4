import { LAYERS, ONCE } from './layers.ts';
import { CASTS, JSON_READERS, MAKERS } from './makers.ts';
import { PACKAGES } from './packages.ts';
import { isNode, linesOf, memberOf, type Node, nameOf, type Parsed, parse, type Site, type Source } from './source.ts';
import { TREE_RULES } from './tree-rules.ts';

/** A file that needs more holds more than one idea. */
export const MOST_LINES = 300;
/** A function beyond this can be followed by nobody; half as many lines again are looked at in review. */
export const MOST_LINES_OF_FUNCTION = 80;
export const MANY_LINES_OF_FUNCTION = 60;
/** A folder with more is more than one room. */
export const MOST_FILES = 25;

/** Every rule that a file of src breaks, one line each: `path: rule: what`. No line tells where, so that it stays the same while the file changes. */
export function violations(source: Source): readonly string[] {
  const parsed = parse(source);
  const found = [
    ...layers(parsed),
    ...once(parsed),
    ...packages(parsed),
    ...makers(parsed),
    ...casts(parsed),
    ...trees(parsed),
    ...sizes(parsed),
  ];
  return [...new Set(found.map(([rule, what]) => `${source.path}: ${rule}: ${what}`))];
}

type Found = readonly (readonly [rule: string, what: string])[];

function isAt(path: string, places: readonly string[]): boolean {
  return places.some((place) => (place.endsWith('/') ? path.startsWith(place) : path === place));
}

/** The innermost room of a file that has a row: `src/mirror/tuf/roles.ts` is in mirror where mirror/tuf has none. */
function roomOf(path: string): string | undefined {
  const parts = path
    .replace(/^src\//, '')
    .replace(/\.ts$/, '')
    .split('/');
  for (let length = parts.length; length > 0; length--) {
    const room = parts.slice(0, length).join('/');
    if (Object.hasOwn(LAYERS, room)) return room;
  }
  return undefined;
}

function layers({ path, imports }: Parsed): Found {
  const room = roomOf(path);
  if (room === undefined) return [['every room has a row', path]];
  const allowed = [room, ...(LAYERS[room] ?? [])].flatMap((place) =>
    place.endsWith('.ts') ? [`src/${place}`] : [`src/${place}/`, `src/${place}.ts`],
  );
  return imports.flatMap(({ specifier, target, text }): Found => {
    if (specifier === undefined) return [['imports are literal', text.slice(0, 80)]];
    if (target === undefined) return [];
    if (!target.endsWith('.ts')) return [['imports end in .ts', specifier]];
    if (!target.startsWith('src/')) return [['src imports only src', specifier]];
    return isAt(target, allowed) ? [] : [['who may import whom', target]];
  });
}

function once({ path, imports }: Parsed): Found {
  const { rooms, targets, except } = ONCE;
  if (!isAt(path, rooms) || Object.hasOwn(except, path)) return [];
  return imports.flatMap(
    ({ target }): Found =>
      target !== undefined && isAt(target, targets) && !Object.hasOwn(except, target)
        ? [['what exists once', target]]
        : [],
  );
}

/** `hono/html` → `hono`; `@hono/node-server/x` → `@hono/node-server`; `node:fs/promises` stays whole. */
function packageOf(specifier: string): string {
  if (specifier.startsWith('node:')) return specifier;
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

function packages({ path, imports }: Parsed): Found {
  return imports.flatMap(({ specifier, target }): Found => {
    if (specifier === undefined || target !== undefined) return [];
    const places = PACKAGES[packageOf(specifier)];
    if (places === undefined) return [['every package has a row', specifier]];
    return isAt(path, places) ? [] : [['packages stay in their places', specifier]];
  });
}

/** A proof is a class that can be asked for; who has one says in makers.ts who may make it. */
function makers({ path, imports, sites }: Parsed): Found {
  const used = imports.flatMap(({ target, names }): Found => {
    const guarded = target === undefined || target === path ? undefined : MAKERS[target];
    if (guarded === undefined) return [];
    return names.flatMap((name): Found => {
      if (name === '*') return [['a file with a maker is not imported whole', target ?? '']];
      const places = Object.hasOwn(guarded, name) ? guarded[name] : undefined;
      return places === undefined || isAt(path, places) ? [] : [['who may import a maker', name]];
    });
  });
  const unlisted = sites.some(isProof) && !Object.hasOwn(MAKERS, path);
  return unlisted ? [...used, ['every proof lists its makers', path]] : used;
}

function isProof({ node }: Site): boolean {
  return node.type === 'MethodDefinition' && node['static'] === true && nameOf(node['key']) === 'is';
}

function casts({ path, sites, text }: Parsed): Found {
  const mayCast = Object.hasOwn(CASTS, path);
  const mayRead = Object.hasOwn(JSON_READERS, path);
  return sites.flatMap(({ node, parent }): Found => {
    if (!mayCast && isCast(node)) return [['no cast', shown(text, node)]];
    if (!mayRead && isNode(parent) && readsJson(node, parent)) return [['only readers read JSON', shown(text, parent)]];
    return [];
  });
}

function isCast({ type, typeAnnotation }: Node): boolean {
  if (type === 'TSTypeAssertion' || type === 'TSNonNullExpression') return true;
  return type === 'TSAsExpression' && !(isNode(typeAnnotation) && nameOf(typeAnnotation['typeName']) === 'const');
}

/** Everything that is done with `JSON` but writing. */
function readsJson(node: Node, parent: Node): boolean {
  if (node.type !== 'Identifier' || node['name'] !== 'JSON') return false;
  return !(parent.type === 'MemberExpression' && parent['object'] === node && memberOf(parent) === 'stringify');
}

function trees(parsed: Parsed): Found {
  return TREE_RULES.filter(({ within, except }) => isAt(parsed.path, within) && !isAt(parsed.path, except)).flatMap(
    ({ name, finds }): Found =>
      parsed.sites.filter((site) => finds(site, parsed)).map(({ node }) => [name, shown(parsed.text, node)]),
  );
}

function sizes(parsed: Parsed): Found {
  const { path, text, comments } = parsed;
  const found: [string, string][] = [];
  if (text.split('\n').length - 1 > MOST_LINES) found.push([`at most ${MOST_LINES} lines a file`, path]);
  for (const { name, lines } of functionsOf(parsed))
    if (lines > MOST_LINES_OF_FUNCTION) found.push([`at most ${MOST_LINES_OF_FUNCTION} lines a function`, name]);
  for (const comment of comments)
    if (/@ts-(?:ignore|expect-error|nocheck)\b/.test(comment))
      found.push(['the compiler is not told to look away', comment.trim()]);
  return found;
}

/** Every function of a file that has a body, with the lines it takes. */
export function functionsOf(parsed: Parsed): readonly { readonly name: string; readonly lines: number }[] {
  return parsed.sites.flatMap(({ node, parent }) =>
    /Function/.test(node.type) && isNode(node['body'])
      ? [
          {
            name:
              nameOf(node['id']) ?? nameOf(parent?.['key']) ?? nameOf(parent?.['id']) ?? 'a function without a name',
            lines: linesOf(parsed, node),
          },
        ]
      : [],
  );
}

function shown(text: string, { start, end }: Node): string {
  return text.slice(start, end).replace(/\s+/g, ' ').slice(0, 80);
}
