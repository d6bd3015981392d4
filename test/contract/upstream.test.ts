import { afterEach, describe, expect, it } from 'vitest';
import { internalCaller, withSignal } from '../../src/async/caller.ts';
import type { DocumentRequest, OpenDownload, Upstream } from '../../src/ports/upstream.ts';
import { createUpstream } from '../../src/upstream/client.ts';
import { LIMITS } from '../../src/upstream/limits.ts';
import { startUpstream } from '../support/upstream.ts';
import { HELLO, LARGE, UPSTREAM_CASES, type UpstreamRig, type UpstreamWaits, upstreamContract } from './upstream.ts';

const MINUTE = 60_000;
const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function overHttp({ deadline = MINUTE, longestRetryAfter, longestWait }: UpstreamWaits): Promise<UpstreamRig> {
  const server = await startUpstream({
    files: new Map([
      ['/hello', HELLO],
      ['/large', LARGE],
    ]),
  });
  ends.push(server.close);
  const pace = { headersTimeout: MINUTE, idleTimeout: MINUTE, rateWindow: MINUTE };
  const upstream = createUpstream({
    bases: [server.url],
    retries: 1,
    limits: {
      connections: 1,
      retryDelay: 1,
      documents: { ...pace, deadline },
      downloads: { ...pace, deadline: MINUTE },
      longestRetryAfter: longestRetryAfter ?? LIMITS.longestRetryAfter,
      longestWait: longestWait ?? LIMITS.longestWait,
    },
  });
  ends.push(upstream.close);
  return { upstream, server, foreign: `http://127.0.0.1:${server.port === 1 ? 2 : 1}/hello` };
}

upstreamContract('over HTTP', overHttp);

interface Misbehaviour {
  readonly does: string;
  readonly caughtBy: string;
  readonly wrap: (upstream: Upstream) => Upstream;
}

const NEVER = new AbortController().signal;
const PATIENT = internalCaller('main');

/** Asks for something else than it was asked for. */
const asking =
  (change: (request: DocumentRequest) => Partial<DocumentRequest>) =>
  (upstream: Upstream): Upstream => ({
    ...upstream,
    document: (request, caller) => upstream.document({ ...request, ...change(request) }, caller),
  });

type Attempt = Parameters<OpenDownload>[0];

const downloading =
  (change: (attempt: Attempt) => Partial<Attempt>) =>
  (upstream: Upstream): Upstream => ({
    ...upstream,
    download(places) {
      const open = upstream.download(places);
      return (attempt) => open({ ...attempt, ...change(attempt) });
    },
  });

