import type { Config } from '../../config/config.ts';
import { tryBucket } from '../../s3/abilities.ts';
import { addressText, readS3Address } from '../../s3/address.ts';
import { S3Client } from '../../s3/client.ts';
import { BucketMeter } from '../../s3/meter.ts';
import { probeStore } from '../../s3/probe.ts';
import { bucketKeys } from '../bucket/keys.ts';
import { loadRedis } from '../fleet/load-redis.ts';
import { noEvents } from '../no-events.ts';
import { type Finding, findingsIn, wordsOf } from './finding.ts';

const redis = findingsIn('redis');
const buckets = findingsIn('buckets');

/** Whether Redis answers as it is configured; nothing is said where none is. */
export async function examineRedis(config: Config): Promise<readonly Finding[]> {
  if (config.redis === undefined) return [];
  const next =
    'See redis in the configuration: its address, login and certificates. The mirror serves without it meanwhile.';
  try {
    const shared = await loadRedis(config, noEvents);
    try {
      if (shared?.isUp === true) return [redis.good('redis', 'It answers.')];
      return [redis.error('redis', `It cannot be had: ${shared?.trouble ?? 'it did not answer in time'}.`, next)];
    } finally {
      await shared?.close();
    }
  } catch (cause) {
    return [redis.error('redis', wordsOf(cause), next)];
  }
}

/** What the buckets do that files and a fleet's state are kept in, whatever they promise: several who race for one name, too. */
export async function examineBuckets({ blobs, fleet }: Config): Promise<readonly Finding[]> {
  const found: Finding[] = [];
  if (blobs !== undefined) found.push(...(await tried(blobs.store, blobs, ofFiles)));
  if (fleet?.state !== undefined) found.push(...(await tried(fleet.state, blobs ?? {}, ofState)));
  return found;
}

async function tried(
  store: string,
  keys: Parameters<typeof bucketKeys>[0],
  look: (client: S3Client, place: string) => Promise<readonly Finding[]>,
): Promise<readonly Finding[]> {
  let client: S3Client | undefined;
  try {
    const address = readS3Address(store);
    client = new S3Client({ address, credentials: bucketKeys(keys, address), meter: new BucketMeter() });
    return await look(client, addressText(address));
  } catch (cause) {
    return [
      buckets.error(
        'bucket',
        `${store}: ${wordsOf(cause)}`,
        'See its address, region and keys; "Files in a bucket" in docs/operating.md.',
      ),
    ];
  } finally {
    client?.close();
  }
}

async function ofFiles(client: S3Client, place: string): Promise<readonly Finding[]> {
  const { faults, conditional } = await tryBucket(client);
  const found =
    faults.length === 0
      ? [buckets.good('bucket', `${place} holds files as it must.`)]
      : faults.map((fault) =>
          buckets.error(
            'bucket',
            `${place}: ${fault}.`,
            'Give its keys the right to do that, or use another store (blobs.store).',
          ),
        );
  const unsound = conditional?.sound === true ? [] : (conditional?.faults ?? []);
  return [
    ...found,
    ...unsound.map((fault) =>
      buckets.warning(
        'bucket-grows',
        `${place}: ${fault}. Replicas cannot agree by it on who evicts.`,
        'Share a Redis (redis), or have a lifecycle rule remove old files.',
      ),
    ),
  ];
}

async function ofState(client: S3Client, place: string): Promise<readonly Finding[]> {
  const { sound, faults } = await probeStore(client);
  if (sound)
    return [buckets.good('fleet-state', `${place} creates only where there is nothing, also when several race.`)];
  const next = 'It must not hold what trust rests on: use another store (fleet.state).';
  return faults.map((fault) => buckets.error('fleet-state', `${place}: ${fault}.`, next));
}
