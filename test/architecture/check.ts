import { MAY_IMPORT, MOST_LINES, PACKAGES, PATTERNS } from './rules.ts';
import { COMPUTED_IMPORT, codeOf, importsOf, type Source } from './source.ts';

/** `src/bytes/digest.ts` → `bytes`; `src/main.ts` → `main`. */
function folderOf(path: string): string {
  return path.split('/')[1]?.replace(/\.ts$/, '') ?? '';
}

function isAt(path: string, places: readonly string[]): boolean {
  return places.some((place) => (place.endsWith('/') ? path.startsWith(place) : path === place));
}

/** `hono/html` → `hono`; `@hono/node-server/x` → `@hono/node-server`; `node:fs/promises` stays whole. */
function packageOf(specifier: string): string {
  if (specifier.startsWith('node:')) return specifier;
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

/** Every rule of rules.ts that a source breaks, one line each: `path: rule: what`. */
export function violations(source: Source): readonly string[] {
  const found: string[] = [];
  const say = (rule: string, what: string) => found.push(`${source.path}: ${rule}: ${what}`);
  const code = codeOf(source.text);
  const own = folderOf(source.path);
  const allowed = MAY_IMPORT[own];
  if (allowed === undefined) say('every folder has a row', own);

  for (const { specifier, target } of importsOf(source)) {
    if (target === undefined) {
      const name = packageOf(specifier);
      const places = PACKAGES[name];
      if (places === undefined) say('every package has a row', specifier);
      else if (!isAt(source.path, places)) say('packages stay in their places', specifier);
      continue;
    }
    if (!target.endsWith('.ts')) say('imports end in .ts', specifier);
    if (!target.startsWith('src/')) say('src imports only src', specifier);
    else if (folderOf(target) !== own && !allowed?.includes(folderOf(target))) say('who may import whom', specifier);
  }
  const computed = COMPUTED_IMPORT.exec(code);
  if (computed !== null) say('imports are literal', computed[0]);

  for (const { name, pattern, within, except, on } of PATTERNS) {
    if (!isAt(source.path, within) || isAt(source.path, except)) continue;
    const match = pattern.exec(on === 'text' ? source.text : code);
    if (match !== null) say(name, match[0]);
  }
  const lines = source.text.split('\n').length - 1;
  if (lines > MOST_LINES) say(`at most ${MOST_LINES} lines`, String(lines));
  return found;
}
