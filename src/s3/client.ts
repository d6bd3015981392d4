import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { AwsV4Signer } from 'aws4fetch';
import { sha256Hex } from '../bytes/digest.ts';
import { ObjectStoreError } from '../ports/object-store.ts';
import { objectUrl, type S3Address } from './address.ts';
import type { CredentialSource } from './credentials.ts';
import { ERROR_BYTES, S3_LIMITS, type S3Limits } from './limits.ts';
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

interface S3ClientOptions {
  readonly address: S3Address;
  readonly credentials: CredentialSource;
  readonly limits?: Partial<S3Limits> | undefined;
  readonly onRequest?: ((verb: Verb, outcome: Outcome) => void) | undefined;
}

/** Of nothing. */
const EMPTY_SHA256 = sha256Hex(new Uint8Array());

/** One request to an S3-compatible store, signed, every wait bounded; nothing is tried again here. */
export class S3Client {
  readonly limits: S3Limits;
  readonly #options: S3ClientOptions;
  readonly #agent;
  readonly #request;
  /** Keys derived from the secret, a day each. */
  readonly #derived = new Map<string, ArrayBuffer>();

  constructor(options: S3ClientOptions) {
    this.#options = options;
    this.limits = { ...S3_LIMITS, ...options.limits };
    const isTls = options.address.endpoint.protocol === 'https:';
    const http = isTls ? process.getBuiltinModule('node:https') : process.getBuiltinModule('node:http');
    this.#agent = new http.Agent({ keepAlive: true, maxSockets: this.limits.connections });
    this.#request = http.request;
  }

  get address(): S3Address {
    return this.#options.address;
  }

  /** Throws ObjectStoreError `away` where no answer came. */
  async send(request: S3Request): Promise<S3Answer> {
    const { onRequest = () => undefined } = this.#options;
    try {
      const answer = await this.#answered(request);
      onRequest(request.method, answer.statusCode ?? 0);
      return answerOf(answer, request, this.limits);
    } catch (error) {
      onRequest(request.method, 'failed');
      request.signal?.throwIfAborted();
      throw new ObjectStoreError('away', `${this.address.endpoint.host} did not answer: ${wordsOf(error)}`, {
        cause: error,
      });
    }
  }

  close(): void {
    this.#agent.destroy();
  }

  async #answered(request: S3Request): Promise<IncomingMessage> {
    const { method, body, signal } = request;
    const { url, headers } = await this.#signed(request);
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const sent = this.#request(url, { method, headers, agent: this.#agent, signal });
    const timer = setTimeout(
      () => sent.destroy(new Error(`no answer within ${this.limits.headMs / 1000} seconds`)),
      this.limits.headMs,
    );
    sent.on('error', reject);
    sent.once('response', resolve);
    sent.end(body);
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
    }
  }

  async #signed({ method, key, query = {}, headers = {}, body }: S3Request) {
    const url = objectUrl(this.address, key);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    const { region } = this.address;
    const { accessKeyId, secretAccessKey, sessionToken } = await this.#options.credentials();
    const signer = new AwsV4Signer({
      method,
      url: url.href,
      headers: { ...headers, 'x-amz-content-sha256': body === undefined ? EMPTY_SHA256 : sha256Hex(body) },
      accessKeyId,
      secretAccessKey,
      ...(sessionToken !== undefined && { sessionToken }),
      service: 's3',
      region,
      cache: this.#derived,
    });
    const signed = await signer.sign();
    const length = body === undefined ? {} : { 'content-length': String(body.byteLength) };
    return { url: signed.url, headers: { ...Object.fromEntries(signed.headers), ...length } };
  }
}

function answerOf(answer: IncomingMessage, { method, signal }: S3Request, { silenceMs }: S3Limits): S3Answer {
  const announced = answer.headers['content-length'];
  answer.on('error', () => undefined);
  answer.setTimeout(silenceMs, () => answer.destroy(new Error(`nothing came for ${silenceMs / 1000} seconds`)));
  async function* body(): AsyncGenerator<Uint8Array, void, undefined> {
    let read = 0;
    try {
      for await (const chunk of answer) {
        read += chunk.byteLength;
        yield chunk;
      }
    } catch (error) {
      signal?.throwIfAborted();
      throw new ObjectStoreError('away', `An object broke off after ${read} bytes: ${wordsOf(error)}`, {
        cause: error,
      });
    }
    if (method !== 'HEAD' && announced !== undefined && read !== Number(announced))
      throw new ObjectStoreError('away', `An object broke off after ${read} of ${announced} bytes.`);
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
    discard: () => void answer.resume(),
  };
}

/** The answer as an error; its document is read for the code that it names. */
export async function refusedBy(answer: S3Answer, what: string): Promise<ObjectStoreError> {
  const text = await answer.bytes(ERROR_BYTES).catch(() => new Uint8Array());
  const code = readErrorCode(Buffer.from(text).toString('utf8'));
  const said = `${answer.status}${code === undefined ? '' : ` ${code}`}`;
  if (mayPass(answer.status)) return new ObjectStoreError('away', `${what}: the store is busy or broken (${said}).`);
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
