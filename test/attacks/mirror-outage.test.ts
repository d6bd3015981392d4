import { afterEach, describe, expect, it } from 'vitest';
import { type SignedRig, startSignedRig } from '../rigs/signed-rig.ts';
import { DAY, HOUR } from '../support/clock.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';
import type { Fault } from '../support/upstream.ts';

// A gap sends pip to another index, and a false 404 is a gap that looks like an answer.

const ALPHA = tinyWheel('alpha');
const BETA = tinyWheel('beta');

let rig: SignedRig;
afterEach(() => rig.close());

const prepare = async () => {
  rig = await startSignedRig({
    fill: (signed) => {
      signed.upload('alpha', ALPHA);
      signed.upload('beta', BETA);
    },
  });
};

/** A mirror that holds alpha and has never seen beta. */
const start = async () => {
  await prepare();
  await rig.page('alpha');
  await rig.get(rig.path(ALPHA));
};

const OUTAGES: Readonly<Record<string, Fault>> = {
  'gone (reset)': { kind: 'reset' },
  'out of order (500)': { kind: 'status', status: 500 },
  'overloaded (503)': { kind: 'status', status: 503, headers: { 'retry-after': '1' } },
  'rate-limiting (429)': { kind: 'status', status: 429, headers: { 'retry-after': '1' } },
};

it.each(['headers', 5] as const)(
  'upstream silent (%s): a stop does not wait for it, and is told as no refusal',
  async (at) => {
    const minutes = { headersTimeout: 60_000, idleTimeout: 60_000, deadline: 60_000, rateWindow: 60_000 };
    rig = await startSignedRig({
      fill: (signed) => signed.upload('alpha', ALPHA),
      upstreamLimits: { documents: minutes, longestWait: 60_000 },
    });
    rig.upstream.fault('/metadata/timestamp.json', { kind: 'stall', at });
    let ended = false;
    const refresh = rig.refresh().then(() => {
      ended = true;
    });
    await rig.upstream.reached('/metadata/timestamp.json', 1);
    await rig.stop();
    expect(ended).toBe(true);
    await refresh;
    expect(rig.events.rejected).toEqual([]);
  },
);

describe.each(Object.entries(OUTAGES))('upstream %s', (_, fault) => {
  it('what was proved is served until its chain expires', async () => {
    await start();
    rig.upstream.fault('*', fault);
    for (const wait of [60, HOUR, DAY - HOUR - 61]) {
      rig.clock.advance(wait);
      await rig.refresh();
      expect((await rig.page('alpha')).files).toHaveLength(1);
      expect((await rig.get(rig.path(ALPHA))).body.equals(ALPHA.bytes)).toBe(true);
    }
    rig.clock.advance(1);
    expect(await rig.refused('/simple/alpha/')).toMatch(/^503 (unreachable|expired)$/);
    expect(await rig.refused(rig.path(ALPHA))).toMatch(/^503 (unreachable|expired)$/);
  });

  it('what was never seen is 503 with a short Retry-After, never 404', async () => {
    await start();
    rig.upstream.fault('*', fault);
    for (const path of ['/simple/beta/', rig.path(BETA), `/tuf/targets${rig.path(BETA)}`]) {
      const { status, headers, body } = await rig.get(path);
      expect([path, status]).toEqual([path, 503]);
      expect(headers['retry-after']).toMatch(/^[1-5]$/);
      expect(JSON.parse(body.toString()).reason).toBe('unreachable');
    }
  });

  it('a mirror that knows nothing yet answers 503, and starts all the same', async () => {
    await prepare();
    rig.upstream.fault('*', fault);
    await rig.restart();
    expect(await rig.refused('/simple/alpha/')).toBe('503 unreachable');
    expect((await rig.get('/livez')).status).toBe(200);
    expect((await rig.get('/readyz')).status).toBe(200);
    rig.heal();
    rig.clock.advance(10);
    expect((await rig.page('alpha')).files).toHaveLength(1);
  });
});

describe('upstream that shuts us out (403)', () => {
  it.each(['', '{"message":"this token was revoked"}'])(
    'serves what was proved, and never says 404 of what was never seen (%s)',
    async (body) => {
      await start();
      rig.upstream.fault('*', { kind: 'status', status: 403, body });
      rig.clock.advance(60);
      await rig.refresh();
      expect((await rig.page('alpha')).files).toHaveLength(1);
      expect((await rig.get(rig.path(ALPHA))).body.equals(ALPHA.bytes)).toBe(true);
      for (const path of ['/simple/beta/', rig.path(BETA), `/tuf/targets${rig.path(BETA)}`])
        expect(await rig.refused(path)).toMatch(
          /^(?:502 (?:forbidden|mix-and-match)|503 expired|403 (?:forbidden|mix-and-match))$/,
        );
      await rig.restart();
      expect(await rig.refused('/simple/beta/')).not.toMatch(/^4/);
    },
  );
});

