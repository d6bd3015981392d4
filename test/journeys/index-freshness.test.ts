import { afterEach, describe, expect, it, vi } from 'vitest';
import { standingOf } from '../../src/mirror/unsigned/freshness.ts';
import type { PageRecord } from '../../src/ports/index-state.ts';
import type { DocumentAnswer } from '../../src/ports/upstream.ts';
import { type IndexRig, type IndexRigOptions, startIndexRig } from '../rigs/index-rig.ts';
import { NOW } from '../rigs/mirror.ts';
import { answering, badGateway } from '../support/bad-days.ts';
import { client } from '../support/callers.ts';
import { DAY, HOUR } from '../support/clock.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';
import { answerOf, pageOf, unsignedIndex } from '../support/unsigned-index.ts';

// How long a page of an index that signs nothing is served without asking, and what follows after that.

const ALPHA = tinyWheel('alpha');
const BETA = tinyWheel('alpha', '2.0');
const PAGE = '/simple/alpha/';
const STORED = '/simple/alpha/';

let rig: IndexRig | undefined;
afterEach(async () => {
  await rig?.close();
  rig = undefined;
});

const start = async (options: IndexRigOptions = {}): Promise<IndexRig> => {
  rig = await startIndexRig({ fill: (pypi) => pypi.upload('alpha', ALPHA), ...options });
  return rig;
};
const requests = ({ pypi }: IndexRig) => pypi.asked('alpha').length;

describe('a page', () => {
  it('is fresh for max_age: no client, whatever it says, sends us upstream', async () => {
    const mirror = await start();
    await mirror.page('alpha');
    mirror.pypi.upload('alpha', BETA);
    mirror.clock.advance(599);
    await Promise.all(
      Array.from({ length: 50 }, () => mirror.get(PAGE, { headers: { 'cache-control': 'max-age=0, no-cache' } })),
    );
    expect(requests(mirror)).toBe(1);
    expect(await mirror.names('alpha')).toEqual([ALPHA.filename]);
  });

  it('is served for five minutes more, and refreshed behind, once', async () => {
    const mirror = await start();
    await mirror.page('alpha');
    mirror.pypi.upload('alpha', BETA);
    mirror.clock.advance(600);
    const answers = await Promise.all(Array.from({ length: 20 }, () => mirror.names('alpha')));
    expect(answers).toContainEqual([ALPHA.filename]);
    await mirror.pypi.index.reached(STORED, 2);
    await expect.poll(() => mirror.names('alpha'), { interval: 2 }).toEqual([ALPHA.filename, BETA.filename]);
    expect(requests(mirror)).toBe(2);
  });

  it('that is older waits for its refresh: one, however many ask', async () => {
    const mirror = await start();
    await mirror.page('alpha');
    mirror.pypi.upload('alpha', BETA);
    mirror.clock.advance(901);
    const answers = await Promise.all(Array.from({ length: 20 }, () => mirror.names('alpha')));
    for (const names of answers) expect(names).toHaveLength(2);
    expect(requests(mirror)).toBe(2);
  });

  it('that nobody has is asked for once, however many ask', async () => {
    const mirror = await start();
    const answers = await Promise.all(Array.from({ length: 50 }, () => mirror.get(PAGE)));
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 50 }, () => 200));
    expect(requests(mirror)).toBe(1);
  });

  it('stands in for an upstream that is away, as long as stale_if_error says; then it is 503', async () => {
    const mirror = await start({ index: { staleIfError: DAY } });
    await mirror.page('alpha');
    mirror.pypi.page('alpha', badGateway);
    expect(await mirror.later('alpha')).toHaveLength(1);
    expect(await mirror.later('alpha', 23 * HOUR)).toHaveLength(1);
    mirror.clock.advance(HOUR);
    expect(await mirror.refused(PAGE)).toBe('503 unreachable');
    mirror.pypi.heal();
    mirror.clock.advance(10);
    expect(await mirror.names('alpha')).toHaveLength(1);
  });

  it('after a refresh that failed, is served a while without another', async () => {
    const mirror = await start();
    await mirror.page('alpha');
    mirror.pypi.page('alpha', () => answering(403, 'no'));
    mirror.clock.advance(901);
    for (let at = 0; at < 10; at++) await mirror.page('alpha');
    expect(requests(mirror)).toBe(2);
    mirror.clock.advance(10);
    await mirror.page('alpha');
    expect(requests(mirror)).toBe(3);
  });

  it('that is refreshed behind in vain is not for each client', async () => {
    const mirror = await start();
    await mirror.page('alpha');
    mirror.pypi.page('alpha', () => answering(403, 'no'));
    mirror.clock.advance(601);
    await mirror.page('alpha');
    await expect.poll(() => mirror.events.refreshed.at(-1)?.result, { interval: 2 }).toBe('failed');
    for (let at = 0; at < 5; at++) await mirror.page('alpha');
    await mirror.restart();
    expect(requests(mirror)).toBe(2);
  });

  it('too old to be served is not asked for again by every client', async () => {
    const mirror = await start({ index: { staleIfError: DAY } });
    await mirror.page('alpha');
    mirror.pypi.page('alpha', () => answering(403, 'no'));
    mirror.clock.advance(2 * DAY);
    for (let at = 0; at < 10; at++) expect(await mirror.refused(PAGE)).toBe('502 forbidden');
    expect(requests(mirror)).toBe(2);
  });

  it.each([
    ['shortens it', 60, 61, 2],
    ['is no longer than ours', 86_400, 600, 2],
    ['keeps it within', 60, 59, 1],
    ['of nothing still leaves ten seconds', 0, 9, 1],
    ['of nothing leaves no more than that', 0, 11, 2],
    ['that nobody stated leaves ours', undefined, 599, 1],
  ])("upstream's max-age %s", async (_, maxAge, seconds, count) => {
    const mirror = await start({ maxAge });
    await mirror.page('alpha');
    mirror.clock.advance(seconds);
    await mirror.page('alpha');
    // What was begun behind has come to its end by then.
    await (count > 1 ? mirror.pypi.index.reached(STORED, count) : mirror.restart());
    expect(requests(mirror)).toBe(count);
  });

  it("upstream's max-age holds after a restart", async () => {
    const mirror = await start({ maxAge: 60 });
    await mirror.page('alpha');
    await mirror.restart();
    mirror.clock.advance(61);
    await mirror.page('alpha');
    await mirror.pypi.index.reached(STORED, 2);
  });

  it('does not become fresh when the clock goes back', () => {
    const lifetimes = { maxAge: 600, staleIfError: DAY };
    expect(standingOf({ confirmedAt: 1000 }, lifetimes, 999)).toBe('stale-if-error');
    expect(standingOf({ confirmedAt: 1000 }, lifetimes, 1000)).toBe('fresh');
  });
});

