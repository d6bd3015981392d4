import type { PeoplePages } from '../../src/http/routes/people.ts';
import { html } from '../../src/web/html.ts';
import { page } from '../../src/web/layout.ts';
import { makeShown } from '../../src/web/shown.ts';

/** Pages that say which they are, and what of. */
export const STILL_PEOPLE: PeoplePages = {
  overview: async (root, index) => shown('overview', { root, index }),
  project: async (asked) => shown('project', asked),
  why: async (asked) => shown('why', asked),
  events: async (asked) => shown('events', asked),
  search: async (asked) => shown('search', asked),
  policy: async (asked) => shown('policy', asked),
  health: async (root) => shown('health', { root }),
};

function shown(what: string, about: object) {
  return makeShown({ what, ...about }, page({ title: what, place: { root: undefined }, main: html`<h1>${what}</h1>` }));
}
