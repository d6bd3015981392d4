import { type ActivityView, activityCharts } from './activity.ts';
import { type Happening, happeningList } from './happenings.ts';
import { html } from './html.ts';
import { type Made, type Place, page } from './layout.ts';
import { makeShown, type Shown } from './shown.ts';

export interface EventsView extends Made {
  /** Undefined for all of them. */
  readonly index: string | undefined;
  /** Newest first. */
  readonly events: readonly Happening[];
  /** From 1 on. */
  readonly page: number;
  readonly pages: number;
  /** The last week. */
  readonly activity: ActivityView;
}

/** What was refused, and what upstream changed. */
export function eventsPage(view: EventsView, place: Place & { readonly root: string }): Shown {
  const { index, events, page: at, pages, now } = view;
  const title = index === undefined ? 'What happened' : `What happened to ${index}`;
  const links = html`${at > 1 ? html`<a href="?page=${at - 1}" rel="prev">Newer</a>` : ''} ${at < pages ? html`<a href="?page=${at + 1}" rel="next">Older</a>` : ''}`;
  const main = html`<h1>${title}</h1>
<p class="lead">What was refused, and what upstream took away, added or contradicted; the newest first. Nothing that was refused was handed out.</p>
${happeningList(events, { root: place.root, now, none: 'Nothing is on record.' })}
${pages > 1 ? html`<nav aria-label="Pages of events"><p>Page ${at} of ${pages}. ${links}</p></nav>` : ''}
<h2>The last week</h2>
${activityCharts(view.activity)}
<p class="soft">Of what upstream changed the newest are shown here; all of it is told by: verbatim events</p>`;
  return makeShown(view, page({ title: `${title} - Verbatim`, place, main, made: view }));
}
