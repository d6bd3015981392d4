import { describe, expect, it } from 'vitest';
import type { Caller } from '../../src/async/caller.ts';
import type { DocumentRequest, OpenDownload, Upstream } from '../../src/ports/upstream.ts';
import { START } from '../support/clock.ts';
import type { TestUpstream } from '../support/upstream.ts';

/** What a case may shorten so that it need not wait. Milliseconds. */
export interface UpstreamWaits {
  /** For a document: queue, redirects, retries and body. Long unless a case is about it. */
  readonly deadline?: number | undefined;
  /** A Retry-After counts up to so long. */
  readonly longestRetryAfter?: number | undefined;
  /** A request waits so long for a Retry-After to end. */
  readonly longestWait?: number | undefined;
}

/** An upstream with one place for documents and one for files, one retry, and the server it asks. */
export interface UpstreamRig {
  readonly upstream: Upstream;
  readonly server: TestUpstream;
  /** A URL of another server, to which the upstream may not go. */
  readonly foreign: string;
}

export interface UpstreamCase {
  readonly name: string;
  readonly waits?: UpstreamWaits | undefined;
  run(rig: UpstreamRig): Promise<void>;
}

export const HELLO = Buffer.from('hello');
export const LARGE = Buffer.from(Uint8Array.from({ length: 2_000_000 }, (_, at) => (at * 31) % 251));

const NEVER = new AbortController().signal;
const GONE = new Error('the caller has left');

const callerWith = (signal: AbortSignal): Caller => ({ index: 'main', party: '192.0.2.1', priority: 'client', signal });
const SOMEBODY = callerWith(NEVER);
const refused = (reason: string, transient?: boolean) => ({
  name: 'Refusal',
  reason,
  ...(transient !== undefined && { transient }),
});

/** What comes of asking once for /hello, or for what `request` says. */
function ask({ upstream, server }: UpstreamRig, request: Partial<DocumentRequest> = {}, caller = SOMEBODY) {
  return upstream.document({ url: `${server.url}hello`, fresh: false, limit: 100, ...request }, caller);
}

async function textOf(asked: ReturnType<typeof ask>): Promise<string> {
  const answer = await asked;
  return answer.kind === 'document' ? Buffer.from(answer.bytes).toString() : answer.kind;
}

type Attempt = Parameters<OpenDownload>[0];

const FIRST: Attempt = { offset: 0, limit: LARGE.length, attempt: 1, caller: SOMEBODY };

function open({ upstream, server }: UpstreamRig, ...paths: readonly string[]): OpenDownload {
  return upstream.download({ urls: paths.map((path) => server.url + path) });
}

async function whole(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(Uint8Array.from(chunk));
  return Buffer.concat(parts);
}

/** Leaves once `reached` says that the request is where it should be; the request must end with the caller's reason. */
async function leavesIn(request: (signal: AbortSignal) => Promise<unknown>, reached: () => Promise<unknown>) {
  const leaving = new AbortController();
  const outcome = request(leaving.signal).then(
    () => 'answered',
    (error: unknown) => error,
  );
  await reached();
  leaving.abort(GONE);
  expect(await outcome).toBe(GONE);
}

