import { type Content, html } from './html.ts';
import { type Made, type Place, page, state } from './layout.ts';
import { number } from './quantities.ts';
import { makeShown, type Shown } from './shown.ts';

export interface FoundName {
  readonly project: string;
  /** Its page is held here. */
  readonly held: boolean;
}

export interface SearchView extends Made {
  readonly index: string;
  readonly query: string;
  /** The names are still being read: there may be more. */
  readonly reading: boolean;
  /** Names that are known, and of how many the page is held. */
  readonly known: { readonly listed: number; readonly held: number };
  /** The first of them: those that begin so, then those that hold it. */
  readonly found: readonly FoundName[];
  /** There are more than are shown. */
  readonly more: boolean;
}

/** Names of projects that are held, or that upstream lists as far as its list is held. */
export function searchPage(view: SearchView, place: Place & { readonly root: string }): Shown {
  const { index, query, known, reading } = view;
  const main = html`<h1>Projects of ${index}</h1>
<form action="./" method="get" role="search"><div><label for="q">Name, or a part of it</label><input id="q" name="q" type="search" value="${query}" maxlength="100" autocomplete="off" spellcheck="false"></div><button type="submit">Find</button></form>
${reading ? html`<p>${state('warn', 'Still reading')}<span class="soft">: the names are being read; look again in a moment.</span></p>` : ''}
${results(view)}
<p class="soft">${known.held === 1 ? 'One project is' : `${number(known.held)} projects are`} held here${known.listed > 0 ? `, and ${number(known.listed)} are listed` : '; the list of all is not held, so that names nobody asked for are not found'}.</p>`;
  return makeShown(view, page({ title: `Projects of ${index} - Verbatim`, place, main, made: view }));
}

function results({ query, found, more }: SearchView): Content {
  if (found.length === 0) return query === '' ? '' : html`<p>No name that is known here holds “${query}”.</p>`;
  const row = ({ project, held }: FoundName) =>
    html`<li><a href="${project}/">${project}</a> <span class="soft small">${held ? 'held' : 'listed'}</span></li>`;
  return html`<ul class="list">${found.map(row)}</ul>${more ? html`<p>There are more: type more of the name.</p>` : ''}`;
}
