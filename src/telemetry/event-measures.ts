import { Gauge, Histogram, type Registry } from 'prom-client';
import type { Instant } from '../bytes/instant.ts';
import { REASONS } from '../bytes/refusal.ts';
import { HOST_CLASSES } from '../ports/asked-upstream.ts';
import { type Event, LOOK_RESULTS, ROUTES, SERVED_FROM } from '../ports/events.ts';
import { createDurations } from './durations.ts';
import { type Label, oneOf } from './labels.ts';
import { createTally } from './tally.ts';

// What events say beyond that they happened: seconds, bytes, versions.

const ROLES: ReadonlySet<string> = new Set(['root', 'timestamp', 'snapshot', 'targets']);
const REQUEST_SECONDS = [0.001, 0.005, 0.025, 0.1, 0.5, 2, 10, 60];
const WAIT_SECONDS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60];
const UPSTREAM_SECONDS = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const GONE_SECONDS = [60, 300, 600, 900, 1800, 3600, 6 * 3600, 24 * 3600, 7 * 24 * 3600];
const REFRESH_SECONDS = [0.05, 0.25, 1, 5, 20, 60];

export function refreshMetrics(registry: Registry, indexes: readonly string[]): (event: Event<'refreshed'>) => void {
  const registers = [registry];
  const durations = new Histogram({
    name: 'verbatim_refresh_duration_seconds',
    help: 'Seconds a refresh took.',
    labelNames: ['index'],
    buckets: REFRESH_SECONDS,
    registers,
  });
  // Of several processes the one that knows the newest speaks for all.
  const newest = (name: string, help: string, labelNames: readonly string[]) =>
    new Gauge({ name, help, labelNames: [...labelNames], registers, aggregator: 'max' });
  const lastSuccess = newest(
    'verbatim_refresh_last_success_timestamp_seconds',
    'When upstream last confirmed something: the signed metadata walked to its end, or a page; 0 before that.',
    ['index'],
  );
  const lastChange = newest(
    'verbatim_refresh_last_change_timestamp_seconds',
    'When something other than before was last believed of upstream; 0 before that.',
    ['index'],
  );
  for (const index of indexes) for (const gauge of [lastSuccess, lastChange]) gauge.set({ index }, 0);
  for (const index of indexes) durations.zero({ index });
  const byRole = ['index', 'role'];
  const versions = newest('verbatim_tuf_role_version', 'Version of each top-level role that is trusted now.', byRole);
  const expiries = newest(
    'verbatim_tuf_role_expires_timestamp_seconds',
    'When each top-level role expires; subtract time() to alert.',
    byRole,
  );
  const setRoles = (gauge: Gauge, index: string, values: ReadonlyMap<string, number | Instant> = new Map()) => {
    for (const [role, value] of values) if (ROLES.has(role)) gauge.set({ index, role }, value);
  };
  return (event) => {
    const { index, result } = event;
    durations.observe({ index }, event.seconds);
    if (result !== 'failed') lastSuccess.setToCurrentTime({ index });
    if (result === 'changed') lastChange.setToCurrentTime({ index });
    setRoles(versions, index, event.versions);
    setRoles(expiries, index, event.expires);
  };
}

export function answerMetrics(registry: Registry): (event: Event<'answered'>) => void {
  const durations = createDurations(registry, {
    name: 'verbatim_http_request_duration_seconds',
    help: 'Seconds from a request to the end of its answer.',
    label: 'route',
    buckets: REQUEST_SECONDS,
  });
  const sent = createTally(registry, {
    name: 'verbatim_http_response_bytes_total',
    help: 'Bytes of bodies handed on.',
    labelNames: ['route'],
  });
  const cut = createTally(registry, {
    name: 'verbatim_http_aborted_responses_total',
    help: 'Responses cut before their end, by reason; client where the client left.',
    labelNames: ['reason'],
  });
  const route = oneOf(ROUTES);
  for (const each of ROUTES) {
    durations.begin(each);
    sent.add(0, each);
  }
  for (const each of ['client', ...REASONS]) cut.add(0, each);
  return (event) => {
    const kind = route(event.route);
    durations.observe(kind, event.seconds);
    sent.add(event.bytes, kind);
    // Without a refusal of ours it was the client that left.
    if (event.aborted) cut.add(1, event.reason ?? 'client');
  };
}

export function lookMetrics(registry: Registry, index: Label): (event: Event<'lookedAhead'>) => void {
  const bytes = createTally(registry, {
    name: 'verbatim_look_ahead_bytes_total',
    help: 'Bytes of what was looked at before any client asked for it.',
    labelNames: ['index', 'result'],
  });
  const result = oneOf(LOOK_RESULTS);
  return (event) => {
    if (event.bytes > 0) bytes.add(event.bytes, index(event.index), result(event.result));
  };
}

/** From when it was asked for until proved bytes were at hand, by where they came from. */
export function servedMetrics(registry: Registry): (event: Event<'served'>) => void {
  const waits = createDurations(registry, {
    name: 'verbatim_served_wait_seconds',
    help: 'Seconds until what a client asked for was at hand and proved, by where it came from.',
    label: 'how',
    buckets: WAIT_SECONDS,
  });
  for (const how of SERVED_FROM) waits.begin(how);
  return ({ how, seconds }) => waits.observe(how, seconds);
}

export function upstreamMetrics(registry: Registry, index: Label): (event: Event<'askedUpstream'>) => void {
  const waits = new Histogram({
    name: 'verbatim_upstream_first_byte_seconds',
    help: 'Seconds until upstream began to answer a request, by class of host; what was not answered is not in it.',
    labelNames: ['index', 'host'],
    buckets: UPSTREAM_SECONDS,
    registers: [registry],
  });
  for (const name of index.values) for (const host of HOST_CLASSES) waits.zero({ index: name, host });
  const hostOf = oneOf(HOST_CLASSES);
  return (event) => {
    if (event.isAnswered) waits.observe({ index: index(event.index), host: hostOf(event.host) }, event.seconds);
  };
}

export function goneMetrics(registry: Registry, index: Label): (event: Event<'gone'>) => void {
  const times = new Histogram({
    name: 'verbatim_gone_seconds',
    help: 'Seconds between the last time that upstream stood by something and its being served no longer, because upstream took it away.',
    labelNames: ['index'],
    buckets: GONE_SECONDS,
    registers: [registry],
  });
  for (const name of index.values) times.zero({ index: name });
  return (event) => times.observe({ index: index(event.index) }, event.seconds);
}
