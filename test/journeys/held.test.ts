import { afterEach, describe, expect, it } from 'vitest';
import { type IndexRig, type IndexRigOptions, OLD, startIndexRig } from '../rigs/index-rig.ts';
import { JSON_PAGE } from '../rigs/mirror.ts';
import { RIGS, type Rig } from '../rigs/rig.ts';
import { answering, badGateway } from '../support/bad-days.ts';
import { DAY } from '../support/clock.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';

// What is held is served, whatever becomes of upstream.

const ALPHA = tinyWheel('alpha');
const NEWER = tinyWheel('alpha', '2.0');
const BETA = tinyWheel('beta');
const PAGE = '/simple/alpha/';
const MONTH = 30 * DAY;

const open: (Rig | IndexRig)[] = [];
afterEach(async () => {
  for (const rig of open.splice(0)) await rig.close();
});

const start = async (options: IndexRigOptions = {}): Promise<IndexRig> => {
  const rig = await startIndexRig({ fill: (pypi) => pypi.upload('alpha', ALPHA), ...options });
  open.push(rig);
  return rig;
};
const paged = (rig: Rig | IndexRig, headers = {}) => rig.get(PAGE, { headers: { accept: JSON_PAGE, ...headers } });
/** Seconds that the answer says it may be kept, and how old it says that it is. */
const lifeOf = ({ headers }: Awaited<ReturnType<typeof paged>>) => [
  Number(/max-age=(\d+)/.exec(String(headers['cache-control']))?.[1]),
  headers['age'] === undefined ? undefined : Number(headers['age']),
];

describe('a file that is held of an index that signs nothing', () => {
  const held = async (options?: IndexRigOptions) => {
    const rig = await start(options);
    await rig.page('alpha');
    expect((await rig.get(rig.path(ALPHA))).status).toBe(200);
    rig.pypi.page('alpha', badGateway);
    return rig;
  };

  it('is served by its address when its page is not any more, and is counted', async () => {
    const rig = await held();
    rig.clock.advance(MONTH + DAY);
    expect(await rig.refused(PAGE)).toBe('503 unreachable');
    expect((await rig.get(rig.path(ALPHA))).body.equals(ALPHA.bytes)).toBe(true);
    expect(rig.events.stoodIn.at(-1)?.kind).toBe('file');
  });

  it('is served so after a restart, ten years later', async () => {
    const rig = await held();
    await rig.restart();
    rig.clock.advance(3650 * DAY);
    expect((await rig.get(rig.path(ALPHA))).body.equals(ALPHA.bytes)).toBe(true);
  });

  it('is served so with its core metadata', async () => {
    const rig = await held();
    expect((await rig.get(`${rig.path(ALPHA)}.metadata`)).status).toBe(200);
    rig.clock.advance(MONTH + DAY);
    const { status, body } = await rig.get(`${rig.path(ALPHA)}.metadata`);
    expect([status, body.equals(ALPHA.coreMetadata)]).toEqual([200, true]);
  });

  it('opens no way to what is not held, and that is no absence', async () => {
    const rig = await start({
      fill(pypi) {
        pypi.upload('alpha', ALPHA);
        pypi.upload('alpha', NEWER);
      },
    });
    await rig.page('alpha');
    rig.pypi.page('alpha', badGateway);
    rig.clock.advance(MONTH + DAY);
    expect(await rig.refused(rig.path(NEWER))).toBe('503 unreachable');
    expect(await rig.refused(rig.path(BETA).replace('beta', 'alpha'))).toBe('503 unreachable');
    expect(rig.pypi.files.asked(rig.path(NEWER))).toHaveLength(0);
  });

  it('is not served when upstream has removed it, which a second look has confirmed', async () => {
    const rig = await held({
      fill(pypi) {
        pypi.upload('alpha', ALPHA);
        pypi.upload('alpha', NEWER);
      },
    });
    rig.pypi.heal();
    rig.pypi.remove('alpha', ALPHA.filename);
    rig.clock.advance(MONTH + DAY);
    expect(await rig.refused(rig.path(ALPHA))).toBe('404 unlisted');
    rig.pypi.page('alpha', badGateway);
    rig.clock.advance(MONTH + DAY);
    expect(await rig.refused(rig.path(ALPHA))).toMatch(/^50\d/);
  });

  it('is another upstream’s word where the upstream is another one, and not served by it', async () => {
    const index: { upstream?: string } = {};
    const rig = await held({ index });
    const other = await start();
    other.pypi.page('alpha', badGateway);
    index.upstream = `${other.pypi.url}simple/`;
    await rig.restart('it moved');
    expect(await rig.refused(rig.path(ALPHA))).toBe('503 unreachable');
  });
});

