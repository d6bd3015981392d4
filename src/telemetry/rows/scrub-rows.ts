import { FETCHED_AGAIN } from '../../ports/blobs.ts';
import type { Event } from '../../ports/events.ts';
import type { Row } from '../event-row.ts';
import { oneOf } from '../labels.ts';

/** Everything that is stored is read again, round after round. */
export const SCRUB_EVENTS: {
  readonly scrubbed: Row<Event<'scrubbed'>>;
  readonly fetchedAgain: Row<Event<'fetchedAgain'>>;
} = {
  scrubbed: {
    counter: {
      name: 'verbatim_scrub_rounds_total',
      help: 'Rounds in which everything on disk was read again that came to their end, by whether something was damaged.',
      labels: { result: oneOf(['whole', 'damaged']) },
      values: ({ damaged }) => [damaged > 0 ? 'damaged' : 'whole'],
    },
    word: 'scrubbed',
    level: ({ damaged }) => (damaged > 0 ? 'warn' : 'info'),
    line: ({ files, bytes, damaged, seconds }) => ({
      message:
        damaged > 0
          ? `everything on disk was read again: ${damaged} files were damaged, and were set aside`
          : 'everything on disk was read again: every file is what it was',
      fields: { files, bytes, damaged, seconds },
    }),
  },
  fetchedAgain: {
    counter: {
      name: 'verbatim_scrub_fetched_again_total',
      help: 'Damaged files by what came of fetching them again: fetched, failed, not asked for (offline), or of no known name (unknown).',
      labels: { result: oneOf(FETCHED_AGAIN) },
      values: ({ result }) => [result],
    },
    word: 'fetched-again',
    level: ({ result }) => (result === 'fetched' ? 'info' : 'warn'),
    line: ({ index, project, file, sha256, result, why }) => ({
      message: {
        fetched: 'a damaged file was fetched and proved again',
        failed: `a damaged file could not be fetched again: ${why}`,
        offline: 'a damaged file is not fetched again: upstream is not asked (offline, import)',
        unknown: 'a damaged file is not fetched again: no project is known to have it',
      }[result],
      fields: { index, project, file, sha256, result },
    }),
  },
};
