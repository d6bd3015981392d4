import { compose } from '../app/compose.ts';
import { conditionsHere } from '../app/conditions/mirror-conditions.ts';
import { serversOn } from '../app/control/connect.ts';
import { LiveStatus } from '../app/control/status-answer.ts';
import { freshnessOf, troubleLines } from '../app/health/health.ts';
import { type Verdict, verdictOn } from '../app/health/verdict.ts';
import type { Kept } from '../app/kept.ts';
import { noEvents } from '../app/no-events.ts';
import { type StatusReport, statusOf } from '../app/status.ts';
import { counted } from '../bytes/counted.ts';
import { dateText, daysText, type Instant, instantText, untilText } from '../bytes/instant.ts';
import type { Config } from '../config/config.ts';
import type { IndexStatus } from '../mirror/package-index.ts';
import { byManifestText, firstSightText, hintText, outOfReachText, quarantinedText } from '../ports/left-out.ts';
import { conditionLines } from './condition-text.ts';
import { statusEvidence } from './evidence-text.ts';
import { print, printJson } from './output.ts';
import { type Server, statusJson } from './status-json.ts';

/** `verbatim status`: the trust state of every index, as a server that runs knows it, or else as it lies in the data directory. */
export async function status(config: Config, json: boolean): Promise<void> {
  const live: LiveStatus[] = [];
  for (const server of await serversOn(config.data)) live.push(await server.ask('status', {}, LiveStatus));
  const report = live[0]?.report ?? (await storedStatus(config));
  const servers = live.map(({ server, report: { indexes } }) => ({ ...server, indexes }));
  const startedAt = live[0]?.server.startedAt;
  const verdict = verdictOn(report, { freshFor: freshnessOf(config), startedAt });
  if (json) printJson(statusJson(report, verdict, servers));
  else print(...reportLines(report, verdict, servers));
}

async function storedStatus(config: Config): Promise<StatusReport> {
  const composition = await compose({ config, emit: noEvents, reading: true });
  try {
    return await statusOf(composition, await conditionsHere(config, composition.clock));
  } finally {
    await composition.close();
  }
}

function reportLines(
  { now, judged, indexes, addresses, store, disk, kept, fleet, holds, conditions }: StatusReport,
  verdict: Verdict,
  servers: readonly Server[],
): readonly string[] {
  return [
    ...(servers.length === 0 ? NO_SERVER : servers.flatMap((server) => serverLines(server, now))),
    ...verdictLines(verdict, servers.length > 0),
    ...indexes.flatMap((index) => [
      ...statusLines(index, now, judged),
      ...(servers.length > 0 && index.silent ? [SILENT] : []),
      ...(index.leftOut.size === 0 ? ['  left out of pages: nothing'] : []),
      ...fleetLines(fleet, index.name, now),
      megabytes('files held', store.byIndex.get(index.name) ?? 0),
      ...holdLines(holds, index.name),
      ...keptLines(kept, index.name),
    ]),
    ...addresses.flatMap(addressLines),
    ...keptLines(kept, '').map((line) => line.trimStart()),
    ...disk.flatMap(({ part, index, bytes }) => (index === '' ? [megabytes(part, bytes).trimStart()] : [])),
    megabytes(`files held, of ${(store.limitBytes / 1e6).toFixed(0)} MB (cache.max_bytes)`, store.bytes).trimStart(),
    megabytes(
      'on disk in all',
      disk.reduce((sum, { bytes }) => sum + bytes, store.bytes),
    ).trimStart(),
    ...conditionLines(conditions),
  ];
}

/** Of a directory that no server runs on, that all is well would say too much. */
function verdictLines({ troubles }: Verdict, isLive: boolean): readonly string[] {
  if (troubles.length > 0) return [...troubleLines(troubles), ''];
  return [isLive ? 'All is well.' : 'Nothing is amiss in what lies there.'];
}

/** One address over several indexes. */
function addressLines({ name, of, owned }: StatusReport['addresses'][number]): readonly string[] {
  return [
    `${name}: one address over ${of.join(', ')}: a project is the first one's that has it`,
    ...of.flatMap((member) => {
      const globs = owned[member] ?? [];
      return globs.length === 0 ? [] : [`  ${member} alone is asked for: ${globs.join(', ')}`];
    }),
  ];
}

