import type { Event } from '../../ports/events.ts';
import type { Row } from '../event-row.ts';
import { oneOf } from '../labels.ts';

/** An upstream that is waited for no longer, where something older is held. */
export const SILENCE: Row<Event<'silence'>> = {
  counter: {
    name: 'verbatim_upstream_silence_total',
    help: 'Times an upstream that did not answer in time began to be waited for no longer (silent), and times it answered again (answers).',
    labels: { index: 'index', state: oneOf(['silent', 'answers']) },
    values: ({ index, silent }) => [index, silent ? 'silent' : 'answers'],
  },
  word: 'upstream',
  level: ({ silent }) => (silent ? 'warn' : 'info'),
  line: ({ index, silent }) => ({
    message: silent
      ? 'upstream does not answer in time: what is held is served without waiting for it, and one request at a time looks whether it is back'
      : 'upstream answers again',
    fields: { index },
  }),
};

/** A host of it that is, where nothing is. */
export const HOST_SILENCE: Row<Event<'hostSilence'>> = {
  counter: {
    name: 'verbatim_upstream_host_silence_total',
    help: 'Times a host of an upstream began to be asked by one request at a time, because one waited for it in vain (silent), and times it answered again (answers).',
    labels: { index: 'index', state: oneOf(['silent', 'answers']) },
    values: ({ index, silent }) => [index, silent ? 'silent' : 'answers'],
  },
  word: 'upstream-host',
  level: ({ silent }) => (silent ? 'warn' : 'info'),
  line: ({ index, host, silent }) => ({
    message: silent
      ? `${host} does not answer in time: what is not held is refused at once, and one request at a time looks whether it is back (timeouts)`
      : `${host} answers again`,
    fields: { index, host },
  }),
};
