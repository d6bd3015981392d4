import { expect, it } from 'vitest';
import { activityView } from '../../../src/app/web/activity-view.ts';
import { activityCharts } from '../../../src/web/activity.ts';
import { html } from '../../../src/web/html.ts';

const HOUR = 3600;
const hour = (at: number, here: number, more = {}) => ({
  at,
  here,
  upstream: 0,
  answered: 0,
  failed: 0,
  refused: 0,
  ...more,
});
const drawn = (view: Parameters<typeof activityCharts>[0]) => html`${activityCharts(view)}`.toString();

it('is steps of time without a gap, up to the one that is not over', () => {
  const now = 100 * HOUR + 1800;
  const hours = [hour(2 * HOUR, 9), hour(98 * HOUR, 1), hour(100 * HOUR, 2, { refused: 3 })];
  const view = activityView(hours, now, { steps: 3, hours: 1 });
  expect(view.steps).toMatchObject([
    { at: 98 * HOUR, here: 1 },
    { at: 99 * HOUR, here: 0 },
    { at: 100 * HOUR, here: 2, refused: 3 },
  ]);
  expect(view).toMatchObject({ step: HOUR, since: 2 * HOUR });
  expect(activityView(hours, now, { steps: 2, hours: 6 }).steps).toMatchObject([
    { at: 90 * HOUR, here: 0 },
    { at: 96 * HOUR, here: 3 },
  ]);
});

it('is drawn to scale, one upon the other, and says the same in words and in a table', () => {
  const now = 2 * HOUR;
  const hours = [hour(HOUR, 60, { upstream: 20 }), hour(2 * HOUR, 20)];
  const text = drawn(activityView(hours, now, { steps: 2, hours: 1 }));
  const [held, fetched] = [...text.matchAll(/<path class="bar (?:full|open)" d="([^"]*)"/g)].map(([, path]) => path);
  // 80 is the whole height of 80: 60 of it, and 20 of it on top; then 20.
  expect(held).toBe('M1 124V64h156V124zM159 124V104h156V124z');
  expect(fetched).toBe('M1 64V44h156V64z');
  expect(text).toContain('80 held here, 20 fetched first; at most 80 in one bar.');
  expect(text).toMatch(/<caption>.*<th scope="row">1970-01-01 02:00<\/th><td data-of="Held here">20</s);
});

it('where nothing is on record, nothing is drawn', () => {
  expect(drawn(activityView([], 5, { steps: 2, hours: 1 }))).toBe('<p class="soft">Nothing is on record yet.</p>');
});