function fleetLines(fleet: StatusReport['fleet'], of: string, now: Instant): readonly string[] {
  return fleet
    .filter(({ index }) => index === of)
    .map(({ entry, followedAt, alone }) => {
      const held = entry === undefined ? 'nothing of its log' : `its log up to entry ${entry}`;
      const read = followedAt === undefined ? 'never read to its end' : `read to its end ${untilText(followedAt, now)}`;
      const stands = alone === undefined ? '' : `; alone since ${instantText(alone.since)}: ${alone.why}`;
      return `  fleet: ${held}, ${read}${stands}`;
    });
}

function holdLines(holds: StatusReport['holds'], of: string): readonly string[] {
  return holds
    .filter(({ index }) => index === of)
    .map(
      ({ sync, files, bytes, until }) =>
        `  spared until ${dateText(until)} (sync.hold_days) for the sync of ${sync}: ${counted(files, 'file')}, ${(bytes / 1e6).toFixed(1)} MB`,
    );
}

const NO_SERVER = [
  'No server runs on this data directory. What follows lies on its disk: last contact, last error, silent upstreams, queues',
  'and connections are known to a server alone.',
];
const SILENT =
  '  upstream is silent: what is held is served at once, and one request at a time looks whether it is back';

function serverLines(
  { pid, version, startedAt, connections, queues, syncs = [], scrub, workers }: Server,
  now: Instant,
): readonly string[] {
  const { open, limit, refused } = connections;
  const used = queues.filter(({ busy, waiting, refused: callers }) => busy + waiting + callers > 0);
  return [
    `server ${pid}: version ${version}, since ${instantText(startedAt)} (${untilText(startedAt, now)})`,
    ...(workers === undefined
      ? []
      : [`  workers: ${workers.answering} of ${workers.configured} answer (server.workers)`]),
    `  connections: ${open} open, of ${limit} (server.max_connections); ${refused} refused since the start`,
    ...used.map(
      ({ queue, index, places, busy, waiting, refused: callers }) =>
        `  queue ${queue}${index === '' ? '' : ` of ${index}`}: ${busy} of ${places} places taken, ${waiting} wait, ${callers} refused since the start`,
    ),
    ...(used.length === 0 ? ['  queues: nobody waits'] : []),
    ...syncs.map((each) => `  ${syncText(each, now)}`),
    ...(scrub == null ? [] : [`  ${scrubText(scrub)}`]),
  ];
}

function scrubText({ files, bytes, damaged, last, failures, failed }: NonNullable<Server['scrub']>): string {
  const counts = `${counted(files, 'file')} (${(bytes / 1e6).toFixed(1)} MB) held, ${damaged} damaged`;
  const round =
    last == null
      ? 'no round is through yet'
      : `last round through ${instantText(last.at)}: ${last.files} held, ${last.damaged} damaged`;
  const trouble =
    failed === undefined
      ? ''
      : `; what lies there could not be listed ${failures} times, and is tried again: ${failed}`;
  return `read again since the start (cache.scrub_days): ${counts}; ${round}${trouble}`;
}

function syncText({ job, index, running, next, last }: NonNullable<Server['syncs']>[number], now: Instant): string {
  const due = running ? 'runs' : next === undefined ? 'is never due' : `due ${untilText(next, now)}`;
  const was =
    last === undefined
      ? 'not done since the start'
      : `last ${instantText(last.at)}: ${last.result}, ${last.fetched} fetched, ${last.missing} missing, ${last.refused} refused`;
  return `sync ${job} of ${index}: ${due}; ${was}`;
}

const KEPT_SAYS: Readonly<Record<Kept['kind'], string>> = {
  state: 'kept on disk',
  pages: '  pages',
  floors: '  floors of pages let go or gone',
  pins: '  pins, by project',
  trust: '  signed metadata, the list of all projects and what the index was started with',
  journal: 'journal',
  access: 'record of who was sent what',
  tally: 'what pages leave out',
  requests: 'what was asked for and refused by policy',
  news: 'what was refused, and when signed lists changed',
};

