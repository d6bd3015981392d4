import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { clockActs } from '../../src/mirror/operator/clock-acts.ts';
import type { IndexState } from '../../src/ports/index-state.ts';
import { type IndexRig, startIndexRig } from '../rigs/index-rig.ts';
import { type Mirror, NOW } from '../rigs/mirror.ts';
import { type SignedRig, type SignedRigOptions, startSignedRig } from '../rigs/signed-rig.ts';
import { badGateway } from '../support/bad-days.ts';
import { createClock, DAY, HOUR } from '../support/clock.ts';
import { type FakePypi, startFakePypi } from '../support/fake-pypi.ts';
import { withState } from '../support/state.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';
import { verbatim } from '../support/verbatim.ts';

// A clock that was ahead and was set right: what it left behind holds nothing up for as long as it was ahead.

const ALPHA = tinyWheel('alpha');
const BETA = tinyWheel('alpha', '2.0');
const AHEAD = 12 * HOUR;

let rig: SignedRig | IndexRig | undefined;
let other: FakePypi | undefined;
afterEach(async () => {
  await rig?.close();
  await other?.close();
  rig = undefined;
  other = undefined;
});

async function startSigned(options: SignedRigOptions = {}): Promise<SignedRig> {
  const started = await startSignedRig({ fill: (signed) => signed.upload('alpha', ALPHA), ...options });
  rig = started;
  return started;
}

const onState = <T>(mirror: Pick<Mirror, 'data'>, work: (state: IndexState) => Promise<T>) =>
  withState(mirror.data(), work);

/** What `accept-clock` does, beside a server whose clock says what the rig's says. */
const accept = (mirror: Pick<Mirror, 'data' | 'clock'>) =>
  onState(mirror, async (state) => {
    const acts = await clockActs(state, mirror.clock.now());
    for (const act of acts) await act.carryOut();
    return acts.map(({ what, before, after }) => `${what}: ${before} -> ${after}`);
  });

describe('a signed index whose clock was ahead', () => {
  it.each(['while it runs', 'across a start'])(
    'goes on when it is right again: upstream knew better, %s',
    async (when) => {
      const clock = createClock(NOW);
      const mirror = await startSigned({ clock, time: () => NOW });
      clock.advance(AHEAD);
      await mirror.page('alpha');
      await mirror.refresh();
      clock.advance(-AHEAD);
      if (when === 'across a start') await mirror.restart();
      expect(await mirror.names('alpha')).toEqual([ALPHA.filename]);
      mirror.signed.upload('alpha', BETA);
      mirror.signed.publish();
      clock.advance(61);
      await mirror.refresh();
      expect(await mirror.names('alpha')).toHaveLength(2);
      expect(mirror.events.noted.filter(({ message }) => message.includes('do not agree'))).toHaveLength(1);
    },
  );

  it('goes on where upstream does not say what time it is: nothing has shown that it had passed', async () => {
    const clock = createClock(NOW + AHEAD);
    const mirror = await startSigned({ clock, time: () => undefined });
    await mirror.page('alpha');
    clock.advance(-AHEAD);
    await mirror.restart();
    expect(await mirror.names('alpha')).toEqual([ALPHA.filename]);
  });

  it("like upstream's is refused until an operator accepts the clock; a server that runs follows", async () => {
    const clock = createClock(NOW);
    const mirror = await startSigned({ clock });
    clock.advance(AHEAD);
    await mirror.page('alpha');
    await mirror.refresh();
    clock.advance(-AHEAD);
    expect(await mirror.refused('/simple/alpha/')).toBe('503 clock');
    expect(await accept(mirror)).toHaveLength(1);
    await expect.poll(() => mirror.get('/simple/alpha/').then(({ status }) => status), { interval: 50 }).toBe(200);
    // What it publishes from now on does not bring the floor back.
    mirror.signed.upload('alpha', BETA);
    mirror.signed.publish();
    clock.advance(61);
    await mirror.refresh();
    expect(await mirror.names('alpha')).toHaveLength(2);
    await mirror.restart();
    expect(await mirror.names('alpha')).toHaveLength(2);
    expect(await onState(mirror, ({ trust }) => trust.clockFloor())).toEqual({ at: NOW + 61, words: 1 });
  });

  it('is refused again where the clock goes back after that', async () => {
    const clock = createClock(NOW + AHEAD);
    const mirror = await startSigned({ clock });
    await mirror.page('alpha');
    clock.advance(-AHEAD / 2);
    await accept(mirror);
    clock.advance(-AHEAD / 4);
    await mirror.restart();
    expect(await mirror.refused('/simple/alpha/')).toBe('503 clock');
  });

  it('and is corrected by seconds, is believed', async () => {
    const clock = createClock(NOW);
    const mirror = await startSigned({ clock });
    await mirror.page('alpha');
    clock.advance(-30);
    expect(await mirror.names('alpha')).toEqual([ALPHA.filename]);
    await mirror.restart();
    expect(await mirror.names('alpha')).toEqual([ALPHA.filename]);
  });
});

