import { createHash, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { S3_BUCKET } from './s3.ts';

/** A request as the server has read it. */
export interface S3Call {
  readonly method: string;
  /** Without the bucket; empty for the bucket itself. */
  readonly key: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

/** What a server does instead of what is right: writes an answer itself and returns true, or false to let the right one be given. */
export type Misbehaviour = (call: S3Call, response: ServerResponse) => boolean | Promise<boolean>;

interface Stored {
  readonly bytes: Buffer;
  readonly changed: Date;
  readonly storageClass?: string;
}

/**
 * An S3 server on loopback in this process, as far as this program speaks to one: by construction exactly one of those who race
 * for a key wins. `misbehave` makes it the one that no test could find.
 */
export async function startS3Server() {
  const objects = new Map<string, Stored>();
  const uploads = new Map<
    string,
    { readonly key: string; readonly parts: Map<number, Buffer>; readonly begun: Date }
  >();
  const calls: S3Call[] = [];
  let misbehaviour: Misbehaviour = () => false;

  const server = createServer(async (request, response) => {
    const url = new URL(request.url ?? '/', 'http://s3');
    const [, bucket, ...rest] = url.pathname.split('/');
    const body = await buffer(request).catch(() => undefined);
    if (body === undefined) return;
    const key = decodeURIComponent(rest.join('/'));
    const call = { method: request.method ?? '', key, query: url.searchParams, headers: request.headers, body };
    calls.push(call);
    if (await misbehaviour(call, response)) return;
    if (!isSigned(call)) return error(response, 403, 'SignatureDoesNotMatch');
    if (bucket !== S3_BUCKET) return error(response, 404, 'NoSuchBucket');
    answer(call, response);
  });

  function answer(call: S3Call, response: ServerResponse): ServerResponse {
    const { method, key, query } = call;
    if (key === '' && query.has('uploads')) return listUploads(response);
    if (key === '') return list(call, response);
    if (query.has('uploads') || query.has('uploadId')) return multipart(call, response);
    if (method === 'PUT' && call.headers['x-amz-copy-source'] !== undefined) return copy(call, response);
    if (method === 'PUT') return put(call, response);
    if (method === 'DELETE') return remove(call, response);
    return read(call, response);
  }

  function remove({ key }: S3Call, response: ServerResponse): ServerResponse {
    objects.delete(key);
    return response.writeHead(204).end();
  }

  function put({ key, headers, body }: S3Call, response: ServerResponse): ServerResponse {
    const there = objects.get(key);
    if (headers['if-none-match'] === '*' && there !== undefined) return error(response, 412, 'PreconditionFailed');
    const tag = headers['if-match'];
    if (tag !== undefined && there === undefined) return error(response, 404, 'NoSuchKey');
    if (tag !== undefined && there !== undefined && tag !== tagOf(there.bytes))
      return error(response, 412, 'PreconditionFailed');
    objects.set(key, { bytes: body, changed: new Date() });
    return response.writeHead(200, { etag: tagOf(body) }).end();
  }

  function copy({ key, headers }: S3Call, response: ServerResponse): ServerResponse {
    const from = objects.get(decodeURIComponent(String(headers['x-amz-copy-source'])).slice(`/${S3_BUCKET}/`.length));
    if (from === undefined) return error(response, 404, 'NoSuchKey');
    if (from.storageClass !== undefined) return error(response, 403, 'InvalidObjectState');
    objects.set(key, { ...from, changed: new Date() });
    return xml(response, '<CopyObjectResult></CopyObjectResult>');
  }

  function read({ method, key, headers }: S3Call, response: ServerResponse): ServerResponse {
    const there = objects.get(key);
    if (there === undefined) return error(response, 404, 'NoSuchKey');
    const { bytes, changed, storageClass } = there;
    if (storageClass !== undefined && method === 'GET') return error(response, 403, 'InvalidObjectState');
    const range = /^bytes=(\d+)-(\d+)?$/.exec(headers.range ?? '');
    const [from, to] = [Number(range?.[1] ?? 0), Math.min(Number(range?.[2] ?? bytes.length - 1), bytes.length - 1)];
    if (range !== null && from >= bytes.length) return error(response, 416, 'InvalidRange');
    const part = range === null ? bytes : bytes.subarray(from, to + 1);
    response.writeHead(range === null ? 200 : 206, {
      etag: tagOf(bytes),
      'last-modified': changed.toUTCString(),
      'content-length': part.length,
      ...(storageClass !== undefined && { 'x-amz-storage-class': storageClass }),
      ...(range !== null && { 'content-range': `bytes ${from}-${to}/${bytes.length}` }),
    });
    return response.end(method === 'HEAD' ? undefined : part);
  }

  function list({ query }: S3Call, response: ServerResponse): ServerResponse {
    const prefix = query.get('prefix') ?? '';
    const after = query.get('continuation-token') ?? query.get('start-after') ?? '';
    const keys = [...objects.keys()].filter((key) => key.startsWith(prefix) && key > after).sort();
    const page = keys.slice(0, 1000);
    const contents = page.map((key) => {
      const { bytes, changed, storageClass = 'STANDARD' } = objects.get(key) as Stored;
      return `<Contents><Key>${key}</Key><LastModified>${changed.toISOString()}</LastModified><Size>${bytes.length}</Size><StorageClass>${storageClass}</StorageClass></Contents>`;
    });
    const next = keys.length > page.length ? `<NextContinuationToken>${page.at(-1)}</NextContinuationToken>` : '';
    return xml(
      response,
      `<ListBucketResult><IsTruncated>${next !== ''}</IsTruncated>${next}${contents.join('')}</ListBucketResult>`,
    );
  }

  function listUploads(response: ServerResponse): ServerResponse {
    const all = [...uploads].map(
      ([id, { key, begun }]) =>
        `<Upload><Key>${key}</Key><UploadId>${id}</UploadId><Initiated>${begun.toISOString()}</Initiated></Upload>`,
    );
    return xml(response, `<ListMultipartUploadsResult>${all.join('')}</ListMultipartUploadsResult>`);
  }

  function multipart({ method, key, query, body, headers }: S3Call, response: ServerResponse): ServerResponse {
    const id = query.get('uploadId');
    if (id === null) {
      const begun = randomUUID();
      uploads.set(begun, { key, parts: new Map(), begun: new Date() });
      return xml(
        response,
        `<InitiateMultipartUploadResult><UploadId>${begun}</UploadId></InitiateMultipartUploadResult>`,
      );
    }
    const upload = uploads.get(id);
    if (upload === undefined || upload.key !== key) return error(response, 404, 'NoSuchUpload');
    if (method === 'PUT') {
      upload.parts.set(Number(query.get('partNumber')), body);
      return response.writeHead(200, { etag: tagOf(body) }).end();
    }
    if (method === 'POST') {
      if (headers['if-none-match'] === '*' && objects.has(key)) return error(response, 412, 'PreconditionFailed');
      const parts = [...upload.parts].sort(([a], [b]) => a - b).map(([, part]) => part);
      objects.set(key, { bytes: Buffer.concat(parts), changed: new Date() });
      uploads.delete(id);
      return xml(response, '<CompleteMultipartUploadResult></CompleteMultipartUploadResult>');
    }
    uploads.delete(id);
    return response.writeHead(204).end();
  }

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/`,
    /** What lies in the bucket, by key; to be changed at will. */
    objects,
    uploads,
    calls,
    misbehave(how: Misbehaviour): void {
      misbehaviour = how;
    },
    heal(): void {
      misbehaviour = () => false;
    },
    async close(): Promise<void> {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

export type S3Server = Awaited<ReturnType<typeof startS3Server>>;

/** By its headers; or by its address, which is good for GET alone and beside no other credentials. */
function isSigned({ method, query, headers, body }: S3Call): boolean {
  const { authorization } = headers;
  if (query.has('X-Amz-Signature'))
    return (
      method === 'GET' &&
      authorization === undefined &&
      headers.range === undefined &&
      query.get('X-Amz-Credential')?.startsWith('verbatim-test/') === true
    );
  const isWhole = headers['x-amz-content-sha256'] === createHash('sha256').update(body).digest('hex');
  return isWhole && /^AWS4-HMAC-SHA256 Credential=verbatim-test\//.test(authorization ?? '');
}

/** An error as S3 writes it. */
export function error(response: ServerResponse, status: number, code: string): ServerResponse {
  response.writeHead(status, { 'content-type': 'application/xml' });
  return response.end(`<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>no</Message></Error>`);
}

function xml(response: ServerResponse, text: string): ServerResponse {
  return response.writeHead(200, { 'content-type': 'application/xml' }).end(`<?xml version="1.0"?>${text}`);
}

function tagOf(bytes: Buffer): string {
  return `"${createHash('md5').update(bytes).digest('hex')}"`;
}
