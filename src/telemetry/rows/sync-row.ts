import { type Event, SYNC_RESULTS } from '../../ports/events.ts';
import type { Row } from '../event-row.ts';
import { oneOf } from '../labels.ts';

/** A sync that the configuration has a schedule for came to its end. */
export const SYNCED: Row<Event<'synced'>> = {
  counter: {
    name: 'verbatim_syncs_total',
    help: 'Syncs by schedule that ended: everything held (whole), something missing or refused (missing), failed, or done by another replica (elsewhere).',
    labels: { index: 'index', result: oneOf(SYNC_RESULTS) },
    values: ({ index, result }) => [index, result],
  },
  word: 'synced',
  level: ({ result }) => (result === 'whole' ? 'info' : result === 'elsewhere' ? 'debug' : 'warn'),
  line: ({ index, job, result, seconds, fetched, bytes, notAsked, missing, refused, why }) => ({
    message:
      result === 'whole'
        ? `the sync ${job} holds all that it was asked for`
        : result === 'elsewhere'
          ? `the sync ${job} is done by another replica`
          : result === 'failed'
            ? `the sync ${job} failed`
            : `the sync ${job} lacks something: ${why}`,
    fields: { index, job, result, seconds: Math.round(seconds), fetched, bytes, notAsked, missing, refused },
  }),
};
