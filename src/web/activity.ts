import type { Instant } from '../bytes/instant.ts';
import { instantText } from '../bytes/instant.ts';
import { type Content, html, type Markup } from './html.ts';
import { time } from './layout.ts';
import { number } from './quantities.ts';

/** What happened in one step of time. */
export interface StepView {
  /** When it began. */
  readonly at: Instant;
  /** Answers with what was held here, and with what upstream was asked for. */
  readonly here: number;
  readonly upstream: number;
  /** Requests to upstream: answered, and those that nothing came of. */
  readonly answered: number;
  readonly failed: number;
  /** Things that were not what was promised. */
  readonly refused: number;
}

export interface ActivityView {
  /** Seconds of one step. */
  readonly step: number;
  /** Oldest first, without a gap; the last is not over yet. */
  readonly steps: readonly StepView[];
  /** The first time that is on record; undefined where nothing is. */
  readonly since: Instant | undefined;
}

type Series = 'here' | 'upstream' | 'answered' | 'failed' | 'refused';

interface Chart {
  readonly id: string;
  readonly title: string;
  /** The lowest first; each with its look and what it is called. */
  readonly series: readonly (readonly [key: Series, look: 'full' | 'open' | 'bad', name: string])[];
}

const CHARTS: readonly Chart[] = [
  {
    id: 'answers',
    title: 'Answers to installers',
    series: [
      ['here', 'full', 'held here'],
      ['upstream', 'open', 'fetched first'],
    ],
  },
  {
    id: 'asked',
    title: 'Upstream, when asked',
    series: [
      ['answered', 'open', 'answered'],
      ['failed', 'bad', 'did not'],
    ],
  },
  { id: 'refused', title: 'Refused: not what was promised', series: [['refused', 'bad', 'refused']] },
];

/** Pictures of what happened, and the numbers in a table. */
export function activityCharts({ step, steps, since }: ActivityView): Content {
  if (since === undefined) return html`<p class="soft">Nothing is on record yet.</p>`;
  const hours = step / 3600;
  const each = hours === 1 ? 'hour' : `${hours} hours`;
  return html`<div class="charts">${CHARTS.map((chart) => picture(chart, steps))}</div>
<p class="soft small">A bar is ${each === 'hour' ? 'an hour' : each}, of UTC; the last is not over. Counted by all processes of this mirror, some minutes late; on record since ${time(since)}.</p>
<details><summary>The numbers</summary><table class="stack"><caption>What happened, the newest first</caption><thead><tr><th scope="col">From</th><th scope="col">Held here</th><th scope="col">Fetched first</th><th scope="col">Upstream answered</th><th scope="col">Upstream did not</th><th scope="col">Refused</th></tr></thead><tbody>${steps.toReversed().map(row)}</tbody></table></details>`;
}

function row({ at, here, upstream, answered, failed, refused }: StepView): Content {
  return html`<tr><th scope="row">${instantText(at).slice(0, 16).replace('T', ' ')}</th><td data-of="Held here">${number(here)}</td><td data-of="Fetched first">${number(upstream)}</td><td data-of="Upstream answered">${number(answered)}</td><td data-of="Upstream did not">${number(failed)}</td><td data-of="Refused">${number(refused)}</td></tr>`;
}

const [WIDTH, TOP, BOTTOM] = [316, 44, 124];

function picture({ id, title, series }: Chart, steps: readonly StepView[]): Markup {
  const totals = steps.map((each) => series.reduce((sum, [key]) => sum + each[key], 0));
  const most = Math.max(1, ...totals);
  const sums = series.map(([key, , name]) => `${number(steps.reduce((sum, each) => sum + each[key], 0))} ${name}`);
  const room = WIDTH / steps.length;
  const below = steps.map(() => 0);
  const bars = series.map(([key, look]) => {
    const path = steps.map((each, at) => {
      const from = below[at] ?? 0;
      const to = from + each[key];
      below[at] = to;
      if (to === from) return '';
      const [low, high] = [yOf(from, most), yOf(to, most)];
      return `M${round(at * room + 1)} ${low}V${Math.min(high, low - 1)}h${round(room - 2)}V${low}z`;
    });
    return html`<path class="bar ${look}" d="${path.join('')}"/>`;
  });
  return html`<svg viewBox="0 0 316 146" width="316" height="146" role="img" aria-labelledby="chart-${id} chart-${id}-says"><title id="chart-${id}">${title}</title><desc id="chart-${id}-says">${sums.join(', ')}; at most ${number(Math.max(0, ...totals))} in one bar.</desc><text class="name" x="0" y="14">${title}</text>${legend(series, sums)}${bars}<path class="line" d="M0 ${BOTTOM}.5h${WIDTH}"/><text class="note" x="0" y="140">${instantText(
    steps[0]?.at ?? 0,
  )
    .slice(5, 16)
    .replace(
      'T',
      ' ',
    )}</text><text class="note" x="316" y="140" text-anchor="end">now; the tallest bar is ${number(Math.max(0, ...totals))}</text></svg>`;
}

function legend(series: Chart['series'], sums: readonly string[]): Content {
  return series.map(
    ([, look], at) =>
      html`<rect class="bar ${look}" x="${at * 158 + 0.5}" y="22.5" width="9" height="9"/><text class="note" x="${at * 158 + 15}" y="31">${sums[at]}</text>`,
  );
}

function yOf(value: number, most: number): number {
  return round(BOTTOM - (value / most) * (BOTTOM - TOP));
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
