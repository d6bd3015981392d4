import { CLASSIFIED, type Expression, parseExpression, permits } from '../../pypi/contents/spdx.ts';
import type { StatedLicence } from '../../pypi/contents/stated.ts';
import { matchesGlob } from '../../pypi/requirement/name-glob.ts';
import type { Rule } from '../rule.ts';
import { type ContentsSettings, contentsRules, type Finding } from './of-file.ts';

export interface LicenceSettings extends ContentsSettings {
  /** Globs on SPDX ids and names of licences; undefined: every one that is not denied. */
  readonly allow: readonly string[] | undefined;
  readonly deny: readonly string[];
}

/** Files whose licence is denied, or is none of those that are allowed, as their proved core metadata states it. */
export function licenceRules(settings: LicenceSettings): readonly Rule[] {
  const { allow, deny } = settings;
  return contentsRules(settings, JSON.stringify(['licence', allow, deny]), (_, kept) =>
    kept?.licence === undefined
      ? { is: 'unjudged', why: 'is not judged yet: nobody has looked for its licence' }
      : findingOn(kept.licence, settings),
  );
}

/** Either names the licence, or one thing that was said of it before there were expressions. */
interface Statement {
  readonly text: string;
  readonly expression: Expression;
}

function findingOn(stated: StatedLicence, { allow, deny }: LicenceSettings): Finding | undefined {
  const statements = statementsIn(stated);
  if (statements.length === 0)
    return { is: 'unjudged', why: 'cannot be judged: it states no licence that can be read' };
  const isDenied = (id: string, exception: string | undefined) => matches(deny, id, exception);
  const denied = statements.find(({ expression }) => !permits(expression, (...of) => !isDenied(...of)));
  if (denied !== undefined) return held(denied.text, 'which the policy of this mirror denies');
  const isAllowed = (id: string, exception: string | undefined) =>
    !isDenied(id, exception) && (allow === undefined || matches(allow, id, exception));
  if (statements.some(({ expression }) => permits(expression, isAllowed))) return undefined;
  const texts = statements.map(({ text }) => text).join('" and "');
  return held(texts, 'which is none that the policy of this mirror allows');
}

function held(text: string, why: string): Finding {
  return { is: 'held', why: `states the licence "${text}", ${why}` };
}

/** PEP 639: where there is an expression, nothing else counts. An expression that is none states nothing. */
function statementsIn({ expression, licence, classifiers }: StatedLicence): readonly Statement[] {
  if (expression !== undefined) {
    const read = parseExpression(expression);
    return read === undefined ? [] : [{ text: expression, expression: read }];
  }
  const named = licence === undefined ? [] : [{ text: licence, expression: parseExpression(licence) ?? only(licence) }];
  return [...named, ...classifiers.map((text) => ({ text, expression: only(CLASSIFIED.get(text) ?? text, text) }))];
}

/** One licence, under either of two names. */
function only(id: string, name = id): Expression {
  return { is: 'licence', id, exception: name === id ? undefined : name };
}

/** An exception gives more than its licence does; `+` is a later version of the same. */
function matches(globs: readonly string[], id: string, exception: string | undefined): boolean {
  const whole = exception === undefined ? [] : [exception, `${id} WITH ${exception}`];
  const names = [id, id.replace(/\+$/, ''), ...whole].map((name) => name.toLowerCase());
  return globs.some((glob) => names.some((name) => matchesGlob(glob.toLowerCase(), name)));
}
