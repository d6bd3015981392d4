import { setTimeout as delay } from 'node:timers/promises';
import { type ObjectStore, ObjectStoreError } from '../ports/object-store.ts';
import { mayPass, refusedBy, type S3Answer, type S3Client, type S3Request } from './client.ts';
import { LIST_BYTES, LIST_PAGES } from './limits.ts';
import { type ListedObject, readListed } from './xml.ts';

/** A reader that asks for the object as it is now, and not as some cache on the way has it. */
const NO_CACHE = { 'cache-control': 'no-cache' };

/** Small objects in an S3-compatible store. */
export class S3ObjectStore implements ObjectStore {
  readonly #client: S3Client;

  constructor(client: S3Client) {
    this.#client = client;
  }

  async get(key: string, limit: number, signal?: AbortSignal): Promise<Uint8Array | undefined> {
    return this.#patiently(signal, async () => {
      const answer = await this.#client.send({ method: 'GET', key, headers: NO_CACHE, signal });
      if (answer.status === 404) return discarded(answer, undefined);
      if (answer.status !== 200) throw await refusedBy(answer, `Reading ${key}`);
      return answer.bytes(limit);
    });
  }

  /**
   * A conditional write is never believed to have failed: whatever was answered but a success, what lies there is read back. 412 may
   * be our own first attempt that was answered too late, 409 that of somebody who then broke off, and no answer may be either.
   */
  async create(key: string, bytes: Uint8Array, signal?: AbortSignal): Promise<'created' | 'taken'> {
    return this.#patiently(signal, async () => {
      const request: S3Request = { method: 'PUT', key, headers: { 'if-none-match': '*' }, body: bytes, signal };
      const answer = await this.#hedged(request).catch((error: unknown) => unknownResult(error));
      if (answer instanceof ObjectStoreError) return (await this.#result(key, bytes, signal)) ?? thrown(answer);
      if (answer.status >= 200 && answer.status < 300) return discarded(answer, 'created');
      const refusal = await refusedBy(answer, `Creating ${key}`);
      if (answer.status !== 412 && !mayPass(answer.status)) throw refusal;
      return (await this.#result(key, bytes, signal)) ?? thrown(new ObjectStoreError('away', refusal.message));
    });
  }

  async *list(prefix: string, after?: string, signal?: AbortSignal): AsyncGenerator<string, void, undefined> {
    for await (const { key } of this.objects(prefix, after, signal)) yield key;
  }

  /** The same with what is known of each. */
  async *objects(prefix: string, after?: string, signal?: AbortSignal): AsyncGenerator<ListedObject, void, undefined> {
    const { address } = this.#client;
    const own = address.prefix + prefix;
    let last = after === undefined ? '' : address.prefix + after;
    let next: string | undefined;
    for (let page = 0; page < LIST_PAGES; page++) {
      const listed = await this.#listed(own, last, next, signal);
      for (const object of listed.objects) {
        // A list that goes back or leaves its prefix has no end, or is another's.
        if (!object.key.startsWith(own) || object.key <= last)
          throw new ObjectStoreError('wrong', `The list of ${own} is in no order, or of something else.`);
        last = object.key;
        yield { ...object, key: object.key.slice(address.prefix.length) };
      }
      if (listed.next === undefined) return;
      if (listed.next === next || listed.objects.length === 0)
        throw new ObjectStoreError('wrong', `The list of ${own} does not go on.`);
      next = listed.next;
    }
    throw new ObjectStoreError('limit', `The list of ${own} is longer than ${LIST_PAGES} answers.`);
  }

  async remove(key: string, signal?: AbortSignal): Promise<void> {
    await this.#patiently(signal, async () => {
      const answer = await this.#client.send({ method: 'DELETE', key, signal });
      if (answer.status !== 404 && (answer.status < 200 || answer.status >= 300))
        throw await refusedBy(answer, `Removing ${key}`);
      answer.discard();
    });
  }

  /** What came of a write; undefined where nothing lies there, or the store cannot be had. */
  async #result(key: string, bytes: Uint8Array, signal?: AbortSignal): Promise<'created' | 'taken' | undefined> {
    const answer = await this.#client.send({ method: 'GET', key, headers: NO_CACHE, signal });
    if (answer.status !== 200) return discarded(answer, undefined);
    try {
      return Buffer.compare(await answer.bytes(bytes.byteLength), bytes) === 0 ? 'created' : 'taken';
    } catch (error) {
      if (error instanceof ObjectStoreError && error.kind === 'limit') return 'taken';
      throw error;
    }
  }

  async #listed(prefix: string, after: string, token: string | undefined, signal?: AbortSignal) {
    const query = {
      'list-type': '2',
      prefix,
      ...(token === undefined ? after !== '' && { 'start-after': after } : { 'continuation-token': token }),
    };
    return this.#patiently(signal, async () => {
      const answer = await this.#client.send({ method: 'GET', key: '', query, headers: NO_CACHE, signal });
      if (answer.status !== 200) throw await refusedBy(answer, `Listing ${prefix}`);
      const listed = readListed(Buffer.from(await answer.bytes(LIST_BYTES)).toString('utf8'));
      if (listed === undefined) throw new ObjectStoreError('wrong', `What was to be the list of ${prefix} is none.`);
      return listed;
    });
  }

  /**
   * A second identical request of one that is not answered soon; the first success counts. Both write the same bytes, so that either may
   * have been first.
   */
  async #hedged(request: S3Request): Promise<S3Answer> {
    const first = this.#client.send(request);
    const isSlow = await Promise.race([
      first.then(
        () => false,
        () => false,
      ),
      delay(this.#client.limits.hedgeMs, true),
    ]);
    if (!isSlow) return first;
    const both = [first, this.#client.send(request)];
    const success = (sent: Promise<S3Answer>) =>
      sent.then((answer) => (answer.status < 300 ? answer : Promise.reject(answer)));
    const chosen = await Promise.any(both.map(success)).catch(() => first);
    for (const sent of both) sent.then((answer) => answer !== chosen && answer.discard()).catch(() => undefined);
    return chosen;
  }

  async #patiently<T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    const { attempts, pauseMs } = this.#client.limits;
    for (let attempt = 1; ; attempt++) {
      try {
        return await work();
      } catch (error) {
        const isOver = !(error instanceof ObjectStoreError) || error.kind !== 'away' || attempt >= attempts;
        if (isOver) throw error;
        await delay(pauseMs * 2 ** (attempt - 1) * (0.5 + Math.random() / 2), undefined, { signal });
      }
    }
  }
}

function discarded<T>(answer: S3Answer, value: T): T {
  answer.discard();
  return value;
}

function unknownResult(error: unknown): ObjectStoreError {
  if (error instanceof ObjectStoreError && error.kind === 'away') return error;
  throw error;
}

function thrown(error: ObjectStoreError): never {
  throw error;
}
