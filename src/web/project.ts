import { type AnsweringView, answeringText } from './addresses.ts';
import { type Happening, happeningList } from './happenings.ts';
import { type Content, html } from './html.ts';
import { type Made, type Place, page, state } from './layout.ts';
import { bytesText, number } from './quantities.ts';
import { type SentView, sentTable } from './sent.ts';
import { makeShown, type Shown } from './shown.ts';
import {
  type AdvisoryView,
  advisoryList,
  type ProvenanceView,
  type PublishedView,
  publishedLine,
  publisherSection,
  type RuleView,
  rulesList,
} from './told.ts';

/** One file as it is offered here. */
export interface FileView {
  readonly filename: string;
  readonly size: number | undefined;
  /** As upstream wrote it. */
  readonly uploadTime: string | undefined;
  /** By algorithm. */
  readonly digests: Readonly<Record<string, string>>;
  /** `none`: its bytes may change, and nobody vouches for them. */
  readonly evidence: 'tuf' | 'index' | 'first-sight' | 'none';
  /** Its page states no digest, and a signed manifest does: "as carried by KEY on DATE". */
  readonly carried?: string | undefined;
  readonly held: boolean;
  readonly yanked: string | undefined;
  readonly requiresPython: string | undefined;
  /** Below the index: where it is had, and its provenance (PEP 740) as upstream has it. */
  readonly path: string;
  readonly provenance: string | undefined;
  /** Who published it, as far as that was found out; undefined of an index that has no place for it. */
  readonly published: PublishedView | undefined;
}

/** Files that upstream lists and this mirror does not pass on. */
export interface LeftOutFiles {
  readonly why: string;
  /** Why, and what would let them in. */
  readonly says: string;
  readonly names: readonly string[];
}

export interface ProjectView extends Made {
  readonly index: string;
  readonly project: string;
  readonly evidence: 'tuf' | 'index';
  /** At addresses over several indexes: which of them answers for it. */
  readonly answering: readonly AnsweringView[];
  /** How fresh what is held is, in words. */
  readonly standing: 'fresh' | 'stale';
  readonly says: string;
  /** PEP 792, where it says anything but active. */
  readonly status: string | undefined;
  /** Who vouches for it, and what an attacker would need: as `verbatim explain` says it. */
  readonly head: string;
  readonly vouchers: readonly string[];
  readonly forge: string;
  /** Newest first; the first of very many. */
  readonly versions: readonly string[];
  readonly versionCount: number;
  readonly files: readonly FileView[];
  readonly fileCount: number;
  /** From 1 on. */
  readonly page: number;
  readonly pages: number;
  readonly leftOut: readonly LeftOutFiles[];
  readonly leftOutCount: number;
  /** What rules of this mirror say of its files. */
  readonly rules: readonly RuleView[];
  /** Undefined of an index that has no place for it. */
  readonly provenance: ProvenanceView | undefined;
  /** What is known to be bad; undefined where no feed is in force. The first of very many. */
  readonly advisories: readonly AdvisoryView[] | undefined;
  readonly advisoryCount: number;
  readonly changes: readonly Happening[];
  /** Who was sent its files; undefined for everybody but auditors. */
  readonly sent?: SentView | undefined;
}

/** A project as it is held here: how many files, who vouches, what is left out and why. */
export function projectPage(view: ProjectView, place: Place & { readonly root: string }): Shown {
  const { project, index, head, versions, versionCount, fileCount, standing, says, status } = view;
  const more = versionCount > versions.length ? `, and ${number(versionCount - versions.length)} older` : '';
  const main = html`<h1>${project}</h1>
<p class="lead">${head}</p>
<p>${state(standing === 'fresh' ? 'good' : 'warn', standing === 'fresh' ? 'Fresh' : 'Old')}<span class="soft">: ${says}</span></p>
${status === undefined ? '' : html`<p>${state('warn', 'Upstream says')} ${status}</p>`}
<p>In the index <a href="../../">${index}</a>. Installers see <a href="../../simple/${project}/">its page</a>.</p>
${view.answering.map(answeringText)}
<h2>Versions</h2>
<p>${versions.length === 0 ? 'None.' : `${versions.join(', ')}${more}.`}</p>
${files(view)}
${leftOut(view)}
${view.rules.length === 0 ? '' : html`<h2>Rules of this mirror</h2>${rulesList(view.rules)}`}
<h2>Known to be bad</h2>
${advisoryList(view.advisories)}
${moreAdvisories(view)}
${view.provenance === undefined ? '' : publisherSection(view.provenance)}
${trust(view)}
${view.sent === undefined ? '' : sentTable(view.sent, project)}
<h2>What upstream changed</h2>
${happeningList(view.changes, { root: place.root, now: view.now, none: 'Nothing of it that is on record.' })}`;
  return makeShown(
    view,
    page({ title: `${project} (${number(fileCount)} files) - Verbatim`, place, main, made: view }),
  );
}

