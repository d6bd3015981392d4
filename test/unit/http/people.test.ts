import { describe, expect, it } from 'vitest';
import { ask } from '../../support/ask.ts';
import { bytesOf, serveForFile, WHEEL } from './serving.ts';

const BROWSER = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8';
const serving = serveForFile(() => ({ files: [{ project: 'foo-bar', filename: WHEEL, bytes: bytesOf(10) }] }));
const get = (path: string, accept: string | undefined = undefined) =>
  ask(serving().url, path, accept === undefined ? {} : { headers: { accept } });

describe('a page for people', () => {
  it.each([
    ['a browser', BROWSER],
    ['whoever takes anything', '*/*'],
    ['whoever says nothing', undefined],
  ])('is HTML for %s', async (_, accept) => {
    const { status, headers, body } = await get('/', accept);
    expect(status).toBe(200);
    expect(headers['content-type']).toBe('text/html; charset=UTF-8');
    expect(headers['content-security-policy']).toContain("default-src 'none'; style-src 'sha256-");
    expect(headers['cache-control']).toBe('no-store');
    expect(headers['x-content-type-options']).toBe('nosniff');
    expect(headers['referrer-policy']).toBe('no-referrer');
    expect(headers.vary).toBe('Accept');
    expect(headers['access-control-allow-origin']).toBeUndefined();
    expect(body.toString()).toContain('<h1>overview</h1>');
  });

  it.each(['application/json', 'application/json, text/html;q=0.5', 'application/vnd.api+json'])(
    'is JSON for %s, under the same address',
    async (accept) => {
      const { status, headers, body } = await get('/', accept);
      expect(status).toBe(200);
      expect(headers['content-type']).toBe('application/json');
      expect(headers['content-security-policy']).toBeUndefined();
      expect(JSON.parse(body.toString())).toMatchObject({ what: 'overview', index: null });
    },
  );

  it('has the headers of GET and no body where HEAD asks', async () => {
    const asked = { headers: { accept: BROWSER } };
    const [head, whole] = [await ask(serving().url, '/', { ...asked, method: 'HEAD' }), await get('/', BROWSER)];
    expect(head.body).toHaveLength(0);
    expect(head.headers['content-length']).toBe(String(whole.body.byteLength));
  });

  it.each([
    ['/', './', null],
    ['/main/', '../', 'main'],
    ['/root/pypi/', '../../', 'main'],
  ])('lies at %s, with relative links', async (path, root, index) => {
    expect(JSON.parse((await get(path, 'application/json')).body.toString())).toMatchObject({ root, index });
  });

  it.each([
    ['/main', 'main/'],
    ['/root/pypi', 'pypi/'],
  ])('%s leads to its slash', async (path, location) => {
    const { status, headers } = await get(path, BROWSER);
    expect([status, headers.location]).toEqual([301, location]);
  });

  it('takes nothing from what installers ask for', async () => {
    expect((await get('/simple/foo-bar/', 'application/vnd.pypi.simple.v1+json')).body.toString()).toContain('foo-bar');
    expect((await get('/main/simple/', 'application/vnd.pypi.simple.v1+json')).status).toBe(200);
  });
});
