import { Refusal } from '../../bytes/refusal.ts';
import { normalizeName } from '../../pypi/names.ts';
import { LIMITS } from '../format/limits.ts';

/** Which projects are meant: names and globs (`*`, `?`), normalized, each once and in order. Throws `format` for what is neither. */
export function readSelection(patterns: readonly string[]): readonly string[] {
  if (patterns.length > LIMITS.patterns)
    throw new Refusal('limit', `At most ${LIMITS.patterns} names and globs can be selected.`, { subject: 'request' });
  return [...new Set(patterns.map(readPattern))].sort();
}

/** Whether a normalized name is selected. */
export function selects(selection: readonly string[]): (project: string) => boolean {
  const names = new Set(selection.filter((pattern) => !isGlob(pattern)));
  const globs = selection.filter(isGlob);
  return (project) => names.has(project) || globs.some((glob) => isMatch(glob, project));
}

const isGlob = (pattern: string) => /[*?]/.test(pattern);

/** What stands for others takes no part in how a name is written: `My_*` is `my-*`. */
function readPattern(pattern: string): string {
  const written = pattern.toLowerCase().replaceAll(/[-_.]+/g, '-');
  const isRight = /^[a-z0-9*?](?:[a-z0-9*?-]*[a-z0-9*?])?$/.test(written);
  const name = isGlob(written) ? written : normalizeName(pattern);
  if (!isRight || name === undefined || name.length > LIMITS.pattern)
    throw new Refusal('format', `"${pattern}" is no project's name, and no glob of names.`, { subject: 'request' });
  return name;
}

/** In time that grows with the product of both lengths, whatever the glob. */
function isMatch(glob: string, name: string): boolean {
  let [at, inGlob, star, resume] = [0, 0, -1, 0];
  while (at < name.length) {
    const wanted = glob[inGlob];
    if (wanted === '*') {
      star = inGlob++;
      resume = at;
    } else if (wanted === '?' || wanted === name[at]) {
      at++;
      inGlob++;
    } else if (star !== -1) {
      inGlob = star + 1;
      at = ++resume;
    } else return false;
  }
  return /^\**$/.test(glob.slice(inGlob));
}
