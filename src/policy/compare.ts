import type { Instant } from '../bytes/instant.ts';
import type { PageVerdict, Verdict } from '../ports/policy.ts';
import { exceptionOf, rulesOf } from './compile.ts';
import { judgePage } from './judge.ts';
import type { SeenPage } from './rule.ts';
import type { PolicySettings } from './settings.ts';

/** What becomes of one file by another policy. */
export interface FileChange {
  readonly project: string;
  readonly file: string;
  readonly before: Verdict['action'];
  readonly after: Verdict['action'];
  /** The rule that holds it back, or held it back, and its sentence. */
  readonly rule: string;
  readonly why: string;
}

/** A page and all that it is judged by but the time. */
export type KnownPage = Omit<SeenPage, 'now'>;

export type Judge = (seen: KnownPage, now: Instant) => PageVerdict;

/** Undefined: no policy. What is quarantined is held back by each, and is left out of this. */
export function judgeBy(settings: PolicySettings | undefined): Judge {
  const rules = settings === undefined ? [] : rulesOf(settings);
  const exceptions = settings?.exceptions.map(exceptionOf) ?? [];
  return (seen, now) => judgePage(rules, { ...seen, now }, exceptions);
}

/** Files of a page that one policy serves, hides or denies, and the other does not. */
export function changesOf(seen: KnownPage, before: Judge, after: Judge, now: Instant): readonly FileChange[] {
  const [one, other] = [before(seen, now), after(seen, now)];
  const project = seen.page.name;
  return [...seen.page.files.keys()].flatMap((file) => {
    const [was, is] = [verdictOn(one, file), verdictOn(other, file)];
    if (was.action === is.action) return [];
    const of = is.action === 'serve' ? was : is;
    if (of.action === 'serve') return [];
    return [{ project, file, before: was.action, after: is.action, rule: of.rule, why: of.sentence(file) }];
  });
}

/** A file that was sent, and when. */
export interface Sent {
  readonly file: string;
  readonly at: Instant;
}

/** A file that a policy would have refused when it was sent. */
export interface Refused<S> {
  readonly sent: S;
  readonly rule: string;
  readonly why: string;
}

/** Of what was sent of a page, what the policy would have refused then; the page as it is known now. */
export function refusedOf<S extends Sent>(seen: KnownPage, sent: readonly S[], judge: Judge): readonly Refused<S>[] {
  const refused: Refused<S>[] = [];
  let verdict: PageVerdict | undefined;
  let until = Number.NEGATIVE_INFINITY;
  for (const each of sent.toSorted((one, other) => one.at - other.at)) {
    if (verdict === undefined || each.at >= until) {
      verdict = judge(seen, each.at);
      until = nextOf(verdict);
    }
    const on = verdictOn(verdict, each.file);
    if (on.action !== 'serve') refused.push({ sent: each, rule: on.rule, why: on.sentence(each.file) });
  }
  return refused;
}

function verdictOn({ files, others }: PageVerdict, file: string): Verdict {
  return files.get(file) ?? others;
}

/** Until then it stays as it is. */
function nextOf({ files, others }: PageVerdict): Instant {
  let next = others.until ?? Number.POSITIVE_INFINITY;
  for (const { until } of files.values()) if (until !== undefined && until < next) next = until;
  return next;
}
