import type { Config } from '../config/config.ts';
import type { AboutIndex } from '../telemetry/index-metrics.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { Composition } from './compose.ts';

/** What metrics tell of each index. */
export function aboutIndexes({ indexes }: Pick<Config, 'indexes'>): readonly AboutIndex[] {
  return Object.values(indexes).map((index) => ({
    name: index.name,
    evidence: index.evidence,
    refreshSeconds: index.evidence === 'tuf' ? index.refresh : index.maxAge,
  }));
}

/** What is read at each scrape. */
export function watchComposition(metrics: Metrics, composition: Composition): void {
  metrics.watchStore(() => {
    const { blobs, bytes, limit, partials, evicted } = composition.blobs.usage();
    return { files: blobs, bytes, limitBytes: limit, byIndex: composition.blobs.held(), partials, evicted };
  });
  const { bucket, redis, fleet } = composition;
  if (bucket !== undefined)
    metrics.watchBucket(() => {
      const { bytes: tierBytes, waiting, away } = bucket.usage();
      return { ...bucket.counts(), tierBytes, waiting, away: away !== undefined };
    });
  metrics.watchDisk(composition.sizes);
  metrics.watchKept(composition.kept);
  metrics.watchRecord('access', () => composition.fetched.writing);
  metrics.watchRecord('requests', () => composition.requests.writing);
  metrics.watchPages(() =>
    Promise.all(composition.indexes.map(async (each) => ({ index: each.name, ...(await each.tally()) }))),
  );
  metrics.watchQueues(() => composition.queues.map(({ queue, index, gate }) => ({ queue, index, ...gate.report() })));
  if (fleet !== undefined)
    metrics.watchFleet(() =>
      fleet.standings.map(({ followedAt, alone, ...standing }) => ({
        ...standing,
        followedAt: followedAt === undefined ? undefined : followedAt / 1000,
        isAlone: alone !== undefined,
      })),
    );
  if (redis !== undefined) metrics.watchRedis(() => redis.isUp);
}