function files({ files: shown, fileCount, page: at, pages }: ProjectView): Content {
  if (fileCount === 0) return html`<h2>Files</h2><p>It offers none here.</p>`;
  const which = pages === 1 ? `All ${number(fileCount)}` : `Page ${at} of ${pages}; ${number(fileCount)} in all`;
  return html`<h2>Files</h2>
<table class="stack"><caption>${which}, the newest version first</caption><thead><tr><th scope="col">File</th><th scope="col">Believed by</th><th scope="col">Uploaded</th></tr></thead><tbody>${shown.map(row)}</tbody></table>
${pages === 1 ? '' : pager(at, pages)}`;
}

const BELIEVED = {
  tuf: 'signatures',
  index: "its page's digest",
  'first-sight': 'what it was when first seen',
  none: 'nobody: its bytes may change',
} as const;

function row({
  filename,
  size,
  uploadTime,
  digests,
  evidence,
  carried,
  held,
  yanked,
  requiresPython,
  path,
  provenance,
  published,
}: FileView): Content {
  const sha256 = digests['sha256'];
  return html`<tr><th scope="row"><a href="../../${path}">${filename}</a>${sha256 === undefined ? '' : html`<br><small class="soft hash">sha256 ${sha256}</small>`}${yanked === undefined ? '' : html`<br><small>${state('warn', 'taken back')} ${yanked}</small>`}</th><td data-of="Believed by">${carried === undefined ? BELIEVED[evidence] : `the manifest of a bundle, ${carried}`}. <a href="../../why/${encodeURIComponent(filename)}">Why?</a>${published === undefined || published.result === 'none' ? '' : html`<br><small>${publishedLine(published)}${provenance === undefined ? '' : html` <a href="../../${provenance}">Provenance</a>`}</small>`}<br><small class="soft">${held ? 'held here' : 'not held: fetched when asked for'}</small></td><td data-of="Uploaded"><span class="nb">${(uploadTime ?? 'not told').slice(0, 10)}</span><br><small class="soft">${size === undefined ? '' : bytesText(size)}${requiresPython === undefined ? '' : `, Python ${requiresPython}`}</small></td></tr>`;
}

function pager(at: number, pages: number): Content {
  return html`<nav aria-label="Pages of files"><p>${at > 1 ? html`<a href="?page=${at - 1}" rel="prev">Newer</a>` : ''} ${at < pages ? html`<a href="?page=${at + 1}" rel="next">Older</a>` : ''}</p></nav>`;
}

function leftOut({ leftOut: all, leftOutCount, project }: ProjectView): Content {
  if (leftOutCount === 0) return html`<h2>Left out</h2><p>Nothing: every file that upstream lists is here.</p>`;
  const shown = all.reduce((sum, { names }) => sum + names.length, 0);
  return html`<h2>Left out</h2>
<p>Upstream lists ${number(leftOutCount)} more.${shown < leftOutCount ? ` The first ${shown} are named here, all of them by: verbatim explain ${project}` : ''}</p>
<ul class="list">${all.map(({ why, says, names }) => html`<li><p>${state('warn', why)}: ${says}</p><p class="small">${names.map((name, at) => html`${at === 0 ? '' : ', '}<code>${name === '' ? '(without a name)' : name}</code>`)}</p></li>`)}</ul>`;
}

function moreAdvisories({ advisories, advisoryCount }: ProjectView): Content {
  const more = advisoryCount - (advisories?.length ?? 0);
  return more > 0 ? html`<p class="soft">And ${number(more)} more.</p>` : '';
}

function trust({ vouchers, forge }: ProjectView): Content {
  const who = vouchers.length === 0 ? '' : html`<ol>${vouchers.map((voucher) => html`<li>${voucher}</li>`)}</ol>`;
  return html`<h2>Why it is believed</h2>${who}<p>${forge}</p>`;
}

interface MissingView extends Made {
  readonly index: string;
  readonly project: string;
}

/** Nothing is held of it, and a look at a page asks nobody. */
export function missingPage(view: MissingView, place: Place & { readonly root: string }): Shown {
  const { index, project } = view;
  const main = html`<h1>${project} is not held here</h1>
<p class="lead">Nobody has asked this mirror for it yet, or it forgot. Whether ${index} has such a project, its page for installers says: looking at that fetches it.</p>
<p><a href="../../simple/${project}/" rel="nofollow">Ask for it as an installer does</a>, then come back.</p>`;
  const known = { ...view, known: false };
  return makeShown(known, page({ title: `${project} - Verbatim`, place, main, made: view }), 404);
}