const documents: readonly UpstreamCase[] = [
  {
    name: 'a document comes whole, with what was said of it and where it was found',
    async run(rig) {
      rig.server.fault('/moved', { kind: 'redirect', to: '/hello' });
      rig.server.fault('/hello', {
        kind: 'headers',
        headers: {
          'content-type': 'text/html',
          etag: '"a"',
          'x-pypi-last-serial': '17',
          'cache-control': 'max-age=600, public',
          date: 'Thu, 01 Jan 2026 00:00:00 GMT',
          age: '30',
        },
      });
      expect(await ask(rig, { url: `${rig.server.url}moved` })).toEqual({
        kind: 'document',
        url: `${rig.server.url}hello`,
        bytes: HELLO,
        contentType: 'text/html',
        etag: '"a"',
        serial: 17,
        maxAge: 600,
        date: START + 30,
      });
    },
  },
  {
    name: 'a document has at most the bytes it may have, whether its length is told or not',
    async run(rig) {
      expect(await textOf(ask(rig, { limit: 5 }))).toBe('hello');
      await expect(ask(rig, { limit: 4 })).rejects.toMatchObject(refused('limit'));
      const chunked = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n';
      rig.server.fault('/hello', { kind: 'raw', bytes: chunked });
      expect(await textOf(ask(rig, { limit: 5 }))).toBe('hello');
      await expect(ask(rig, { limit: 4 })).rejects.toMatchObject(refused('limit'));
    },
  },
  {
    name: 'a document says that it is unchanged only where that was asked',
    async run(rig) {
      const first = await ask(rig);
      const etag = first.kind === 'document' ? first.etag : undefined;
      expect(etag).toBeDefined();
      expect(await textOf(ask(rig, { etag }))).toBe('unchanged');
      expect(await textOf(ask(rig, { etag: '"another"' }))).toBe('hello');
      rig.server.fault('/hello', { kind: 'status', status: 304 });
      await expect(ask(rig)).rejects.toMatchObject(refused('format'));
      await expect(ask(rig, { etag, fresh: true })).rejects.toMatchObject(refused('format'));
    },
  },
  {
    name: 'a fresh document comes on a connection of its own, and is whole however it is known',
    async run(rig) {
      const first = await ask(rig);
      const etag = first.kind === 'document' ? first.etag : undefined;
      expect(await textOf(ask(rig, { etag, fresh: true }))).toBe('hello');
      expect(rig.server.requests[1]?.connection).not.toBe(rig.server.requests[0]?.connection);
    },
  },
  {
    name: 'only 404 and 410 are absence, 403 where that was said, and none is asked for again',
    async run(rig) {
      for (const status of [404, 410, 403]) {
        rig.server.fault('/hello', { kind: 'status', status }, 1);
        expect(await textOf(ask(rig, { forbiddenIsAbsent: true }))).toBe('absent');
      }
      expect(rig.server.requests).toHaveLength(3);
      rig.server.fault('/hello', { kind: 'status', status: 403 }, 1);
      await expect(ask(rig)).rejects.toMatchObject(refused('forbidden', false));
      rig.server.fault('/hello', { kind: 'status', status: 500 }, 2);
      await expect(ask(rig, { forbiddenIsAbsent: true })).rejects.toMatchObject(refused('unreachable', true));
    },
  },
  {
    name: 'a failure that may pass is tried again on a new connection',
    async run(rig) {
      rig.server.fault('/hello', { kind: 'status', status: 502 }, 1);
      expect(await textOf(ask(rig))).toBe('hello');
      rig.server.fault('/hello', { kind: 'truncate', at: 2 }, 1);
      expect(await textOf(ask(rig))).toBe('hello');
      const [first, second, third, fourth] = rig.server.requests;
      expect(second?.connection).not.toBe(first?.connection);
      expect(fourth?.connection).not.toBe(third?.connection);
    },
  },
  {
    name: 'a body that ends with its connection is taken only where something will prove it',
    async run(rig) {
      rig.server.fault('/hello', { kind: 'raw', bytes: 'HTTP/1.1 200 OK\r\n\r\nhello' });
      await expect(ask(rig)).rejects.toMatchObject(refused('truncated'));
      expect(await textOf(ask(rig, { proved: true }))).toBe('hello');
    },
  },
  {
    name: 'a caller that leaves ends its document in whatever phase it is',
    async run(rig) {
      const { server } = rig;
      const asking = (signal: AbortSignal) => ask(rig, { limit: LARGE.length }, callerWith(signal));
      await expect(asking(AbortSignal.abort(GONE))).rejects.toBe(GONE);
      expect(server.requests).toHaveLength(0);

      server.fault('/hello', { kind: 'stall', at: 'headers' }, 1);
      await leavesIn(asking, () => server.reached('/hello', 1));

      server.fault('/hello', { kind: 'stall', at: 2 }, 1);
      await leavesIn(asking, () => server.reached('/hello', 2));

      server.fault('/hello', { kind: 'stall', at: 'headers' }, 1);
      const leaving = new AbortController();
      const occupying = asking(leaving.signal).catch((error: unknown) => error);
      await server.reached('/hello', 3);
      await leavesIn(asking, async () => undefined);
      leaving.abort(GONE);
      expect(await occupying).toBe(GONE);
      expect(server.requests).toHaveLength(3);

      expect(await textOf(asking(NEVER))).toBe('hello');
    },
  },
  {
    name: 'a document ends with its deadline',
    waits: { deadline: 100 },
    async run(rig) {
      rig.server.fault('/hello', { kind: 'drip', bytes: 1, every: 60 });
      await expect(ask(rig)).rejects.toMatchObject(refused('slow', true));
      expect(rig.server.requests).toHaveLength(1);
    },
  },
  {
    name: 'a document never waits for files, however many come slowly',
    async run(rig) {
      rig.server.fault('/large', { kind: 'stall', at: 10, time: 1500 });
      const leaving = new AbortController();
      const files = [1, 2, 3].map(async () => {
        const { bytes } = await open(rig, 'large')({ ...FIRST, caller: callerWith(leaving.signal) });
        await whole(bytes);
      });
      const ended = Promise.allSettled(files);
      await rig.server.reached('/large');
      expect(await Promise.race([textOf(ask(rig)), Promise.any(files)])).toBe('hello');
      expect(rig.server.asked('/large')).toHaveLength(1);
      leaving.abort(GONE);
      for (const outcome of await ended) expect(outcome).toMatchObject({ reason: GONE });
    },
  },
];

