import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { type IndexRig, OLD, startIndexRig } from '../rigs/index-rig.ts';
import { DAY, HOUR } from '../support/clock.ts';
import { inShort, type Syncing, syncing } from '../support/syncing.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';

// Upstream's list says which pages have changed: the others are not asked for, and are not younger for that.

const ALPHA = tinyWheel('alpha', '1.0');
const ALPHA_2 = tinyWheel('alpha', '2.0');
const BETA = tinyWheel('beta', '1.0');
const BETA_2 = tinyWheel('beta', '2.0');

let rig: IndexRig;
beforeEach(async () => {
  rig = await startIndexRig({
    fill(pypi) {
      for (const wheel of [ALPHA, BETA]) pypi.upload(wheel.project, wheel);
    },
  });
});
afterEach(() => rig.close());

const pagesAsked = () =>
  rig.pypi.requests
    .map(({ url }) => url)
    .filter((url) => /^\/simple\/[a-z]+\/$/.test(url))
    .map((url) => url.split('/')[2] ?? '');

/** A sync, and which pages upstream was asked for meanwhile. */
async function synced(wanted: Syncing = { listed: true }) {
  const before = pagesAsked().length;
  const { report, spared, changed } = await syncing(rig.index(), wanted);
  return { ...inShort(report), spared, changed: [...changed], asked: pagesAsked().slice(before).sort() };
}

const listsAsked = () => rig.pypi.requests.filter(({ url }) => url === '/simple/').length;

describe('a sync of all that is listed', () => {
  it('asks for the pages alone that have changed since', async () => {
    expect(await synced()).toMatchObject({ spared: 0, asked: ['alpha', 'beta'] });
    rig.clock.advance(HOUR);
    expect(await synced()).toEqual({ fetched: [], held: 2, spared: 2, changed: [], asked: [] });
    rig.pypi.upload('alpha', ALPHA_2);
    rig.clock.advance(HOUR);
    expect(await synced()).toEqual({
      fetched: [ALPHA_2.filename],
      held: 2,
      spared: 1,
      changed: ['alpha'],
      asked: ['alpha'],
    });
    rig.pypi.upload('gamma', tinyWheel('gamma'));
    await rig.restart();
    rig.clock.advance(HOUR);
    expect(await synced()).toMatchObject({ spared: 2, changed: ['gamma'], asked: ['gamma'] });
  });

  it('makes no page younger: a client that comes has upstream asked as it would', async () => {
    await synced();
    rig.clock.advance(OLD);
    expect(await synced()).toMatchObject({ spared: 2, asked: [] });
    const before = pagesAsked().length;
    await rig.page('beta');
    expect(pagesAsked().slice(before)).toEqual(['beta']);
  });

  it('asks for every page once a day, whatever the list counts', async () => {
    await synced();
    rig.pypi.upload('beta', BETA_2);
    // A list that lies, and a page that goes along with it.
    rig.pypi.setSerial('beta', 1002);
    rig.clock.advance(DAY - HOUR);
    expect(await synced()).toEqual({ fetched: [], held: 2, spared: 2, changed: [], asked: [] });
    rig.clock.advance(HOUR);
    expect(await synced()).toMatchObject({ fetched: [BETA_2.filename], spared: 0, asked: ['alpha', 'beta'] });
  });

  it('asks for a page that the list counts less for than was seen, or that nobody knows the age of', async () => {
    await synced();
    rig.pypi.setSerial('beta', 1);
    rig.clock.advance(HOUR);
    expect((await synced()).asked).toEqual(expect.arrayContaining(['beta']));
    rig.clock.advance(-3 * HOUR);
    expect(await synced()).toMatchObject({ spared: 0, asked: expect.arrayContaining(['alpha', 'beta']) });
  });

  it('asks for each page where the list counts nothing', async () => {
    const plain = await startIndexRig({ serials: false, fill: (pypi) => pypi.upload('alpha', ALPHA) });
    onTestFinished(() => plain.close());
    await syncing(plain.index(), { listed: true });
    plain.clock.advance(HOUR);
    const before = plain.pypi.requests.filter(({ url }) => url === '/simple/alpha/').length;
    expect(await syncing(plain.index(), { listed: true })).toMatchObject({ spared: 0 });
    expect(plain.pypi.requests.filter(({ url }) => url === '/simple/alpha/')).toHaveLength(before + 1);
  });
});

describe('a sync of some projects', () => {
  it('reads the list where it has to, and of few projects asks for their pages', async () => {
    await synced();
    rig.clock.advance(HOUR);
    expect(await synced({ globs: ['al*'] })).toMatchObject({ held: 1, spared: 1, asked: [] });
    const before = listsAsked();
    expect(await synced({ names: ['alpha'] })).toMatchObject({ held: 1, spared: 0, asked: ['alpha'] });
    expect(await synced({ held: ['alpha', 'beta'] })).toMatchObject({ held: 2, spared: 0, asked: ['alpha', 'beta'] });
    expect(listsAsked()).toBe(before);
  });

  it('reads the list for a thousand that are held, and asks for each page where that cannot be had', async () => {
    await synced();
    rig.clock.advance(HOUR);
    const held = ['beta', ...Array.from({ length: 999 }, () => 'alpha')];
    expect(await synced({ held })).toMatchObject({ spared: 2, asked: [] });
    rig.pypi.index.fault('/simple/', { kind: 'status', status: 500 });
    expect(await synced({ held })).toMatchObject({ spared: 0, asked: ['alpha', 'beta'] });
  });
});
