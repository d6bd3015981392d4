import { REASONS, SECURITY_REASONS, SUBJECTS } from '../bytes/refusal.ts';
import { CACHE_RESULTS, CACHE_TIERS } from '../ports/byte-cache.ts';
import { CONDITIONS } from '../ports/conditions.ts';
import {
  type Event,
  type EventName,
  FAULT_PLACES,
  LOOK_KINDS,
  LOOK_RESULTS,
  METHODS,
  ORIGINS,
  REFRESH_RESULTS,
  ROUTES,
  SERVED_FROM,
  SERVED_KINDS,
  SIGHT_RESULTS,
  STALE_STATES,
} from '../ports/events.ts';
import { byManifestText, firstSightText, hintsText, leftOutText, outOfReachText } from '../ports/left-out.ts';
import type { Row } from './event-row.ts';
import { oneOf, statusOf } from './labels.ts';
import { FLEET } from './rows/fleet-row.ts';
import { GONE_EVENTS } from './rows/gone-rows.ts';
import { PROVENANCE } from './rows/provenance-row.ts';
import { QUEUE_EVENTS } from './rows/queue-events.ts';
import { REDIS_EVENTS } from './rows/redis-events.ts';
import { ROOM_EVENTS } from './rows/room-events.ts';
import { RULED } from './rows/ruled-row.ts';
import { SCRUB_EVENTS } from './rows/scrub-rows.ts';
import { HOST_SILENCE, SILENCE } from './rows/silence-rows.ts';
import { SYNCED } from './rows/sync-row.ts';
import { ASKED_UPSTREAM, CHANGED } from './rows/upstream-rows.ts';
import { WORKER } from './rows/worker-row.ts';

type Table = { readonly [N in EventName]: Row<Event<N>> };

/** To the millisecond. */
const rounded = (seconds: number) => Math.round(seconds * 1000) / 1000;
/** Not absence, which clients ask about all day. */
const isFailure = (status: number) => status >= 500 || status === 403;
const textOf = (error: unknown) => (error instanceof Error ? (error.stack ?? error.message) : String(error));

