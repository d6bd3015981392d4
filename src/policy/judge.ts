import type { Instant } from '../bytes/instant.ts';
import { Refusal } from '../bytes/refusal.ts';
import type { Allowed, Denied, PageVerdict, RuleWord, Verdict } from '../ports/policy.ts';
import { type Exception, type Exceptions, excepted } from './exceptions.ts';
import { matchesName } from './pattern.ts';
import type { Action, PageWords, Rule, SeenPage, Word } from './rule.ts';

/** A word and whose it is. */
export interface Said {
  readonly rule: Pick<Rule, 'name' | 'first'>;
  readonly word: Word;
}

const SERVE: Allowed = { action: 'serve' };

/** What all rules together say of a page: of each file the strictest word that no exception covers. */
export function judgePage(rules: readonly Rule[], seen: SeenPage, configured: readonly Exception[] = []): PageVerdict {
  const exceptions: Exceptions = { configured, answers: seen.facts.answers ?? [] };
  const project = seen.page.name;
  const said = rules.flatMap((rule) => (rule.page === undefined ? [] : [{ rule, words: rule.page(seen) }]));
  const pass = (rule: Rule, word: Word, filename: string | undefined) =>
    excepted(exceptions, rule, word, { project, filename, now: seen.now });
  const files = new Map<string, Verdict>();
  const told: RuleWord[] = [];
  const common: Said[] = [];
  for (const { rule, words } of said) {
    if (words.others === undefined) continue;
    const each = { rule, word: pass(rule, words.others, undefined) };
    common.push(each);
    told.push(toldOf(each, undefined));
  }
  for (const filename of namesIn(said, exceptions, seen)) {
    const own: Said[] = [];
    for (const { rule, words } of said) {
      const word = words.files?.get(filename) ?? words.others;
      if (word === undefined) continue;
      const each = { rule, word: pass(rule, word, filename) };
      own.push(each);
      const isCommon = word === words.others && each.word.action === commonAction(common, rule);
      if (!isCommon) told.push(toldOf(each, filename));
    }
    files.set(filename, verdictOf(own, project));
  }
  const others = verdictOf(common, project);
  const again = earliest([...said.map(({ words }) => words.until), nextEnd(exceptions, seen)]);
  const times = new Map(said.flatMap(({ words }) => [...(words.times ?? [])]));
  return { files, others: asking(others, again), told, ...(times.size === 0 ? {} : { times }) };
}

interface RuleWords {
  readonly rule: Rule;
  readonly words: PageWords;
}

/** Files that have a word of their own, or an exception from one that is said of all. */
function namesIn(
  said: readonly RuleWords[],
  { configured, answers }: Exceptions,
  { page }: SeenPage,
): ReadonlySet<string> {
  const names = new Set(said.flatMap(({ words: { files } }) => [...(files?.keys() ?? [])]));
  const isCommon = said.some(({ words: { others } }) => others !== undefined);
  if (isCommon && configured.length + answers.length > 0) for (const filename of page.files.keys()) names.add(filename);
  return names;
}

/** An exception that ends changes the verdict though no word does. */
function nextEnd({ configured, answers }: Exceptions, { page, now }: SeenPage): Instant | undefined {
  const ends = [...configured, ...answers].filter(
    ({ pattern, until = now }) => until > now && matchesName(pattern, page.name),
  );
  return earliest(ends.map(({ until }) => until));
}

function commonAction(common: readonly Said[], rule: Rule): Action | undefined {
  return common.find((each) => each.rule === rule)?.word.action;
}

/** What all of them say together of a file; `whole`: of the page of the project. */
export function verdictOf(said: readonly Said[], project: string, whole = false): Verdict {
  const until = earliest(said.map(({ word }) => word.until));
  let strictest: Said | undefined;
  for (const each of said)
    if (each.word.action !== 'report' && (strictest === undefined || isStricter(each, strictest))) strictest = each;
  return strictest === undefined ? asking(SERVE, until) : denied(strictest, until, { project, whole });
}

function toldOf({ rule, word }: Said, filename: string | undefined): RuleWord {
  const { action, until } = word;
  return { rule: rule.name, action, filename, sentence: (name) => word.sentence(name), until };
}

const STRICTNESS = { report: 0, hide: 1, deny: 2 } as const;

/** What is decided goes before what cannot be said now. Of two that are as strict as each other the one that lasts longer is the reason that people need. */
function isStricter(one: Said, other: Said): boolean {
  const isFirst = one.rule.first === true;
  if (isFirst !== (other.rule.first === true)) return isFirst;
  const isDecided = one.word.again === undefined;
  if (isDecided !== (other.word.again === undefined)) return isDecided;
  const by = STRICTNESS[one.word.action] - STRICTNESS[other.word.action];
  if (by !== 0) return by > 0;
  const never = Number.POSITIVE_INFINITY;
  return (one.word.until ?? never) > (other.word.until ?? never);
}

function denied(
  { rule, word }: Said,
  until: Instant | undefined,
  { project, whole }: { readonly project: string; readonly whole: boolean },
): Denied {
  return {
    action: word.action === 'deny' ? 'deny' : 'hide',
    rule: rule.name,
    sentence: (name) => word.sentence(name),
    refusal: (name) =>
      new Refusal('policy', word.sentence(name), {
        subject: whole ? 'page' : 'file',
        transient: word.again !== undefined,
        retryIn: word.again,
        ruled: { rule: rule.name, project, file: whole ? undefined : name, until: word.until },
      }),
    until,
  };
}

function asking<V extends Verdict>(verdict: V, until: Instant | undefined): V {
  const first = earliest([verdict.until, until]);
  return first === undefined ? verdict : { ...verdict, until: first };
}

function earliest(times: readonly (Instant | undefined)[]): Instant | undefined {
  const known = times.filter((time) => time !== undefined);
  return known.length === 0 ? undefined : known.reduce((one, other) => Math.min(one, other));
}
