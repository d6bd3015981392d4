import type { Verdict } from '../app/health/verdict.ts';
import type { ServerReport, StatusReport } from '../app/status.ts';
import type { IndexStatus } from '../mirror/package-index.ts';

export interface Server extends ServerReport {
  readonly indexes: readonly IndexStatus[];
}

/** Every key is always there; `null` where nobody knows, or there is none. */
export function statusJson(
  { indexes, kept, fleet, ...report }: StatusReport,
  { holds, says, troubles }: Verdict,
  servers: readonly Server[],
) {
  const isLive = servers.length > 0;
  return {
    ...report,
    verdict: {
      holds,
      says,
      troubles: troubles.map(({ index, ...each }) => ({ ...each, index: index === '' ? null : index })),
    },
    indexes: indexes.map(({ lastRefresh, lastError, sealed, carried, silent, refusesAll, ...index }) => ({
      ...index,
      lastRefresh: lastRefresh ?? null,
      lastError: errorJson(lastError),
      sealed: sealed ?? null,
      carried: carried === undefined ? null : carriedJson(carried),
      silent: isLive ? silent : null,
      refusesAll: refusesAll === true,
    })),
    kept: kept.map(({ limit, ...each }) => ({ ...each, limit: limit ?? null })),
    fleet: fleet.map(({ index, entry, followedAt, alone }) => ({
      index,
      entry: entry ?? null,
      followedAt: followedAt ?? null,
      alone: alone ?? null,
    })),
    servers: servers.map(({ indexes: known, workers, ...server }) => ({
      ...server,
      workers: workers ?? null,
      indexes: known.map(({ name, lastRefresh, lastError, silent }) => ({
        name,
        lastRefresh: lastRefresh ?? null,
        lastError: errorJson(lastError),
        silent,
      })),
    })),
  };
}

function errorJson(error: IndexStatus['lastError']) {
  return error === undefined ? null : { ...error, subject: error.subject ?? null };
}

function carriedJson({ reference, age, most, ...carried }: NonNullable<IndexStatus['carried']>) {
  return { ...carried, reference: reference ?? null, age: age ?? null, most: most ?? null };
}
