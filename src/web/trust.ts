import type { Instant } from '../bytes/instant.ts';
import { untilText } from '../bytes/instant.ts';
import { type Content, html, type Markup } from './html.ts';
import { ago, state, time } from './layout.ts';

/** One of the four lists that an index signs. */
export interface RoleView {
  readonly role: string;
  readonly version: number;
  readonly expires: Instant;
  /** Distinct keys that signed, of how many that must, of how many that may. */
  readonly signed: number;
  readonly threshold: number;
  readonly keys: number;
  /** Its keys lie on machines that sign day and night. */
  readonly online: boolean;
  /** When another version was first seen here; undefined where that was before it was noted. */
  readonly changed: Instant | undefined;
}

/** What each list says, for somebody who has never heard of it. */
const SAYS: Readonly<Record<string, string>> = {
  root: 'which keys speak for which list',
  targets: 'what each page and file must be, or who may say so',
  snapshot: 'which versions of the lists belong together',
  timestamp: 'which snapshot is the newest',
};

/** Where the box of each list stands. */
const BOXES: Readonly<Record<string, { readonly x: number; readonly y: number }>> = {
  root: { x: 88, y: 2 },
  targets: { x: 2, y: 126 },
  snapshot: { x: 168, y: 126 },
  timestamp: { x: 168, y: 228 },
};
const [WIDTH, HEIGHT] = [144, 74];
/** Beyond it keys are counted and not drawn. */
const DRAWN_KEYS = 8;
const DAY = 86_400;

/** How soon it should be looked at: a list that is renewed by machines lives a day, one that people sign for months. */
export function standingOf(
  { role, expires }: Pick<RoleView, 'role' | 'expires'>,
  judged: Instant,
): 'good' | 'warn' | 'bad' {
  if (expires <= judged) return 'bad';
  return (role === 'root' || role === 'targets') && expires - judged < 14 * DAY ? 'warn' : 'good';
}

/** Who vouches for what, as a picture; `trustTable` says the same. `judged`: as of when what expires is judged. */
export function trustPicture(index: string, roles: readonly RoleView[], judged: Instant): Markup {
  const said = roles.map(
    ({ role, signed, threshold, expires }) =>
      `${role}: ${signed} signed, ${threshold} needed, ends ${untilText(expires, judged)}.`,
  );
  return html`<svg viewBox="0 0 316 306" width="316" height="306" role="img" aria-labelledby="picture-${index} picture-${index}-says"><title id="picture-${index}">Who signs ${index}</title><desc id="picture-${index}-says">${said.join(' ')}</desc>
<path class="line" d="M160 76v25M74 126v-25h166v25M240 200v28M146 163h22"/>
${roles.map((each) => box(each, judged))}
<text class="note" x="2" y="226">Root says whose keys</text><text class="note" x="2" y="243">count for the others.</text><circle class="key signed" cx="6" cy="264" r="3"/><text class="note" x="15" y="268">a key that signed</text><circle class="key" cx="6" cy="282" r="3"/><text class="note" x="15" y="286">one that did not</text></svg>`;
}

function box(view: RoleView, judged: Instant): Content {
  const at = BOXES[view.role];
  if (at === undefined) return undefined;
  const { x, y } = at;
  const { role, expires, signed, threshold, keys } = view;
  const how = standingOf(view, judged);
  return html`<g transform="translate(${x} ${y})"><rect class="${how === 'good' ? 'box' : `box is-${how}`}" width="${WIDTH}" height="${HEIGHT}" rx="6"/><text class="name" x="12" y="22">${role}</text>${keys <= DRAWN_KEYS ? dots(signed, keys) : ''}<text x="12" y="43">${signed} of ${keys} signed${signed >= threshold && threshold === keys ? '' : `, ${threshold} needed`}</text><text class="note" x="12" y="61">${how === 'bad' ? 'ended' : 'ends'} ${untilText(expires, judged)}</text></g>`;
}

function dots(signed: number, keys: number): Content {
  return [...Array(keys).keys()].map(
    (at) =>
      html`<circle class="${at < signed ? 'key signed' : 'key'}" cx="${WIDTH - 12 - (keys - 1 - at) * 9}" cy="17" r="3"/>`,
  );
}

/** The same in words. */
export function trustTable(roles: readonly RoleView[], { now, judged }: Readonly<Record<'now' | 'judged', Instant>>) {
  const row = (view: RoleView) => {
    const { role, version, expires, signed, threshold, keys, online, changed } = view;
    const how = standingOf(view, judged);
    const words = { good: 'holds', warn: 'ends soon', bad: 'has ended' }[how];
    return html`<tr><th scope="row">${role}<br><small class="soft">${SAYS[role]}</small></th><td data-of="Signed by">${signed} of ${keys} keys; ${threshold} needed<br><small class="soft">${online ? 'keys on machines that sign day and night' : 'keys not known to be on such machines'}</small></td><td data-of="Holds until">${state(how, words)}<br><small>${time(expires)}, ${untilText(expires, judged)}</small></td><td data-of="Last change">${changed === undefined ? 'before this was noted' : ago(changed, now)}<br><small class="soft">version ${version}</small></td></tr>`;
  };
  return html`<table class="stack"><caption>Who signed what, and for how long</caption><thead><tr><th scope="col">List</th><th scope="col">Signed by</th><th scope="col">Holds until</th><th scope="col">Last change</th></tr></thead><tbody>${roles.map(row)}</tbody></table>`;
}

const STEPS = [
  ['Upstream', 'says what a file is, over TLS'],
  ['First seen', 'its digest is pinned here'],
  ['Each time', 'every byte is held to that'],
] as const;

/** What takes the place of signatures where nobody signs. */
export function unsignedPicture(index: string): Markup {
  return html`<svg viewBox="0 0 316 252" width="316" height="252" role="img" aria-labelledby="picture-${index}"><title id="picture-${index}">How ${index} is believed: upstream's word, a pinned digest, every byte checked</title>
<path class="line" d="M158 60v36M158 156v36"/>
${STEPS.map(([name, says], at) => html`<g transform="translate(2 ${2 + at * 96})"><rect class="box" width="312" height="58" rx="6"/><text class="name" x="14" y="24">${name}</text><text x="14" y="44">${says}</text></g>`)}</svg>`;
}
