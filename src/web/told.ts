import type { Instant } from '../bytes/instant.ts';
import { type Content, html } from './html.ts';
import { state } from './layout.ts';
import { number } from './quantities.ts';

/** What one rule of this mirror says of a project, or of one file. */
export interface RuleView {
  readonly rule: string;
  readonly action: 'report' | 'hide' | 'deny';
  readonly files: number;
  /** Of the first of them. */
  readonly why: string;
  /** It says otherwise from then on; undefined where time changes nothing. */
  readonly until: Instant | undefined;
  /** What an operator would change. */
  readonly setting: string;
}

/** One word of PyPI's for a release, and what it means. */
export interface WordView {
  readonly word: string;
  readonly says: string;
}

/** Who published a project's files, as far as it is remembered. */
export interface ProvenanceView {
  readonly mode: string;
  /** Whom files are expected from, and what an operator let differ, in sentences. */
  readonly remembered: readonly string[];
  readonly expected: readonly {
    readonly name: string;
    readonly id: string;
    readonly since: Instant | undefined;
    readonly by: string;
  }[];
  /** Newest first; the first of very many. */
  readonly releases: readonly { readonly version: string; readonly words: readonly WordView[] }[];
}

/** Who published one file. */
export interface PublishedView {
  readonly result: 'verified' | 'refused' | 'unchecked' | 'unavailable' | 'unknown' | 'none';
  readonly publishers: readonly string[];
  readonly says: string;
}

/** What an advisory says of a project. */
export interface AdvisoryView {
  readonly id: string;
  readonly summary: string;
  readonly malware: boolean;
  /** Of those that are listed here. */
  readonly versions: readonly string[];
  readonly fixedIn: readonly string[];
  readonly action: 'report' | 'hide' | 'deny';
  readonly says: string;
}

const DOES = { report: 'told', hide: 'held back', deny: 'refused' } as const;

export function rulesList(rules: readonly RuleView[]): Content {
  return html`<ul class="list">${rules.map(
    ({ rule, action, files, why, setting }) =>
      html`<li><p>${action === 'report' ? html`<b>told</b>` : state('warn', DOES[action])} by the rule <b>${rule}</b><span class="soft small">, ${files === 1 ? '1 file' : `${number(files)} files`}</span></p><p>${why}</p><p class="soft small">The setting: <code>${setting}</code></p></li>`,
  )}</ul>`;
}

/** `all`: undefined where no feed is in force. */
export function advisoryList(all: readonly AdvisoryView[] | undefined): Content {
  if (all === undefined)
    return html`<p>This mirror reads no advisories for this index: whether something of it is known to be bad, nobody can say here.</p>`;
  if (all.length === 0)
    return html`<p>The advisories in force say nothing of it. That is no clean bill: it is what is known.</p>`;
  return html`<ul class="list">${all.map(
    ({ malware, versions, says }) =>
      html`<li><p>${versions.length === 0 ? html`<b>known</b>` : state(malware ? 'bad' : 'warn', malware ? 'malware' : 'vulnerable')} ${says}.</p></li>`,
  )}</ul>`;
}

export function publisherSection({ mode, remembered, releases }: ProvenanceView): Content {
  if (mode === 'off')
    return html`<h2>Who published it</h2><p>Its files may say who published them (provenance). That is passed on here and not checked: <code>provenance</code> of the index would have it checked.</p>`;
  const alarming = new Set(['lost-provenance', 'changed-provenance', 'inconsistent-provenance']);
  const word = ({ word: name, says }: WordView) =>
    html`<p>${alarming.has(name) ? state('warn', name) : html`<b>${name}</b>`}: ${says}</p>`;
  return html`<h2>Who published it</h2>
${remembered.map((each) => html`<p>${each}</p>`)}
${releases.length === 0 ? html`<p>No release of it has files that could say.</p>` : html`<table class="stack"><caption>What changed from release to release, in PyPI's words, the newest first</caption><thead><tr><th scope="col">Release</th><th scope="col">Provenance</th></tr></thead><tbody>${releases.map(({ version, words }) => html`<tr><th scope="row">${version}</th><td data-of="Provenance">${words.length === 0 ? html`<span class="soft">not known yet: it is looked at when a file is asked for</span>` : words.map(word)}</td></tr>`)}</tbody></table>`}`;
}

export function publishedLine({ result, says }: PublishedView): Content {
  if (result === 'verified') return html`${state('good', 'verified')} ${says}`;
  return result === 'refused' ? html`${state('bad', 'wrong')} ${says}` : says;
}
