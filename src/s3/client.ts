import {
  type IncomingHttpHeaders,
  type IncomingMessage,
  Agent as PlainAgent,
  request as plainRequest,
} from 'node:http';
import { Agent as TlsAgent, request as tlsRequest } from 'node:https';
import { AwsV4Signer } from 'aws4fetch';
import { timeLimit } from '../async/timeout.ts';
import { sha256Hex } from '../bytes/digest.ts';
import { ObjectStoreError } from '../ports/object-store.ts';
import { objectUrl, type S3Address } from './address.ts';
import type { CredentialSource } from './credentials.ts';
import { BODY_SLOWEST, ERROR_BYTES, S3_LIMITS, type S3Limits } from './limits.ts';
import { readErrorCode } from './xml.ts';

export type Verb = 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE';

export interface S3Request {
  readonly method: Verb;
  /** Empty for the bucket itself. */
  readonly key: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds until the head of the answer, where somebody waits for it. */
  readonly headMs?: number | undefined;
  /** Milliseconds in which nothing of the body comes, where somebody waits for it. */
  readonly silenceMs?: number | undefined;
}

/** One answer, its body not yet read. Either read the body or discard it: it holds a connection. */
export interface S3Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** The body as it comes: as long as was announced, or ObjectStoreError. */
  body(): AsyncGenerator<Uint8Array, void, undefined>;
  /** All of it; throws `limit` beyond so many bytes. */
  bytes(limit: number): Promise<Uint8Array>;
  discard(): void;
}

/** What becomes of a request, for counting: a status, or that no answer came. */
export type Outcome = number | 'failed';

/** Counts what goes to and comes from a store. None may throw. */
export interface S3Meter {
  request(verb: Verb, outcome: Outcome): void;
  /** Another identical request of one that was slow, and whether it was the quicker one. */
  hedge(hasWon: boolean): void;
  retry(): void;
  bytes(direction: 'in' | 'out', bytes: number): void;
}

interface S3ClientOptions {
  readonly address: S3Address;
  readonly credentials: CredentialSource;
  readonly limits?: Partial<S3Limits> | undefined;
  readonly meter?: Partial<S3Meter> | undefined;
}

interface ToSign {
  readonly method: Verb;
  readonly url: URL;
  readonly headers?: Record<string, string>;
  /** In the address itself, so that whoever has it may ask. */
  readonly signQuery?: boolean;
}

/** Of nothing. */
const EMPTY_SHA256 = sha256Hex(new Uint8Array());

/** One request to an S3-compatible store, signed, every wait bounded; nothing is tried again here. */
export class S3Client {
  readonly limits: S3Limits;
  readonly meter: Partial<S3Meter>;
  readonly #options: S3ClientOptions;
  readonly #agent;
  readonly #request;
  /** Keys derived from the secret, a day each. */
  readonly #derived = new Map<string, ArrayBuffer>();

  constructor(options: S3ClientOptions) {
    this.#options = options;
    this.limits = { ...S3_LIMITS, ...options.limits };
    this.meter = options.meter ?? {};
    const isTls = options.address.endpoint.protocol === 'https:';
    const kept = { keepAlive: true, maxSockets: this.limits.connections };
    this.#agent = isTls ? new TlsAgent(kept) : new PlainAgent(kept);
    this.#request = isTls ? tlsRequest : plainRequest;
  }

  get address(): S3Address {
    return this.#options.address;
  }

  /** Throws ObjectStoreError `away` where no answer came. */
  async send(request: S3Request): Promise<S3Answer> {
    try {
      const answer = await this.#answered(request);
      this.meter.request?.(request.method, answer.statusCode ?? 0);
      if (request.body !== undefined) this.meter.bytes?.('out', request.body.byteLength);
      return answerOf(answer, request, this);
    } catch (error) {
      this.meter.request?.(request.method, 'failed');
      request.signal?.throwIfAborted();
      if (error instanceof ObjectStoreError) throw error;
      throw new ObjectStoreError('away', `${this.address.endpoint.host} did not answer: ${wordsOf(error)}`, {
        cause: error,
      });
    }
  }

  /** An address under which anybody may read one object for so many seconds, by GET and whole. */
  async presigned(key: string, seconds: number): Promise<string> {
    const url = objectUrl(this.address, key);
    url.searchParams.set('X-Amz-Expires', String(seconds));
    const signer = await this.#signer({ method: 'GET', url, signQuery: true });
    return (await signer.sign()).url.href;
  }

