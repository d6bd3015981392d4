import { createHash } from 'node:crypto';
import { HTML } from '../../pypi/media-types.ts';
import { html } from '../../web/html.ts';
import { page } from '../../web/layout.ts';
import { STYLE } from '../../web/style.ts';
import type { Answer } from './answers.ts';
import type { FlatHeaders } from './headers.ts';

/** Of every page for people: nothing is loaded, run or framed; the one style is named by its digest, and forms lead back here. */
const POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`,
  'img-src data:',
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ');

export const PAGE_HEADERS: FlatHeaders = ['Content-Type', `${HTML}; charset=UTF-8`, 'Content-Security-Policy', POLICY];

/** What a person reads who opened the address in a browser. */
export function errorPage({ status, phrase, reason, told: [happened, kept, next] }: Answer): string {
  const sections = [
    ['What happened', happened],
    ['What was protected', kept],
    ['What to do', next],
    ['For the operator', reason === undefined ? '' : `Status ${status}, reason ${reason}; docs/trust.md tells of it.`],
  ] as const;
  const body = sections.flatMap(([title, text]) =>
    text === '' ? [] : [html`<section><h2 class="plain">${title}</h2><p>${text}</p></section>\n`],
  );
  const main = html`<h1>${phrase}</h1>\n${body}`;
  return page({ title: phrase, place: { root: undefined }, main }).toString();
}
