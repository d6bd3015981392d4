import { afterEach, describe, expect, it } from 'vitest';
import { Refusal } from '../../src/bytes/refusal.ts';
import { type IndexRig, startIndexRig } from '../rigs/index-rig.ts';
import { type FakePypi, startFakePypi } from '../support/fake-pypi.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';

// What an index that signs nothing remembers is one upstream's word, and is never served as another's.

const ALPHA = tinyWheel('alpha');
const OTHER = tinyWheel('alpha', '1.0', 'other bytes');

let rig: IndexRig;
let other: FakePypi;
afterEach(() => Promise.all([rig.close(), other.close()]));

/** A page of the one upstream is held and fresh, its file pinned for good; then the configuration names the other. */
const start = async (offers = ALPHA) => {
  other = await startFakePypi();
  other.upload('alpha', offers);
  const index: { upstream?: string; fileHosts?: readonly string[] } = {};
  rig = await startIndexRig({ fill: (pypi) => pypi.upload('alpha', ALPHA), index });
  const hosts = [`127.0.0.1:${rig.pypi.files.port}`, `127.0.0.1:${other.files.port}`];
  await rig.page('alpha');
  await rig.get(rig.path(ALPHA));
  await rig.later('alpha');
  await rig.later('alpha');
  Object.assign(index, { upstream: `${other.url}simple/`, fileHosts: hosts });
};

const reasonOf = (error: unknown) => (error instanceof Refusal ? error.reason : error);

describe('another upstream under the name of an index', () => {
  it('is not begun with silently', async () => {
    await start();
    expect(await rig.restart().then(() => 'started', reasonOf)).toBe('state');
    expect(await rig.restart('it moved').then(() => 'started', reasonOf)).toBe('started');
    expect(await rig.restart().then(() => 'started', reasonOf)).toBe('started');
  });

  it('is begun with where nothing was ever seen of the one before', async () => {
    other = await startFakePypi();
    other.upload('alpha', OTHER);
    const index: { upstream?: string; fileHosts?: readonly string[] } = {};
    rig = await startIndexRig({ index });
    Object.assign(index, { upstream: `${other.url}simple/`, fileHosts: [`127.0.0.1:${other.files.port}`] });
    await rig.restart();
    expect((await rig.get(rig.path(OTHER))).body.equals(OTHER.bytes)).toBe(true);
  });

  it('is asked before a page of the one before is served, however fresh, and without its tag', async () => {
    await start();
    await rig.restart('it moved');
    const before = rig.pypi.requests.length;
    expect(await rig.names('alpha')).toEqual([ALPHA.filename]);
    expect(other.requests).toMatchObject([{ url: '/simple/alpha/' }]);
    expect(other.requests[0]?.headers['if-none-match']).toBeUndefined();
    expect(rig.pypi.requests).toHaveLength(before);
  });

  it('that is away is no reason to serve the pages of the one before', async () => {
    await start();
    await rig.restart('it moved');
    other.index.fault('/simple/alpha/', { kind: 'status', status: 502 });
    expect(await rig.refused('/simple/alpha/')).toBe('503 unreachable');
    expect(await rig.refused(rig.path(ALPHA))).toBe('503 unreachable');
  });

  it('is held to the digests that the one before was seen with', async () => {
    await start(OTHER);
    await rig.restart('it moved');
    expect(await rig.names('alpha')).toEqual([]);
    expect(await rig.refused(rig.path(OTHER))).toBe('403 changed');
  });
});
