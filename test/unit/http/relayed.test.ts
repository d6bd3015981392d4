import { describe, expect, it } from 'vitest';
import { Refusal } from '../../../src/bytes/refusal.ts';
import { makeUnverifiedDocument } from '../../../src/bytes/unverified.ts';
import type { UnverifiedDocuments } from '../../../src/mirror/package-index.ts';
import { ask } from '../../support/ask.ts';
import { bytesOf, serve, serveForFile, WHEEL } from './serving.ts';

const INTEGRITY = 'application/vnd.pypi.integrity.v1+json';
const asked: string[] = [];
const unlisted = () => new Refusal('unlisted', 'none', { subject: 'request' });

const unverified: UnverifiedDocuments = {
  async legacyJson(project, version, base) {
    asked.push(`${project} ${version ?? '-'} ${base}`);
    if (project !== 'foo-bar' || version === '99.0') throw unlisted();
    return makeUnverifiedDocument({
      bytes: Buffer.from(JSON.stringify({ project, version, base })),
      contentType: 'application/json',
      maxAge: 300,
      serial: 77,
    });
  },
  async provenance(project, version, filename) {
    if (filename !== WHEEL) throw unlisted();
    return makeUnverifiedDocument({
      bytes: Buffer.from(JSON.stringify({ project, version })),
      contentType: INTEGRITY,
      maxAge: 86_400,
    });
  },
  async variants(project, filename) {
    return makeUnverifiedDocument({
      bytes: Buffer.from(`${project} ${filename}`),
      contentType: 'application/json',
      maxAge: 300,
    });
  },
  provenanceOf: () => Promise.reject(new Error('no route asks so')),
  relay: async () => undefined,
  async signature(path) {
    if (!path.endsWith(WHEEL)) throw unlisted();
    return makeUnverifiedDocument({ bytes: Buffer.from(path), contentType: 'application/pgp-signature', maxAge: 300 });
  },
};

const serving = serveForFile(() => ({
  evidence: 'index' as const,
  files: [{ project: 'foo-bar', filename: WHEEL, bytes: bytesOf(100) }],
  unverified,
  listener: { publicUrl: () => 'https://mirror.example/' },
}));
const get = (path: string, headers: Record<string, string> = {}) => ask(serving().url, path, { headers });

describe('legacy JSON', () => {
  it.each([
    ['/pypi/foo-bar/json', 'https://mirror.example/'],
    ['/simple/pypi/foo-bar/json', 'https://mirror.example/'],
    ['/+simple/pypi/foo-bar/json', 'https://mirror.example/'],
    ['/foo-bar/json', 'https://mirror.example/'],
    ['/simple/foo-bar/json', 'https://mirror.example/'],
    ['/+simple/foo-bar/json', 'https://mirror.example/'],
    ['/main/foo-bar/json', 'https://mirror.example/main/'],
    ['/root/pypi/+simple/foo-bar/json', 'https://mirror.example/root/pypi/'],
    ['/main/pypi/foo-bar/json', 'https://mirror.example/main/'],
    ['/main/simple/pypi/foo-bar/json', 'https://mirror.example/main/'],
    ['/root/pypi/pypi/foo-bar/json', 'https://mirror.example/root/pypi/'],
    ['/root/pypi/+simple/pypi/foo-bar/json', 'https://mirror.example/root/pypi/'],
  ])('lies at %s, its files below %s', async (path, base) => {
    const answer = await get(path, { accept: 'application/json' });
    expect([answer.status, answer.headers['content-type']]).toEqual([200, 'application/json']);
    expect(JSON.parse(answer.body.toString())).toEqual({ project: 'foo-bar', base });
  });

  it('says the serial it is at, which bandersnatch asks for', async () => {
    expect((await get('/pypi/foo-bar/json')).headers['x-pypi-last-serial']).toBe('77');
  });

  it('takes a name as it is written', async () => {
    expect((await get('/pypi/Foo_Bar/json')).status).toBe(200);
    expect(asked.at(-1)).toBe('foo-bar - https://mirror.example/');
  });

  it('is there for one version, and 404 for an unknown one', async () => {
    expect(JSON.parse((await get('/pypi/foo-bar/1.0/json')).body.toString())).toMatchObject({ version: '1.0' });
    expect((await get('/simple/pypi/foo-bar/1.0/json')).status).toBe(200);
    expect((await get('/pypi/foo-bar/99.0/json')).status).toBe(404);
    expect((await get('/pypi/-/json')).status).toBe(404);
  });

  it('takes its address from the configuration alone', async () => {
    await get('/pypi/foo-bar/json', { host: 'evil.example', 'x-forwarded-host': 'evil.example' });
    expect(asked.at(-1)).toBe('foo-bar - https://mirror.example/');
  });

  it('is not there where the mirror does not know its address', async () => {
    const { url, close } = await serve({ unverified });
    expect((await ask(url, '/pypi/foo-bar/json')).status).toBe(501);
    await close();
  });
});