const rests: readonly UpstreamCase[] = [
  {
    name: 'an index that asked to be left alone is not asked before that is over',
    waits: { longestRetryAfter: 1000, longestWait: 10_000 },
    async run(rig) {
      rig.server.fault('/hello', { kind: 'status', status: 503, headers: { 'retry-after': '100' } }, 1);
      const start = performance.now();
      expect(await textOf(ask(rig))).toBe('hello');
      expect(performance.now() - start).toBeGreaterThanOrEqual(990);
    },
  },
  {
    name: 'whoever would wait too long for an index to be asked again fails at once',
    waits: { longestRetryAfter: 60_000, longestWait: 10 },
    async run(rig) {
      rig.server.fault('/hello', { kind: 'status', status: 429, headers: { 'retry-after': '100' } }, 1);
      for (let tried = 0; tried < 2; tried++)
        await expect(ask(rig)).rejects.toMatchObject(refused('unreachable', true));
      expect(rig.server.requests).toHaveLength(1);
    },
  },
  {
    name: 'a caller that leaves does not wait for an index to be asked again',
    waits: { longestRetryAfter: 60_000, longestWait: 60_000 },
    async run(rig) {
      rig.server.fault('/hello', { kind: 'status', status: 503, headers: { 'retry-after': '100' } }, 1);
      await leavesIn(
        (signal) => ask(rig, {}, callerWith(signal)),
        () => rig.server.reached('/hello'),
      );
      expect(rig.server.requests).toHaveLength(1);
    },
  },
];

const hosts: readonly UpstreamCase[] = [
  {
    name: 'another host is neither asked nor followed to, and is known as one that may not be asked',
    async run(rig) {
      const { upstream, server, foreign } = rig;
      expect([upstream.mayFetch(`${server.url}any`), upstream.mayFetch(foreign)]).toEqual([true, false]);
      await expect(ask(rig, { url: foreign })).rejects.toMatchObject(refused('redirect'));
      const elsewhere = upstream.download({ urls: [foreign] });
      await expect(elsewhere(FIRST)).rejects.toMatchObject(refused('redirect'));
      server.fault('/moved', { kind: 'redirect', to: foreign });
      await expect(ask(rig, { url: `${server.url}moved` })).rejects.toMatchObject(refused('redirect'));
      await expect(open(rig, 'moved')(FIRST)).rejects.toMatchObject(refused('redirect'));
    },
  },
];

