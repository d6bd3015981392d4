import type { Instant } from '../bytes/instant.ts';
import { type ActivityView, activityCharts } from './activity.ts';
import { type AddressView, addressSections } from './addresses.ts';
import { type Happening, happeningList } from './happenings.ts';
import { type Content, html } from './html.ts';
import { ago, type Made, type Place, page, state } from './layout.ts';
import { bytesText, number } from './quantities.ts';
import { makeShown, type Shown } from './shown.ts';
import { type Trouble, troubleBox } from './troubles.ts';
import { type RoleView, trustPicture, trustTable, unsignedPicture } from './trust.ts';
import { addressLines } from './use-it.ts';

/** Files that pages do not pass on, by why. */
export interface LeftOutView {
  readonly why: string;
  readonly files: number;
  readonly says: string;
}

/** How an index stands. */
export interface IndexView {
  readonly name: string;
  /** It also lies at the root. */
  readonly isDefault: boolean;
  readonly evidence: 'tuf' | 'index';
  readonly upstream: string;
  /** When upstream last stood by what is held; undefined where that was not yet, since this mirror started. */
  readonly confirmed: Instant | undefined;
  /** Upstream was silent a moment ago. */
  readonly silent: boolean;
  readonly roles: readonly RoleView[];
  readonly leftOut: readonly LeftOutView[];
  /** Files that are believed as they were first seen. */
  readonly firstSight: number;
  readonly byManifest: number;
  /** Listed, and on hosts where this mirror may not go. */
  readonly outOfReach: number;
  /** "as carried by KEY on DATE", of an index that bundles bring. */
  readonly carried: string | undefined;
}

export interface HomeView extends Made {
  /** As of when what expires is judged. */
  readonly judged: Instant;
  readonly startedAt: Instant;
  readonly well: boolean;
  /** The one sentence. */
  readonly says: string;
  readonly troubles: readonly Trouble[];
  readonly refusedLastDay: number;
  readonly held: { readonly files: number; readonly bytes: number };
  readonly indexes: readonly IndexView[];
  /** Those over several indexes. */
  readonly addresses: readonly AddressView[];
  /** The last day, of the indexes that are shown together. */
  readonly activity: ActivityView;
  readonly refusals: readonly Happening[];
  readonly changes: readonly Happening[];
  /** What clients call this mirror, ending in a slash; undefined where it does not know. */
  readonly address: string | undefined;
}

/** Of all indexes, and what each page of one of them has besides. */
export interface HomeFacts extends HomeView {
  readonly activityOf: Readonly<Record<string, ActivityView>>;
}

/** The first page: is it well, how fresh is it, what was refused and why, what is to be done; of all indexes, or of one. */
export function homePage(view: HomeFacts, place: Place & { readonly root: string }, only?: string): Shown {
  const indexes = only === undefined ? view.indexes : view.indexes.filter(({ name }) => name === only);
  const { activityOf, ...whole } = view;
  const activity = (only === undefined ? undefined : activityOf[only]) ?? view.activity;
  const shown = { ...whole, indexes, activity };
  const main = html`${headline(shown)}
${facts(shown)}
<h2>The last day</h2>
${activityCharts(activity)}
${uses(shown, only)}
${only === undefined ? addressSections(view.addresses, place.root) : ''}
${indexes.map((each) => indexSection(each, view, place.root))}
<h2>Refused lately</h2>
${happeningList(view.refusals, { root: place.root, now: view.now, none: 'Nothing was refused that is still on record.' })}
<h2>What upstream changed</h2>
${happeningList(view.changes, { root: place.root, now: view.now, none: 'Upstream has taken nothing away and contradicted nothing that is on record.' })}
<p><a href="${place.root}events">All that is on record</a></p>`;
  const title = only === undefined ? 'Verbatim' : `${only} - Verbatim`;
  return makeShown(shown, page({ title, place, main, made: view }));
}

function headline({ well, says, troubles, indexes, now, startedAt }: HomeView): Content {
  const level = troubles.some((each) => each.level === 'bad') ? 'bad' : 'warn';
  const words = { bad: 'Something is not served', warn: 'Please look' }[level];
  const single = troubles.length === 1 ? 'This is what is not as it should be:' : 'These are not as they should be:';
  return html`<h1>${says}</h1>
<p class="lead">${well ? state('good', 'The promise holds') : state(level, words)}<span class="soft">: nothing is handed out here that was not proved first.</span></p>
${well ? '' : html`<p>${single}</p>${troubles.map(troubleBox)}`}
${indexes.map((each) => html`<p>${freshness(each, now, startedAt)}</p>`)}`;
}