/** Every event there is: its counter, its word, its level and its line. */
export const EVENTS: Table = {
  fleet: FLEET,
  rejected: {
    counter: {
      name: 'verbatim_rejected_total',
      help: 'Bytes, requests and state refused, by reason (docs/trust.md), by what was refused, and by where it came from.',
      labels: { index: 'index', reason: oneOf(REASONS), subject: oneOf(SUBJECTS), at: oneOf(ORIGINS) },
      // What somebody is woken for; every other has its series from its first on.
      zeros: {
        reason: SECURITY_REASONS,
        subject: SUBJECTS.filter((subject) => subject !== 'request'),
        at: ['upstream', 'disk'],
      },
      values: ({ index, reason, subject, at }) => [index, reason, subject, at],
    },
    word: 'rejected',
    // What a client asked for amiss is its own affair; what upstream or the disk handed us is the operator's.
    level: ({ at }) => (at === 'client' ? 'info' : 'warn'),
    line: ({ index, reason, subject, thing, message, at }) => ({
      message: `refused: ${message}`,
      fields: { index, reason, subject, name: thing, at },
    }),
  },
  served: {
    counter: {
      name: 'verbatim_served_total',
      help: 'Proved answers, each counted once, by kind and by where they came from; first-sight for files of that evidence.',
      labels: { index: 'index', kind: oneOf(SERVED_KINDS), how: oneOf(SERVED_FROM) },
      values: ({ index, kind, how }) => [index, kind, how],
    },
    word: 'served',
    level: () => undefined,
    line: ({ index, kind, how }) => ({ message: `served: ${kind}`, fields: { index, how } }),
  },
  askedUpstream: ASKED_UPSTREAM,
  changed: CHANGED,
  provenance: PROVENANCE,
  stale: {
    counter: {
      name: 'verbatim_stale_changes_total',
      help: 'Documents that begin to stand in for what upstream would say, because it is away or what it said was refused, or no longer do (over).',
      labels: { index: 'index', state: oneOf(STALE_STATES) },
      values: ({ index, state }) => [index, state],
    },
    word: 'stale',
    level: ({ state }) => (state === 'over' ? 'info' : 'warn'),
    line: ({ index, state, thing, message }) => ({ message, fields: { index, state, name: thing } }),
  },
  stoodIn: {
    counter: {
      name: 'verbatim_stood_in_total',
      help: 'Answers with something older than it may be while upstream answers, by kind.',
      labels: { index: 'index', kind: oneOf(SERVED_KINDS) },
      values: ({ index, kind }) => [index, kind],
    },
    word: 'stood-in',
    level: () => undefined,
    line: ({ index, kind }) => ({ message: `something older stood in: ${kind}`, fields: { index } }),
  },
  silence: SILENCE,
  hostSilence: HOST_SILENCE,
  cached: {
    counter: {
      name: 'verbatim_byte_cache_total',
      help: 'Times a byte cache was asked for what memory did not have: hit, or a miss: miss, refused (no seal of this mirror, or no proof), failed, late, resting (late a moment ago, not asked).',
      labels: { index: 'index', tier: oneOf(CACHE_TIERS), result: oneOf(CACHE_RESULTS) },
      values: ({ index, tier, result }) => [index, tier, result],
    },
    word: 'byte-cache',
    // It is asked no more after it was late, until the rest is over: that line says it.
    level: ({ result }) => (result === 'refused' || result === 'failed' || result === 'late' ? 'warn' : undefined),
    line: ({ index, tier, result }) => ({
      message:
        result === 'refused'
          ? `the ${tier} cache gave bytes that this mirror did not seal; they were thrown away and made anew`
          : `the ${tier} cache ${result === 'late' ? 'did not answer in time' : 'failed'}; what it was asked for is made anew`,
      fields: { index, tier, result },
    }),
  },
  ...REDIS_EVENTS,
  refreshed: {
    counter: {
      name: 'verbatim_refresh_total',
      help: 'Rounds of asking upstream, by result: walks of the signed metadata, or looks at a page.',
      labels: { index: 'index', result: oneOf(REFRESH_RESULTS) },
      values: ({ index, result }) => [index, result],
    },
    word: 'refreshed',
    level: ({ result }) => (result === 'failed' ? 'warn' : result === 'changed' ? 'info' : 'debug'),
    line: ({ index, result, seconds, versions }) => ({
      message:
        result === 'failed'
          ? 'a refresh failed; what was proved before is served as long as it may be'
          : `refreshed: ${result}`,
      fields: { index, result, seconds: rounded(seconds), timestamp: versions?.get('timestamp') },
    }),
  },
  leftOut: {
    counter: {
      name: 'verbatim_left_out_changes_total',
      help: 'Times the files that a project page leaves out became others.',
      labels: { index: 'index' },
      values: ({ index }) => [index],
    },
    word: 'left-out',
    level: ({ leftOut, outOfReach }) => (leftOut.size === 0 && outOfReach.size === 0 ? 'info' : 'warn'),
    line: ({ index, project, leftOut, firstSight, byManifest, outOfReach }) => ({
      message: [
        leftOut.size === 0
          ? `nothing is left out of the page of ${project}.`
          : `left out of the page of ${project}: ${leftOutText(leftOut)}. ${hintsText(leftOut)}`,
        firstSight === 0 ? [] : `${firstSightText(firstSight)}.`,
        byManifest === 0 ? [] : `${byManifestText(byManifest)}.`,
        [...outOfReach].map(([host, files]) => `${outOfReachText(host, files)}.`),
      ]
        .flat()
        .join(' '),
      fields: {
        index,
        name: project,
        ...Object.fromEntries(leftOut),
        'first-sight': firstSight,
        ...(byManifest === 0 ? {} : { 'by-manifest': byManifest }),
        'out-of-reach': [...outOfReach.values()].reduce((sum, files) => sum + files, 0),
      },
    }),
  },
  sighted: {
    counter: {
      name: 'verbatim_first_sight_total',
      help: 'Files that nobody states a digest of, looked into when they were first asked for.',
      labels: { index: 'index', result: oneOf(SIGHT_RESULTS) },
      values: ({ index, result }) => [index, result],
    },
    word: 'first-sight',
    level: () => 'info',
    line: ({ index, project, file, result, sha256 }) => ({
      message:
        result === 'pinned'
          ? `${file} was seen for the first time, without a digest of upstream's; it is held to these bytes from now on`
          : `${file} was not believed at first sight`,
      fields: { index, name: project, file, result, sha256 },
    }),
  },
  lookedAhead: {
    counter: {
      name: 'verbatim_look_ahead_total',
      help: 'Looks at what no client had asked for yet: fetched (looked), then asked for (used) or not within ten minutes (wasted); not there (absent), failed, given up for a client (gave-way), or without a budget (over-budget).',
      labels: { index: 'index', kind: oneOf(LOOK_KINDS), result: oneOf(LOOK_RESULTS) },
      values: ({ index, kind, result }) => [index, kind, result],
    },
    word: 'look-ahead',
    level: () => undefined,
    line: ({ index, kind, result, bytes }) => ({ message: `ahead: ${kind}, ${result}`, fields: { index, bytes } }),
  },
  noted: {
    counter: {
      name: 'verbatim_notes_total',
      help: 'Lines of the log that are no refusal and no refresh.',
      labels: { index: 'index' },
      values: ({ index }) => [index],
    },
    word: 'note',
    level: () => 'info',
    line: ({ index, message, detail }) => ({ message, fields: { ...detail, index } }),
  },
  answered: {
    counter: {
      name: 'verbatim_http_requests_total',
      help: 'Requests answered; redirect: those that only led elsewhere, to the right form of an address or to the bucket.',
      labels: { route: oneOf(ROUTES), method: oneOf(METHODS), code: statusOf },
      zeros: { method: ['GET'], code: ['200', '304', '404', '500', '502', '503'] },
      values: ({ route, method, status }) => [route, method, String(status)],
    },
    word: 'request',
    // Who names a request asks what became of it.
    level: ({ requestId, status }) => (requestId !== undefined && isFailure(status) ? 'info' : 'debug'),
    line: ({ route, method, status, reason, seconds, bytes, aborted, path, client, requestId }) => ({
      message: `${method} ${path} ${status}`,
      fields: { route, reason, seconds: rounded(seconds), bytes, aborted, client, requestId },
    }),
  },
  ...QUEUE_EVENTS,
  faulted: {
    counter: {
      name: 'verbatim_faults_total',
      help: 'Errors that are no refusal: defects of this program (answer), or a disk that fails behind the answers (store).',
      labels: { at: oneOf(FAULT_PLACES) },
      values: ({ at }) => [at],
    },
    word: 'fault',
    level: () => 'error',
    line: ({ at, error }) => ({
      message: at === 'answer' ? 'an answer failed inside this program' : 'work behind the answers failed',
      fields: { at, error: textOf(error) },
    }),
  },
  ...ROOM_EVENTS,
  condition: {
    counter: {
      name: 'verbatim_condition_changes_total',
      help: 'Times something that an operator should know began to be so (begins), or was over (over), by what.',
      labels: { index: 'index', what: oneOf(Object.keys(CONDITIONS)), state: oneOf(['begins', 'over']) },
      values: ({ index, what, begins }) => [index, what, begins ? 'begins' : 'over'],
    },
    word: 'condition',
    level: ({ what, begins }) => (begins ? CONDITIONS[what] : 'info'),
    line: ({ index, what, message, begins }) => ({
      message: begins ? message : `no longer so: ${message}`,
      fields: { index: index === '' ? undefined : index, what, state: begins ? 'begins' : 'over' },
    }),
  },
  worker: WORKER,
  synced: SYNCED,
  ...GONE_EVENTS,
  ruled: RULED,
  ...SCRUB_EVENTS,
  reloaded: {
    counter: {
      name: 'verbatim_reloads_total',
      help: 'Times that certificate, users, tokens and policies were read again, by result.',
      labels: { result: oneOf(['changed', 'failed']) },
      values: ({ error }) => [error === undefined ? 'changed' : 'failed'],
    },
    word: 'reloaded',
    level: ({ error, quiet }) => (error !== undefined ? 'error' : quiet === true ? 'debug' : 'info'),
    line: ({ read, error }) => ({
      message:
        error !== undefined
          ? `nothing was changed: ${error instanceof Error ? error.message : String(error)}`
          : read.length === 0
            ? 'there is nothing to read again: no certificate, users, tokens or policies (server.tls, server.auth, policy_file)'
            : `read again: ${read.join(', ')}`,
      fields: {},
    }),
  },
};
