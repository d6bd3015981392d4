import { type Event, ROOMS } from '../../ports/events.ts';
import type { Row } from '../event-row.ts';
import { oneOf } from '../labels.ts';

const ROOM_SAYS: Readonly<Record<Event<'stateRoom'>['room'], string>> = {
  ample: 'the state of this index has room again',
  crowded:
    'the state of this index comes near its limit (cache.state_bytes): pages that nobody has used for longest are let go, and what the next ones are held to stays',
  full: 'the state of this index is full (cache.state_bytes), and nothing is left that can be had again: projects that nobody asked for before are refused; see who asks for so many (verbatim who)',
};

/** What is told of the room that the state of an index takes. */
export const ROOM_EVENTS: { readonly [N in 'letGo' | 'stateRoom']: Row<Event<N>> } = {
  letGo: {
    counter: {
      name: 'verbatim_pages_let_go_total',
      help: 'Pages let go to make room in the state of an index; what the next ones are held to stays.',
      labels: { index: 'index' },
      values: ({ index }) => [index],
    },
    word: 'let-go',
    level: () => 'debug',
    line: ({ index, project }) => ({
      message: `the page of ${project} was let go to make room; what the next one is held to stays`,
      fields: { index, name: project },
    }),
  },
  stateRoom: {
    counter: {
      name: 'verbatim_state_room_changes_total',
      help: 'Times the state of an index began to let pages go (crowded), had none left to let go (full), or had room again (ample).',
      labels: { index: 'index', room: oneOf(ROOMS) },
      values: ({ index, room }) => [index, room],
    },
    word: 'state-room',
    level: ({ room }) => (room === 'ample' ? 'info' : 'warn'),
    line: ({ index, room, bytes, limit }) => ({ message: ROOM_SAYS[room], fields: { index, bytes, limit } }),
  },
};
