import { type Content, html } from './html.ts';
import { state } from './layout.ts';

/** Something that is not well, and what to do about it. `bad`: something is not served. */
export interface Trouble {
  readonly what: string;
  readonly index: string;
  readonly level: 'warn' | 'bad';
  readonly says: string;
  readonly next: string;
}

export function troubleBox({ level, index, says, next }: Omit<Trouble, 'what'>): Content {
  return html`<div class="to-do${level === 'bad' ? ' is-bad' : ''}"><p>${state(level, level === 'bad' ? 'Not served' : 'Look')} ${index === '' ? '' : html`<b>${index}</b>: `}${says}</p><p><b>What to do:</b> ${next}</p></div>`;
}
