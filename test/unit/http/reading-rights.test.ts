import { createHash, scryptSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createShares } from '../../../src/async/shares.ts';
import { makeUnverifiedDocument } from '../../../src/bytes/unverified.ts';
import { createAccess } from '../../../src/http/access/access.ts';
import { readTokens, readUsers } from '../../../src/http/access/access-list.ts';
import { ask, shout, statusesOf } from '../../support/ask.ts';
import { verifiedRoot } from '../../support/verified.ts';
import { bytesOf, PIP, serveForFile, WHEEL } from './serving.ts';

const salt = Buffer.alloc(16, 1);
const hash = scryptSync('pass', salt, 32, { cost: 2, blockSize: 1, parallelization: 1 });
const readers = {
  users: readUsers(`user:scrypt$2$1$1$${salt.toString('base64url')}$${hash.toString('base64url')}`, 'users'),
  tokens: readTokens(`ci:${createHash('sha256').update('t0ken').digest('hex')}`, 'tokens'),
};
const access = createAccess(readers, { queues: createShares(), bcrypt: async () => false });
const basic = (pair: string) => `Basic ${Buffer.from(pair).toString('base64')}`;
const GOOD = basic('user:pass');

/** Who asked for legacy JSON, as queues have it. */
const parties: string[] = [];

const serving = serveForFile(() => ({
  files: [{ project: 'foo-bar', filename: WHEEL, bytes: bytesOf(1000), metadata: Buffer.from('Name: foo-bar\n') }],
  documents: new Map([['1.root.json', { document: verifiedRoot(), immutable: true }]]),
  targets: new Map([['a', Buffer.from('a')]]),
  unverified: {
    async legacyJson(_project, _version, _base, { party }) {
      parties.push(party);
      return makeUnverifiedDocument({ bytes: Buffer.from('{}'), contentType: 'application/json', maxAge: 60 });
    },
    provenanceOf: () => Promise.reject(new Error('no route asks so')),
    provenance: async () =>
      makeUnverifiedDocument({ bytes: Buffer.from('{}'), contentType: 'application/json', maxAge: 60 }),
    variants: async () =>
      makeUnverifiedDocument({ bytes: Buffer.from('{}'), contentType: 'application/json', maxAge: 60 }),
    signature: async () =>
      makeUnverifiedDocument({ bytes: Buffer.from('{}'), contentType: 'application/pgp-signature', maxAge: 60 }),
    relay: async () => undefined,
  },
  cors: false,
  shared: false,
  listener: { access, publicUrl: () => 'https://mirror.example' },
}));
const file = () => `/${serving().still.pathOf(WHEEL)}`;

const PATHS = (): readonly string[] => [
  '/',
  '/simple/',
  '/simple/foo-bar/',
  '/simple/absent/',
  '/main/simple/foo-bar/',
  '/root/pypi/simple/foo-bar/',
  file(),
  `${file()}.metadata`,
  `${file()}.asc`,
  '/pypi/foo-bar/json',
  '/pypi/foo-bar/1.0/json',
  `/integrity/foo-bar/1.0/${WHEEL}/provenance`,
  '/tuf/metadata/1.root.json',
  '/tuf/targets/a',
  '/nowhere',
  '/events',
  '/main/',
  '/project/?q=a',
  '/project/foo-bar/',
  `/why/${WHEEL}`,
  '//double',
  '/livez/',
  '/livez?x',
  '/simple/../livez',
  'http://mirror.example/livez',
  '/health',
  '/+status',
];

describe('a mirror that asks who reads', () => {
  it.each(['GET', 'HEAD', 'OPTIONS'])('tells a stranger nothing, whatever is asked for by %s', async (method) => {
    for (const path of PATHS())
      for (const authorization of [undefined, basic('user:wrong'), basic('x:wrong'), 'Bearer wrong', 'nonsense'])
        for (const range of [undefined, 'bytes=0-9']) {
          const headers = { accept: PIP, ...(authorization && { authorization }), ...(range && { range }) };
          const answer = await ask(serving().url, path, { method, headers });
          expect([path, answer.status]).toEqual([path, 401]);
          expect(answer.headers['www-authenticate']).toMatch(/^Basic realm="Verbatim"/);
          expect(answer.headers['cache-control']).toBe('no-store');
          expect(answer.headers).not.toHaveProperty('verbatim-evidence');
        }
  });

  it.each([GOOD, basic('anybody:t0ken'), 'Bearer t0ken'])('answers %s', async (authorization) => {
    const statuses: Record<string, number> = {};
    for (const path of PATHS().slice(0, 14)) {
      const { status } = await ask(serving().url, path, { headers: { accept: '*/*', authorization } });
      statuses[path] = status;
    }
    expect(Object.entries(statuses).filter(([, status]) => status !== 200)).toEqual([['/simple/absent/', 404]]);
    const part = await ask(serving().url, file(), { headers: { authorization, range: 'bytes=0-9' } });
    expect([part.status, part.body.length]).toEqual([206, 10]);
    const head = await ask(serving().url, file(), { method: 'HEAD', headers: { authorization } });
    expect(head.status).toBe(200);
  });

  it('health is open to machines without credentials', async () => {
    for (const path of ['/livez', '/readyz']) expect((await ask(serving().url, path)).status).toBe(200);
  });

  it('a warm page is for those who may read, on the same connection too', async () => {
    const line = (authorization: string) =>
      `GET /simple/foo-bar/ HTTP/1.1\r\nHost: a\r\nAccept: ${PIP}\r\n${authorization}`;
    const heard = await shout(
      serving().url,
      `${line(`Authorization: ${GOOD}\r\n`)}\r\n${line('')}\r\n${line('Authorization: Basic eDp5\r\n')}Connection: close\r\n\r\n`,
    );
    expect(statusesOf(heard)).toEqual([200, 401, 401]);
  });

  it('what is answered is kept by nobody on the way, and read by no web page', async () => {
    for (const path of PATHS().slice(1, 14)) {
      const { headers } = await ask(serving().url, path, { headers: { accept: '*/*', authorization: GOOD } });
      expect([path, headers['cache-control']]).toEqual([path, expect.stringMatching(/^private, /)]);
      expect(headers).not.toHaveProperty('access-control-allow-origin');
    }
  });

  it('a malformed request is malformed first, and records hold no credentials', async () => {
    const heard = await shout(
      serving().url,
      `GET /simple/ HTTP/1.1\r\nHost: a\r\nHost: b\r\nAuthorization: ${basic('user:hunter2')}\r\n\r\n`,
    );
    expect(statusesOf(heard)).toEqual([400]);
    await ask(serving().url, '/simple/', { headers: { authorization: basic('user:hunter2') } });
    expect(JSON.stringify(serving().finished)).not.toMatch(/hunter2|aHVudGVyM|dXNlcj/);
    expect(serving().finished.some(({ status }) => status === 401)).toBe(true);
    expect(serving().faults).toEqual([]);
  });
});

it('whoever has credentials shares as that user or token, wherever it asks from', async () => {
  parties.length = 0;
  for (const authorization of [GOOD, 'Bearer t0ken', basic('anybody:t0ken')])
    await ask(serving().url, '/pypi/foo-bar/json', { headers: { authorization }, from: '127.0.0.7' });
  expect(parties).toEqual(['user user', 'token ci', 'token ci']);
});
