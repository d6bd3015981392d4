/**
 * The path of a file that another one includes, below the directory that both lie in, with `/` between its parts; undefined for what
 * leads out of that, is absolute, or a URL.
 */
export function included(from: string, target: string): string | undefined {
  if (target === '' || /^[/\\]|^[A-Za-z][A-Za-z0-9+.-]*:|\0|\\/.test(target)) return undefined;
  const parts = from.split('/').slice(0, -1);
  for (const part of target.split('/'))
    if (part === '..') {
      if (parts.pop() === undefined) return undefined;
    } else if (part !== '' && part !== '.') parts.push(part);
  return parts.length === 0 ? undefined : parts.join('/');
}