describe('an outage', () => {
  it('through a restart: page, file and signed metadata come from disk', async () => {
    await start();
    rig.upstream.fault('*', { kind: 'reset' });
    await rig.restart();
    expect((await rig.page('alpha')).files).toHaveLength(1);
    expect((await rig.get(rig.path(ALPHA))).body.equals(ALPHA.bytes)).toBe(true);
    for (const name of ['timestamp.json', '1.root.json', '1.snapshot.json', '1.targets.json', '1.bins.json'])
      expect((await rig.get(`/tuf/metadata/${name}`)).body.equals(rig.published(`metadata/${name}`)), name).toBe(true);
  });

  it('of one page: the last proved one stands in, the new one comes when it can', async () => {
    await start();
    rig.signed.upload('alpha', tinyWheel('alpha', '2.0'));
    rig.signed.publish();
    rig.upstream.fault(rig.storedPage('alpha'), { kind: 'status', status: 500 });
    rig.clock.advance(60);
    await rig.refresh();
    expect((await rig.page('alpha')).versions).toEqual(['1.0']);
    expect(rig.events.stale.map(({ state }) => state)).toEqual(['away']);
    rig.heal();
    rig.clock.advance(10);
    expect((await rig.page('alpha')).versions).toEqual(['1.0', '2.0']);
  });

  it('does not bring back a project that was provably removed', async () => {
    await start();
    const { repository } = rig.signed;
    const path = rig.signed.pagePath('alpha');
    const role = rig.signed.roleFor('alpha', path);
    repository.removeTarget(role, path);
    repository.publish();
    rig.clock.advance(60);
    await rig.refresh();
    expect(await rig.refused('/simple/alpha/')).toBe('404 unlisted');
    repository.touch(role);
    repository.publish();
    rig.instead(`metadata/3.${role}.json`, undefined);
    rig.clock.advance(60);
    await rig.refresh();
    expect(await rig.refused('/simple/alpha/')).toBe('502 mix-and-match');
  });

  it('of one answer is not noticed: asked again, on a new connection', async () => {
    await start();
    rig.upstream.fault(rig.storedPage('beta'), { kind: 'status', status: 502 }, 1);
    expect((await rig.page('beta')).files).toHaveLength(1);
    rig.upstream.fault(rig.storedFile(BETA), { kind: 'reset' }, 1);
    expect((await rig.get(rig.path(BETA))).body.equals(BETA.bytes)).toBe(true);
  });

  it('is not made worse: an expired mirror asks upstream once in two seconds, whoever asks it', async () => {
    await start();
    rig.upstream.fault('*', { kind: 'reset' });
    rig.clock.advance(DAY);
    await rig.refused('/simple/alpha/');
    const before = rig.upstream.requests.length;
    for (let i = 0; i < 20; i++) {
      await rig.refused(`/simple/name-${i}/`);
      await rig.get('/tuf/metadata/timestamp.json');
    }
    expect(rig.upstream.requests).toHaveLength(before);
  });
});

describe('upstream in the middle of a publication', () => {
  it('a page and a bin gone for their successors are proved under the next generation, at once', async () => {
    await start();
    const before = rig.save();
    rig.signed.upload('beta', tinyWheel('beta', '2.0'));
    rig.signed.publish();
    // Upstream keeps nothing of what it replaced (PEP 458 "Cleaning up old metadata").
    const after = new Map([...rig.signed.repository.files].filter(([name]) => !isReplaced(before, name)));
    rig.replay(after);
    expect((await rig.page('beta')).versions).toEqual(['1.0', '2.0']);
  });

  it('a bin that is missing for good costs one refresh in two seconds, not one a request', async () => {
    await start();
    for (const name of rig.signed.bins.names) rig.instead(`metadata/1.${name}.json`, undefined);
    await rig.refused('/simple/gamma/');
    const before = rig.upstream.asked('/metadata/timestamp.json').length;
    for (let i = 0; i < 10; i++) await rig.get(`/simple/name-${i}/`);
    expect(rig.upstream.asked('/metadata/timestamp.json').length).toBeLessThanOrEqual(before + 1);
  });

  const isReplaced = (before: ReadonlyMap<string, Uint8Array>, name: string) => {
    if (!before.has(name)) return false;
    const role = /^metadata\/(\d+)\.(.+)$/.exec(name);
    if (role === null) return name.includes('simple/beta/');
    return rig.signed.repository.files.has(`metadata/${Number(role[1]) + 1}.${role[2]}`);
  };
});
