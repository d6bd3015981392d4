import { gzipSync, zstdCompressSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import type { IndexFile } from '../../src/repository/index-pages.ts';
import { type IndexRig, startIndexRig } from '../rigs/index-rig.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';

// Files with a Content-Encoding: servers label what they store by its name, and others code what they send.

const SDIST: IndexFile = { filename: 'alpha-1.0.tar.gz', bytes: gzipSync('an archive, '.repeat(20_000)) };
const WHEEL = tinyWheel('alpha');
const NOISE = Buffer.from('Nothing that is listed, labelled all the same. '.repeat(100));

let rig: IndexRig;
afterEach(() => rig.close());

interface Labelled {
  readonly file: IndexFile;
  readonly label: string;
  /** What is sent under the label; the file as it is where it is left out. */
  readonly body?: Uint8Array;
  /** False where the page says no size. */
  readonly sized?: boolean;
  /** True where the answer says no length. */
  readonly chunked?: boolean;
}

async function start({ file, label, body = file.bytes, sized = true, chunked = false }: Labelled): Promise<string> {
  rig = await startIndexRig({ plainHtml: !sized, fill: (pypi) => pypi.upload('alpha', file) });
  const at = rig.pypi.storedAt(file);
  rig.pypi.contents.set(at.slice(1), body);
  rig.pypi.files.fault(at, { kind: 'headers', headers: { 'content-encoding': label }, chunked });
  return at;
}

const arrives = async (file: IndexFile) => {
  const { status, headers, body } = await rig.get(rig.path(file));
  expect([status, headers['content-encoding']]).toEqual([200, undefined]);
  expect(body.equals(file.bytes)).toBe(true);
};

describe('a file that is labelled with a coding', () => {
  it.each([
    ['gzip', true],
    ['x-gzip', true],
    ['gzip', false],
    ['br', true],
    ['anything, gzip', false],
  ])('%s because it is stored so is proved as it came, at once (a size on its page: %s)', async (label, sized) => {
    const at = await start({ file: SDIST, label, sized });
    await arrives(SDIST);
    expect(rig.pypi.files.asked(at)).toHaveLength(1);
    expect(rig.pypi.files.asked(at)[0]?.headers['accept-encoding']).toBe('identity');
    expect(rig.alarms()).toEqual([]);
  });

  it.each([
    ['gzip', gzipSync(WHEEL.bytes), true, 1],
    ['zstd', zstdCompressSync(WHEEL.bytes), true, 1],
    // Without a size on its page only the digest tells.
    ['gzip', gzipSync(WHEEL.bytes), false, 2],
  ])('%s because it was coded on its way is unpacked and proved (%#)', async (label, body, sized, requests) => {
    const at = await start({ file: WHEEL, label, body, sized });
    await arrives(WHEEL);
    expect(rig.pypi.files.asked(at)).toHaveLength(requests);
  });

  it.each([
    ['stored so', SDIST, SDIST.bytes, 2],
    ['coded on its way', WHEEL, gzipSync(WHEEL.bytes), 1],
  ])('and comes without a length is taken for what its digest says: %s', async (_, file, body, requests) => {
    for (const sized of [true, false]) {
      const at = await start({ file, label: 'gzip', body, sized, chunked: true });
      await arrives(file);
      expect(rig.pypi.files.asked(at)).toHaveLength(requests);
      await rig.close();
    }
    await start({ file, label: 'gzip' });
  });

  it.each([
    ['as it comes', NOISE, 'encoding'],
    ['unpacked', gzipSync(NOISE), 'digest'],
  ])('and is neither way what its page says is refused: %s', async (_, body, reason) => {
    await start({ file: WHEEL, label: 'gzip', body, sized: false });
    expect(await rig.refused(rig.path(WHEEL))).toBe(`403 ${reason}`);
  });

  it('with one that is not understood, and is not stored so, is refused', async () => {
    await start({ file: WHEEL, label: 'br', body: NOISE, sized: false });
    expect(await rig.refused(rig.path(WHEEL))).toBe('403 encoding');
  });

  it('a bomb is refused at the size its page says, or that a file may have', async () => {
    await start({ file: WHEEL, label: 'gzip', body: gzipSync(Buffer.alloc(50_000_000), { level: 1 }) });
    expect(await rig.refused(rig.path(WHEEL))).toBe('403 limit');
  });

  it('and broke off goes on in its middle where it is stored so', async () => {
    const at = await start({ file: SDIST, label: 'gzip' });
    rig.pypi.files.heal(at);
    const headers = { 'content-encoding': 'gzip' };
    rig.pypi.files.fault(at, { kind: 'headers', headers, cut: 100 }, 1);
    rig.pypi.files.fault(at, { kind: 'headers', headers });
    await arrives(SDIST);
    expect(rig.pypi.files.asked(at).map((request) => request.headers.range)).toEqual([undefined, 'bytes=100-']);
  });

  it('and broke off begins anew where it was coded on its way', async () => {
    const at = await start({ file: WHEEL, label: 'gzip', body: gzipSync(WHEEL.bytes) });
    rig.pypi.files.heal(at);
    const headers = { 'content-encoding': 'gzip' };
    rig.pypi.files.fault(at, { kind: 'headers', headers, cut: 100 }, 1);
    rig.pypi.files.fault(at, { kind: 'headers', headers });
    await arrives(WHEEL);
    expect(rig.pypi.files.asked(at).map((request) => request.headers.range)).toEqual([undefined, undefined]);
  });

  it('serves ranges of what was proved, and its size to HEAD', async () => {
    await start({ file: SDIST, label: 'gzip' });
    const head = await rig.get(rig.path(SDIST), { method: 'HEAD' });
    expect([head.status, head.headers['content-length']]).toEqual([200, String(SDIST.bytes.byteLength)]);
    const part = await rig.get(rig.path(SDIST), { headers: { range: 'bytes=5-24' } });
    expect([part.status, part.headers['content-encoding']]).toEqual([206, undefined]);
    expect(part.body.equals(Buffer.from(SDIST.bytes.subarray(5, 25)))).toBe(true);
  });
});
