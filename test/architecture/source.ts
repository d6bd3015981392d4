import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

// Reads source text far enough to judge it: what it imports, and its code without comments and string contents.

export interface Source {
  /** From the repository's root, with forward slashes: `src/bytes/digest.ts`. */
  readonly path: string;
  readonly text: string;
}

export interface Import {
  readonly specifier: string;
  /** A relative specifier as a path from the repository's root. */
  readonly target: string | undefined;
}

/** Every TypeScript file under a folder of the repository. */
export function readSources(root: string, folder: string): readonly Source[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .map((path) => ({
      path: `${folder}/${path.replaceAll('\\', '/')}`,
      text: readFileSync(join(root, folder, path), 'utf8'),
    }));
}

const FROM = /\b(?:import|export)\b[^'"`;()=]*?\bfrom\s*(['"]) *\1/dg;
const BARE = /\bimport\s*(['"]) *\1/dg;
const DYNAMIC = /\bimport\s*\(\s*(['"`]) *\1(?=\s*[,)])/dg;
/** `import(` with anything but one literal: nobody can say what it reaches. */
export const COMPUTED_IMPORT = /\bimport\s*\((?!\s*(['"`]) *\1\s*[,)])|\brequire\s*\(|\bcreateRequire\b/;

/** Static, re-exported, type-only and dynamic imports. */
export function importsOf(source: Source): readonly Import[] {
  const code = codeOf(source.text);
  return [FROM, BARE, DYNAMIC].flatMap((pattern) =>
    [...code.matchAll(pattern)].map((match) => {
      const opening = match.indices?.[1]?.[0] ?? 0;
      const closing = match.indices?.[0]?.[1] ?? 0;
      const specifier = source.text.slice(opening + 1, closing - 1);
      const target = specifier.startsWith('.') ? normalize(join(dirname(source.path), specifier)) : undefined;
      return { specifier, target };
    }),
  );
}

/** The same text, position for position, with comments, string contents and regular expressions blanked. */
export function codeOf(text: string): string {
  const out: string[] = [];
  /** Depth of braces at which each open template literal resumes. */
  const templates: number[] = [];
  let depth = 0;
  let at = 0;
  const blank = (end: number) => {
    out.push(text.slice(at, end).replaceAll(/[^\n]/g, ' '));
    at = end;
  };
  const keep = () => {
    out.push(text[at] ?? '');
    at++;
  };
  const template = () => {
    let end = at;
    while (end < text.length && text[end] !== '`' && !text.startsWith('${', end)) end += text[end] === '\\' ? 2 : 1;
    blank(end);
    if (text[at] === '$') {
      blank(at + 1);
      templates.push(depth);
      depth++;
    }
    keep();
  };
  while (at < text.length) {
    const character = text[at] ?? '';
    if (text.startsWith('//', at)) blank(ending(text, '\n', at));
    else if (text.startsWith('/*', at)) blank(ending(text, '*/', at + 2) + 2);
    else if (character === "'" || character === '"') {
      keep();
      blank(closing(text, character, at));
      keep();
    } else if (character === '`') {
      keep();
      template();
    } else if (character === '/' && startsExpression(out.join('').slice(-80))) blank(regexEnd(text, at));
    else {
      if (character === '{') depth++;
      if (character === '}') depth--;
      keep();
      if (character === '}' && templates.at(-1) === depth) {
        templates.pop();
        template();
      }
    }
  }
  return out.join('');
}

function ending(text: string, mark: string, from: number): number {
  const found = text.indexOf(mark, from);
  return found < 0 ? text.length : found;
}

function closing(text: string, quote: string, from: number): number {
  let at = from;
  while (at < text.length && text[at] !== quote && text[at] !== '\n') at += text[at] === '\\' ? 2 : 1;
  return at;
}

function startsExpression(before: string): boolean {
  return (
    /(^|[=(,:;!&|?{}[\]+\-*%<>~^]|\b(return|typeof|case|of|in|await|yield))\s*$/.test(before) &&
    !/[\])]\s*$/.test(before)
  );
}

function regexEnd(text: string, from: number): number {
  let inClass = false;
  for (let at = from + 1; at < text.length && text[at] !== '\n'; at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === '[') inClass = true;
    else if (text[at] === ']') inClass = false;
    else if (text[at] === '/' && !inClass) return at + 1;
  }
  return from + 1;
}
