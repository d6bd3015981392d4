import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { parseSync } from 'oxc-parser';

// Reads a source file as a syntax tree, and finds in it what rules are about.

export interface Source {
  /** From the repository's root, with forward slashes: `src/bytes/digest.ts`. */
  readonly path: string;
  readonly text: string;
}

/** A node of the tree as ESTree has it; what it holds differs by type. */
export interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [member: string]: unknown;
}

/** A node and the one it stands in. */
export interface Site {
  readonly node: Node;
  readonly parent: Node | undefined;
}

export interface Imported {
  /** Undefined where it is computed: nobody can say what it reaches. */
  readonly specifier: string | undefined;
  /** A relative specifier as a path from the repository's root. */
  readonly target: string | undefined;
  /** As the other file exports them; `*` where it is taken whole, as a namespace, a promise or a re-export of everything. */
  readonly names: readonly string[];
  readonly text: string;
}

export interface Parsed extends Source {
  readonly sites: readonly Site[];
  readonly imports: readonly Imported[];
  readonly comments: readonly string[];
}

/** Every file of an extension under a folder of the repository. */
export function readSources(root: string, folder: string, extension = '.ts'): readonly Source[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith(extension))
    .map((path) => ({
      path: `${folder}/${path.replaceAll('\\', '/')}`,
      text: readFileSync(join(root, folder, path), 'utf8'),
    }))
    .sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** Throws where it is no TypeScript. */
export function parse({ path, text }: Source): Parsed {
  const { program, comments, errors } = parseSync(path, text);
  const [wrong] = errors;
  if (wrong !== undefined) throw new Error(`${path}: ${wrong.message}`);
  const sites = [...sitesOf(program, undefined)];
  return {
    path,
    text,
    sites,
    imports: sites.flatMap(({ node }) => importsOf(node, path, text)),
    comments: comments.map(({ value }) => value),
  };
}

function* sitesOf(value: unknown, parent: Node | undefined): Generator<Site> {
  if (Array.isArray(value)) for (const each of value) yield* sitesOf(each, parent);
  else if (isNode(value)) {
    yield { node: value, parent };
    for (const member of Object.values(value)) yield* sitesOf(member, value);
  }
}

export function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string';
}

function importsOf(node: Node, path: string, text: string): readonly Imported[] {
  const imported = (source: unknown, names: readonly string[]): readonly Imported[] => {
    const specifier = isNode(source) ? stringOf(source) : undefined;
    const target = specifier?.startsWith('.') ? normalize(join(dirname(path), specifier)) : undefined;
    return [{ specifier, target, names, text: text.slice(node.start, node.end) }];
  };
  switch (node.type) {
    case 'ImportDeclaration':
      return imported(node['source'], nodesOf(node['specifiers']).map(importedName));
    case 'ExportNamedDeclaration':
      return isNode(node['source'])
        ? imported(
            node['source'],
            nodesOf(node['specifiers']).map(({ local }) => nameOf(local) ?? '*'),
          )
        : [];
    case 'ExportAllDeclaration':
    case 'ImportExpression':
      return imported(node['source'], ['*']);
    case 'TSImportType':
      // A type cannot be called.
      return imported(node['source'] ?? node['argument'], []);
    case 'CallExpression':
      return nameOf(node['callee']) === 'require' ? imported(undefined, ['*']) : [];
    case 'Identifier':
      return node['name'] === 'createRequire' ? imported(undefined, ['*']) : [];
    default:
      return [];
  }
}

function importedName(specifier: Node): string {
  if (specifier.type === 'ImportNamespaceSpecifier') return '*';
  if (specifier.type === 'ImportDefaultSpecifier') return 'default';
  return nameOf(specifier['imported']) ?? '*';
}

function nodesOf(value: unknown): readonly Node[] {
  return Array.isArray(value) ? value.filter(isNode) : [];
}

/** What an identifier, a private name or a literal calls itself; undefined for anything that is computed. */
export function nameOf(value: unknown): string | undefined {
  if (!isNode(value)) return undefined;
  if (typeof value['name'] === 'string') return value['name'];
  return stringOf(value);
}

/** The text of a literal, or of a template without holes. */
export function stringOf(node: Node): string | undefined {
  if (node.type === 'TSLiteralType' && isNode(node['literal'])) return stringOf(node['literal']);
  if (node.type === 'Literal') return typeof node['value'] === 'string' ? node['value'] : undefined;
  const [only, ...more] = nodesOf(node['quasis']);
  if (node.type !== 'TemplateLiteral' || only === undefined || more.length > 0) return undefined;
  const { value } = only;
  return typeof value === 'object' && value !== null && 'cooked' in value && typeof value.cooked === 'string'
    ? value.cooked
    : undefined;
}

/** The member that is asked for, where it is known: `a.b`, `a['b']`, `{ b } = a`. */
export function memberOf(node: Node): string | undefined {
  if (node.type === 'MemberExpression')
    return node['computed'] === true && isNode(node['property'])
      ? stringOf(node['property'])
      : nameOf(node['property']);
  return undefined;
}

/** True for a name that stands for a value here, and not for a member, a key or a label. */
export function isReference({ node, parent }: Site): boolean {
  if (node.type !== 'Identifier' || parent === undefined) return false;
  if (parent.type === 'MemberExpression') return parent['object'] === node || parent['computed'] === true;
  if (/^(?:Property|MethodDefinition|PropertyDefinition)$/.test(parent.type))
    return parent['key'] !== node || parent['computed'] === true || parent['shorthand'] === true;
  if (/^(?:ImportSpecifier|ExportSpecifier|LabeledStatement|BreakStatement|ContinueStatement)$/.test(parent.type))
    return false;
  return !parent.type.startsWith('TS') || /^TS(?:As|Satisfies|NonNull)Expression$/.test(parent.type);
}

/** From its first line to its last. */
export function linesOf({ text }: Source, { start, end }: Node): number {
  return text.slice(start, end).split('\n').length;
}
