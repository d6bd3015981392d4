import { type Instant, instantText } from '../bytes/instant.ts';
import type { Specifiers } from '../pypi/requirement/specifier.ts';
import { matchesName, matchesVersion, type Pattern } from './pattern.ts';
import type { Rule, Word } from './rule.ts';

/** Lets something pass that a rule would hold back, for a reason. */
export interface Exception {
  /** Of which projects, and of which versions where it has a range. */
  readonly pattern: Pattern;
  readonly file: string | undefined;
  /** The name of the rule that it is from; undefined for all that exceptions may be made from. */
  readonly rule: string | undefined;
  readonly reason: string;
  /** It holds before that only; undefined: for ever. */
  readonly until: Instant | undefined;
}

/** What the word of a rule comes to at this time: where an exception covers it, it is told and changes nothing. */
export function excepted(
  exceptions: readonly Exception[],
  rule: Pick<Rule, 'name' | 'first'>,
  word: Word,
  {
    project,
    filename,
    now,
  }: { readonly project: string; readonly filename: string | undefined; readonly now: Instant },
): Word {
  if (rule.first === true || word.action === 'report' || exceptions.length === 0) return word;
  const found = exceptions.find(
    (each) =>
      (each.rule === undefined || each.rule === rule.name) &&
      (each.until === undefined || now < each.until) &&
      covers(each, project, filename),
  );
  if (found === undefined) return word;
  const end = found.until === undefined ? '' : ` until ${instantText(found.until)}`;
  return {
    action: 'report',
    until: first(found.until, word.until),
    sentence: (name) => `${word.sentence(name)} An exception lets it pass${end}: ${found.reason}.`,
  };
}

/** Of a whole project only what names neither version nor file. */
function covers({ pattern, file }: Exception, project: string, filename: string | undefined): boolean {
  if (!matchesName(pattern, project)) return false;
  const { versions }: { readonly versions: Specifiers | undefined } = pattern;
  if (filename === undefined) return file === undefined && versions === undefined;
  return (
    (file === undefined || file === filename) && (versions === undefined || matchesVersion(versions, project, filename))
  );
}

function first(one: Instant | undefined, other: Instant | undefined): Instant | undefined {
  return one === undefined || other === undefined ? (one ?? other) : Math.min(one, other);
}
