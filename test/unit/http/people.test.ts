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
    ['/', { what: 'overview', root: './', index: null }],
    ['/main/', { what: 'overview', root: '../', index: 'main' }],
    ['/root/pypi/', { what: 'overview', root: '../../', index: 'main' }],
    ['/events', { what: 'events', root: './', index: null, page: 1 }],
    ['/events?page=3', { what: 'events', page: 3 }],
    ['/main/events?page=-3', { what: 'events', root: '../', index: 'main', page: 1 }],
    ['/policy', { what: 'policy', root: './', index: null }],
    ['/main/policy', { what: 'policy', root: '../', index: 'main' }],
    ['/project/', { what: 'search', root: '../', index: 'main', query: '' }],
    ['/main/project/?q=foo+b%C3%A4r', { what: 'search', root: '../../', index: 'main', query: 'foo bär' }],
    ['/project/foo-bar/', { what: 'project', root: '../../', index: 'main', project: 'foo-bar', page: 1 }],
    ['/root/pypi/project/foo-bar/?page=2', { what: 'project', root: '../../../../', index: 'main', page: 2 }],
    ['/project/json/', { what: 'project', project: 'json' }],
    ['/why/foo-bar', { what: 'why', root: '../', name: 'foo-bar' }],
    [`/main/why/${WHEEL}`, { what: 'why', root: '../../', index: 'main', name: WHEEL }],
  ])('lies at %s, with relative links', async (path, what) => {
    expect(JSON.parse((await get(path, 'application/json')).body.toString())).toMatchObject(what);
  });

  it.each(['/project/-/', '/project/a%00b/', '/root/pypi/tuf/metadata', '/root/pypi/packages', '/why/', '/why/a%2Fb'])(
    '%s is none',
    async (path) => expect((await get(path, 'application/json')).status).toBeGreaterThanOrEqual(400),
  );

  it('of older tools stays where it was', async () => {
    expect((await get('/project/json', 'application/json')).headers['content-type']).toBe('application/problem+json');
  });

  it.each([
    ['/main', 'main/'],
    ['/root/pypi', 'pypi/'],
    ['/project', 'project/'],
    ['/main/project', 'project/'],
    ['/project/foo-bar', 'foo-bar/'],
    ['/project/Foo_Bar/', '../foo-bar/'],
    ['/main/project/Foo.Bar', 'foo-bar/'],
    ['/root/pypi/Foo_Bar', 'project/foo-bar/'],
    ['/root/pypi/foo-bar/', '../project/foo-bar/'],
    ['/root/pypi/foo-bar/1.0', '../project/foo-bar/'],
    ['/root/pypi/foo-bar/1.0/', '../../project/foo-bar/'],
  ])('%s leads where it lies', async (path, location) => {
    const { status, headers } = await get(path, BROWSER);
    expect([status, headers.location]).toEqual([301, location]);
  });

  it('takes nothing from what installers ask for', async () => {
    expect((await get('/simple/foo-bar/', 'application/vnd.pypi.simple.v1+json')).body.toString()).toContain('foo-bar');
    expect((await get('/main/simple/', 'application/vnd.pypi.simple.v1+json')).status).toBe(200);
  });
});