const downloads: readonly UpstreamCase[] = [
  {
    name: 'a file comes whole, and at most the bytes it may have',
    async run(rig) {
      const { start, bytes } = await open(rig, 'large')(FIRST);
      expect(start).toBe(0);
      expect(Buffer.compare(await whole(bytes), LARGE)).toBe(0);
      const cut = await open(rig, 'large')({ ...FIRST, limit: LARGE.length - 1 });
      await expect(whole(cut.bytes).then(({ length }) => length)).rejects.toMatchObject(refused('limit'));
    },
  },
  {
    name: 'a file that broke off goes on from there',
    async run(rig) {
      const download = open(rig, 'large');
      rig.server.fault('/large', { kind: 'truncate', at: 1000 }, 1);
      await expect(whole((await download(FIRST)).bytes)).rejects.toMatchObject(refused('truncated'));
      const { start, bytes } = await download({ ...FIRST, offset: 1000, attempt: 2 });
      expect(start).toBe(1000);
      expect(Buffer.compare(await whole(bytes), LARGE.subarray(1000))).toBe(0);
    },
  },
  {
    name: 'a further attempt at a file is made on a new connection',
    async run(rig) {
      const download = open(rig, 'hello');
      await whole((await download(FIRST)).bytes);
      await whole((await download({ ...FIRST, attempt: 2 })).bytes);
      expect(rig.server.requests[1]?.connection).not.toBe(rig.server.requests[0]?.connection);
    },
  },
  {
    name: 'a file that is no longer the same begins from its start',
    async run(rig) {
      const download = open(rig, 'large');
      await whole((await download(FIRST)).bytes);
      const other = Buffer.alloc(LARGE.length, 'x');
      rig.server.fault('/large', { kind: 'replace', bytes: other });
      const { start, bytes } = await download({ ...FIRST, offset: 1000, attempt: 2 });
      expect(start).toBe(0);
      expect(Buffer.compare(await whole(bytes), other)).toBe(0);
    },
  },
  {
    name: 'a file that its first place does not have is taken from the next, and remembered there',
    async run(rig) {
      const download = open(rig, 'nowhere', 'hello');
      expect((await whole((await download(FIRST)).bytes)).toString()).toBe('hello');
      await whole((await download(FIRST)).bytes);
      expect(rig.server.asked('/nowhere')).toHaveLength(1);
      await expect(open(rig, 'nowhere', 'neither')(FIRST)).rejects.toMatchObject(refused('unlisted'));
    },
  },
  {
    name: 'a file that no place had is asked for at the first one again',
    async run(rig) {
      const download = open(rig, 'hello', 'nowhere');
      rig.server.fault('/hello', { kind: 'status', status: 404 }, 1);
      await expect(download(FIRST)).rejects.toMatchObject(refused('unlisted'));
      expect((await whole((await download(FIRST)).bytes)).toString()).toBe('hello');
    },
  },
  {
    name: 'a place that fails is not passed over: nothing says that the file is not there',
    async run(rig) {
      rig.server.fault('/large', { kind: 'status', status: 500 });
      await expect(open(rig, 'large', 'hello')(FIRST)).rejects.toMatchObject(refused('unreachable', true));
      expect(rig.server.asked('/hello')).toHaveLength(0);
    },
  },
  {
    name: 'a download ends with the signal of its request, in whatever phase it is',
    async run(rig) {
      const { server } = rig;
      const reading = async (signal: AbortSignal) => {
        await whole((await open(rig, 'large')({ ...FIRST, caller: callerWith(signal) })).bytes);
      };
      await expect(reading(AbortSignal.abort(GONE))).rejects.toBe(GONE);
      expect(server.requests).toHaveLength(0);

      server.fault('/large', { kind: 'stall', at: 'headers' }, 1);
      await leavesIn(reading, () => server.reached('/large', 1));

      server.fault('/large', { kind: 'stall', at: 2 }, 1);
      const leaving = new AbortController();
      const occupying = reading(leaving.signal).catch((error: unknown) => error);
      await server.reached('/large', 2);
      await leavesIn(reading, async () => undefined);
      leaving.abort(GONE);
      expect(await occupying).toBe(GONE);
      expect(server.requests).toHaveLength(2);

      await reading(NEVER);
    },
  },
];

export const UPSTREAM_CASES: readonly UpstreamCase[] = [...documents, ...rests, ...hosts, ...downloads];

/** What every upstream has to do, on the one that `make` makes. */
export function upstreamContract(name: string, make: (waits: UpstreamWaits) => Promise<UpstreamRig>): void {
  describe(`upstream: ${name}`, () => {
    it.each(UPSTREAM_CASES)('$name', async ({ waits = {}, run }) => {
      await run(await make(waits));
    });
  });
}
