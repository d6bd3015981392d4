import { afterEach, describe, expect, it } from 'vitest';
import type { LookAhead } from '../../src/config/config.ts';
import type { Event } from '../../src/ports/events.ts';
import { type IndexRig, type IndexRigOptions, startIndexRig } from '../rigs/index-rig.ts';
import { RIGS, type Rig } from '../rigs/rig.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';

// What a client will probably ask for next is looked at before it does, and delays nobody.

const USUAL: LookAhead = { depth: 3, requests: 600, bytes: 64e6, largestWheel: 16e6 };

/** alpha → beta, gamma; beta → delta → epsilon. */
const ALPHA = tinyWheel('alpha', '1.0', '', ['beta>=1', 'gamma', "socks; extra == 'socks'"]);
const BETA = tinyWheel('beta', '1.0', '', ['delta']);
const GAMMA = tinyWheel('gamma');
const DELTA = tinyWheel('delta', '1.0', '', ['epsilon']);
const EPSILON = tinyWheel('epsilon');
const SOCKS = tinyWheel('socks');
const ALL = [ALPHA, BETA, GAMMA, DELTA, EPSILON, SOCKS];

const patiently = { interval: 5, timeout: 10_000 };

/** Looks by what became of them: `page looked`. */
function results(events: readonly Event<'lookedAhead'>[]): readonly string[] {
  return events.map(({ kind, result }) => `${kind} ${result}`);
}

function count(events: readonly Event<'lookedAhead'>[], what: string): number {
  return results(events).filter((each) => each === what).length;
}

describe.each(RIGS)('of an index with evidence $evidence', ({ start }) => {
  let rig: Rig;
  afterEach(() => rig.close());
  const looked = () => rig.events.lookedAhead;

  it('a page brings the core metadata of its newest release, and the pages of what that requires', async () => {
    rig = await start({ files: ALL, lookAhead: USUAL });
    await rig.page('alpha');
    await expect.poll(() => count(looked(), 'core-metadata looked'), patiently).toBe(5);
    expect(['beta', 'gamma', 'delta', 'epsilon', 'socks'].map(rig.pageAsked)).toEqual([1, 1, 1, 1, 0]);
    const before = rig.requests();
    for (const { project, coreMetadata, ...file } of [BETA, GAMMA, DELTA, EPSILON]) {
      expect((await rig.page(project)).files.map(({ filename }) => filename)).toEqual([file.filename]);
      const wheel = { project, coreMetadata, ...file };
      expect((await rig.get(`${rig.path(wheel)}.metadata`)).body.equals(coreMetadata)).toBe(true);
    }
    expect([count(looked(), 'page used'), count(looked(), 'core-metadata used')]).toEqual([4, 4]);
    // Whoever asked for core metadata asks for the wheel next: nothing else is asked of upstream.
    await expect.poll(() => count(looked(), 'file looked'), patiently).toBe(4);
    expect(rig.requests()).toBe(before + 4);
  });

  it('core metadata brings its wheel, which a client then finds here', async () => {
    rig = await start({ files: ALL, lookAhead: USUAL });
    const { body } = await rig.get(`${rig.path(GAMMA)}.metadata`);
    expect(body.equals(GAMMA.coreMetadata)).toBe(true);
    await expect.poll(() => count(looked(), 'file looked'), patiently).toBe(1);
    expect((await rig.get(rig.path(GAMMA))).body.equals(GAMMA.bytes)).toBe(true);
    expect(rig.fileAsked(GAMMA)).toBe(1);
    expect(rig.events.served.at(-1)).toMatchObject({ kind: 'file', how: 'disk' });
    expect(looked().at(-1)).toMatchObject({ kind: 'file', result: 'used', bytes: GAMMA.bytes.byteLength });
  });

  it('counts nothing as served, and a client that asks meanwhile joins the look', async () => {
    rig = await start({ files: ALL, lookAhead: USUAL });
    const gate = Promise.withResolvers<void>();
    rig.pageFault('gamma', { kind: 'wait', until: gate.promise });
    await rig.page('alpha');
    await expect.poll(() => rig.pageAsked('gamma'), patiently).toBe(1);
    expect(rig.events.served.map(({ kind }) => kind)).toEqual(['page']);
    const asked = rig.names('gamma');
    await expect.poll(() => count(looked(), 'page used'), patiently).toBe(1);
    gate.resolve();
    expect(await asked).toEqual([GAMMA.filename]);
    expect(rig.pageAsked('gamma')).toBe(1);
  });

  it('nothing is looked at where nothing is to be', async () => {
    rig = await start({ files: ALL });
    await rig.page('alpha');
    await rig.get(`${rig.path(ALPHA)}.metadata`);
    await rig.page('gamma');
    expect([rig.pageAsked('beta'), rig.fileAsked(ALPHA), looked()]).toEqual([0, 0, []]);
  });

  it('a client never waits for a connection that a look holds', async () => {
    rig = await start({ files: ALL, lookAhead: USUAL, upstreamLimits: { connections: 1 } });
    rig.pageFault('beta', { kind: 'stall', at: 'headers' });
    rig.pageFault('gamma', { kind: 'stall', at: 'headers' });
    await rig.page('alpha');
    await expect.poll(() => rig.pageAsked('beta') + rig.pageAsked('gamma'), patiently).toBe(1);
    expect(await rig.names('delta')).toEqual([DELTA.filename]);
    expect(results(looked())).toContain('page gave-way');
  });
});