const MISBEHAVIOURS: readonly Misbehaviour[] = [
  {
    does: 'forgets where a redirect led',
    caughtBy: 'a document comes whole, with what was said of it and where it was found',
    wrap: (upstream) => ({
      ...upstream,
      async document(request, caller) {
        const answer = await upstream.document(request, caller);
        return answer.kind === 'document' ? { ...answer, url: request.url } : answer;
      },
    }),
  },
  {
    does: 'reads on beyond the limit',
    caughtBy: 'a document has at most the bytes it may have, whether its length is told or not',
    wrap: asking(() => ({ limit: 1000 })),
  },
  {
    does: 'takes any 304 for an answer',
    caughtBy: 'a document says that it is unchanged only where that was asked',
    wrap: asking(({ etag }) => ({ etag: etag ?? '"any"' })),
  },
  {
    does: 'asks for a fresh document on a kept connection',
    caughtBy: 'a fresh document comes on a connection of its own, and is whole however it is known',
    wrap: asking(() => ({ fresh: false, etag: undefined })),
  },
  {
    does: 'asks conditionally for a fresh document',
    caughtBy: 'a fresh document comes on a connection of its own, and is whole however it is known',
    wrap: asking(() => ({ fresh: false })),
  },
  {
    does: 'takes 403 for absence unasked',
    caughtBy: 'only 404 and 410 are absence, 403 where that was said, and none is asked for again',
    wrap: asking(() => ({ forbiddenIsAbsent: true })),
  },
  {
    does: 'takes an outage for absence',
    caughtBy: 'only 404 and 410 are absence, 403 where that was said, and none is asked for again',
    wrap: (upstream) => ({
      ...upstream,
      document: (...asked) => upstream.document(...asked).catch(() => ({ kind: 'absent' })),
    }),
  },
  {
    does: 'gives up at the first failure',
    caughtBy: 'a failure that may pass is tried again on a new connection',
    wrap: (upstream) => ({
      ...upstream,
      async document(request, caller) {
        const first = new AbortController();
        const open = upstream.download({ urls: [request.url] });
        await open({ offset: 0, limit: 1000, attempt: 1, caller: withSignal(caller, first.signal) });
        first.abort();
        return upstream.document(request, caller);
      },
    }),
  },
  {
    does: 'takes any body for whole',
    caughtBy: 'a body that ends with its connection is taken only where something will prove it',
    wrap: asking(() => ({ proved: true })),
  },
  {
    does: 'goes on when its caller has left',
    caughtBy: 'a caller that leaves ends its document in whatever phase it is',
    wrap: (upstream) => ({ ...upstream, document: (request) => upstream.document(request, PATIENT) }),
  },
  {
    does: 'tells whoever has left nothing but that',
    caughtBy: 'a caller that leaves ends its document in whatever phase it is',
    wrap: (upstream) => ({
      ...upstream,
      document: (...asked) =>
        upstream.document(...asked).catch((cause: unknown) => {
          throw new Error('ended', { cause });
        }),
    }),
  },
  {
    does: 'begins anew when the deadline has passed',
    caughtBy: 'a document ends with its deadline',
    wrap: (upstream) => ({
      ...upstream,
      document: (...asked) => upstream.document(...asked).catch(() => upstream.document(...asked)),
    }),
  },
  {
    does: 'has documents wait where files do',
    caughtBy: 'a document never waits for files, however many come slowly',
    wrap(upstream) {
      let last: Promise<unknown> = Promise.resolve();
      const inTurn = <T>(task: () => Promise<T>): Promise<T> => {
        const turn = last.then(task);
        last = turn.catch(() => undefined);
        return turn;
      };
      return {
        ...upstream,
        document: (...asked) => inTurn(() => upstream.document(...asked)),
        download(...asked) {
          const open = upstream.download(...asked);
          return (attempt) =>
            new Promise((resolve, reject) => {
              inTurn(async () => {
                const { start, bytes } = await open(attempt);
                const { promise: read, resolve: end } = Promise.withResolvers<void>();
                async function* passed() {
                  try {
                    yield* bytes;
                  } finally {
                    end();
                  }
                }
                resolve({ start, bytes: passed() });
                await read;
              }).catch(reject);
            });
        },
      };
    },
  },
  {
    does: 'asks at once an index that wants to be left alone',
    caughtBy: 'an index that asked to be left alone is not asked before that is over',
    wrap: (upstream) => ({
      ...upstream,
      document(request, caller) {
        const ofItsOwn = () => {
          const another = createUpstream({ bases: [request.url], retries: 0 });
          ends.push(another.close);
          return another.document(request, caller);
        };
        return ofItsOwn().catch(ofItsOwn);
      },
    }),
  },
  {
    does: 'takes an index that wants to be left alone for one that has nothing',
    caughtBy: 'whoever would wait too long for an index to be asked again fails at once',
    wrap: (upstream) => ({
      ...upstream,
      document: (...asked) => upstream.document(...asked).catch(() => ({ kind: 'absent' })),
    }),
  },
  {
    does: 'has whoever left wait for the index',
    caughtBy: 'a caller that leaves does not wait for an index to be asked again',
    wrap: (upstream) => ({
      ...upstream,
      document: (request, caller) =>
        Promise.race([upstream.document(request, withSignal(caller, NEVER)), atAbort(caller.signal)]),
    }),
  },
  {
    does: 'may go anywhere',
    caughtBy: 'another host is neither asked nor followed to, and is known as one that may not be asked',
    wrap: (upstream) => ({ ...upstream, mayFetch: () => true }),
  },
  {
    does: 'sends more of a file than it may have',
    caughtBy: 'a file comes whole, and at most the bytes it may have',
    wrap: downloading(({ limit }) => ({ limit: limit + 1 })),
  },
  {
    does: 'begins a broken file anew each time',
    caughtBy: 'a file that broke off goes on from there',
    wrap: downloading(() => ({ offset: 0 })),
  },
  {
    does: 'asks for a file again over a kept connection',
    caughtBy: 'a further attempt at a file is made on a new connection',
    wrap: downloading(() => ({ attempt: 1 })),
  },
  {
    does: 'goes on with another file where the first one ended',
    caughtBy: 'a file that is no longer the same begins from its start',
    wrap: (upstream) => ({
      ...upstream,
      download:
        (...asked) =>
        (attempt) =>
          upstream.download(...asked)(attempt),
    }),
  },
  {
    does: 'knows one place only',
    caughtBy: 'a file that its first place does not have is taken from the next, and remembered there',
    wrap: (upstream) => ({
      ...upstream,
      download: ({ urls }) => upstream.download({ urls: urls.slice(0, 1) }),
    }),
  },
  {
    does: 'never looks again where a file was not',
    caughtBy: 'a file that no place had is asked for at the first one again',
    wrap: (upstream) => ({
      ...upstream,
      download(places) {
        const open = upstream.download(places);
        let lost: unknown;
        return async (attempt) => {
          if (lost !== undefined) throw lost;
          return open(attempt).catch((error: unknown) => {
            lost = error;
            throw error;
          });
        };
      },
    }),
  },
  {
    does: 'passes over a place that fails',
    caughtBy: 'a place that fails is not passed over: nothing says that the file is not there',
    wrap: (upstream) => ({
      ...upstream,
      download:
        ({ urls }) =>
        (attempt) =>
          upstream
            .download({ urls: urls.slice(0, 1) })(attempt)
            .catch(() => upstream.download({ urls: urls.slice(1) })(attempt)),
    }),
  },
  {
    does: 'goes on with a file that nobody waits for',
    caughtBy: 'a download ends with the signal of its request, in whatever phase it is',
    wrap: downloading(({ caller }) => ({ caller: withSignal(caller, NEVER) })),
  },
];

function atAbort(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) =>
    signal.addEventListener('abort', () => reject(new Error('ended', { cause: signal.reason }))),
  );
}

describe('an upstream that', () => {
  it.each(MISBEHAVIOURS)('$does is caught: $caughtBy', async ({ caughtBy, wrap }) => {
    const found = UPSTREAM_CASES.find(({ name }) => name === caughtBy);
    if (found === undefined) throw new Error('no such case');
    const rig = await overHttp(found.waits ?? {});
    const run = found.run({ ...rig, upstream: wrap(rig.upstream) });
    await expect(run).rejects.toThrow();
  });

  it('misbehaves in any way a case is there for', () => {
    const caught = new Set(MISBEHAVIOURS.map(({ caughtBy }) => caughtBy));
    expect(UPSTREAM_CASES.map(({ name }) => name).filter((name) => !caught.has(name))).toEqual([]);
  });
});
