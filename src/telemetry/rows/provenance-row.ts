import type { Event } from '../../ports/events.ts';
import { PROVENANCE_RESULTS } from '../../ports/provenance/told.ts';
import type { Row } from '../event-row.ts';
import { oneOf } from '../labels.ts';

const SAYS = {
  verified: 'it is verified who published a file',
  refused: 'the provenance of a file is wrong',
  unchecked: 'who published a file cannot be checked here',
  unavailable: 'a file announces provenance that cannot be had',
} as const;

/** Provenance of a file was judged. */
export const PROVENANCE: Row<Event<'provenance'>> = {
  counter: {
    name: 'verbatim_provenance_total',
    help: 'Files whose provenance (PEP 740) was judged, by what came of it: verified, refused (wrong), unchecked (cannot be checked here), unavailable (announced, and not to be had).',
    labels: { index: 'index', result: oneOf(PROVENANCE_RESULTS) },
    values: ({ index, result }) => [index, result],
  },
  word: 'provenance',
  level: ({ result }) => (result === 'verified' ? 'debug' : result === 'unchecked' ? 'info' : 'warn'),
  line: ({ index, project, file, result, why }) => ({
    message: `${SAYS[result]}: ${why}`,
    fields: { index, name: file, project, result },
  }),
};
