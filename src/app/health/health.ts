import { type Instant, instantText, untilText } from '../../bytes/instant.ts';
import type { Config } from '../../config/config.ts';
import type { Health } from '../../http/routes/health.ts';
import { VERSION } from '../../version.ts';
import { aboutIndexes } from '../watch-composition.ts';
import { type Facts, sentenceOf, type Trouble, type Verdict, verdictOn } from './verdict.ts';

/** Milliseconds for which one look answers all who ask: asking costs a look at every index and at the disk. */
const KEPT_MS = 2000;

interface HealthOptions {
  readonly config: Config;
  /** What is so at this moment. */
  readonly facts: () => Promise<Facts>;
  readonly startedAt: Instant;
  readonly keptMs?: number;
}

/** What is so, and whether all is well. */
export interface Look {
  readonly facts: Facts;
  readonly verdict: Verdict;
}

/** The same verdict, in parts: pages for people say it in their own form. */
export interface WholeHealth extends Health {
  look(): Promise<Look>;
}

export function createHealth({ config, facts, startedAt, keptMs = KEPT_MS }: HealthOptions): WholeHealth {
  const known = { freshFor: freshnessOf(config), startedAt };
  let last: { readonly look: Promise<Look>; readonly at: number } | undefined;
  const look = (): Promise<Look> => {
    const now = performance.now();
    if (last !== undefined && now - last.at < keptMs) return last.look;
    const begun = facts().then((found) => ({ facts: found, verdict: verdictOn(found, known) }));
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
      return { holds: found.verdict.holds, lines: lines(found), json: json(found) };
    },
    look,
    devpiStatus: async () => devpiStatus(config, await look()),
  };
}

/** Of each index for how many seconds what upstream said counts as fresh; none of those whose upstream is never asked. */
export function freshnessOf(config: Config): ReadonlyMap<string, number> {
  const asked = aboutIndexes(config).filter(
    ({ name }) => !config.offline && config.indexes[name]?.import === undefined,
  );
  return new Map(asked.map(({ name, refreshSeconds }) => [name, refreshSeconds]));
}

function json({ facts, verdict: { holds, says, troubles } }: Look) {
  const told = ({ what, index, says: message, next }: Trouble) => ({
    what,
    index: index === '' ? null : index,
    message,
    next,
  });
  return {
    holds,
    says,
    at: instantText(facts.now),
    version: VERSION,
    findings: troubles.filter(({ breaks }) => breaks).map(told),
    toKnow: troubles.filter(({ breaks }) => !breaks).map(told),
    indexes: facts.indexes.map(({ name, evidence, lastRefresh, silent }) => ({
      name,
      evidence,
      lastConfirmed: lastRefresh === undefined ? null : instantText(lastRefresh),
      silent,
      holds: !troubles.some(({ breaks, index }) => breaks && index === name),
    })),
  };
}

function lines({ facts: { now, indexes }, verdict: { troubles } }: Look): readonly string[] {
  return [
    ...troubleLines(troubles),
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

/** What breaks the promise first, then what is to be known. */
export function troubleLines(troubles: readonly Trouble[]): readonly string[] {
  const told = (trouble: Trouble) => ['', `- ${sentenceOf(trouble)}`, `  ${trouble.next}`];
  const [breaking, besides] = [troubles.filter(({ breaks }) => breaks), troubles.filter(({ breaks }) => !breaks)];
  return [
    breaking.length === 0 ? 'The promise holds.' : 'The promise does not hold. What is amiss:',
    ...breaking.flatMap(told),
    ...(besides.length === 0 ? [] : ['', 'What breaks no promise, and should be looked at:', ...besides.flatMap(told)]),
  ];
}

/** The keys that devpi has, for what watches a devpi already; null where this mirror has no such thing. It is no devpi's replica. */
function devpiStatus({ server }: Config, { facts, verdict: { holds, troubles } }: Look) {
  const findings = troubles.filter(({ breaks }) => breaks).length;
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
      ['verbatim_promise_holds', 'gauge', holds ? 1 : 0],
      ['verbatim_promise_findings', 'gauge', findings],
      ['verbatim_promise_to_know', 'gauge', troubles.length - findings],
    ],
  };
}
