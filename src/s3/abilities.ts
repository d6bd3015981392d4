import { randomBytes, randomUUID } from 'node:crypto';
import { ObjectStoreError } from '../ports/object-store.ts';
import { mayPass, type S3Answer, type S3Client } from './client.ts';
import { ERROR_BYTES, PROBE_BYTES } from './limits.ts';
import { S3ObjectStore } from './object-store.ts';
import { type ProbeResult, probeStore } from './probe.ts';
import { readErrorCode, textOf } from './xml.ts';

/** What a bucket was seen to do with files, whatever it promises. */
export interface Abilities {
  /** Plain sentences, one for each thing that files need and it does not do. */
  readonly faults: readonly string[];
  /** Whether it creates only where there is nothing; undefined where not even a plain write succeeds. Files do without. */
  readonly conditional: ProbeResult | undefined;
}

/** Where it happens: nobody else's keys. */
const FOLDER = 'probe/';

/**
 * Tries all that is asked of a bucket of files: to write, read back, copy, list, begin in parts, remove, and to tell what is missing; then conditions.
 * Nothing of it stays. Throws ObjectStoreError `away` where it could not be asked.
 */
export async function tryBucket(client: S3Client): Promise<Abilities> {
  const key = `${FOLDER}${randomUUID()}-file`;
  const bytes = randomBytes(PROBE_BYTES);
  try {
    const unwritten = await refusal(client, { method: 'PUT', key, body: bytes }, 'written');
    if (unwritten !== undefined) return { faults: [unwritten], conditional: undefined };
    return { faults: await faultsOf(client, key, bytes), conditional: await probeStore(client) };
  } finally {
    await Promise.all([key, `${key}-copy`].map((each) => tidy(client, each)));
  }
}

async function faultsOf(client: S3Client, key: string, bytes: Uint8Array): Promise<readonly string[]> {
  const { bucket, prefix } = client.address;
  const source = { 'x-amz-copy-source': `/${bucket}/${prefix}${key}` };
  const found = [
    await readBack(client, key, bytes),
    await refusal(client, { method: 'PUT', key: `${key}-copy`, headers: source }, 'copied, to set evidence aside'),
    await listing(client, key),
    await inParts(client, `${key}-parts`),
    await refusal(client, { method: 'DELETE', key }, 'removed'),
    await missing(client, key),
  ];
  return found.filter((fault) => fault !== undefined);
}

async function readBack(client: S3Client, key: string, bytes: Uint8Array): Promise<string | undefined> {
  const answer = await client.send({ method: 'GET', key });
  if (answer.status !== 200) return cannot('read back', await codeOf(answer));
  const there = await answer.bytes(bytes.byteLength).catch((error: unknown) => {
    if (error instanceof ObjectStoreError && error.kind === 'limit') return undefined;
    throw error;
  });
  return there !== undefined && Buffer.compare(there, bytes) === 0
    ? undefined
    : 'what was written comes back as other bytes';
}

async function listing(client: S3Client, key: string): Promise<string | undefined> {
  try {
    for await (const listed of new S3ObjectStore(client).list(key)) if (listed === key) return undefined;
    return 'what was written is not in the list of what is there';
  } catch (error) {
    if (!(error instanceof ObjectStoreError) || error.kind === 'away') throw error;
    return `what is there cannot be listed: ${error.message}`;
  }
}

/** As large files are uploaded. */
async function inParts(client: S3Client, key: string): Promise<string | undefined> {
  const answer = await client.send({ method: 'POST', key, query: { uploads: '' } });
  if (answer.status !== 200) return cannot('begun in parts', await codeOf(answer));
  const uploadId = textOf(Buffer.from(await answer.bytes(ERROR_BYTES)).toString('utf8'), 'UploadId');
  if (uploadId === undefined || uploadId === '') return 'an upload in parts is begun without a name';
  return refusal(client, { method: 'DELETE', key, query: { uploadId } }, 'given up, once begun in parts');
}

async function missing(client: S3Client, key: string): Promise<string | undefined> {
  const answer = await client.send({ method: 'GET', key });
  if (answer.status === 404) {
    answer.discard();
    return undefined;
  }
  if (answer.status === 200) {
    answer.discard();
    return 'what was removed can still be read';
  }
  const code = await codeOf(answer);
  return `what is missing is told as a refusal (${code}), so that the bucket seems to be away: its keys lack s3:ListBucket`;
}

type Sent = Parameters<S3Client['send']>[0];

/** Undefined where it succeeds. */
async function refusal(client: S3Client, request: Sent, what: string): Promise<string | undefined> {
  const answer = await client.send(request);
  if (answer.status >= 200 && answer.status < 300) {
    answer.discard();
    return undefined;
  }
  return cannot(what, await codeOf(answer));
}

function cannot(what: string, code: string): string {
  return `a file cannot be ${what} (${code})`;
}

/** Throws `away` for what says nothing of the bucket: that it is busy, or broken just now. */
async function codeOf(answer: S3Answer): Promise<string> {
  const text = Buffer.from(await answer.bytes(ERROR_BYTES).catch(() => new Uint8Array())).toString('utf8');
  const code = readErrorCode(text);
  const said = `${answer.status}${code === undefined ? '' : ` ${code}`}`;
  // 501 is its word on what was asked; 500 and 503 are not.
  if (mayPass(answer.status) && answer.status !== 501)
    throw new ObjectStoreError('away', `The bucket is busy or broken (${said}).`);
  return said;
}

async function tidy(client: S3Client, key: string): Promise<void> {
  const answer = await client.send({ method: 'DELETE', key }).catch(() => undefined);
  answer?.discard();
}
