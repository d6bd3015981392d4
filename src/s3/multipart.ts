import { startSha256 } from '../bytes/digest.ts';
import { ObjectStoreError } from '../ports/object-store.ts';
import { patiently } from './attempts.ts';
import type { Readable } from './blob-objects.ts';
import { refusedBy, type S3Client } from './client.ts';
import { LIST_BYTES, PART_BYTES, UPLOAD_ANSWER_BYTES, UPLOADS_LISTED } from './limits.ts';
import { readErrorCode, readUploads, textOf } from './xml.ts';

interface Upload {
  readonly key: string;
  readonly sha256: string;
  readonly from: Readable;
  readonly signal?: AbortSignal | undefined;
}

/** Uploads an object in parts. It is nowhere to be seen until all of it is there and has its digest; what fails is aborted. */
export async function uploadInParts(client: S3Client, { key, sha256, from, signal }: Upload): Promise<void> {
  const uploadId = await begin(client, key, signal);
  try {
    const hash = startSha256();
    const buffer = new Uint8Array(PART_BYTES);
    const tags: string[] = [];
    for (let position = 0; position < from.size; position += PART_BYTES) {
      const part = buffer.subarray(0, Math.min(PART_BYTES, from.size - position));
      if ((await from.read(part, position)) !== part.byteLength)
        throw new ObjectStoreError('wrong', 'A file on this disk ended while it was uploaded.');
      hash.update(part);
      tags.push(await sendPart(client, { key, uploadId, number: tags.length + 1, part, signal }));
    }
    if (hash.hex() !== sha256)
      throw new ObjectStoreError('wrong', 'A file on this disk is not what its name says, and is not uploaded.');
    await complete(client, { key, uploadId, tags, signal });
  } catch (error) {
    await abort(client, key, uploadId).catch(() => undefined);
    throw error;
  }
}

async function begin(client: S3Client, key: string, signal: AbortSignal | undefined): Promise<string> {
  return patiently(client, signal, async () => {
    const answer = await client.send({ method: 'POST', key, query: { uploads: '' }, signal });
    if (answer.status !== 200) throw await refusedBy(answer, 'Beginning an upload');
    const id = textOf(Buffer.from(await answer.bytes(UPLOAD_ANSWER_BYTES)).toString('utf8'), 'UploadId');
    if (id === undefined || id === '') throw new ObjectStoreError('wrong', 'The store began an upload without a name.');
    return id;
  });
}

interface Part {
  readonly key: string;
  readonly uploadId: string;
  readonly number: number;
  readonly part: Uint8Array;
  readonly signal: AbortSignal | undefined;
}

async function sendPart(client: S3Client, { key, uploadId, number, part, signal }: Part): Promise<string> {
  return patiently(client, signal, async () => {
    const query = { partNumber: String(number), uploadId };
    const answer = await client.send({ method: 'PUT', key, query, body: part, signal });
    if (answer.status !== 200) throw await refusedBy(answer, 'Uploading a part of a file');
    answer.discard();
    const tag = answer.headers.etag;
    if (tag === undefined || !/^[\x21-\x7e]{1,256}$/.test(tag) || /[<>&]/.test(tag))
      throw new ObjectStoreError('wrong', 'The store took a part and gave it no tag.');
    return tag;
  });
}

interface Complete {
  readonly key: string;
  readonly uploadId: string;
  readonly tags: readonly string[];
  readonly signal: AbortSignal | undefined;
}

/** Asked once: whether one that was not answered happened is found out by whoever looks for the object. A 200 may carry an error. */
async function complete(client: S3Client, { key, uploadId, tags, signal }: Complete): Promise<void> {
  const parts = tags.map((tag, at) => `<Part><PartNumber>${at + 1}</PartNumber><ETag>${tag}</ETag></Part>`);
  const body = Buffer.from(`<CompleteMultipartUpload>${parts.join('')}</CompleteMultipartUpload>`);
  const answer = await client.send({ method: 'POST', key, query: { uploadId }, body, signal });
  if (answer.status !== 200) throw await refusedBy(answer, 'Completing an upload');
  const text = Buffer.from(await answer.bytes(UPLOAD_ANSWER_BYTES)).toString('utf8');
  if (!text.includes('<CompleteMultipartUploadResult'))
    throw new ObjectStoreError(
      'away',
      `Completing an upload: the store failed (${readErrorCode(text) ?? 'no reason'}).`,
    );
}

async function abort(client: S3Client, key: string, uploadId: string): Promise<void> {
  const answer = await client.send({ method: 'DELETE', key, query: { uploadId } });
  answer.discard();
}

/** Aborts what was begun so long ago, by the store's own clock, that nobody goes on with it. Never on a request. */
export async function tidyUploads(client: S3Client, olderThanMs: number): Promise<number> {
  const { prefix } = client.address;
  const query = { uploads: '', prefix, 'max-uploads': String(UPLOADS_LISTED) };
  const answer = await client.send({ method: 'GET', key: '', query });
  if (answer.status !== 200) throw await refusedBy(answer, 'Looking for uploads that were given up');
  const uploads = readUploads(Buffer.from(await answer.bytes(LIST_BYTES)).toString('utf8'));
  if (uploads === undefined) throw new ObjectStoreError('wrong', 'What was to be the list of uploads is none.');
  const now = Date.parse(answer.headers.date ?? '');
  let aborted = 0;
  for (const { key, uploadId, begunMs } of uploads)
    if (key.startsWith(prefix) && now - begunMs > olderThanMs) {
      await abort(client, key.slice(prefix.length), uploadId);
      aborted++;
    }
  return aborted;
}
