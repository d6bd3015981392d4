import { get } from 'node:http';
import { describe, expect, it } from 'vitest';
import { recordSent } from '../../../src/app/running/record-sent.ts';
import type { SentFile } from '../../../src/http/exchange.ts';
import { siteOf } from '../../../src/http/party.ts';
import { ask } from '../../support/ask.ts';
import { serve } from './serving.ts';

// Who is sent a file is written down before the last byte of it leaves.

const WHEEL = 'foo_bar-1.0-py3-none-any.whl';
const BYTES = Buffer.alloc(3_000_000, 'the bytes of a file');
const FILES = [{ project: 'foo-bar', filename: WHEEL, bytes: BYTES }];

async function recording() {
  const sent: SentFile[] = [];
  const written = Promise.withResolvers<void>();
  const onSent = (each: SentFile) => {
    sent.push(each);
    return written.promise;
  };
  const serving = await serve({ files: FILES, listener: { onSent } });
  return { sent, written, serving, path: `/${serving.still.pathOf(WHEEL)}` };
}

describe('a file', () => {
  it.each([
    ['whole', undefined, BYTES.length],
    ['a part of it', 'bytes=0-9', 10],
  ])('%s, is not all there before its record is written', async (_, range, length) => {
    const { sent, written, serving, path } = await recording();
    let came = 0;
    const ended = new Promise<void>((resolve, reject) => {
      const request = get(`${serving.url}${path}`, { headers: range === undefined ? {} : { range } }, (response) => {
        response.on('data', (chunk: Buffer) => {
          came += chunk.byteLength;
        });
        response.on('end', resolve);
        response.on('error', reject);
      });
      request.on('error', reject);
    });
    await expect.poll(() => sent.length).toBe(1);
    // Another answer of the same process is whole meanwhile.
    expect((await ask(serving.url, '/livez')).status).toBe(200);
    expect(came).toBeLessThan(length);
    written.resolve();
    await ended;
    expect(came).toBe(length);
    expect(sent).toMatchObject([{ index: 'main', project: 'foo-bar', filename: WHEEL, client: '127.0.0.1' }]);
    await serving.close();
  });

  it('of which only headers are sent is nobody’s', async () => {
    const { sent, serving, path } = await recording();
    expect((await ask(serving.url, path, { method: 'HEAD' })).status).toBe(200);
    await serving.close();
    expect(sent).toEqual([]);
  });
});

describe('an address', () => {
  it.each([
    ['192.0.2.77', '192.0.2.0/24'],
    ['::ffff:192.0.2.77', '192.0.2.0/24'],
    ['2001:db8:1:2::77', '2001:db8:1::/48'],
    ['::1', '0:0:0::/48'],
  ])('%s is truncated to %s', (address, site) => {
    expect(siteOf(address)).toBe(site);
  });

  const given = { index: 'main', project: 'foo', filename: WHEEL, sha256: 'a'.repeat(64), reader: 'user ann' };
  it.each([
    [
      'whole',
      { accessAddresses: 'whole' },
      false,
      '2001:db8:1:2::7',
      { client: '2001:db8:1:2::7', party: '2001:db8:1:2::/64' },
    ],
    ['of IPv4, whole', {}, false, '192.0.2.7', { client: '192.0.2.7', party: undefined, reader: undefined }],
    ['truncated', { accessAddresses: 'truncated' }, false, '192.0.2.7', { client: '192.0.2.0/24', party: undefined }],
    ['of a user', {}, true, '192.0.2.7', { client: '192.0.2.7', party: 'user ann', reader: 'user ann' }],
  ] as const)('%s, is written down with whom it stands for', async (_, cache, recordNames, client, expected) => {
    const records: unknown[] = [];
    const config = { cache, server: { auth: { recordNames } } };
    const composition = {
      clock: { now: () => 7, judged: () => 7 },
      fetched: {
        record: async (each: unknown) => void records.push(each),
        fetches: async () => [],
        writing: { failures: 0, lost: 0, trouble: undefined },
        close: async () => undefined,
      },
    };
    await recordSent({ config, composition }, { ...given, client });
    expect(records).toMatchObject([{ at: 7, file: WHEEL, ...expected }]);
  });
});
