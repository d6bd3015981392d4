import type { Instant } from '../bytes/instant.ts';
import { untilText } from '../bytes/instant.ts';
import { type Content, html } from './html.ts';
import { ago, type Made, type Place, page, state, time } from './layout.ts';
import { number } from './quantities.ts';
import { makeShown, type Shown } from './shown.ts';

type Action = 'report' | 'hide' | 'deny';

/** A rule of one index, in words. */
export interface RuleInForceView {
  readonly rule: string;
  readonly action: Action;
  readonly says: string;
  readonly setting: string;
}

/** What may pass all the same. */
export interface ExceptionView {
  readonly project: string;
  readonly file: string | undefined;
  /** Undefined: from all of them. */
  readonly rule: string | undefined;
  readonly reason: string;
  /** Undefined: for ever. */
  readonly until: Instant | undefined;
  readonly ended: boolean;
}

/** What one rule holds back of one project now. */
export interface HeldBackNow {
  readonly project: string;
  readonly rule: string;
  readonly action: 'hide' | 'deny';
  readonly files: number;
  readonly until: Instant | undefined;
}

export interface IndexPolicyView {
  readonly name: string;
  readonly rules: readonly RuleInForceView[];
  /** The first of very many. */
  readonly exceptions: readonly ExceptionView[];
  readonly exceptionCount: number;
  /** Files that are off pages by a rule, of all pages in force. */
  readonly heldBack: number;
  /** By project and rule, the first of very many; `looked`: at how many projects of how many. */
  readonly held: readonly HeldBackNow[];
  readonly looked: { readonly projects: number; readonly of: number };
  /** Projects and versions in quarantine by an operator's word. */
  readonly quarantined: number;
}

/** What was asked for and refused, and nobody answered. */
export interface RequestView {
  readonly index: string;
  readonly project: string;
  readonly version: string | undefined;
  readonly files: readonly string[];
  readonly rule: string;
  readonly says: string;
  readonly count: number;
  readonly clients: number;
  readonly last: Instant;
  readonly until: Instant | undefined;
}

/** The advisories in force. */
export interface FeedView {
  readonly records: number;
  readonly malware: number;
  readonly unreadable: number;
  /** When the newest of them was changed. */
  readonly newest: Instant | undefined;
  /** It is older than it may be, or the last look brought none. */
  readonly old: boolean;
  readonly failing: boolean;
}

export interface PolicyView extends Made {
  /** Undefined for all of them. */
  readonly index: string | undefined;
  readonly indexes: readonly IndexPolicyView[];
  /** Undefined where none is configured; `none` where it is, and could not be read yet. */
  readonly feed: FeedView | 'none' | undefined;
  /** Most asked for first; the first of very many. */
  readonly requests: readonly RequestView[];
  readonly requestCount: number;
}

const DOES: Readonly<Record<Action, string>> = {
  report: 'told, and served',
  hide: 'held back: not on pages, refused by address',
  deny: 'refused, though pages list it',
};

/** What rules are in force, what they hold back now, and what was asked for in vain. */
export function policyPage(view: PolicyView, place: Place & { readonly root: string }): Shown {
  const { indexes, index, feed, requestCount, now } = view;
  const held = indexes.reduce((sum, { heldBack }) => sum + heldBack, 0);
  const title = index === undefined ? 'What is held back' : `What is held back of ${index}`;
  const main = html`<h1>${title}</h1>
<p class="lead">${held === 0 ? 'No rule keeps a file off any page now' : html`Rules keep <b>${number(held)}</b> ${held === 1 ? 'file' : 'files'} off pages now`}; ${requestCount === 0 ? 'nobody has asked for one in vain who still waits for an answer' : html`<a href="#requests">${number(requestCount)} ${requestCount === 1 ? 'request waits' : 'requests wait'} for an answer</a>`}.</p>
<p>What is proved may still be unwanted: too young, known to be bad, published by somebody else than before. Whoever runs this mirror says so in its configuration, and every file that is held back says why on its own page.</p>
${indexes.map((each) => indexSection(each, view, place.root))}
<h2>Advisories</h2>
${feedText(feed, now)}
<h2 id="requests">Asked for, and refused</h2>
${requestList(view)}`;
  return makeShown(view, page({ title: `${title} - Verbatim`, place: { ...place, at: 'policy' }, main, made: view }));
}

function indexSection(view: IndexPolicyView, { now, indexes }: PolicyView, root: string): Content {
  const { name, rules, quarantined } = view;
  const table =
    rules.length === 0
      ? html`<p>No rule is set for it: everything that is proved is served, but for what its index, or an operator here, has put in quarantine.</p>`
      : html`<table class="stack"><caption>Rules in force, besides quarantine</caption><thead><tr><th scope="col">Rule</th><th scope="col">What it is about</th><th scope="col">What becomes of it</th></tr></thead><tbody>${rules.map(ruleRow)}</tbody></table>`;
  const hand =
    quarantined === 0
      ? ''
      : html`<p>${state('warn', 'in quarantine')} ${number(quarantined)} ${quarantined === 1 ? 'project or version' : 'projects or versions'}, by an operator’s word.</p>`;
  const heading = indexes.length === 1 ? 'Rules' : `The index ${name}`;
  return html`<section aria-labelledby="index-${name}"><h2 id="index-${name}">${heading}</h2>
${table}
${hand}
${exceptionList(view, now)}
${heldTable(view, now, root)}</section>`;
}

