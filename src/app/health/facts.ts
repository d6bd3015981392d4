import { within } from '../../async/timeout.ts';
import type { Instant } from '../../bytes/instant.ts';
import { type Reason, SECURITY_REASONS } from '../../bytes/refusal.ts';
import type { NewsRecord } from '../../disk/records/news-record.ts';
import type { IndexStatus, PackageIndex } from '../../mirror/package-index.ts';
import type { Condition } from '../../ports/conditions.ts';
import type { Composition } from '../compose.ts';
import { serversOn } from '../control/connect.ts';
import { LiveStatus } from '../control/status-answer.ts';
import type { Facts } from './verdict.ts';

/** A signed index that holds nothing yet asks upstream for its status: not longer than somebody waits. Milliseconds. */
const STATUS_MS = 3000;
const HOUR = 3600;
const SECURITY: ReadonlySet<Reason> = new Set<Reason>(SECURITY_REASONS);

type Known = Pick<Composition, 'clock' | 'indexes' | 'sizes' | 'news'>;

/** As this process knows it. */
export async function ownFacts(
  { clock, indexes, sizes, news }: Known,
  conditions: readonly Condition[],
): Promise<Facts> {
  const now = clock.now();
  return {
    now,
    judged: clock.judged(),
    indexes: await statusesSoon(indexes, now),
    // What cannot be read is told by conditions; the rest is told all the same.
    disk: await sizes().catch(() => []),
    tampered: await tamperedWith(news, now),
    conditions,
  };
}

/** As all processes of this server know it together, which its supervisor says; undefined where it cannot be asked. */
export async function commonFacts(data: string, supervisor: number): Promise<Facts | undefined> {
  try {
    for (const server of await serversOn(data)) {
      const status = await server.ask('status', {}, LiveStatus);
      if (status.server.pid === supervisor) return status.report;
    }
  } catch {
    // It is about to start or to end: what this process knows is told.
  }
  return undefined;
}

/** Of each index how many things were not what was promised, in the last hour. */
export async function tamperedWith(news: Pick<NewsRecord, 'latest'>, now: Instant): Promise<Facts['tampered']> {
  const counts = new Map<string, number>();
  for (const { index, at, reason, from } of await news.latest().catch(() => []))
    if (from === 'upstream' && now - at < HOUR && SECURITY.has(reason)) counts.set(index, (counts.get(index) ?? 0) + 1);
  return [...counts].map(([index, things]) => ({ index, things }));
}

/** Where one does not come in time, upstream is what it waits for. */
export function statusesSoon(
  indexes: readonly Pick<PackageIndex, 'name' | 'evidence' | 'status'>[],
  now: Instant,
  waitMs = STATUS_MS,
): Promise<readonly IndexStatus[]> {
  return Promise.all(indexes.map((index) => within(waitMs, index.status(), late(index, now))));
}

function late({ name, evidence }: Pick<PackageIndex, 'name' | 'evidence'>, now: Instant): IndexStatus {
  return {
    name,
    evidence,
    upstream: 'not known yet',
    layout: '',
    lastRefresh: undefined,
    lastError: { reason: 'slow', message: 'upstream did not answer in time', at: now },
    roles: [],
    leftOut: new Map(),
    firstSight: 0,
    byManifest: 0,
    outOfReach: new Map(),
    quarantined: 0,
    silent: true,
  };
}
