import { afterEach, describe, expect, it } from 'vitest';
import { digestHex } from '../../src/repository/digests.ts';
import { type IndexRig, type IndexRigOptions, startIndexRig } from '../rigs/index-rig.ts';
import { answering, asItIs, cut, forged, loginPage, type Send, withHeaders } from '../support/bad-days.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';

// Pages that are not as their norm wants them, and that every installer takes.

const ALPHA = tinyWheel('alpha');
const PAGE = '/simple/alpha/';

let rig: IndexRig;
afterEach(() => rig.close());

const start = async (send: Send, options: IndexRigOptions = {}) => {
  rig = await startIndexRig({ fill: (pypi) => pypi.upload('alpha', ALPHA), ...options });
  rig.pypi.page('alpha', send);
};
const told = () =>
  rig.events.noted.filter(({ message }) => message.startsWith('a page is odd')).map(({ detail }) => detail?.['odd']);
const anchor = () =>
  `<a href="${rig.pypi.files.url}${rig.pypi.storedAt(ALPHA).slice(1)}#sha256=${digestHex('sha256', ALPHA.bytes)}" data-yanked="zur&uuml;ck, trop tôt">${ALPHA.filename}</a>`;
const html = (end = '</body></html>') => `<html><body>${anchor()}${end}`;
/** Nothing is compressed on its way. */
const plain = withHeaders({ 'content-encoding': 'identity' });
const closed =
  (text: () => string): Send =>
  (answer, connection) => ({
    ...plain({ ...answer, body: Buffer.from(text()) }, connection),
    framing: 'close',
  });

describe('a page', () => {
  it.each([
    ['iso-8859-1', 'latin1'],
    ['utf-16', 'utf16le'],
  ] as const)('in %s is taken, and called odd once a change', async (charset, encoding) => {
    await start((answer) => ({
      ...withHeaders({ 'content-type': `text/html; charset=${charset}` })(answer, 1),
      body: Buffer.from(html(), encoding),
    }));
    const [file] = await rig.page('alpha').then(({ files }) => files);
    expect(file).toMatchObject({ filename: ALPHA.filename, yanked: 'zurück, trop tôt' });
    expect((await rig.get(rig.path(ALPHA))).body.equals(Buffer.from(ALPHA.bytes))).toBe(true);
    expect(await rig.later('alpha')).toHaveLength(1);
    expect(told()).toEqual(['charset']);
  });

  it('that is not what it is stated in is refused', async () => {
    await start((answer) => ({
      ...withHeaders({ 'content-type': 'text/html; charset=utf-8' })(answer, 1),
      body: Buffer.from(html(), 'latin1'),
    }));
    expect(await rig.refused(PAGE)).toBe('502 format');
  });

  it('that ends with its connection is taken where it says itself that it is whole', async () => {
    await start(closed(() => html()));
    expect(await rig.names('alpha')).toEqual([ALPHA.filename]);
    expect(told()).toEqual(['unframed']);
  });

  it.each(['</body></html>\n', '</body></HTML >', '</html><!-- made at noon -->\r\n'])(
    'of HTML may end so: %j',
    async (end) => {
      await start(closed(() => html(end)));
      expect(await rig.names('alpha')).toEqual([ALPHA.filename]);
    },
  );

  it('of JSON that ends with its connection is whole with its closing brace', async () => {
    await start((answer, connection) => ({ ...plain(answer, connection), framing: 'close' }));
    expect(await rig.names('alpha')).toEqual([ALPHA.filename]);
    expect(told()).toEqual(['unframed']);
  });

  it.each([
    ['HTML', closed(() => html('')), '502 truncated'],
    ['HTML whose script ends in a brace', closed(() => `${html('')}<script>a={}`), '502 truncated'],
    ['JSON within', (answer: Parameters<Send>[0], n: number) => cut(60, 'close')(plain(answer, n), n), '502 truncated'],
    ['JSON behind an inner brace', closed(() => '{"meta":{"api-version":"1.0"}'), '502 format'],
  ])('that ends with its connection and not with its own end is refused: %s', async (_, send, answer) => {
    await start(send);
    expect(await rig.refused(PAGE)).toBe(answer);
  });

  it('in JSON without meta and name is taken, and called odd', async () => {
    await start((answer) => {
      const { files } = JSON.parse(String(answer.body));
      return { ...answer, body: Buffer.from(JSON.stringify({ files })) };
    });
    expect(await rig.names('alpha')).toEqual([ALPHA.filename]);
    expect(told()).toEqual(['meta, name']);
  });

  it('that is empty and says no version is passed on as an empty one, and called odd', async () => {
    await start(() => answering(200, '<html><head><title>Links for alpha</title></head><body></body></html>'));
    const { status, body } = await rig.get(PAGE, { headers: { accept: 'application/vnd.pypi.simple.v1+json' } });
    expect([status, JSON.parse(String(body)).files]).toEqual([200, []]);
    expect(told()).toEqual(['empty']);
  });

  it('that was not empty before is believed to be so after a second look only', async () => {
    await start(asItIs);
    expect(await rig.names('alpha')).toEqual([ALPHA.filename]);
    rig.pypi.heal();
    rig.pypi.page('alpha', forged('<html><body></body></html>'), 1);
    expect(await rig.later('alpha')).toHaveLength(1);
  });

  it('to log in at is none', async () => {
    await start(loginPage);
    expect(await rig.refused(PAGE)).toBe('502 format');
  });
});
