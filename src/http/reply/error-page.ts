import { createHash } from 'node:crypto';
import { HTML } from '../../pypi/media-types.ts';
import { escapeHtml } from '../../render/render-html.ts';
import type { Answer } from './answers.ts';
import type { FlatHeaders } from './headers.ts';

const STYLE =
  'body{font:1.1em/1.5 sans-serif;max-width:40em;margin:3em auto;padding:0 1em}h1{font-size:1.4em}h2{font-size:1em;margin:1.5em 0 0}p{margin:0;overflow-wrap:anywhere}';

/** Nothing is loaded, run, sent or framed; the one style is named by its digest. */
const POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`,
  "base-uri 'none'",
  "form-action 'none'",
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
    text === '' ? [] : `<section><h2>${title}</h2><p>${escapeHtml(text)}</p></section>`,
  );
  const title = escapeHtml(phrase);
  return `<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>${title}</title><style>${STYLE}</style></head>
<body><h1>${title}</h1>
${body.join('\n')}
</body></html>
`;
}
