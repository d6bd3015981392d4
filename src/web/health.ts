import type { Instant } from '../bytes/instant.ts';
import { type Content, html } from './html.ts';
import { ago, type Made, type Place, page, state } from './layout.ts';
import { makeShown, type Shown } from './shown.ts';
import { type Trouble, troubleBox } from './troubles.ts';

/** How one index stands to the promise. */
export interface HealthIndexView {
  readonly name: string;
  readonly evidence: 'tuf' | 'index';
  readonly holds: boolean;
  /** When upstream last stood by what is held; undefined where that was not yet, since this mirror started. */
  readonly confirmed: Instant | undefined;
  /** Upstream was silent a moment ago. */
  readonly silent: boolean;
  /** "as carried by KEY on DATE", of an index that bundles bring. */
  readonly carried: string | undefined;
}

export interface HealthView extends Made {
  readonly holds: boolean;
  /** What is not as promised: monitors are told. */
  readonly findings: readonly Trouble[];
  /** What breaks no promise, and should be looked at all the same. */
  readonly besides: readonly Trouble[];
  readonly indexes: readonly HealthIndexView[];
  readonly startedAt: Instant;
}

const HOLDS = "what is served here is fresh, this machine's clock is sane, and nothing that was stored has changed.";
const SERVED = 'nothing is handed out that was not proved first, and this is not as it should be:';

/** Whether what this mirror promises holds. `json`: the same for monitors, in the form that they know. */
export function healthPage(view: HealthView, json: object, place: Place & { readonly root: string }): Shown {
  const { holds, findings, besides, indexes, now, startedAt } = view;
  const main = html`<h1>${holds ? 'The promise holds.' : 'The promise does not hold.'}</h1>
<p class="lead">${holds ? state('good', besides.length === 0 ? 'Nothing to do' : 'Nothing is broken') : state('bad', 'Please look')}<span class="soft">: ${holds ? HOLDS : SERVED}</span></p>
${findings.map(troubleBox)}
${besides.length === 0 ? '' : html`<h2>Besides</h2><p>This breaks no promise, and somebody should look at it all the same.</p>${besides.map(troubleBox)}`}
${holds && besides.length === 0 ? '' : html`<p>What was refused lately, and why, stands on the page of <a href="${place.root}events">events</a>.</p>`}
<h2>Each index</h2>
<table class="stack"><caption>When upstream last stood by what is held here; this mirror started ${ago(startedAt, now)}</caption><thead><tr><th scope="col">Index</th><th scope="col">The promise</th><th scope="col">Last confirmed</th></tr></thead><tbody>${indexes.map((each) => row(each, now, place.root))}</tbody></table>
<h2>For a monitor</h2>
<p>This address answers 200 while the promise holds and 503 while it does not, with the same as JSON for whoever asks for JSON. Nothing that restarts a server should ask it: for that there are <code>/livez</code> and <code>/readyz</code>.</p>`;
  const title = holds ? 'The promise holds - Verbatim' : 'The promise does not hold - Verbatim';
  return makeShown(json, page({ title, place: { ...place, at: 'health' }, main, made: view }), holds ? 200 : 503);
}

function row({ name, evidence, holds, confirmed, silent, carried }: HealthIndexView, now: Instant, root: string) {
  const kind = evidence === 'tuf' ? 'signed by its owners' : 'signs nothing';
  return html`<tr><th scope="row"><a href="${root}${name}/">${name}</a><br><small class="soft">${kind}</small></th><td data-of="The promise">${holds ? state('good', 'holds') : state('bad', 'does not hold')}</td><td data-of="Last confirmed">${confirmedText(confirmed, carried, now)}${silent ? html`<br><small>${state('warn', 'upstream does not answer')}</small>` : ''}</td></tr>`;
}

function confirmedText(confirmed: Instant | undefined, carried: string | undefined, now: Instant): Content {
  if (carried !== undefined) return `arrives in bundles, ${carried}`;
  return confirmed === undefined ? 'not asked for since the start' : ago(confirmed, now);
}
