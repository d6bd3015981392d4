import { HOST_CLASSES, UPSTREAM_OUTCOMES } from '../../ports/asked-upstream.ts';
import { EVENT_KINDS, type Event } from '../../ports/events.ts';
import type { Row } from '../event-row.ts';
import { oneOf } from '../labels.ts';

/** One request to an upstream, a redirect's or a repeated one too. */
export const ASKED_UPSTREAM: Row<Event<'askedUpstream'>> = {
  counter: {
    name: 'verbatim_upstream_requests_total',
    help: 'Requests to upstream, by class of host and by what came of them: answered (below 500), busy (429, 503), error (other 5xx), slow, unreachable, refused (an answer that is none), left (nobody waited any more).',
    labels: { index: 'index', host: oneOf(HOST_CLASSES), outcome: oneOf(UPSTREAM_OUTCOMES) },
    values: ({ index, host, outcome }) => [index, host, outcome],
  },
  word: 'upstream-request',
  level: () => undefined,
  line: ({ index, host, outcome, seconds }) => ({
    message: `upstream was asked: ${outcome}`,
    fields: { index, host, outcome, seconds },
  }),
};

/** What the records keep of upstream (`verbatim events`). */
export const CHANGED: Row<Event<'changed'>> = {
  counter: {
    name: 'verbatim_events_total',
    help: 'Lines of `verbatim events`: what upstream took away or changed, what of that was refused, and what an operator accepted, by kind.',
    labels: { index: 'index', kind: oneOf(EVENT_KINDS) },
    values: ({ index, kind }) => [index, kind],
  },
  word: 'event',
  level: () => undefined,
  line: ({ index, kind, project }) => ({ message: `upstream: ${kind}`, fields: { index, kind, name: project } }),
};