function ruleRow({ rule, action, says, setting }: RuleInForceView): Content {
  return html`<tr><th scope="row">${rule}</th><td data-of="What it is about">${says}<br><small class="soft">The setting: <code>${setting}</code></small></td><td data-of="What becomes of it">${action === 'report' ? DOES[action] : state('warn', DOES[action])}</td></tr>`;
}

function exceptionList({ exceptions, exceptionCount }: IndexPolicyView, now: Instant): Content {
  if (exceptionCount === 0) return '';
  const more = exceptionCount - exceptions.length;
  return html`<h3>Exceptions</h3><ul class="list">${exceptions.map(
    ({ project, file, rule, reason, until, ended }) =>
      html`<li><p><b>${file ?? project}</b> ${ended ? 'passed' : 'passes'} ${rule === undefined ? 'every rule' : html`the rule <b>${rule}</b>`}${until === undefined ? ', for ever' : html` until ${time(until)} (${untilText(until, now)})${ended ? html`; ${state('warn', 'that is over')}` : ''}`}</p><p class="soft">${reason}</p></li>`,
  )}</ul>${more > 0 ? html`<p class="soft">And ${number(more)} more.</p>` : ''}`;
}

function heldTable({ name, held, heldBack, looked }: IndexPolicyView, now: Instant, root: string): Content {
  if (held.length === 0 && heldBack === 0) return '';
  const which =
    looked.projects < looked.of
      ? `What is held back now; the first ${number(looked.projects)} projects of ${number(looked.of)}`
      : 'What is held back now';
  return html`<table class="stack"><caption>${which}</caption><thead><tr><th scope="col">Project</th><th scope="col">Rule</th><th scope="col">Files</th><th scope="col">Until</th></tr></thead><tbody>${held.map(
    ({ project, rule, action, files, until }) =>
      html`<tr><th scope="row"><a href="${root}${name}/project/${project}/">${project}</a></th><td data-of="Rule">${rule}</td><td data-of="Files">${number(files)} ${action === 'deny' ? 'refused' : 'off the page'}</td><td data-of="Until">${until === undefined ? 'somebody changes it' : html`${time(until)}<br><small class="soft">${files === 1 ? '' : 'the first of them, '}${untilText(until, now)}</small>`}</td></tr>`,
  )}</tbody></table>`;
}

function feedText(feed: PolicyView['feed'], now: Instant): Content {
  if (feed === undefined)
    return html`<p>None are read: nothing is known here of malware or vulnerabilities. The setting: <code>advisories</code></p>`;
  if (feed === 'none')
    return html`<p>${state('bad', 'none in force')} They are configured, and could not be read yet: nothing is known here of malware or vulnerabilities. Whoever runs this mirror finds why with: verbatim status</p>`;
  const { records, malware, unreadable, newest, old, failing } = feed;
  return html`<p>${old || failing ? state('warn', failing ? 'could not be renewed' : 'old') : state('good', 'in force')} ${number(records)} advisories about Python packages, ${number(malware)} of them about malware${newest === undefined ? '' : html`; the newest was changed ${ago(newest, now)}`}.${unreadable === 0 ? '' : html` ${number(unreadable)} cannot be read, and decide nothing.`}</p>`;
}

function requestList({ requests, requestCount, now }: PolicyView): Content {
  if (requestCount === 0)
    return html`<p>Nothing that nobody has answered. What is refused is noted here, with how many asked for it.</p>`;
  const more = requestCount - requests.length;
  return html`<p>An operator answers with <code>verbatim requests --allow</code> or <code>--deny</code>; until then each stays refused, or passes by itself where a date stands.</p>
<ul class="list">${requests.map((each) => request(each, now))}</ul>${more > 0 ? html`<p class="soft">And ${number(more)} more: verbatim requests</p>` : ''}`;
}

function request(
  { index, project, version, files, rule, says, count, clients, last, until }: RequestView,
  now: Instant,
) {
  const [only] = files;
  const what =
    version === undefined ? (files.length === 1 && only !== undefined ? only : project) : `${project}==${version}`;
  const times = `${number(count)} ${count === 1 ? 'time' : 'times'} by ${number(clients)} ${clients === 1 ? 'client' : 'clients'}`;
  const args = `${index} ${version === undefined ? project : what} --rule "${rule}"`;
  return html`<li><p><b>${what}</b> <span class="soft">in ${index}, ${times}, last ${ago(last, now)}</span></p><p>${says}</p><p class="soft small">${until === undefined ? '' : html`Passes by itself ${untilText(until, now)}. `}<code>verbatim requests --allow ${args} --reason "..."</code></p></li>`;
}
