import type { Instant } from '../bytes/instant.ts';
import { untilText } from '../bytes/instant.ts';
import { html } from './html.ts';
import { type Made, type Place, page, state, time } from './layout.ts';
import { makeShown, type Shown } from './shown.ts';
import { type AdvisoryView, advisoryList, type RuleView, rulesList } from './told.ts';

/** A file that upstream lists, and that a rule of this mirror holds back. */
export interface HeldBackView extends Made {
  readonly index: string;
  readonly name: string;
  readonly project: string;
  readonly heldBack: true;
  /** The one that counts, and its sentence. */
  readonly rule: string;
  readonly says: string;
  readonly until: Instant | undefined;
  readonly setting: string;
  /** All that is said of it, that one among it. */
  readonly rules: readonly RuleView[];
  readonly advisories: readonly AdvisoryView[] | undefined;
  /** What an operator types to let it pass; undefined where nothing does. */
  readonly remedy: string | undefined;
}

/** Why a file is not served, and what would let it pass. */
export function heldBackPage(view: HeldBackView, place: Place & { readonly root: string }): Shown {
  const { name, project, index, rule, says, until, setting, rules, advisories, remedy, now } = view;
  const main = html`<h1>Why is ${name} not served?</h1>
<p class="lead">${says}</p>
<p>${state('warn', 'held back')} by the rule <b>${rule}</b> of this mirror${until === undefined ? '; time alone does not change that' : html`, until ${time(until)} (${untilText(until, now)})`}. The setting: <code>${setting}</code></p>
<h2>What to do</h2>
<p>Another version may do: <a href="../project/${project}/">${project}</a> in the index <a href="../">${index}</a> has what is served. Whoever needs this very file asks the operator of this mirror.</p>
${remedy === undefined ? html`<p>No exception lets it pass.</p>` : html`<p>The operator lets it pass with:</p><pre>${remedy}</pre>`}
<h2>All that rules say of it</h2>
${rulesList(rules)}
<h2>Advisories</h2>
${advisoryList(advisories)}`;
  return makeShown(view, page({ title: `Why ${name} is not served - Verbatim`, place, main, made: view }));
}
