import type { Instant } from '../bytes/instant.ts';
import { type Content, html } from './html.ts';
import { time } from './layout.ts';
import { number } from './quantities.ts';

/** What a client was sent of a file in one day. */
export interface SentLine {
  readonly file: string;
  readonly client: string;
  /** Whose credentials it had. */
  readonly reader: string | undefined;
  readonly at: Instant;
  readonly last: Instant;
  readonly count: number;
}

/** Who was sent files of a project: for auditors alone. */
export interface SentView {
  readonly count: number;
  /** The last first; the first of very many. */
  readonly lines: readonly SentLine[];
}

export function sentTable({ count, lines }: SentView, project: string): Content {
  if (count === 0) return html`<h2>Who was sent it</h2><p>Nobody, as far as this mirror's record goes back.</p>`;
  const which = count > lines.length ? `The last ${number(lines.length)} of ${number(count)}` : `All ${number(count)}`;
  return html`<h2>Who was sent it</h2>
<p class="soft">You see this because you are one of <code>pages.auditors</code>. All of it, of all replicas: <code>verbatim who ${project}</code></p>
<table class="stack"><caption>${which}, a line a client, file and day, the last first</caption><thead><tr><th scope="col">File</th><th scope="col">Who</th><th scope="col">When</th></tr></thead><tbody>${lines.map(row)}</tbody></table>`;
}

function row({ file, client, reader, last, count }: SentLine): Content {
  return html`<tr><th scope="row">${file}</th><td data-of="Who">${client}${reader === undefined ? '' : html`<br><small>${reader}</small>`}</td><td data-of="When">${time(last)}${count === 1 ? '' : html`<br><small class="soft">${number(count)} times that day</small>`}</td></tr>`;
}
