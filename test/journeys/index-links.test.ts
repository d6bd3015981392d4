import { afterEach, describe, expect, it } from 'vitest';
import { type IndexRig, startIndexRig } from '../rigs/index-rig.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';

// Links of an index are not for ever: signed ones live for minutes, and files move to other hosts.

const ALPHA = tinyWheel('alpha');

let rig: IndexRig;
afterEach(() => rig.close());

const start = async () => {
  rig = await startIndexRig({ fill: (pypi) => pypi.upload('alpha', ALPHA), index: { contentAddressed: false } });
};
const pageReads = () => rig.pypi.asked('alpha').length;

describe('a link that does not work any more', () => {
  it.each([403, 404, 410])(
    '(%i) has the page read again, once, and the file comes from where it is now',
    async (status) => {
      await start();
      const path = rig.path(ALPHA);
      const link = (signature: string) => `${rig.pypi.files.url}${path.slice(1)}?signature=${signature}`;
      rig.pypi.edit('alpha', ALPHA.filename, { url: link('first') });
      await rig.page('alpha');
      rig.pypi.edit('alpha', ALPHA.filename, { url: link('second') });
      rig.pypi.files.fault(path, { kind: 'status', status }, 1);
      const before = pageReads();
      const { status: answered, body } = await rig.get(path);
      expect([answered, body.equals(ALPHA.bytes)]).toEqual([200, true]);
      expect(pageReads()).toBe(before + 1);
      expect(rig.pypi.files.requests.map(({ url }) => url.split('=')[1])).toEqual(['first', 'second']);
    },
  );

  it('is told as it is where the page has no other, and the page is not read again for each that asks', async () => {
    await start();
    await rig.page('alpha');
    rig.pypi.files.fault(rig.path(ALPHA), { kind: 'status', status: 404 });
    const before = pageReads();
    expect(await rig.refused(rig.path(ALPHA))).toBe('403 mix-and-match');
    await rig.get(rig.path(ALPHA));
    expect(pageReads()).toBe(before + 1);
    rig.clock.advance(31);
    await rig.get(rig.path(ALPHA));
    expect(pageReads()).toBe(before + 2);
  });

  it('whose page is away is told as it is', async () => {
    await start();
    await rig.page('alpha');
    rig.pypi.files.fault(rig.path(ALPHA), { kind: 'status', status: 403 });
    rig.pypi.index.fault('*', { kind: 'status', status: 500 });
    expect(await rig.refused(rig.path(ALPHA))).toBe('403 forbidden');
  });

  it('is not followed to other bytes: the file that is there now is not the one that was asked for', async () => {
    await start();
    await rig.page('alpha');
    const path = rig.path(ALPHA);
    rig.pypi.replace('alpha', { ...ALPHA, bytes: Buffer.from('other') });
    rig.pypi.files.fault(path, { kind: 'status', status: 404 });
    expect((await rig.get(path)).status).toBe(403);
  });
});

describe('hosts that a page names and the configuration forbids', () => {
  it('are told when the page is read, all at once, and once', async () => {
    await start();
    for (const [version, host] of [
      ['2.0', 'b.example'],
      ['3.0', 'c.example'],
      ['4.0', 'b.example'],
    ] as const) {
      const wheel = tinyWheel('alpha', version);
      rig.pypi.upload('alpha', wheel, { url: `https://${host}/${wheel.filename}` });
    }
    await rig.page('alpha');
    const told = () => rig.events.rejected.filter(({ reason }) => reason === 'foreign');
    expect(told()).toMatchObject([{ subject: 'page', thing: 'alpha' }]);
    expect(told()[0]?.message).toContain('b.example (2), c.example (1)');
    expect(told()[0]?.message).toContain('--file-host b.example --file-host c.example');
    const more = tinyWheel('alpha', '5.0');
    rig.pypi.upload('alpha', more, { url: `https://c.example/${more.filename}` });
    await rig.later('alpha');
    expect(told()).toHaveLength(1);
  });
});
