import type { Event } from '../../ports/events.ts';
import { GONE_KINDS } from '../../ports/records.ts';
import type { Row } from '../event-row.ts';
import { oneOf } from '../labels.ts';

const SERVED_ON = 'out of pages, and what is held is served on by its address (removed: serve)';

/** What upstream takes away is gone here, and what is held is asked about again. */
export const GONE_EVENTS: { readonly gone: Row<Event<'gone'>>; readonly lookedThrough: Row<Event<'lookedThrough'>> } = {
  gone: {
    counter: {
      name: 'verbatim_gone_total',
      help: 'What is served no longer because upstream took it away: a project, files of one, or a project that it quarantined.',
      labels: { index: 'index', kind: oneOf(GONE_KINDS) },
      values: ({ index, kind }) => [index, kind],
    },
    word: 'gone',
    level: () => 'warn',
    line: ({ index, project, kind, files, seconds, servedOn }) => ({
      message: `${
        {
          project: `upstream has the project no longer: ${servedOn ? SERVED_ON : 'nothing of it is served'}`,
          files: `upstream lists ${files === 1 ? 'a file' : `${files} files`} no longer: ${servedOn ? SERVED_ON : 'not served any more'}`,
          quarantined: 'upstream has quarantined the project: nothing of it is served',
        }[kind]
      }, at most ${seconds} s after it was taken away`,
      fields: { index, name: project, kind, files, seconds },
    }),
  },
  lookedThrough: {
    counter: {
      name: 'verbatim_held_rounds_total',
      help: 'Rounds of asking upstream about each page that is held, by whether it answered about all of them.',
      labels: { index: 'index', result: oneOf(['whole', 'failed']) },
      values: ({ index, failed }) => [index, failed > 0 ? 'failed' : 'whole'],
    },
    word: 'looked-through',
    level: ({ failed }) => (failed > 0 ? 'warn' : 'debug'),
    line: ({ index, asked, failed, seconds, why }) => ({
      message:
        failed > 0
          ? `upstream did not answer about ${failed} of ${asked} pages that are held: what it took away of them is not known (${why})`
          : 'upstream was asked about what is held and nobody asked for',
      fields: { index, asked, failed, seconds: Math.round(seconds) },
    }),
  },
};
