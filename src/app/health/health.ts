import { type Instant, instantText, untilText } from '../../bytes/instant.ts';
import type { Config } from '../../config/config.ts';
import type { Health } from '../../http/routes/health.ts';
import { VERSION } from '../../version.ts';
import { aboutIndexes } from '../watch-composition.ts';
import { type Facts, type Finding, findingsOf } from './verdict.ts';

/** Milliseconds for which one look answers all who ask: asking costs a look at every index and at the disk. */
const KEPT_MS = 2000;

interface HealthOptions {
  readonly config: Config;
  /** What is so at this moment. */
  readonly facts: () => Promise<Facts>;
  readonly startedAt: Instant;
  readonly keptMs?: number;
}

interface Look {
  readonly facts: Facts;
  readonly findings: readonly Finding[];
}

/** The same verdict, in parts: the first page of a mirror says it in its own words. */
export interface HealthFindings extends Health {
  findings(): Promise<readonly Finding[]>;
}

export function createHealth({ config, facts, startedAt, keptMs = KEPT_MS }: HealthOptions): HealthFindings {
  const asked = aboutIndexes(config).filter(
    ({ name }) => !config.offline && config.indexes[name]?.import === undefined,
  );
  const freshFor = new Map(asked.map(({ name, refreshSeconds }) => [name, refreshSeconds]));
  let last: { readonly look: Promise<Look>; readonly at: number } | undefined;
  const look = (): Promise<Look> => {
    const now = performance.now();
    if (last !== undefined && now - last.at < keptMs) return last.look;
    const begun = facts().then((known) => ({ facts: known, findings: findingsOf(known, { freshFor, startedAt }) }));
    last = { look: begun, at: now };
    // What failed says nothing of the next.
    begun.catch(() => {
      if (last?.look === begun) last = undefined;
    });
    return begun;
  };
  return {
    async verdict() {
      const found = await look();
      return { holds: found.findings.length === 0, lines: lines(found), json: json(found) };
    },
    findings: async () => (await look()).findings,
    devpiStatus: async () => devpiStatus(config, await look()),
  };
}

function json({ facts, findings }: Look) {
  return {
    holds: findings.length === 0,
    at: instantText(facts.now),
    version: VERSION,
    findings: findings.map(({ index, ...finding }) => ({ ...finding, index: index === '' ? null : index })),
    indexes: facts.indexes.map(({ name, evidence, lastRefresh, silent }) => ({
      name,
      evidence,
      lastConfirmed: lastRefresh === undefined ? null : instantText(lastRefresh),
      silent,
      holds: findings.every(({ index }) => index !== name),
    })),
  };
}

function lines({ facts: { now, indexes }, findings }: Look): readonly string[] {
  return [
    findings.length === 0 ? 'The promise holds.' : 'The promise does not hold. What is amiss:',
    ...findings.flatMap(({ index, message, next }) => [
      '',
      `- ${index === '' ? '' : `${index}: `}${message}`,
      `  ${next}`,
    ]),
    '',
    ...indexes.map(
      ({ name, evidence, lastRefresh }) =>
        `${name} (${evidence === 'tuf' ? 'signed' : 'signs nothing'}): ${
          lastRefresh === undefined ? 'not confirmed by upstream yet' : `last confirmed ${untilText(lastRefresh, now)}`
        }`,
    ),
    `As of ${instantText(now)}, Verbatim ${VERSION}.`,
  ];
}

/** The keys that devpi has, for what watches a devpi already; null where this mirror has no such thing. It is no devpi's replica. */
function devpiStatus({ server }: Config, { facts, findings }: Look) {
  const heard = facts.indexes.flatMap(({ lastRefresh }) => lastRefresh ?? []);
  const confirmed = heard.length === 0 ? null : Math.max(...heard);
  return {
    serverdir: null,
    uuid: null,
    versioninfo: { verbatim: VERSION },
    'server-code': null,
    host: server.host,
    port: server.port,
    'outside-url': server.publicUrl ?? null,
    role: 'MASTER',
    // It counts no changes: both are the same, so that nothing waits.
    serial: 0,
    'event-serial': 0,
    'last-commit-timestamp': confirmed,
    'event-serial-timestamp': confirmed,
    'event-serial-in-sync-at': facts.now,
    polling_replicas: {},
    metrics: [
      ['verbatim_promise_holds', 'gauge', findings.length === 0 ? 1 : 0],
      ['verbatim_promise_findings', 'gauge', findings.length],
    ],
  };
}
