import { afterEach, describe, expect, it } from 'vitest';
import { instantText } from '../../src/bytes/instant.ts';
import { BUILT_AT } from '../../src/version.ts';
import { type SignedRig, startSignedRig } from '../rigs/signed-rig.ts';
import { createClock, DAY, HOUR } from '../support/clock.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';

// Frozen upstreams and wrong clocks: what is past its date is not proved, and no time is believed that has passed.

const ALPHA = tinyWheel('alpha');
const BETA = tinyWheel('beta');

let rig: SignedRig;
afterEach(() => rig.close());

/** A mirror that holds the page and the wheel of alpha. */
async function startHolding() {
  rig = await startSignedRig({
    fill: (signed) => {
      signed.upload('alpha', ALPHA);
      signed.upload('beta', BETA);
    },
  });
  await rig.page('alpha');
  expect((await rig.get(rig.path(ALPHA))).status).toBe(200);
}

async function everyAnswer(path = rig.path(ALPHA)) {
  return [
    await rig.refused('/simple/alpha/'),
    await rig.refused('/simple/beta/'),
    await rig.refused(path),
    await rig.refused(`${path}.metadata`),
    await rig.refused(path, { method: 'GET', headers: { range: 'bytes=0-9' } }),
    await rig.refused(`/tuf/targets${path}`),
  ];
}

const ends = { 'while it runs': async () => {}, 'after a restart': () => rig.restart() };

describe('a frozen upstream', () => {
  it.each(Object.entries(ends))(
    'past its date nothing is proved, and its metadata still passed on, %s',
    async (_, end) => {
      await startHolding();
      rig.clock.advance(DAY - 1);
      expect((await rig.page('alpha')).files).toHaveLength(1);
      rig.clock.advance(1);
      await end();
      expect(new Set(await everyAnswer())).toEqual(new Set(['503 expired']));
      const { headers } = await rig.get('/simple/alpha/');
      expect(headers['retry-after']).toMatch(/^[1-5]$/);
      for (const [name, bytes] of rig.signed.repository.files) {
        if (!name.startsWith('metadata/')) continue;
        const answer = await rig.get(`/tuf/${name}`);
        expect([name, answer.status]).toEqual([name, 200]);
        expect(answer.body.equals(bytes)).toBe(true);
      }
    },
  );

  it('signs anew, and everything is proved again', async () => {
    await startHolding();
    rig.clock.advance(DAY);
    expect(await rig.refused('/simple/alpha/')).toBe('503 expired');
    for (const name of rig.signed.bins.names) rig.signed.repository.touch(name);
    await rig.publish();
    expect((await rig.page('alpha')).files).toHaveLength(1);
    expect((await rig.get(rig.path(ALPHA))).status).toBe(200);
  });

  it.each(['timestamp', 'snapshot', 'root'] as const)(
    '%s past its date, everything below it fresh: nothing is proved',
    async (role) => {
      await startHolding();
      const soon = new Date((rig.clock.now() + 120) * 1000).toISOString().replace('.000', '');
      const edit = (document: { expires: string }) => {
        document.expires = soon;
      };
      if (role === 'root') rig.signed.repository.publishRoot({ root: edit });
      await rig.publish({ [role]: edit });
      expect((await rig.page('alpha')).files).toHaveLength(1);
      rig.clock.advance(60);
      expect(new Set(await everyAnswer())).toEqual(new Set(['503 expired']));
    },
  );

  it('signs the same snapshot again under the same timestamp: everything is proved again', async () => {
    await startHolding();
    const { repository } = rig.signed;
    const dated = (seconds: number) => (document: { expires: string }) => {
      document.expires = instantText(rig.clock.now() + seconds);
    };
    await rig.publish({ snapshot: dated(300) });
    expect((await rig.page('alpha')).files).toHaveLength(1);
    rig.clock.advance(300);
    expect(await rig.refused('/simple/alpha/')).toBe('503 expired');
    dated(600)(repository.snapshot);
    repository.write('snapshot');
    rig.clock.advance(60);
    expect((await rig.page('alpha')).files).toHaveLength(1);
    expect((await rig.get(rig.path(ALPHA))).status).toBe(200);
    await rig.restart();
    expect((await rig.page('alpha')).files).toHaveLength(1);
  });

  it('bins past their date prove nothing, though the timestamp is fresh', async () => {
    await startHolding();
    rig.clock.advance(DAY - HOUR);
    await rig.publish();
    rig.clock.advance(HOUR);
    expect(new Set(await everyAnswer())).toEqual(new Set(['503 expired']));
    expect((await rig.get('/tuf/metadata/timestamp.json')).status).toBe(200);
  });

  it('targets past their date are refused, whoever asks', async () => {
    await startHolding();
    rig.signed.repository.touch('targets');
    await rig.publish({
      roles: {
        targets: (document) => {
          document.expires = '2026-01-01T00:00:00Z';
        },
      },
    });
    expect((await rig.index().status()).lastError?.reason).toBe('expired');
    expect((await rig.page('alpha')).files).toHaveLength(1);
    rig.clock.advance(DAY);
    expect(await rig.refused('/simple/alpha/')).toBe('503 expired');
  });
});

describe('a clock that is wrong', () => {
  it.each(Object.entries(ends))(
    'set back below the last refresh: everything is refused until it is right, %s',
    async (_, end) => {
      await startHolding();
      const right = rig.clock.now();
      rig.clock.advance(-HOUR / 2);
      await end();
      const asked = rig.upstream.requests.length;
      expect(new Set(await everyAnswer())).toEqual(new Set(['503 clock']));
      expect(await rig.refused('/tuf/metadata/timestamp.json')).toBe('503 clock');
      expect(rig.upstream.requests).toHaveLength(asked);
      rig.clock.set(right);
      expect((await rig.page('alpha')).files).toHaveLength(1);
    },
  );

  it('set back by two years, it does not make expired metadata valid again', async () => {
    await startHolding();
    const expired = rig.save();
    rig.clock.advance(DAY);
    for (const name of rig.signed.bins.names) rig.signed.repository.touch(name);
    await rig.publish();
    rig.replay(expired);
    rig.clock.advance(-2 * 365 * DAY);
    await rig.restart();
    expect(new Set(await everyAnswer())).toEqual(new Set(['503 clock']));
  });

  it('set on by two days, nothing is proved; set right again, everything is as before', async () => {
    await startHolding();
    rig.clock.advance(2 * DAY);
    expect(new Set(await everyAnswer())).toEqual(new Set(['503 expired']));
    rig.clock.advance(-2 * DAY);
    expect((await rig.page('alpha')).files).toHaveLength(1);
    expect((await rig.get(rig.path(ALPHA))).body.equals(ALPHA.bytes)).toBe(true);
  });

  it('the floor goes up with each refresh, changed or not, and lies on disk within the hour', async () => {
    await startHolding();
    rig.clock.advance(HOUR);
    await rig.refresh();
    rig.clock.advance(-61);
    await rig.restart();
    expect(await rig.refused('/simple/alpha/')).toBe('503 clock');
  });

  it('before this program was built: refused, and upstream is not asked', async () => {
    rig = await startSignedRig({ clock: createClock(BUILT_AT - 1), fill: (signed) => signed.upload('alpha', ALPHA) });
    expect(await rig.refused('/simple/alpha/')).toBe('503 clock');
    expect(rig.upstream.requests).toHaveLength(0);
    rig.clock.set(BUILT_AT);
    expect((await rig.page('alpha')).files).toHaveLength(1);
  });
});
