import { randomUUID } from 'node:crypto';
import { ObjectStoreError } from '../ports/object-store.ts';
import { mayPass, type S3Client } from './client.ts';

/** What a store was seen to do with conditional writes. */
export interface ProbeResult {
  /** Trust state may be put there. */
  readonly sound: boolean;
  /** Plain sentences, one for each thing that was found wrong. */
  readonly faults: readonly string[];
}

/** What says nothing of conditions: who asks, how often, where; or that it is broken just now. */
const UNDERSTOOD: ReadonlySet<number> = new Set([401, 403, 404, 408, 429, 500, 502, 503, 504]);
const RACERS = 8;
const ROUNDS = 5;
/** Where it happens: nobody else's keys. */
const FOLDER = 'probe/';

/**
 * Whether the store creates an object only where there is none, whatever it promises: some ignore the condition and answer a success, some
 * let several of those who race for one key win. One that holds it here may still fail elsewhere; one that fails must not hold trust state.
 * Throws ObjectStoreError where it could not be asked.
 */
export async function probeStore(client: S3Client): Promise<ProbeResult> {
  const run = `${FOLDER}${randomUUID()}`;
  const keys = [`${run}-one`, ...Array.from({ length: ROUNDS }, (_, round) => `${run}-${round}`)];
  try {
    const faults = [...(await inTurn(client, `${run}-one`)), ...(await atOnce(client, keys.slice(1)))];
    return { sound: faults.length === 0, faults };
  } finally {
    await Promise.all(keys.map((key) => tidy(client, key)));
  }
}

async function inTurn(client: S3Client, key: string): Promise<readonly string[]> {
  const faults: string[] = [];
  const first = await put(client, key, 'first', { 'if-none-match': '*' });
  if (!isSuccess(first) && !UNDERSTOOD.has(first)) return [`a new object could not be created (${first})`];
  if (!isSuccess(first))
    throw new ObjectStoreError(mayPass(first) ? 'away' : 'refused', `A new object could not be created (${first}).`);
  const again = await put(client, key, 'second', { 'if-none-match': '*' });
  if (isSuccess(again)) faults.push('an object that exists was created again: the condition If-None-Match is ignored');
  const swapped = await put(client, key, 'third', { 'if-match': '"0123456789abcdef0123456789abcdef"' });
  if (isSuccess(swapped)) faults.push('an object was replaced under a wrong tag: the condition If-Match is ignored');
  const answer = await client.send({ method: 'GET', key });
  const there = Buffer.from(await answer.bytes(1024)).toString('utf8');
  if (faults.length === 0 && there !== 'first') faults.push('an object is not what was created');
  return faults;
}

async function atOnce(client: S3Client, keys: readonly string[]): Promise<readonly string[]> {
  for (const key of keys) {
    const racers = Array.from({ length: RACERS }, (_, racer) =>
      put(client, key, `racer ${racer}`, { 'if-none-match': '*' }).catch(() => 0),
    );
    const winners = (await Promise.all(racers)).filter(isSuccess).length;
    if (winners > 1) return [`${winners} of ${RACERS} who created one object at once were all told that they had`];
  }
  return [];
}

async function put(client: S3Client, key: string, text: string, headers: Readonly<Record<string, string>>) {
  const answer = await client.send({ method: 'PUT', key, headers, body: Buffer.from(text) });
  answer.discard();
  return answer.status;
}

async function tidy(client: S3Client, key: string): Promise<void> {
  const answer = await client.send({ method: 'DELETE', key }).catch(() => undefined);
  answer?.discard();
}

function isSuccess(status: number): boolean {
  return status >= 200 && status < 300;
}
