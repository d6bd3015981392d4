import type { Event } from '../../ports/events.ts';
import type { Row } from '../event-row.ts';
import { oneOf } from '../labels.ts';

/** One of several processes behind one port. */
export const WORKER: Row<Event<'worker'>> = {
  counter: {
    name: 'verbatim_worker_changes_total',
    help: 'Times one of the processes behind one port began to answer (answers), or ended without being asked to (ended).',
    labels: { state: oneOf(['answers', 'ended']) },
    values: ({ ended }) => [ended === undefined ? 'answers' : 'ended'],
  },
  word: 'worker',
  level: ({ ended }) => (ended === undefined ? 'info' : 'error'),
  line: ({ worker, pid, ended }) => ({
    message:
      ended === undefined
        ? `worker ${worker} answers`
        : `worker ${worker} ended ${ended.why}; it is replaced ${ended.again === 0 ? 'at once' : `in ${ended.again / 1000} seconds`}`,
    fields: { worker, pid },
  }),
};
