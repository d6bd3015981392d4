import { type Event, FLEET_STEPS } from '../../ports/events.ts';
import type { Row } from '../event-row.ts';
import { oneOf } from '../labels.ts';

const SAYS: Readonly<Record<Event<'fleet'>['step'], (event: Event<'fleet'>) => string>> = {
  founded: ({ bytes }) =>
    bytes === 0
      ? 'this mirror founded a fleet, which remembers nothing of this index yet'
      : `this mirror founded a fleet with all that it remembers of this index, ${bytes} bytes of it`,
  joined: ({ entry }) => `this replica joined its fleet at entry ${entry} of the log`,
  jumped: ({ entry }) =>
    `this replica lagged behind what the log still has, and goes on from a snapshot at entry ${entry}`,
  cut: ({ entry, removed }) =>
    `the log of the fleet has a snapshot at entry ${entry}, and ${removed} entries of it went`,
  failed: ({ why = '' }) => `the log of the fleet was not cut, and grows until it is: ${why}`,
};

/** What a replica does with the log of a fleet. */
export const FLEET: Row<Event<'fleet'>> = {
  counter: {
    name: 'verbatim_fleet_steps_total',
    help: 'What this replica did with the log of its fleet: founded or joined it, jumped to a snapshot, cut it, failed to cut it.',
    labels: { index: 'index', step: oneOf(FLEET_STEPS) },
    values: ({ index, step }) => [index, step],
  },
  word: 'fleet',
  level: ({ step }) => (step === 'failed' ? 'warn' : 'info'),
  line: (event) => ({
    message: SAYS[event.step](event),
    fields: { index: event.index, entry: event.entry, bytes: event.bytes },
  }),
};
