import { describe, expect, it } from 'vitest';
import { sha256Hex } from '../../../src/bytes/digest.ts';
import { ask } from '../../support/ask.ts';
import { textOf, verifiedRoot, verifiedTimestamp } from '../../support/verified.ts';
import { serveForFile } from './serving.ts';

const signed = verifiedRoot();
const root = Buffer.from(textOf(signed));
const target = Buffer.from('a target');
const hash = sha256Hex(target);

const serving = serveForFile(() => ({
  documents: new Map([
    ['1.root.json', { document: signed, immutable: true }],
    ['timestamp.json', { document: verifiedTimestamp(), immutable: false }],
    ['1.bins/0-3 é.json', { document: signed, immutable: true }],
  ]),
  targets: new Map([
    ['dir/name.txt', target],
    [`dir/${hash}.name.txt`, target],
    [`${hash}.dir/name.txt`, target],
    ['a b+!é', target],
  ]),
}));
const get = (path: string, headers: Record<string, string> = {}) => ask(serving().url, path, { headers });

describe('what upstream signed', () => {
  it.each(['', '/main', '/root/pypi'])('is handed on byte for byte under %s/tuf/', async (prefix) => {
    const answer = await get(`${prefix}/tuf/metadata/1.root.json`, { 'accept-encoding': 'gzip' });
    expect(answer.status).toBe(200);
    expect(answer.body.equals(root)).toBe(true);
    expect(answer.headers).toMatchObject({
      'content-type': 'application/json',
      'content-length': String(root.byteLength),
      'cache-control': 'public, max-age=31536000, immutable',
      etag: `"${sha256Hex(root)}"`,
      'verbatim-evidence': 'tuf',
    });
    expect(answer.headers['content-encoding']).toBeUndefined();
  });

  it('timestamp.json is asked for anew each time, and 304 when it is the same', async () => {
    const first = await get('/tuf/metadata/timestamp.json');
    expect(first.headers['cache-control']).toBe('no-cache');
    const again = await get('/tuf/metadata/timestamp.json', { 'if-none-match': first.headers.etag ?? '' });
    expect(again.status).toBe(304);
    expect(again.headers.etag).toBe(first.headers.etag);
    expect(again.headers['cache-control']).toBe('no-cache');
  });

  it('a missing root is a plain 404 that is not kept', async () => {
    const answer = await get('/tuf/metadata/2.root.json');
    expect(answer.status).toBe(404);
    expect(answer.headers['cache-control']).toBe('no-store');
  });

  it('a role name is one escaped segment, whatever it holds', async () => {
    expect((await get('/tuf/metadata/1.bins%2F0-3%20%C3%A9.json')).body.equals(root)).toBe(true);
    expect((await get('/tuf/metadata/1.bins/0-3%20%C3%A9.json')).status).toBe(404);
    expect((await get('/tuf/metadata/..%2f1.root.json')).status).toBe(404);
  });

  it.each([
    ['dir/name.txt', 'no-cache'],
    [`dir/${hash}.name.txt`, 'public, max-age=31536000, immutable'],
    [`${hash}.dir/name.txt`, 'public, max-age=31536000, immutable'],
    ['a%20b+!%C3%A9', 'no-cache'],
  ])('target %s', async (path, cacheControl) => {
    const answer = await get(`/tuf/targets/${path}`);
    expect(answer.status).toBe(200);
    expect(answer.body.equals(target)).toBe(true);
    expect(answer.headers['cache-control']).toBe(cacheControl);
    expect(answer.headers['content-type']).toBe('application/octet-stream');
    const part = await get(`/tuf/targets/${path}`, { range: 'bytes=2-' });
    expect(part.status).toBe(206);
  });

  it.each(['dir%2Fname.txt', '%2e%2e/dir/name.txt', 'dir/../dir/name.txt', 'dir/name.txt/', 'nothing'])(
    'target %s is 404',
    async (path) => {
      expect((await get(`/tuf/targets/${path}`)).status).toBe(404);
    },
  );
});
