import { type Event, HEARD_OF, LEASE_RESULTS, PEER_ANSWERS, PEER_RESULTS } from '../../ports/events.ts';
import { HEARD_RESULTS, REDIS_COMMANDS, REDIS_OUTCOMES } from '../../ports/newest.ts';
import type { Row } from '../event-row.ts';
import { oneOf } from '../labels.ts';

type Name = 'redis' | 'askedRedis' | 'leased' | 'heard' | 'peered' | 'peerAsked';

/** What replicas share by Redis. */
export const REDIS_EVENTS: { readonly [N in Name]: Row<Event<N>> } = {
  redis: {
    counter: {
      name: 'verbatim_redis_changes_total',
      help: 'Times Redis went away (away), or was there again (up).',
      labels: { state: oneOf(['up', 'away']) },
      values: ({ up }) => [up ? 'up' : 'away'],
    },
    word: 'redis',
    level: ({ up }) => (up ? 'info' : 'warn'),
    line: (event) => ({
      message: event.up
        ? 'Redis is there: replicas share what they have made'
        : `Redis is away: ${event.why}. Each replica works alone until it is there; nothing else is lost`,
      fields: {},
    }),
  },
  askedRedis: {
    counter: {
      name: 'verbatim_redis_commands_total',
      help: 'Commands for Redis, by outcome: answered, refused (an error reply), unknown (no answer came), away (not sent).',
      labels: { command: oneOf(REDIS_COMMANDS), outcome: oneOf(REDIS_OUTCOMES) },
      values: ({ command, outcome }) => [command, outcome],
    },
    word: 'redis-command',
    level: () => undefined,
    line: ({ command, outcome }) => ({ message: `${command}: ${outcome}`, fields: {} }),
  },
  leased: {
    counter: {
      name: 'verbatim_lease_total',
      help: 'Downloads that replicas were asked about first: granted, elsewhere (another downloads it), alone (nothing could say), lost.',
      labels: { result: oneOf(LEASE_RESULTS) },
      values: ({ result }) => [result],
    },
    word: 'lease',
    level: () => undefined,
    line: ({ result }) => ({ message: `lease: ${result}`, fields: {} }),
  },
  peered: {
    counter: {
      name: 'verbatim_peer_files_total',
      help: 'Times another replica was asked for a file, by result: proved (here), absent (there), wrong (other bytes came), failed.',
      labels: { result: oneOf(PEER_RESULTS) },
      values: ({ result }) => [result],
    },
    word: 'peer',
    // Which one, and why, a condition says, once a change.
    level: () => undefined,
    line: ({ result }) => ({ message: `another replica was asked for a file: ${result}`, fields: {} }),
  },
  peerAsked: {
    counter: {
      name: 'verbatim_peer_answers_total',
      help: 'Files that other replicas asked for here: sent, absent, refused (no word under our seal key, or not of this minute).',
      labels: { result: oneOf(PEER_ANSWERS) },
      values: ({ result }) => [result],
    },
    word: 'peer-asked',
    level: () => undefined,
    line: ({ result }) => ({ message: `another replica asked for a file: ${result}`, fields: {} }),
  },
  heard: {
    counter: {
      name: 'verbatim_heard_total',
      help: 'Timestamps and pages that another replica believes, by result: newer (believed here from now on), known, older, unproved, unusable (now).',
      labels: { index: 'index', what: oneOf(HEARD_OF), result: oneOf(HEARD_RESULTS) },
      values: ({ index, what, result }) => [index, what, result],
    },
    word: 'heard',
    level: ({ result }) => (result === 'unproved' ? 'warn' : undefined),
    line: ({ index, what, result }) => ({
      message: `a ${what} that Redis gave as another replica's is ${result}`,
      fields: { index },
    }),
  },
};