describe('a reference time', () => {
  it.each([AHEAD, -AHEAD])('of a server writes no floor: %d seconds away', async (away) => {
    const clock = createClock(NOW);
    clock.judgeAsOf(NOW + away);
    const mirror = await startSigned({ clock });
    await mirror.page('alpha');
    mirror.signed.upload('alpha', BETA);
    await mirror.publish();
    expect(await onState(mirror, ({ trust }) => trust.clockFloor())).toEqual({ at: 0, words: 0 });
    clock.judgeAsOf(undefined);
    await mirror.restart();
    expect(await mirror.names('alpha')).toHaveLength(2);
  });
});

describe('an index that signs nothing, whose clock was ahead', () => {
  const startUnsigned = async (index = {}) => {
    const started = await startIndexRig({ fill: (pypi) => pypi.upload('alpha', ALPHA), index });
    rig = started;
    return started;
  };

  it.each(['while it runs', 'across a start'])(
    'asks again, and goes on with what it held where that fails, %s',
    async (when) => {
      const mirror = await startUnsigned();
      mirror.clock.advance(30 * DAY);
      await mirror.page('alpha');
      mirror.clock.advance(-30 * DAY);
      if (when === 'across a start') await mirror.restart();
      mirror.pypi.page('alpha', badGateway);
      expect(await mirror.names('alpha')).toEqual([ALPHA.filename]);
      mirror.pypi.heal();
      mirror.pypi.upload('alpha', BETA);
      mirror.clock.advance(10);
      expect(await mirror.names('alpha')).toHaveLength(2);
      // From then on it is asked as often as ever.
      const asked = mirror.pypi.asked('alpha').length;
      mirror.clock.advance(10);
      await mirror.names('alpha');
      expect(mirror.pypi.asked('alpha')).toHaveLength(asked);
    },
  );

  it('when its upstream was changed asks each page once more, and again after accept-clock as ever', async () => {
    const index: { upstream?: string; fileHosts?: readonly string[] } = {};
    const mirror = await startUnsigned(index);
    const next = await startFakePypi();
    other = next;
    next.upload('alpha', ALPHA);
    mirror.clock.advance(30 * DAY);
    await mirror.page('alpha');
    const hosts = [`127.0.0.1:${mirror.pypi.files.port}`, `127.0.0.1:${next.files.port}`];
    Object.assign(index, { upstream: `${next.url}simple/`, fileHosts: hosts });
    await mirror.restart('it moved');
    mirror.clock.advance(-30 * DAY);
    await mirror.names('alpha');
    await mirror.names('alpha');
    expect(next.asked('alpha')).toHaveLength(1);
    mirror.clock.advance(10);
    expect(await accept(mirror)).toHaveLength(1);
    mirror.clock.advance(10);
    await mirror.restart();
    await mirror.names('alpha');
    await mirror.restart();
    await mirror.names('alpha');
    expect(next.asked('alpha')).toHaveLength(2);
  });
});

