import type { Instant } from '../bytes/instant.ts';
import { type Content, html } from './html.ts';
import { ago, state } from './layout.ts';

/** Something that was refused, or that upstream changed, in plain words. */
export interface Happening {
  readonly at: Instant;
  readonly index: string;
  /** `refused`, or what upstream did: `removed`, `yanked`. */
  readonly kind: string;
  /** Why it was refused; one word of docs/trust.md. */
  readonly reason: string | undefined;
  /** The project it is about, where it has a page here; and what of it: a file, a list, a digest. */
  readonly project: string | undefined;
  readonly thing: string;
  /** What happened, and what somebody should do about it; '' where there is nothing to do. */
  readonly says: string;
  readonly next: string;
  /** What exactly, in the words of the refusal; '' where there are none for everybody. */
  readonly detail: string;
}

/** How a kind is told apart at a glance. */
const STANDS: Readonly<Record<string, 'good' | 'warn' | 'bad'>> = {
  refused: 'bad',
  changed: 'bad',
  regressed: 'warn',
  quarantined: 'warn',
  removed: 'warn',
};

/** Newest first. `root`: from the page to where the mirror begins; `none`: what is said where there are none. */
export function happeningList(
  all: readonly Happening[],
  { root, now, none }: { readonly root: string; readonly now: Instant; readonly none: string },
): Content {
  if (all.length === 0) return html`<p>${none}</p>`;
  return html`<ol class="list" reversed>${all.map((each) => html`<li>${happening(each, root, now)}</li>`)}</ol>`;
}

function happening(
  { at, index, kind, reason, project, thing, says, next, detail }: Happening,
  root: string,
  now: Instant,
) {
  const how = STANDS[kind];
  const word = how === undefined ? html`<b>${kind}</b>` : state(how, kind);
  const name = thing === '' ? (project ?? '') : thing;
  const about =
    project === undefined || index === ''
      ? html`<b>${name}</b>`
      : html`<a href="${root}${index}/project/${encodeURIComponent(project)}/">${name}</a>`;
  return html`<p>${word} ${about}${index === '' ? '' : html` <span class="soft">in ${index}</span>`} <span class="soft small">${ago(at, now)}</span></p>
<p>${says}${next === '' ? '' : html` ${next}`}${reason === undefined ? '' : html` <span class="soft small">(${reason})</span>`}</p>${detail === '' ? '' : html`<p class="soft small hash">${detail}</p>`}`;
}
