import type { Instant } from '../bytes/instant.ts';
import { Refusal, type Subject } from '../bytes/refusal.ts';
import type { Allowed, Denied, PageVerdict, RuleWord, Verdict } from '../ports/policy.ts';
import type { PageWords, Rule, SeenPage, Word } from './rule.ts';

/** A word and whose it is. */
export interface Said {
  readonly rule: Pick<Rule, 'name' | 'first'>;
  readonly word: Word;
}

const SERVE: Allowed = { action: 'serve' };

/** What all rules together say of a page: of each file the strictest word. */
export function judgePage(rules: readonly Rule[], seen: SeenPage): PageVerdict {
  const said = rules.flatMap((rule) => (rule.page === undefined ? [] : [{ rule, words: rule.page(seen) }]));
  const common = said.flatMap(({ rule, words: { others } }) => (others === undefined ? [] : [{ rule, word: others }]));
  const again = earliest(said.map(({ words }) => words.until));
  const names = new Set(said.flatMap(({ words: { files } }) => [...(files?.keys() ?? [])]));
  const files = new Map<string, Verdict>();
  const told: RuleWord[] = common.map((each) => toldOf(each, undefined));
  for (const filename of names) {
    const own = said.flatMap(({ rule, words }) => ownWord(rule, words, filename));
    for (const each of own) if (each.word !== commonWord(common, each)) told.push(toldOf(each, filename));
    files.set(filename, verdictOf(own, 'file'));
  }
  const others = verdictOf(common, 'file');
  return { files, others: again === undefined ? others : asking(others, again), told };
}

/** What all of them say together; `subject`: what is refused by it. */
export function verdictOf(said: readonly Said[], subject: Subject): Verdict {
  const until = earliest(said.map(({ word }) => word.until));
  let strictest: Said | undefined;
  for (const each of said)
    if (each.word.action !== 'report' && (strictest === undefined || isStricter(each, strictest))) strictest = each;
  return strictest === undefined ? asking(SERVE, until) : denied(strictest, until, subject);
}

function ownWord(rule: Rule, { files, others }: PageWords, filename: string): readonly Said[] {
  const word = files?.get(filename) ?? others;
  return word === undefined ? [] : [{ rule, word }];
}

/** The word that the same rule has for all files. */
function commonWord(common: readonly Said[], { rule }: Said): Word | undefined {
  return common.find((each) => each.rule === rule)?.word;
}

function toldOf({ rule, word }: Said, filename: string | undefined): RuleWord {
  const { action, until } = word;
  return { rule: rule.name, action, filename, sentence: (name) => word.sentence(name), until };
}

const STRICTNESS = { report: 0, hide: 1, deny: 2 } as const;

/** Of two that are as strict as each other the one that lasts longer is the reason that people need. */
function isStricter(one: Said, other: Said): boolean {
  const isFirst = one.rule.first === true;
  if (isFirst !== (other.rule.first === true)) return isFirst;
  const by = STRICTNESS[one.word.action] - STRICTNESS[other.word.action];
  if (by !== 0) return by > 0;
  const never = Number.POSITIVE_INFINITY;
  return (one.word.until ?? never) > (other.word.until ?? never);
}

function denied({ rule, word }: Said, until: Instant | undefined, subject: Subject): Denied {
  return {
    action: word.action === 'deny' ? 'deny' : 'hide',
    rule: rule.name,
    refusal: (name) => new Refusal('policy', word.sentence(name), { subject, rule: rule.name }),
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