/** How much is remembered of an index, or, where it is empty, of all together. */
function keptLines(kept: readonly Kept[], of: string): readonly string[] {
  return kept
    .filter(({ index }) => index === of)
    .toSorted((a, b) => Number(b.kind === 'state') - Number(a.kind === 'state'))
    .map(({ kind, entries, bytes, limit }) => {
      const most = limit === undefined ? '' : ` of ${(limit / 1e6).toFixed(1)} MB`;
      return `${megabytes(KEPT_SAYS[kind], bytes)}${most}, ${counted(entries, 'entry', 'entries')}`;
    });
}

function megabytes(what: string, bytes: number): string {
  return `  ${what}: ${(bytes / 1e6).toFixed(1)} MB`;
}

/** Also what a server, or an earlier run, left out. */
function leftOutLines({
  leftOut,
  firstSight,
  byManifest,
  outOfReach,
  quarantined,
  carried,
}: IndexStatus): readonly string[] {
  const seen = firstSightText(firstSight);
  const named = byManifestText(byManifest);
  return [
    ...[...leftOut].map(([why, count]) => `  left out of pages (${why}): ${count} - ${hintText(why)}`),
    ...(seen === undefined ? [] : [`  evidence of some: first-sight - weaker than index: ${seen}`]),
    ...(named === undefined ? [] : [`  evidence of some: ${carried?.label ?? 'as carried'}: ${named}`]),
    ...[...outOfReach].map(([host, files]) => `  out of reach: ${outOfReachText(host, files)}`),
    ...(quarantined === 0
      ? []
      : [`  in quarantine by hand: ${quarantinedText(quarantined)} (verbatim quarantine --lift)`]),
  ];
}

type CarriedStatus = NonNullable<IndexStatus['carried']>;

function carriedLines(carried: CarriedStatus | undefined): readonly string[] {
  if (carried === undefined) return [];
  const { number, label, importedAt, reference, age, most } = carried;
  return [
    `bundle ${number}, ${label}; imported ${dateText(importedAt)}`,
    ...(reference === undefined || age === undefined || most === undefined
      ? []
      : [
          `judged as of ${instantText(reference)}: ${daysText(age)} old, and may be ${daysText(most)} (import.max_age)`,
        ]),
  ];
}

/** `judged`: as of when what expires is judged. */
export function statusLines(index: IndexStatus, now: Instant, judged: Instant = now): readonly string[] {
  const lines = [
    `${index.name}: mirrors ${index.upstream} (layout ${index.layout})`,
    ...statusEvidence(index).map((line) => `  ${line}`),
    ...carriedLines(index.carried).map((line) => `  ${line}`),
  ];
  if (index.refusesAll === true) return [...lines, `  nothing of it is served: ${index.lastError?.message}`];
  const asOf = index.carried?.reference ?? judged;
  if (index.evidence === 'tuf' && index.roles.length === 0) lines.push('  nothing has been accepted yet');
  if (index.evidence === 'index' && index.carried === undefined && index.lastRefresh !== undefined)
    lines.push(`  a page was last confirmed by upstream ${untilText(index.lastRefresh, now)}`);
  for (const { role, version, expires, signed, threshold, keys, online } of index.roles) {
    const state = `${expires > asOf ? 'expires' : 'EXPIRED'} ${untilText(expires, asOf)}`;
    lines.push(
      `  ${role.padEnd(9)} version ${String(version).padEnd(5)} signed by ${signed} of ${keys} keys, ${threshold} needed (${online ? 'online keys' : 'keys not known to be online'}); ${state}`,
    );
  }
  if (index.lastError !== undefined)
    lines.push(
      `  last refresh failed [${index.lastError.reason}]: ${index.lastError.message}`,
      index.evidence === 'tuf'
        ? '  what was proved before is served until it expires'
        : '  pages held stand in for it as long as stale_if_error allows',
    );
  lines.push(...leftOutLines(index));
  return lines;
}
