import { type Event, QUEUES } from '../../ports/events.ts';
import type { Row } from '../event-row.ts';
import { oneOf } from '../labels.ts';

/** What there is no room for. */
export const QUEUE_EVENTS: { readonly [N in 'crowded' | 'queued']: Row<Event<N>> } = {
  crowded: {
    counter: {
      name: 'verbatim_connections_crowded_total',
      help: 'Times connections began to be refused or closed for others (full), and times there was room again (room).',
      labels: { state: oneOf(['full', 'room']) },
      values: ({ full }) => [full ? 'full' : 'room'],
    },
    word: 'crowded',
    level: ({ full }) => (full ? 'warn' : 'info'),
    line: (event) =>
      event.full
        ? {
            message: `connections are refused, or closed for others where they are idle: ${event.limit} is the limit (server.max_connections), and ${event.party} has ${event.held}`,
            fields: { limit: event.limit, party: event.party, held: event.held },
          }
        : { message: 'there is room for connections again', fields: {} },
  },
  queued: {
    counter: {
      name: 'verbatim_queue_changes_total',
      help: 'Times a queue began to refuse callers (full), or had room again (room).',
      labels: { index: 'index', queue: oneOf(QUEUES), state: oneOf(['full', 'room']) },
      values: ({ index, queue, largest }) => [index, queue, largest === undefined ? 'room' : 'full'],
    },
    word: 'queue',
    level: ({ largest }) => (largest === undefined ? 'info' : 'warn'),
    line: ({ index, queue, largest }) => ({
      message:
        largest === undefined
          ? `the queue ${queue} has room again`
          : `the queue ${queue} is full, and refuses callers: see "Who waits for what" in docs/operating.md`,
      fields: {
        index: index === '' ? largest?.index : index,
        queue,
        party: largest?.party,
        busy: largest?.busy,
        waiting: largest?.waiting,
      },
    }),
  },
};
