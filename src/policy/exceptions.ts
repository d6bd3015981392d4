import { type Instant, instantText } from '../bytes/instant.ts';
import { releaseVersionOf } from '../pypi/names.ts';
import type { Specifiers } from '../pypi/requirement/specifier.ts';
import { versionKey } from '../pypi/versions.ts';
import { matchesName, matchesVersion, type Pattern } from './pattern.ts';
import type { Rule, Word } from './rule.ts';

/** Lets something pass that a rule would hold back, for a reason. */
export interface Exception {
  /** Of which projects, and of which versions where it has a range. */
  readonly pattern: Pattern;
  /** The only version that it is of, by the key that every spelling of it has. */
  readonly version?: string | undefined;
  readonly file: string | undefined;
  /** The name of the rule that it is from; undefined for all that exceptions may be made from. */
  readonly rule: string | undefined;
  readonly reason: string;
  /** It holds before that only; undefined: for ever. */
  readonly until: Instant | undefined;
}

/** An operator's answer on one project: an exception from a rule, or that it stays as the rule says. */
export interface OperatorAnswer extends Exception {
  readonly action: 'allow' | 'deny';
}

/** What may let pass what rules hold back. */
export interface Exceptions {
  /** Of the configuration: the first that covers a word counts. */
  readonly configured: readonly Exception[];
  /** Of operators, in the order in which they were given: where none of the configuration covers a word, the last that does counts. */
  readonly answers: readonly OperatorAnswer[];
}

export interface About {
  readonly project: string;
  /** Undefined for what is said of the whole project. */
  readonly filename: string | undefined;
  readonly now: Instant;
}

/**
 * What the word of a rule comes to at this time: where an exception covers it, it is told and changes nothing; where an operator has
 * answered that it stays, the sentence says so.
 */
export function excepted(
  { configured, answers }: Exceptions,
  rule: Pick<Rule, 'name' | 'first'>,
  word: Word,
  about: About,
): Word {
  if (rule.first === true || word.action === 'report' || configured.length + answers.length === 0) return word;
  const exception = configured.find((each) => isOf(each, rule, about));
  const answer = exception === undefined ? answerOn(answers, rule, about) : undefined;
  if (answer?.action === 'deny') return declined(word, answer);
  const found = exception ?? answer;
  return found === undefined ? word : passing(word, found);
}

/** The operator's answer that counts; undefined where nobody has answered, or no longer. */
export function answerOn<A extends Exception>(
  answers: readonly A[],
  rule: Pick<Rule, 'name'>,
  about: About,
): A | undefined {
  return answers.findLast((each) => isOf(each, rule, about));
}

function passing(word: Word, { until, reason }: Exception): Word {
  const end = until === undefined ? '' : ` until ${instantText(until)}`;
  return {
    action: 'report',
    until: first(until, word.until),
    sentence: (name) => `${word.sentence(name)} An exception lets it pass${end}: ${reason}.`,
  };
}

function declined(word: Word, { reason }: Exception): Word {
  return { ...word, sentence: (name) => `${word.sentence(name)} An operator was asked, and keeps it so: ${reason}.` };
}

function isOf(each: Exception, rule: Pick<Rule, 'name'>, { project, filename, now }: About): boolean {
  return (
    (each.rule === undefined || each.rule === rule.name) &&
    (each.until === undefined || now < each.until) &&
    covers(each, project, filename)
  );
}

/** Of a whole project only what names neither version nor file. */
function covers({ pattern, version, file }: Exception, project: string, filename: string | undefined): boolean {
  if (!matchesName(pattern, project)) return false;
  const { versions }: { readonly versions: Specifiers | undefined } = pattern;
  if (filename === undefined) return file === undefined && version === undefined && versions === undefined;
  return (
    (file === undefined || file === filename) &&
    (version === undefined || version === keyOf(project, filename)) &&
    (versions === undefined || matchesVersion(versions, project, filename))
  );
}

function keyOf(project: string, filename: string): string | undefined {
  const version = releaseVersionOf(filename, project);
  return version === undefined ? undefined : versionKey(version);
}

function first(one: Instant | undefined, other: Instant | undefined): Instant | undefined {
  return one === undefined || other === undefined ? (one ?? other) : Math.min(one, other);
}