  close(): void {
    this.#agent.destroy();
  }

  async #answered(request: S3Request): Promise<IncomingMessage> {
    const { method, body, signal, headMs = this.limits.headMs } = request;
    // What is sent takes its time before anything can be answered.
    const waitMs = headMs + ((body?.byteLength ?? 0) / BODY_SLOWEST) * 1000;
    const { url, headers } = await this.#signed(request);
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const sent = this.#request(url, { method, headers, agent: this.#agent, signal });
    const callOff = timeLimit(waitMs, () => sent.destroy(new Error(`no answer within ${waitMs / 1000} seconds`)));
    sent.on('error', reject);
    sent.once('response', resolve);
    sent.end(body);
    try {
      return await promise;
    } finally {
      callOff();
    }
  }

  async #signed({ method, key, query = {}, headers = {}, body }: S3Request) {
    const url = objectUrl(this.address, key);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    const hash = { 'x-amz-content-sha256': body === undefined ? EMPTY_SHA256 : sha256Hex(body) };
    const signer = await this.#signer({ method, url, headers: { ...headers, ...hash } });
    const signed = await signer.sign();
    const length = body === undefined ? {} : { 'content-length': String(body.byteLength) };
    return { url: signed.url, headers: { ...Object.fromEntries(signed.headers), ...length } };
  }

  async #signer({ url, ...what }: ToSign): Promise<AwsV4Signer> {
    const { accessKeyId, secretAccessKey, sessionToken } = await this.#options.credentials();
    return new AwsV4Signer({
      ...what,
      url: url.href,
      accessKeyId,
      secretAccessKey,
      ...(sessionToken !== undefined && { sessionToken }),
      service: 's3',
      region: this.address.region,
      cache: this.#derived,
    });
  }
}

function answerOf(
  answer: IncomingMessage,
  { signal, silenceMs: waitedMs }: S3Request,
  { limits, meter }: S3Client,
): S3Answer {
  const silenceMs = Math.min(waitedMs ?? limits.silenceMs, limits.silenceMs);
  const announced = answer.headers['content-length'];
  answer.on('error', () => undefined);
  answer.setTimeout(silenceMs, () => answer.destroy(new Error(`nothing came for ${silenceMs / 1000} seconds`)));
  async function* body(): AsyncGenerator<Uint8Array, void, undefined> {
    let read = 0;
    try {
      for await (const chunk of answer) {
        read += chunk.byteLength;
        meter.bytes?.('in', chunk.byteLength);
        yield chunk;
      }
    } catch (error) {
      signal?.throwIfAborted();
      throw new ObjectStoreError('away', `An object broke off after ${read} bytes: ${wordsOf(error)}`, {
        cause: error,
      });
    }
  }
  return {
    status: answer.statusCode ?? 0,
    headers: answer.headers,
    body,
    async bytes(limit) {
      const parts: Uint8Array[] = [];
      let size = 0;
      for await (const part of body()) {
        size += part.byteLength;
        if (size > limit) {
          answer.destroy();
          throw new ObjectStoreError('limit', `An object is larger than the ${limit} bytes that are read of it.`);
        }
        parts.push(part);
      }
      return Buffer.concat(parts);
    },
    // What is short is read to its end, so that the connection serves again.
    discard: () => void (Number(announced ?? 0) > ERROR_BYTES ? answer.destroy() : answer.resume()),
  };
}

/** The answer as an error; its document is read for the code that it names. */
export async function refusedBy(answer: S3Answer, what: string): Promise<ObjectStoreError> {
  const text = await answer.bytes(ERROR_BYTES).catch(() => new Uint8Array());
  const code = readErrorCode(Buffer.from(text).toString('utf8'));
  const said = `${answer.status}${code === undefined ? '' : ` ${code}`}`;
  if (mayPass(answer.status)) return new ObjectStoreError('away', `${what}: the store is busy or broken (${said}).`);
  if (code === 'InvalidObjectState')
    return new ObjectStoreError('wrong', `${what}: it was archived, and cannot be read from the bucket.`);
  const hint =
    code === 'RequestTimeTooSkewed' ? ' The clock of this machine and that of the store are too far apart.' : '';
  return new ObjectStoreError('refused', `${what}: the store refuses it (${said}).${hint}`);
}

/** 409: another write of the same key is under way. */
export function mayPass(status: number): boolean {
  return status >= 500 || status === 429 || status === 408 || status === 409;
}

/** Names no key and no signature: those are in headers alone. */
function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