describe('verbatim accept-clock', () => {
  it('says what would fall, lets it fall and writes down why; then there is nothing more to accept', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'verbatim-clock-'));
    try {
      // By this machine's clock the rig's is ahead.
      const mirror = await startSigned({ clock: createClock(4_000_000_000) });
      await mirror.page('alpha');
      const floor = () => onState(mirror, ({ trust }) => trust.clockFloor());
      const before = await floor();
      expect(before?.at).toBe(4_000_000_000);
      const root = join(directory, 'root.json');
      await writeFile(root, mirror.published('metadata/1.root.json'));
      const config = join(directory, 'verbatim.yaml');
      const main = { upstream: mirror.upstream.url, root, layout: 'pep458' };
      await writeFile(config, JSON.stringify({ data: mirror.data(), indexes: { main } }));
      const run = (...flags: readonly string[]) =>
        verbatim('accept-clock', '--config', config, '--reason', 'the battery was empty', '--json', ...flags);
      const dry = await run('--dry-run');
      expect(JSON.parse(dry.stdout)).toMatchObject({
        dryRun: true,
        accepted: [{ index: 'main', before: '2096-10-02T07:06:40Z' }],
      });
      expect(await floor()).toEqual(before);
      expect((await run()).code).toBe(0);
      const after = await floor();
      expect(after?.words).toBe(1);
      expect(after?.at).toBeLessThan(4_000_000_000);
      const facts = await onState(mirror, (state) => state.facts.read());
      expect(facts?.value.audit).toMatchObject([{ action: 'accept-clock', reason: 'the battery was empty' }]);
      const unknown = await run('other');
      expect(unknown).toMatchObject({ code: 1 });
      expect(unknown.stderr).toContain('No index called other');
    } finally {
      await rm(directory, { recursive: true });
    }
  });
});

describe('verbatim explain --reference-time', () => {
  it('beside a server changes nothing of what that remembers', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'verbatim-explain-'));
    try {
      const mirror = await startSigned();
      await mirror.page('alpha');
      mirror.clock.advance(20 * HOUR);
      mirror.signed.upload('alpha', BETA);
      mirror.signed.publish();
      const root = join(directory, 'root.json');
      await writeFile(root, mirror.published('metadata/1.root.json'));
      const config = join(directory, 'verbatim.yaml');
      const main = { upstream: mirror.upstream.url, root, layout: 'pep458' };
      await writeFile(config, JSON.stringify({ data: mirror.data(), indexes: { main } }));
      const remembered = () =>
        onState(mirror, async ({ trust, facts, pins }) => ({
          trust: await trust.load(),
          timestamp: await trust.timestamp(),
          facts: await facts.read(),
          pins: await pins('alpha').read(),
        }));
      const before = await remembered();
      const at = new Date((NOW + 30 * HOUR) * 1000).toISOString().replace('.000', '');
      const expired = await verbatim('explain', 'alpha', '--config', config, '--reference-time', at);
      expect(expired).toMatchObject({
        code: 1,
        stderr: expect.stringContaining('has expired, and "explain" asks nobody'),
      });
      expect(mirror.upstream.asked('/metadata/2.snapshot.json')).toEqual([]);
      const refreshed = await verbatim(
        'refresh',
        'main',
        'alpha',
        '--config',
        config,
        '--reference-time',
        at,
        '--json',
      );
      expect(refreshed).toMatchObject({ code: 0, stderr: '' });
      // What is stored has expired by then: it asked upstream, and the server is left to find by itself what is new there.
      expect(mirror.upstream.asked('/metadata/2.snapshot.json')).toHaveLength(1);
      expect(await remembered()).toEqual(before);
      await mirror.refresh();
      expect(await mirror.names('alpha')).toHaveLength(2);
    } finally {
      await rm(directory, { recursive: true });
    }
  });
});
