// Files of a wheel that Python runs each time that it starts, whether or not the project is imported.

const MOST_NAMED = 5;
/** Of a directory of packages, at its top: `.pth`, PEP 829's `.start`. */
const STARTED = /\.(?:pth|start)$/;
/** The two modules that `site` imports. */
const CUSTOMIZED = /^(?:sitecustomize|usercustomize)(?:\.|$)/;

/** What of these members does that, as it is written; of very many the first. */
export function startupFiles(members: Iterable<string>): readonly string[] {
  const found: string[] = [];
  for (const member of members) if (runsAtStart(member) && found.push(member) >= MOST_NAMED) break;
  return found;
}

function runsAtStart(member: string): boolean {
  // Readers of zips end a name at its first NUL.
  const steps = stepsOf((member.split('\0', 1)[0] ?? '').toLowerCase());
  const [first = '', scheme, ...rest] = steps;
  if (scheme === undefined || !first.endsWith('.data')) return isAtTop(steps);
  // PEP 427: what lies below NAME.data is put elsewhere, below `data` anywhere in the environment.
  return scheme === 'purelib' || scheme === 'platlib' ? isAtTop(rest) : rest.some((_, at) => isAtTop(rest.slice(at)));
}

/** Where a path leads to, whatever steps it takes. */
function stepsOf(path: string): readonly string[] {
  const steps: string[] = [];
  for (const step of path.split('/'))
    if (step === '..') steps.pop();
    else if (step !== '' && step !== '.') steps.push(step);
  return steps;
}

/** A module may be a directory. */
function isAtTop([first = '', ...rest]: readonly string[]): boolean {
  if (rest.length === 0) return STARTED.test(first) || CUSTOMIZED.test(first);
  return rest.length === 1 && /^(?:sitecustomize|usercustomize)$/.test(first);
}