describe('that there is no such project', () => {
  it.each([600, 20])(
    'is remembered for a minute at most, and no longer than a page is fresh: %d seconds',
    async (maxAge) => {
      const mirror = await start({ index: { maxAge } });
      const most = Math.min(maxAge, 60);
      const { status, headers } = await mirror.get('/simple/beta/');
      expect([status, headers['cache-control']]).toEqual([404, expect.stringContaining(`max-age=${most}`)]);
      mirror.pypi.upload('beta', tinyWheel('beta'));
      mirror.clock.advance(most - 1);
      expect(await mirror.refused('/simple/beta/')).toBe('404 unlisted');
      mirror.clock.advance(1);
      expect(await mirror.names('beta')).toHaveLength(1);
    },
  );

  it('is remembered for five seconds where it was there before, however often that is said', async () => {
    const mirror = await start();
    await mirror.page('alpha');
    mirror.pypi.page('alpha', () => answering(404, 'gone'));
    mirror.clock.advance(901);
    for (let said = 0; said < 2; said++) {
      expect(await mirror.refused('/simple/alpha/')).toBe('404 unlisted');
      const asked = mirror.pypi.asked('alpha').length;
      mirror.clock.advance(4);
      const { headers } = await mirror.get('/simple/alpha/');
      expect(headers['cache-control']).toContain('max-age=5');
      expect(mirror.pypi.asked('alpha')).toHaveLength(asked);
      mirror.clock.advance(1);
    }
    mirror.pypi.heal();
    expect(await mirror.names('alpha')).toEqual([ALPHA.filename]);
  });
});

describe('a refresh that takes long', () => {
  it('is waited for five seconds; then the older page is served at once, and the newer when it has come', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      let now = NOW;
      const arrival = Promise.withResolvers<DocumentAnswer>();
      const index = await unsignedIndex({
        now: () => now,
        upstream: { document: () => arrival.promise },
        record: recordAt(now),
      });
      const files = async () => (await index.listing('alpha', client())).listing.files.size;
      await files();
      now += 901;
      let served: number | undefined;
      const waiting = files().then((count) => {
        served = count;
      });
      await vi.advanceTimersByTimeAsync(4999);
      expect(served).toBeUndefined();
      await vi.advanceTimersByTimeAsync(1);
      await waiting;
      expect(served).toBe(1);
      // Nobody waits for the same answer as long again.
      expect(await files()).toBe(1);
      arrival.resolve(answerOf(pageOf([ALPHA.filename, BETA.filename])));
      vi.useRealTimers();
      await expect.poll(files, { interval: 2 }).toBe(2);
    } finally {
      vi.useRealTimers();
    }
  });
});

function recordAt(now: number): PageRecord {
  return {
    project: 'alpha',
    version: 1,
    bytes: pageOf([ALPHA.filename]),
    contentType: 'application/vnd.pypi.simple.v1+json',
    etag: undefined,
    serial: undefined,
    seenSerial: undefined,
    fetchedAt: now,
    confirmedAt: now,
    twice: false,
    fetch: 'first',
  };
}
