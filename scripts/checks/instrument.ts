import { cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import type { Source } from '../../test/architecture/source.ts';
import type { Check } from './find.ts';

/** Not copied: what is ours to change, the rest is linked or left. */
const LINKED: readonly string[] = ['node_modules', 'dist'];
const LEFT: ReadonlySet<string> = new Set([...LINKED, '.git', 'coverage', 'verbatim-data']);

/** Makes a copy of the checkout whose checks ask the probe. The number of a check is its place in `checks`. */
export function instrumentedCopy(
  root: string,
  copy: string,
  sources: readonly Source[],
  checks: readonly Check[],
): void {
  cpSync(root, copy, { recursive: true, filter: (path) => !LEFT.has(relative(root, path)) });
  for (const name of LINKED) symlinkSync(join(root, name), join(copy, name));
  const numbered = checks.map((check, id) => ({ check, id }));
  for (const source of sources) {
    const own = numbered.filter(({ check }) => check.path === source.path);
    if (own.length === 0) continue;
    const path = join(copy, source.path);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, instrumented(source, own));
  }
}

interface Insertion {
  readonly at: number;
  readonly text: string;
  /** Of those at one place, the lower comes first. */
  readonly rank: number;
}

/** Lines stay where they are. */
export function instrumented({ path, text }: Source, checks: readonly { check: Check; id: number }[]): string {
  const insertions = checks
    .flatMap(({ check: { start, end, by, bare }, id }): readonly Insertion[] => {
      const [before, after, between = ''] = around(id, by);
      // At one place what ends comes before what begins, inner ends before outer ends, and outer beginnings before inner ones.
      return [
        { at: start, text: before, rank: 1e9 - end },
        // Behind all that ends with the schema.
        ...(bare === undefined ? [] : [{ at: bare, text: between, rank: 0 }]),
        { at: end, text: after, rank: -start - 1 },
      ];
    })
    .sort((a, b) => a.at - b.at || a.rank - b.rank);
  let out = '';
  let at = 0;
  for (const insertion of insertions) {
    out += text.slice(at, insertion.at) + insertion.text;
    at = insertion.at;
  }
  out += text.slice(at);
  const probe = relative(dirname(path), 'scripts/checks/probe.ts').replaceAll('\\', '/');
  const line = `import * as __checks from '${probe}'; `;
  return out.startsWith('#!') ? out.replace('\n', `\n${line}`) : line + out;
}

function around(id: number, by: Check['by']): readonly [before: string, after: string, between?: string] {
  switch (by) {
    case 'call':
      return [
        `{ try { if (__checks.isKept(${id})) `,
        ` } catch (__error) { __checks.refusing(${id}); throw __error; } }`,
      ];
    case 'proof':
      return [`__checks.proof(${id}, `, ')'];
    case 'limit':
      return [`__checks.limit(${id}, `, ')', ', (__schema) => __schema'];
    default:
      return [`__checks.condition(${id}, ${by}, (`, '))'];
  }
}