describe('of an index that signs nothing', () => {
  let rig: IndexRig;
  afterEach(() => rig.close());
  const looked = () => rig.events.lookedAhead;
  const startWith = async (lookAhead: Partial<LookAhead>, options: IndexRigOptions = {}) => {
    rig = await startIndexRig({
      ...options,
      index: { lookAhead: { ...USUAL, ...lookAhead }, ...options.index },
      fill(pypi) {
        for (const file of ALL) pypi.upload(file.project, file);
        options.fill?.(pypi);
      },
    });
  };
  const filesAsked = () => rig.pypi.files.requests.map(({ url }) => url);

  it.each([
    [0, []],
    [1, ['beta', 'gamma']],
    [2, ['beta', 'gamma', 'delta']],
  ])('%i steps of requirements reach %j', async (depth, pages) => {
    await startWith({ depth });
    await rig.page('alpha');
    await expect.poll(() => count(looked(), 'core-metadata looked'), patiently).toBe(1 + pages.length);
    const others = ['beta', 'gamma', 'delta', 'epsilon'].filter((project) => rig.pypi.asked(project).length > 0);
    expect(others).toEqual(pages);
    // A client that goes one step goes on from there.
    if (depth !== 1) return;
    await rig.page('beta');
    await expect.poll(() => rig.pypi.asked('delta').length, patiently).toBe(1);
  });

  it('nothing is looked at twice', async () => {
    await startWith({});
    for (let again = 0; again < 3; again++) await rig.page('alpha');
    await expect.poll(() => count(looked(), 'core-metadata looked'), patiently).toBe(5);
    const before = filesAsked().length + rig.pypi.requests.length;
    for (const project of ['alpha', 'beta', 'gamma', 'delta', 'epsilon', 'alpha']) await rig.page(project);
    expect(filesAsked().length + rig.pypi.requests.length).toBe(before);
  });

  it('a name that upstream does not have costs one look, and is no alarm', async () => {
    await startWith({}, { fill: (pypi) => pypi.removeProject('gamma') });
    await rig.page('alpha');
    await expect.poll(() => results(looked()), patiently).toContain('page absent');
    await expect.poll(() => count(looked(), 'core-metadata looked'), patiently).toBe(4);
    expect([rig.pypi.asked('gamma').length, rig.alarms()]).toEqual([1, []]);
  });

  it('core metadata that is announced and not there is no alarm, until somebody asks for it', async () => {
    await startWith({}, { fill: (pypi) => void pypi.contents.delete(`${pypi.storedAt(GAMMA)}.metadata`.slice(1)) });
    await rig.page('gamma');
    await expect.poll(() => results(looked()), patiently).toEqual(['core-metadata absent']);
    expect(rig.alarms()).toEqual([]);
  });

  it('what is not what its page says is an alarm, and is told as one', async () => {
    await startWith({});
    rig.pypi.files.fault(`${rig.pypi.storedAt(GAMMA)}.metadata`, { kind: 'flip', at: 3 });
    await rig.page('gamma');
    await expect.poll(() => results(looked()), patiently).toEqual(['core-metadata failed']);
    expect(rig.alarms()).toEqual(['digest core-metadata']);
  });

  it('looks that no client follows are no more than the budget, and what is used is given back', async () => {
    await startWith({ requests: 1, depth: 0 });
    await rig.page('alpha');
    await expect.poll(() => count(looked(), 'core-metadata looked'), patiently).toBe(1);
    await rig.page('delta');
    await expect.poll(() => count(looked(), 'core-metadata over-budget'), patiently).toBe(1);
    await rig.get(`${rig.path(ALPHA)}.metadata`);
    expect(count(looked(), 'core-metadata used')).toBe(1);
    await expect.poll(() => count(looked(), 'file looked'), patiently).toBe(1);
  });

  it('bytes that no client asks for are no more than the budget', async () => {
    await startWith({ bytes: 100, depth: 0 });
    await rig.get(`${rig.path(GAMMA)}.metadata`);
    await expect.poll(() => results(looked()), patiently).toEqual(['file over-budget']);
    expect(filesAsked()).toEqual([`${rig.pypi.storedAt(GAMMA)}.metadata`]);
  });

  it('a wheel larger than the largest is left to whoever asks for it', async () => {
    await startWith({ largestWheel: GAMMA.bytes.byteLength - 1 });
    await rig.get(`${rig.path(GAMMA)}.metadata`);
    await rig.get(`${rig.path(DELTA)}.metadata`);
    await expect.poll(() => rig.pypi.asked('epsilon').length, patiently).toBe(1);
    expect(count(looked(), 'file looked')).toBe(0);
  });

  it('what nobody asked for in ten minutes counts as wasted', async () => {
    await startWith({});
    await rig.page('gamma');
    await expect.poll(() => results(looked()), patiently).toEqual(['core-metadata looked']);
    rig.clock.advance(601);
    await rig.page('epsilon');
    await expect
      .poll(() => results(looked()), patiently)
      .toEqual(['core-metadata looked', 'core-metadata wasted', 'core-metadata looked']);
    expect(looked()[1]?.bytes).toBe(GAMMA.coreMetadata.byteLength);
  });

  it('an upstream that fails is left alone for half a minute', async () => {
    await startWith({});
    rig.pypi.files.fault('*', { kind: 'status', status: 500 });
    await rig.page('gamma');
    await expect.poll(() => results(looked()), patiently).toEqual(['core-metadata failed']);
    const asked = filesAsked().length;
    await rig.page('alpha');
    await rig.page('delta');
    expect([filesAsked().length, results(looked()).length]).toEqual([asked, 1]);
    rig.pypi.files.heal();
    rig.clock.advance(31);
    await rig.page('epsilon');
    await expect.poll(() => count(looked(), 'core-metadata looked'), patiently).toBe(1);
  });

  it('offline nothing is looked at', async () => {
    await startWith({});
    await rig.page('delta');
    await expect.poll(() => count(looked(), 'core-metadata looked'), patiently).toBe(2);
    await rig.goOffline();
    const before = looked().length;
    await rig.page('delta');
    await rig.page('epsilon');
    expect(looked().length).toBe(before);
  });

  it('a client never waits for a download that a look holds', async () => {
    await startWith({}, { upstreamLimits: { connections: 1 } });
    rig.pypi.files.fault(rig.pypi.storedAt(GAMMA), { kind: 'stall', at: 10 });
    await rig.get(`${rig.path(GAMMA)}.metadata`);
    await expect.poll(() => filesAsked(), patiently).toContain(rig.pypi.storedAt(GAMMA));
    expect((await rig.get(rig.path(DELTA))).body.equals(DELTA.bytes)).toBe(true);
    expect(results(looked())).toContain('file gave-way');
    // Nothing is wrong with the page that lists it.
    expect(rig.pypi.asked('gamma')).toHaveLength(1);
  });

  it('a file that nobody states a digest of is not looked at: its first sight is for whoever asks', async () => {
    await startWith({}, { fill: (pypi) => pypi.edit('gamma', GAMMA.filename, { hashes: {} }) });
    await rig.page('gamma');
    await expect.poll(() => results(looked()), patiently).toEqual(['core-metadata looked']);
    const [file] = (await rig.page('gamma')).files;
    await rig.get(new URL(`${file?.url}.metadata`, `${rig.url()}/simple/gamma/`).pathname);
    await rig.page('epsilon');
    await expect.poll(() => count(looked(), 'core-metadata looked'), patiently).toBe(2);
    expect(filesAsked()).not.toContain(rig.pypi.storedAt(GAMMA));
  });

  it('a host where this mirror may not go is not asked', async () => {
    await startWith({}, { index: { fileHosts: [] } });
    rig.events.rejected.length = 0;
    await rig.page('alpha');
    await rig.page('gamma');
    expect([filesAsked(), looked()]).toEqual([[], []]);
  });
});