describe('provenance', () => {
  const path = `/integrity/Foo.Bar/1.0/${WHEEL}/provenance`;

  it('has its own type and may change', async () => {
    const { status, headers, body } = await get(path, { accept: INTEGRITY });
    expect([status, headers['content-type']]).toEqual([200, INTEGRITY]);
    expect(headers['cache-control']).toBe('public, max-age=600');
    expect(JSON.parse(body.toString())).toEqual({ project: 'foo-bar', version: '1.0' });
  });

  it.each(['application/json', '*/*', 'application/*;q=0.1', `text/plain, ${INTEGRITY};q=0.5`])(
    'is sent to a client that takes %s',
    async (accept) => expect((await get(path, { accept })).status).toBe(200),
  );

  it.each(['text/plain', 'text/html, application/xml', `${INTEGRITY};q=0, */*;q=0`])('is 406 for %s', async (accept) =>
    expect((await get(path, { accept })).status).toBe(406),
  );

  it('is 404 where there is none', async () => {
    expect((await get('/integrity/foo-bar/1.0/other-1.0.tar.gz/provenance', { accept: INTEGRITY })).status).toBe(404);
  });
});

describe('what nothing vouches for', () => {
  it('says so, is never immutable, and has a strong tag of its content', async () => {
    const file = serving().still.pathOf(WHEEL);
    for (const path of ['/pypi/foo-bar/json', `/integrity/foo-bar/1.0/${WHEEL}/provenance`, `/${file}.asc`]) {
      const first = await get(path);
      expect([path, first.status, first.headers['verbatim-evidence']]).toEqual([path, 200, 'none']);
      expect(first.headers['cache-control']).not.toContain('immutable');
      const etag = first.headers.etag ?? '';
      expect(etag).toMatch(/^"[0-9a-f]{64}"$/);
      const again = await get(path, { 'if-none-match': etag });
      expect([again.status, again.body.length, again.headers.etag]).toEqual([304, 0, etag]);
      const head = await ask(serving().url, path, { method: 'HEAD' });
      expect([head.status, head.body.length]).toEqual([200, 0]);
      expect(head.headers['content-length']).toBe(String(first.body.length));
    }
  });

  it('a detached signature lies beside its file, under both kinds of address', async () => {
    const file = serving().still.pathOf(WHEEL);
    expect((await get(`/${file}.asc`)).body.toString()).toBe(file);
    expect((await get('/packages/aa/bb/rest/other-1.0.tar.gz.asc')).status).toBe(404);
    expect((await get(`/main/files/foo-bar/00/${WHEEL}.asc`)).body.toString()).toBe(`files/foo-bar/00/${WHEEL}`);
  });

  it('has no place in an index that signs everything', async () => {
    const { url, close } = await serve({ listener: { publicUrl: () => 'https://mirror.example/' } });
    for (const path of [
      '/pypi/foo-bar/json',
      `/integrity/foo-bar/1.0/${WHEEL}/provenance`,
      `/packages/a/b/c/${WHEEL}.asc`,
    ])
      expect((await ask(url, path)).status).toBe(404);
    await close();
  });
});
