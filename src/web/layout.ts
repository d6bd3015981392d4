import { type Instant, instantText, untilText } from '../bytes/instant.ts';
import { type Content, html, type Markup, styleElement } from './html.ts';
import { ICON, STYLE } from './style.ts';

/** Where a page stands among the others. */
export interface Place {
  /** From this page to where the mirror begins, relative, ending in a slash: `./`, `../../`. Undefined where nobody knows. */
  readonly root: string | undefined;
  readonly at?: 'overview' | 'search' | 'events' | 'policy' | 'health' | undefined;
  /** The index that search and events are about; undefined for the one at the root. */
  readonly index?: string | undefined;
}

/** Made when, and by what. */
export interface Made {
  readonly now: Instant;
  readonly version: string;
}

interface PageParts {
  readonly title: string;
  readonly place: Place;
  readonly main: Content;
  readonly made?: Made | undefined;
}

/** A whole page. The style is named by its digest in the page's policy, and so must be the same on each. */
export function page({ title, place, main, made }: PageParts): Markup {
  return html`<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><meta name="robots" content="noindex"><title>${title}</title><link rel="icon" href="${ICON}">${STYLE_ELEMENT}</head>
<body><a class="skip" href="#main">To the content</a>
<header>${navigation(place)}</header>
<main id="main">
${main}
</main>${made === undefined ? '' : foot(made)}
</body></html>
`;
}

const STYLE_ELEMENT = styleElement(STYLE);

function navigation({ root, at, index }: Place): Content {
  if (root === undefined) return html`<span class="mark">Verbatim</span>`;
  const below = index === undefined ? root : `${root}${index}/`;
  const link = (is: NonNullable<Place['at']>, href: string, text: string) =>
    is === at ? html`<a href="${href}" aria-current="page">${text}</a>` : html`<a href="${href}">${text}</a>`;
  return html`<a class="mark" href="${root}">Verbatim</a><nav aria-label="Pages"><a href="${root}">Overview</a> ${link('search', `${below}project/`, 'Projects')} ${link('events', `${below}events`, 'Events')} ${link('policy', `${below}policy`, 'Policy')} ${link('health', `${root}health`, 'Health')}</nav>`;
}

function foot({ now, version }: Made): Content {
  return html`
<footer><p>Made ${time(now)} from what this mirror knows, by Verbatim ${version}. The same as JSON: ask for this address with <code>Accept: application/json</code>.</p></footer>`;
}

/** A moment, in UTC. */
export function time(at: Instant): Markup {
  const text = instantText(at);
  return html`<time datetime="${text}">${text.replace('T', ' ').replace('Z', ' UTC')}</time>`;
}

/** `3 minutes ago`, with the moment behind it for machines and whoever hovers. */
export function ago(at: Instant, now: Instant): Markup {
  const text = instantText(at);
  return html`<time datetime="${text}" title="${text}">${untilText(at, now)}</time>`;
}

/** In the colour that means it, and in a word. */
export function state(how: 'good' | 'warn' | 'bad', word: Content): Markup {
  return html`<span class="state ${how}">${word}</span>`;
}