describe('a page that stands in', () => {
  it('does so for a month where nothing else is said, tells its age, and is counted', async () => {
    const rig = await start();
    await rig.page('alpha');
    rig.pypi.page('alpha', badGateway);
    rig.clock.advance(MONTH);
    expect(lifeOf(await paged(rig))).toEqual([0, MONTH]);
    expect(rig.events.stoodIn.map(({ kind }) => kind)).toEqual(['page']);
    rig.clock.advance(700);
    expect(await rig.refused(PAGE)).toBe('503 unreachable');
  });

  it('does so for ever where that is said', async () => {
    const rig = await start({ index: { staleIfError: Number.POSITIVE_INFINITY } });
    await rig.page('alpha');
    rig.pypi.page('alpha', badGateway);
    rig.clock.advance(3650 * DAY);
    expect(lifeOf(await paged(rig))).toEqual([0, 3650 * DAY]);
  });

  it('is told once a change: away, refused, over', async () => {
    const rig = await start();
    await rig.page('alpha');
    const states = () => rig.events.stale.map(({ state, thing }) => `${state} ${thing}`);
    rig.pypi.page('alpha', badGateway);
    await rig.later('alpha');
    await rig.later('alpha', 10);
    expect(states()).toEqual(['away alpha']);
    rig.pypi.heal();
    rig.pypi.page('alpha', () => answering(451, 'blocked'));
    await rig.later('alpha', 10);
    await rig.later('alpha', 10);
    expect(states()).toEqual(['away alpha', 'refused alpha']);
    rig.pypi.heal();
    await rig.later('alpha', 10);
    await rig.later('alpha');
    expect(states()).toEqual(['away alpha', 'refused alpha', 'over alpha']);
  });

  it('for one that is refused is told at once, before anybody is served by it again', async () => {
    const rig = await start();
    await rig.page('alpha');
    rig.pypi.page('alpha', () => answering(200, 'no page'));
    rig.clock.advance(700);
    await paged(rig);
    await expect.poll(() => rig.events.stale.map(({ state }) => state)).toEqual(['refused']);
  });
});

describe('what a client may keep and what the page is old', () => {
  it('are together no more than max_age', async () => {
    const rig = await start({ index: { maxAge: 100 } });
    await rig.page('alpha');
    expect(lifeOf(await paged(rig))).toEqual([100, undefined]);
    rig.clock.advance(60);
    expect(lifeOf(await paged(rig))).toEqual([40, undefined]);
    const { headers } = await paged(rig);
    const none = await paged(rig, { 'if-none-match': String(headers['etag']) });
    expect([none.status, ...lifeOf(none)]).toEqual([304, 40, undefined]);
    rig.clock.advance(60);
    expect(lifeOf(await paged(rig))).toEqual([0, 120]);
  });
});

describe.each(RIGS)('an index with evidence $evidence', ({ evidence, start: startRig }) => {
  const begin = async (files = [ALPHA, BETA], more = {}): Promise<Rig> => {
    const rig = await startRig({ files, ...more });
    open.push(rig);
    return rig;
  };

  describe('while its upstream is silent', () => {
    const projects = Array.from({ length: 20 }, (_, at) => `p${at}`);

    it('is waited for once, and not once a page', async () => {
      const rig = await begin(projects.map((project) => tinyWheel(project)));
      for (const project of projects) await rig.page(project);
      await rig.upload(...projects.map((project) => tinyWheel(project, '2.0')));
      for (const project of projects) rig.pageFault(project, { kind: 'stall', at: 'headers' });
      const times: number[] = [];
      for (const project of projects) {
        const begun = performance.now();
        expect((await rig.page(project)).versions).toEqual(['1.0']);
        times.push(performance.now() - begun);
      }
      const [first = 0, ...others] = times;
      expect(others.reduce((sum, time) => sum + time, 0)).toBeLessThan(first);
      expect(rig.events.silence).toEqual([{ name: 'silence', index: 'main', silent: true }]);
      // One look after the other: those that follow are not asked for.
      expect(projects.filter((project) => rig.pageAsked(project) > (evidence === 'tuf' ? 0 : 1))).toEqual(['p0']);
      rig.heal();
      rig.clock.advance(40);
      await rig.page('p1');
      await expect.poll(() => rig.events.silence.at(-1)?.silent).toBe(false);
      for (const project of projects.slice(1)) expect((await rig.page(project)).versions).toContain('2.0');
    });
  });

  describe('that is offline', () => {
    it('serves what it holds, after a restart, and opens no connection', async () => {
      const rig = await begin();
      await rig.page('alpha');
      expect((await rig.get(rig.path(ALPHA))).status).toBe(200);
      await rig.goOffline();
      rig.clock.advance(1000);
      const asked = rig.connections();
      for (let at = 0; at < 3; at++) expect(await rig.names('alpha')).toEqual([ALPHA.filename]);
      expect((await rig.get(rig.path(ALPHA))).body.equals(ALPHA.bytes)).toBe(true);
      expect(await rig.refused('/simple/beta/')).toBe('503 offline');
      expect(await rig.refused(rig.path(BETA))).toBe('503 offline');
      expect(rig.connections()).toBe(asked);
      expect(rig.events.stale).toEqual([]);
    });

    it(evidence === 'tuf' ? 'is held to the dates of its signatures' : 'is held to no date', async () => {
      const rig = await begin();
      await rig.page('alpha');
      await rig.goOffline();
      rig.clock.advance(3650 * DAY);
      const { status, body } = await paged(rig);
      const said = JSON.parse(String(body));
      expect([status, said.reason]).toEqual(evidence === 'tuf' ? [503, 'expired'] : [200, undefined]);
      if (evidence === 'tuf') expect(said.detail).toContain('offline');
      else expect(lifeOf(await paged(rig))[0]).toBe(0);
    });
  });
});

it('a page that is held and too old is not said to be lacking', async () => {
  const rig = await start({ index: { staleIfError: OLD } });
  await rig.page('alpha');
  rig.pypi.page('alpha', badGateway);
  rig.clock.advance(DAY);
  expect(JSON.parse(String((await paged(rig)).body)).detail).not.toContain('holds no proved copy');
});
