import { randomBytes } from 'node:crypto';
import { open, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { AdvisoryAnswers } from '../../../src/app/advisories/answers.ts';
import type { FeedKeeper } from '../../../src/app/advisories/keeper.ts';
import { createShares } from '../../../src/async/shares.ts';
import { sha256Hex } from '../../../src/bytes/digest.ts';
import { createAccess } from '../../../src/http/access/access.ts';
import { readTokens } from '../../../src/http/access/access-list.ts';
import { MAX_ASKED_BODY } from '../../../src/http/limits.ts';
import { advisory, archiveOf, range } from '../../support/advisories.ts';
import { type Asking, ask, shout, statusesOf, statusOf } from '../../support/ask.ts';
import { type KeptFeed, keepFeed } from '../../support/kept-feed.ts';
import { type Serving, type ServingOptions, serve } from './serving.ts';

const BAD = advisory('MAL-2026-1', 'alpha', { versions: ['2.0'] }, { details: 'It steals keys — all of them' });
const OLD = advisory('PYSEC-2026-2', 'alpha', range({ introduced: '0' }, { fixed: '1.5' }));
const GONE = advisory('PYSEC-2026-3', 'alpha', {}, { withdrawn: '2026-04-01T00:00:00Z' });
const MARKED = advisory('GHSA-x', 'beta', {});
const RECORDS = [BAD, OLD, GONE, Buffer.from(`\ufeff${JSON.stringify(MARKED)}`)];

let feed: KeptFeed;
let serving: Serving;
const start = async (keeper: Pick<FeedKeeper, 'inForce'> | undefined, more: ServingOptions['listener'] = {}) =>
  serve({ listener: { advisories: new AdvisoryAnswers(keeper, createShares()), ...more } });
beforeAll(async () => {
  feed = await keepFeed(archiveOf(RECORDS));
  serving = await start(feed.keeper);
});
afterAll(async () => {
  await serving.close();
  await feed.close();
});
beforeEach(() => {
  serving.finished.length = 0;
});

const post = (path: string, value: unknown, more: Asking = {}, at = serving) =>
  ask(at.url, path, { method: 'POST', body: typeof value === 'string' ? value : JSON.stringify(value), ...more });
const json = async (answer: ReturnType<typeof ask>) => {
  const { status, headers, body } = await answer;
  expect(headers['content-type']).toBe('application/json');
  expect(Number(headers['content-length'])).toBe(body.byteLength);
  return { status, value: JSON.parse(body.toString()) };
};
const of = (name: string, version?: string) => ({ package: { name, ecosystem: 'PyPI' }, version });

describe('a query', () => {
  it('is answered with whole records, as the feed has them', async () => {
    expect(await json(post('/v1/query', of('Alpha', '2.0.0')))).toEqual({ status: 200, value: { vulns: [BAD] } });
    expect(await json(post('/v1/query', of('alpha', '1.0')))).toEqual({ status: 200, value: { vulns: [OLD] } });
    expect(await json(post('/v1/query', { package: { purl: 'pkg:pypi/alpha@2.0' } }))).toMatchObject({
      value: { vulns: [BAD] },
    });
    expect(serving.finished.map(({ route, method, reason }) => [route, method, reason])).toEqual(
      new Array(3).fill(['advisories', 'POST', undefined]),
    );
  });

  it('about no version is answered with all that speak of the package, and none that was withdrawn', async () => {
    expect((await json(post('/v1/query', of('alpha')))).value).toEqual({ vulns: [BAD, OLD] });
  });

  it('of which nothing is known is answered with nothing', async () => {
    for (const query of [of('alpha', '1.5'), of('gamma', '1'), { commit: 'ab'.repeat(20) }])
      expect(await json(post('/v1/query', query))).toEqual({ status: 200, value: {} });
  });

  it('has a record with a byte order mark as one among others', async () => {
    expect((await json(post('/v1/query', of('beta', '1')))).value).toEqual({ vulns: [MARKED] });
  });

  it('may be asked with a key, in pieces, and by a client that waits to be invited', async () => {
    const chunked = { headers: { 'transfer-encoding': 'chunked' } };
    expect((await json(post('/v1/query?key=x', of('alpha', '2.0'), chunked))).value).toEqual({ vulns: [BAD] });
    const body = JSON.stringify(of('alpha', '2.0'));
    const lines = `Host: a\r\nConnection: close\r\nContent-Length: ${body.length}\r\n`;
    const heard = await shout(serving.url, `POST /v1/query HTTP/1.1\r\n${lines}Expect: 100-continue\r\n\r\n${body}`);
    expect(statusesOf(heard)).toEqual([100, 200]);
  });

  it('leaves its connection open for the next', async () => {
    const body = JSON.stringify(of('alpha', '2.0'));
    const one = `POST /v1/query HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    const last = 'GET /v1/vulns/MAL-2026-1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';
    expect(statusesOf(await shout(serving.url, one + one + last))).toEqual([200, 200, 200]);
  });
});

describe('a batch', () => {
  it('is answered with ids and times of change, query by query', async () => {
    const modified = '2026-03-24T15:35:00Z';
    const queries = [of('alpha'), of('gamma', '1'), of('alpha', '2.0'), { commit: 'ab' }];
    expect(await json(post('/v1/querybatch', { queries }))).toEqual({
      status: 200,
      value: {
        results: [
          {
            vulns: [
              { id: 'MAL-2026-1', modified },
              { id: 'PYSEC-2026-2', modified },
            ],
          },
          {},
          { vulns: [{ id: 'MAL-2026-1', modified }] },
          {},
        ],
      },
    });
    expect((await json(post('/v1/querybatch', {}))).value).toEqual({ results: [] });
  });
});

describe('a record', () => {
  it('is had by its id, one that was withdrawn as well', async () => {
    for (const record of [BAD, GONE]) {
      const id = 'id' in record ? String(record.id) : '';
      expect(await json(ask(serving.url, `/v1/vulns/${id}`))).toEqual({ status: 200, value: record });
    }
  });

  it('is not vouched for, and kept by nobody on the way', async () => {
    const { headers } = await ask(serving.url, '/v1/vulns/MAL-2026-1');
    expect(headers).toMatchObject({ 'verbatim-evidence': 'none', 'cache-control': 'no-store' });
  });

  it('is measured by HEAD', async () => {
    const whole = await ask(serving.url, '/v1/vulns/MAL-2026-1');
    const head = await ask(serving.url, '/v1/vulns/MAL-2026-1', { method: 'HEAD' });
    expect(head.headers['content-length']).toBe(String(whole.body.byteLength));
    expect(head.body).toHaveLength(0);
  });

  it('that is not there is told in the form of the API', async () => {
    const { status, value } = await json(ask(serving.url, '/v1/vulns/MAL-0'));
    expect([status, value.code]).toEqual([404, 5]);
    expect(value.message).toContain('No advisory of this id');
    expect(serving.finished[0]?.reason).toBe('unlisted');
  });
});

describe('what cannot be answered', () => {
  it.each([
    ['is no JSON', '{', {}, 400, 3, 'format'],
    ['is of another ecosystem', { package: { name: 'a', ecosystem: 'npm' } }, {}, 400, 3, 'format'],
    ['is too large', ' '.repeat(MAX_ASKED_BODY + 1), {}, 413, 3, 'limit'],
    [
      'is too large, and says so nowhere',
      ' '.repeat(MAX_ASKED_BODY + 1),
      { headers: { 'transfer-encoding': 'chunked' } },
      413,
      3,
      'limit',
    ],
    ['is packed', '{}', { headers: { 'content-encoding': 'gzip' } }, 415, 3, 'encoding'],
  ])('%s: refused in the form of the API, and the connection ends', async (_, body, more, status, code, reason) => {
    const answer = post('/v1/query', body, more);
    const { value, ...told } = await json(answer);
    expect([told.status, value.code]).toEqual([status, code]);
    expect(value.message).toMatch(/^[A-Z].*\.$/);
    expect((await answer).headers.connection).toBe('close');
    expect(serving.finished[0]).toMatchObject({ route: 'advisories', reason });
  });

  it.each(['GET', 'HEAD', 'OPTIONS'])('is asked with %s', async (method) => {
    for (const path of ['/v1/query', '/v1/querybatch']) {
      const answer = await ask(serving.url, path, { method });
      expect([answer.status, answer.headers.allow]).toEqual([405, 'POST']);
    }
  });

  it('is sent to where nothing is taken', async () => {
    for (const path of ['/v1/vulns/MAL-2026-1', '/v1/query/', '/v1', '/simple/', '/main/v1/query'])
      expect((await post(path, of('alpha'))).status).toBe(405);
  });

  it('is a body that does not come whole', async () => {
    const cut = await shout(serving.url, 'POST /v1/query HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n{', (socket) =>
      socket.end(),
    );
    expect(statusOf(cut)).not.toBe(200);
    expect(serving.faults).toEqual([]);
    expect((await post('/v1/query', of('alpha', '2.0'))).status).toBe(200);
  });
});

describe('a mirror', () => {
  it('without a feed says so, and gives nobody a clean bill', async () => {
    const bare = await start(undefined);
    try {
      const { status, value } = await json(post('/v1/querybatch', { queries: [of('alpha')] }, {}, bare));
      expect([status, value.code]).toEqual([404, 5]);
      expect(value.message).toContain('advisories in the configuration');
    } finally {
      await bare.close();
    }
  });

  it('that has not got its feed yet says so, and when to come again', async () => {
    const early = await start({ inForce: undefined });
    try {
      const answer = await post('/v1/query', of('alpha'), {}, early);
      expect([answer.status, JSON.parse(answer.body.toString()).code]).toEqual([503, 14]);
      expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
    } finally {
      await early.close();
    }
  });

  it('that asks who reads asks here, too', async () => {
    const token = 'verbatim-token-of-this-test';
    const access = createAccess(
      { users: new Map(), tokens: readTokens(`ci:${sha256Hex(Buffer.from(token))}\n`, 'tokens') },
      { queues: createShares({}, { indexes: 1 }), bcrypt: () => Promise.resolve(false) },
    );
    const closed = await start(feed.keeper, { access });
    try {
      const large = 'x'.repeat(100_000);
      const refused = await post('/v1/query', large, {}, closed);
      expect([refused.status, refused.headers.connection]).toEqual([401, 'close']);
      expect((await ask(closed.url, '/v1/vulns/MAL-2026-1')).status).toBe(401);
      const headers = { authorization: `Basic ${Buffer.from(`x:${token}`).toString('base64')}` };
      expect((await post('/v1/query', of('alpha', '2.0'), { headers }, closed)).status).toBe(200);
    } finally {
      await closed.close();
    }
  });

  it('whose listener is for operators takes nothing', async () => {
    const other = await serve();
    try {
      expect((await post('/v1/query', of('alpha'), {}, other)).status).toBe(405);
      expect((await ask(other.url, '/v1/vulns/MAL-2026-1')).status).toBe(404);
    } finally {
      await other.close();
    }
  });
});

describe('an archive that is not what it was', () => {
  it('is refused before a byte of it leaves, told, and taken anew from its source', async () => {
    const own = await keepFeed(archiveOf(RECORDS));
    const at = await start(own.keeper);
    try {
      await writeFile(own.kept, randomBytes(4096));
      for (let asked = 0; asked < 2; asked++) {
        const answer = await ask(at.url, '/v1/vulns/MAL-2026-1');
        expect([answer.status, JSON.parse(answer.body.toString()).code]).toEqual([503, 14]);
      }
      expect(at.finished[0]?.reason).toBe('state');
      expect(own.events.rejected).toMatchObject([{ reason: 'digest', thing: own.kept, at: 'disk' }]);
      expect(own.keeper.standing.trouble).toContain(`An advisory cannot be read from ${own.kept}`);
      // What is known by heart is still told.
      expect((await post('/v1/querybatch', { queries: [of('alpha')] }, {}, at)).status).toBe(200);
      await rm(own.kept);
      await own.keeper.look();
      expect((await json(ask(at.url, '/v1/vulns/MAL-2026-1'))).value).toEqual(BAD);
      expect(own.keeper.standing.trouble).toBeUndefined();
      expect(at.faults).toEqual([]);
    } finally {
      await at.close();
      await own.close();
    }
  });

  it('ends the connection where its damage shows in the middle of an answer', async () => {
    const own = await keepFeed(archiveOf(RECORDS));
    const at = await start(own.keeper);
    try {
      const { offset, compressed } = own.keeper.inForce?.advisories.place('PYSEC-2026-2') ?? expect.fail();
      const file = await open(own.kept, 'r+');
      await file.write(Buffer.alloc(compressed), 0, compressed, offset);
      await file.close();
      await expect(post('/v1/query', of('alpha'), {}, at)).rejects.toThrow();
      await vi.waitFor(() => expect(at.finished).toMatchObject([{ status: 200, aborted: true, reason: 'state' }]));
      expect(at.faults).toEqual([]);
    } finally {
      await at.close();
      await own.close();
    }
  });

  it('is read on where another replaced it while an answer was under way', async () => {
    const own = await keepFeed(archiveOf(RECORDS));
    try {
      const answers = new AdvisoryAnswers(own.keeper, createShares());
      const answer = await answers.record('MAL-2026-1');
      await own.next(archiveOf([advisory('PYSEC-9', 'other', {}), advisory('PYSEC-8', 'other', {})]));
      await rm(join(own.kept));
      const pieces: Uint8Array[] = [];
      for await (const piece of answer.pieces()) pieces.push(piece);
      expect(JSON.parse(Buffer.concat(pieces).toString())).toEqual(BAD);
      await expect(answers.record('MAL-2026-1')).rejects.toMatchObject({ reason: 'unlisted' });
    } finally {
      await own.close();
    }
  });
});