function freshness({ name, evidence, confirmed, carried }: IndexView, now: Instant, startedAt: Instant): Content {
  if (carried !== undefined) return html`<b>${name}</b> arrives in bundles: it stands ${carried}.`;
  if (confirmed === undefined)
    return html`<b>${name}</b> has not been asked for anything since this mirror started ${ago(startedAt, now)}, so upstream was not asked either.`;
  const what = evidence === 'tuf' ? 'what is signed' : 'a page';
  return html`<b>${name}</b>: ${what} was last confirmed with upstream ${ago(confirmed, now)}. Upstream is asked when somebody asks here.`;
}

function facts({ refusedLastDay, held, indexes, startedAt, now }: HomeView): Content {
  const leftOut = indexes.flatMap(({ leftOut: all }) => all).reduce((sum, { files }) => sum + files, 0);
  const each: readonly (readonly [string, Content])[] = [
    ['refused in the last day', refusedLastDay],
    ['files held', number(held.files)],
    ['on disk', bytesText(held.bytes)],
    ['left out of pages', number(leftOut)],
    ['started', ago(startedAt, now)],
  ];
  return html`<dl class="facts">${each.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;
}

function uses({ address, addresses, indexes }: HomeView, only: string | undefined): Content {
  const isAtRoot = [...addresses, ...indexes].some(({ isDefault }) => isDefault);
  const path = only === undefined && isAtRoot ? '' : `${only ?? indexes[0]?.name ?? ''}/`;
  return html`<h2>What this is</h2>
<p>A mirror of Python package indexes. Installers ask it for packages as they would ask the index itself; it hands out nothing that it could not prove: by signatures where an index signs, by the digests it saw first where an index does not. It does not tell good code from bad.</p>
<h2>Use it</h2>
${addressLines(`${address ?? 'http://ADDRESS/'}${path}simple/`)}
${address === undefined ? html`<p class="soft">ADDRESS is what stands at the top of your browser, up to the first slash: this mirror does not know by which name you reach it.</p>` : ''}
<p>Configure no second index beside it: an installer that has two takes from either, and whoever can publish on the other decides what you get.</p>`;
}

function indexSection(view: IndexView, { now, judged }: HomeView, root: string): Content {
  const { name, evidence, upstream, roles } = view;
  const kind =
    evidence === 'tuf'
      ? html`Its owners sign what they publish, and every page and file is proved by those signatures, from a root that whoever runs this mirror pinned.`
      : html`It signs nothing. What it says is believed over TLS the first time, and held to ever after: a file that was seen here keeps its bytes. <b>That is weaker than signatures:</b> whoever controls the index chooses the bytes of files that were never seen here.`;
  const picture =
    evidence === 'index' ? unsignedPicture(name) : roles.length === 0 ? '' : trustPicture(name, roles, judged);
  return html`<section aria-labelledby="index-${name}"><h2 id="index-${name}">The index ${name}</h2>
<p>${kind} It mirrors <code>${upstream}</code>. <a href="${root}${name}/project/">Find a project</a>, or see <a href="${root}${name}/events">what happened</a>.</p>
<div class="index">${picture}<div>${leftOutText(view, root)}</div></div>${roles.length === 0 ? '' : trustTable(roles, { now, judged })}</section>`;
}

function leftOutText({ name, leftOut, firstSight, byManifest, outOfReach }: IndexView, root: string): Content {
  const all = [
    ...leftOut.map(
      ({ files, says, why }) =>
        html`<li>${files} ${files === 1 ? 'file' : 'files'} ${says} <span class="soft small">(${why})</span>${why === 'policy' ? html` <a href="${root}${name}/policy">Which, and why</a>` : ''}</li>`,
    ),
    ...(firstSight > 0 ? [html`<li>${firstSight} listed without a digest, and believed as first seen</li>`] : []),
    ...(byManifest > 0
      ? [html`<li>${byManifest} listed without a digest, and by the one that the signed manifest names</li>`]
      : []),
    ...(outOfReach > 0 ? [html`<li>${outOfReach} listed on hosts where this mirror may not go</li>`] : []),
  ];
  return all.length === 0
    ? html`<p class="soft">Pages pass on every file that upstream lists.</p>`
    : html`<h3>Not passed on, or on weaker evidence</h3><ul>${all}</ul>`;
}
