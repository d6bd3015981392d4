import { createHash, scryptSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type RequestOptions, request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RunningMirror } from '../../../src/app/running/mirror.ts';
import { addressOf } from '../../../src/app/server-files.ts';
import { startMirror } from '../../../src/app/start.ts';
import { sha256Hex } from '../../../src/bytes/digest.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { createLog } from '../../../src/telemetry/log.ts';
import { ask } from '../../support/ask.ts';
import { EXPIRED, GOOD, TEST_KEY } from '../../support/certificates.ts';
import { startProxy } from '../../support/proxy.ts';
import { startUpstream, type TestUpstream } from '../../support/upstream.ts';
import { verbatim } from '../../support/verbatim.ts';

// A mirror as `verbatim serve` builds it, from a file: who may come in, and by what certificate it is known.

const JSON_PAGE = 'application/vnd.pypi.simple.v1+json';
const SDIST = Buffer.from('not really an sdist');
const page = (url: string) =>
  JSON.stringify({
    meta: { 'api-version': '1.1' },
    name: 'foo-bar',
    versions: ['1.0'],
    files: [
      {
        filename: 'foo_bar-1.0.tar.gz',
        url: `${url}f/foo_bar-1.0.tar.gz`,
        hashes: { sha256: sha256Hex(SDIST) },
        size: SDIST.length,
      },
    ],
  });

let directory: string;
let upstream: TestUpstream;
let mirror: RunningMirror | undefined;
const said: string[] = [];
const log = createLog({ level: 'info', format: 'json', sink: { write: (line) => void said.push(line) } });

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'verbatim-doors-'));
  upstream = await startUpstream({
    handler: (incoming, outgoing) => {
      if (incoming.url === '/simple/foo-bar/') {
        const bytes = Buffer.from(page(upstream.url));
        outgoing.writeHead(200, {
          'content-type': 'application/vnd.pypi.simple.v1+json',
          'content-length': bytes.length,
        });
        return void outgoing.end(bytes);
      }
      if (incoming.url === '/f/foo_bar-1.0.tar.gz')
        return void outgoing.writeHead(200, { 'content-length': SDIST.length }).end(SDIST);
      outgoing.writeHead(404).end();
    },
  });
});
afterEach(async () => {
  await mirror?.close();
  mirror = undefined;
  await upstream.close();
  rmSync(directory, { recursive: true, force: true });
});

function write(name: string, text: string): void {
  writeFileSync(join(directory, name), text);
}

function user(name: string, password: string): string {
  const salt = Buffer.alloc(16, 3);
  const hash = scryptSync(password, salt, 32, { cost: 2, blockSize: 1, parallelization: 1 });
  return `${name}:scrypt$2$1$1$${salt.toString('base64url')}$${hash.toString('base64url')}\n`;
}

async function start(server: string, index = ''): Promise<RunningMirror> {
  write(
    'verbatim.yaml',
    `server: { port: 0, ${server} }\ndata: data\nindexes:\n  main: { upstream: "${upstream.url}simple/", evidence: index, ${index} }\n`,
  );
  mirror = await startMirror({ config: loadConfig({ file: join(directory, 'verbatim.yaml'), env: {} }), log });
  return mirror;
}

const basic = (pair: string) => ({ authorization: `Basic ${Buffer.from(pair).toString('base64')}` });
const LEGACY = '/pypi/foo-bar/json';

describe('a mirror with readers', () => {
  it('lets in whom the files name, and after a reload whom they name then', async () => {
    write('users', user('ann', 'one'));
    write('tokens', `ci:${createHash('sha256').update('t0ken').digest('hex')}\n`);
    const running = await start('auth: { htpasswd: users, tokens: tokens }');
    const { url } = running;
    const status = async (pair: string) => (await ask(url, '/simple/foo-bar/', { headers: basic(pair) })).status;
    expect([await status('ann:one'), await status('x:t0ken'), await status('ann:two')]).toEqual([200, 200, 401]);
    const { headers } = await ask(url, '/simple/foo-bar/', { headers: basic('ann:one') });
    expect(headers['cache-control']).toMatch(/^private/);
    expect(headers).not.toHaveProperty('access-control-allow-origin');

    write('users', user('ann', 'two'));
    running.reload();
    expect([await status('ann:one'), await status('x:t0ken'), await status('ann:two')]).toEqual([401, 200, 200]);

    write('users', 'ann:two\n');
    running.reload();
    expect(await status('ann:two')).toBe(200);
    expect(said.join('\n')).not.toContain('two');
  });

  it.each([
    ['auth: { htpasswd: absent }', 'state'],
    ['auth: { htpasswd: empty }', 'state'],
    ['auth: { htpasswd: plain }', 'format'],
    ['tls: { cert: absent, key: absent }', 'state'],
    ['tls: { cert: plain, key: plain }', 'format'],
  ])('does not start with %s', async (server, reason) => {
    write('empty', '# nobody\n');
    write('plain', 'ann:secret\n');
    await expect(start(server)).rejects.toMatchObject({ reason });
  });

  it('reads upstream by credentials of its own, and no web page reads through it', async () => {
    write('secret', 'hunter2\n');
    const { url } = await start('', 'credentials: { username: me, password_file: secret }');
    const found = await ask(url, '/simple/foo-bar/', { headers: basic('ann:client') });
    expect(found.status).toBe(200);
    expect(found.headers).not.toHaveProperty('access-control-allow-origin');
    expect(upstream.asked('/simple/foo-bar/')[0]?.headers).toMatchObject(basic('me:hunter2'));
    const link = JSON.parse((await ask(url, LEGACY)).body.toString()).urls[0].url;
    expect((await ask(url, new URL(link).pathname)).body).toEqual(SDIST);
    expect(upstream.asked('/f/foo_bar-1.0.tar.gz')[0]?.headers).toMatchObject(basic('me:hunter2'));
  });

  it('reads upstream through a proxy, by a password that a command writes', async () => {
    const proxy = await startProxy({ authorization: () => basic('me:hunter2').authorization });
    try {
      const command = JSON.stringify([process.execPath, '-e', 'console.log("hunter2")']);
      const { url } = await start('', `proxy: { url: "${proxy.url}", username: me, password_command: ${command} }`);
      expect((await ask(url, '/simple/foo-bar/')).status).toBe(200);
      expect(proxy.asked).toContain(`GET ${upstream.url}simple/foo-bar/`);
      expect(said.join('\n')).not.toContain('hunter2');
    } finally {
      await proxy.close();
    }
  });

  it('does not start without the secret it was told of', async () => {
    await expect(start('', 'credentials: { password_file: absent }')).rejects.toMatchObject({ reason: 'state' });
    await expect(start('', 'credentials: { password_env: NO_SUCH_VARIABLE }')).rejects.toMatchObject({
      reason: 'state',
    });
  });
});

describe('a mirror with a certificate', () => {
  const issued = (url: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const sent = request(`${url}/livez`, { rejectUnauthorized: false, agent: false }, (response) => {
        const { socket } = response;
        const known =
          'getPeerCertificate' in socket
            ? (socket.getPeerCertificate as () => { subject: { CN: string } })()
            : undefined;
        response.resume().once('end', () => resolve(known?.subject.CN ?? ''));
      });
      sent.on('error', reject);
      sent.end();
    });

  it('is known by it, takes another at a reload, and keeps it where the next one is unusable', async () => {
    write('cert.pem', GOOD);
    write('key.pem', TEST_KEY);
    const running = await start('tls: { cert: cert.pem, key: key.pem }');
    const { url } = running;
    expect(url).toMatch(/^https:/);
    expect(await issued(url)).toBe('good');
    write('cert.pem', EXPIRED);
    running.reload();
    expect(await issued(url)).toBe('expired');
    write('cert.pem', 'nonsense');
    running.reload();
    expect(await issued(url)).toBe('expired');
  });
});

describe('how TLS is spoken', () => {
  /** Version and cipher that the two agree on, or the code of what went wrong. */
  const agreed = (url: string, options: RequestOptions): Promise<string> =>
    new Promise((resolve) => {
      const sent = request(`${url}/livez`, { rejectUnauthorized: false, agent: false, ...options }, (response) => {
        const socket = response.socket as TLSSocket;
        resolve(`${socket.getProtocol()} ${socket.getCipher().standardName}`);
        response.resume();
      });
      sent.on('error', () => resolve('refused'));
      sent.end();
    });
  const old: RequestOptions = { maxVersion: 'TLSv1.2' };
  const startTls = async (more: string) => {
    write('cert.pem', GOOD);
    write('key.pem', TEST_KEY);
    return start(`tls: { cert: cert.pem, key: key.pem, ${more} }`);
  };

  it('is as node speaks it where nothing is said', async () => {
    const { url } = await startTls('');
    expect(await agreed(url, old)).toMatch(/^TLSv1.2 /);
    expect(await agreed(url, { maxVersion: 'TLSv1.1', minVersion: 'TLSv1' })).toBe('refused');
    expect(await agreed(url, {})).toMatch(/^TLSv1.3 /);
  });

  it('is no older than min_version says, also after a reload', async () => {
    const running = await startTls('min_version: TLSv1.3');
    for (const step of ['started', 'reloaded']) {
      if (step === 'reloaded') running.reload();
      expect([step, await agreed(running.url, old)]).toEqual([step, 'refused']);
      expect(await agreed(running.url, {})).toMatch(/^TLSv1.3 /);
    }
  });

  it('is in the ciphers that are named, also after a reload', async () => {
    const running = await startTls('ciphers: "ECDHE-ECDSA-CHACHA20-POLY1305:TLS_CHACHA20_POLY1305_SHA256"');
    for (const step of ['started', 'reloaded']) {
      if (step === 'reloaded') running.reload();
      const both = [await agreed(running.url, old), await agreed(running.url, {})];
      expect([step, ...both]).toEqual([
        step,
        'TLSv1.2 TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256',
        'TLSv1.3 TLS_CHACHA20_POLY1305_SHA256',
      ]);
    }
  });

  it('does not start with ciphers that there are none of, and says which setting it is', async () => {
    await expect(startTls('ciphers: NO-SUCH-CIPHER')).rejects.toMatchObject({
      reason: 'format',
      message: expect.stringContaining('server.tls.ciphers'),
    });
  });

  it('with a certificate that ended is warned of, once, until a reload finds a good one', async () => {
    const conditions = () => said.filter((line) => line.includes('"what":"certificate"'));
    said.length = 0;
    write('cert.pem', EXPIRED);
    write('key.pem', TEST_KEY);
    const running = await start('tls: { cert: cert.pem, key: key.pem }');
    expect(conditions()).toMatchObject([expect.stringMatching(/"level":"warn".*ended/)]);
    expect(running.conditions).toMatchObject([
      { what: 'first-sight' },
      { what: 'exposed-secret' },
      { what: 'certificate' },
    ]);
    running.reload();
    write('cert.pem', GOOD);
    running.reload();
    await expect.poll(() => conditions().length).toBe(2);
    expect(conditions()[1]).toMatch(/"level":"info".*no longer so/);
  });
});

describe('who was sent what', () => {
  const recorded = async (auth: string) => {
    write('users', user('ann', 'one'));
    write('tokens', `ci:${createHash('sha256').update('t0ken').digest('hex')}\n`);
    const { url } = await start(`auth: { htpasswd: users, tokens: tokens, ${auth} }`);
    const page = await ask(url, '/simple/foo-bar/', { headers: { ...basic('ann:one'), accept: JSON_PAGE } });
    const path = new URL(JSON.parse(page.body.toString()).files[0].url, `${url}/simple/foo-bar/`).pathname;
    for (const pair of ['ann:one', 'x:t0ken', 'ann:one'])
      expect((await ask(url, path, { headers: basic(pair) })).status).toBe(200);
    await mirror?.close();
    mirror = undefined;
    const { stdout } = await verbatim('who', 'foo_bar-1.0.tar.gz', '--data', join(directory, 'data'));
    return [...stdout.matchAll(/127\.0\.0\.1(?: \([^)]*\))?/g)].map(([client]) => client);
  };

  it('names the user or the token beside the address', async () => {
    expect(await recorded('')).toEqual(['127.0.0.1 (user ann)', '127.0.0.1 (token ci)']);
  });

  it('names nobody where that is not to be recorded', async () => {
    expect(await recorded('record_names: false')).toEqual(['127.0.0.1']);
  });
});

describe('the address of files in legacy JSON', () => {
  const first = async (url: string, headers = {}) => {
    const answer = await ask(url, LEGACY, { headers });
    return answer.status === 200 ? JSON.parse(answer.body.toString()).urls[0].url : answer.status;
  };

  it('is where it listens', async () => {
    const { url } = await start('');
    expect(await first(url, { host: 'evil.example' })).toMatch(new RegExp(`^${url}/files/foo-bar/`));
  });

  it('is what clients call it, where that is configured', async () => {
    const { url } = await start('public_url: "https://mirror.example/py"');
    expect(await first(url)).toMatch(/^https:\/\/mirror\.example\/py\/files\/foo-bar\//);
  });

  it.each(['0.0.0.0', '::', '0', '0:0:0:0:0:0:0:0', '::ffff:0.0.0.0'])('is none where it listens on %s', (host) => {
    const server = (publicUrl?: string) => ({ ...loadConfig({ env: {}, flags: { host } }).server, publicUrl });
    expect(addressOf(server(), 'http://127.0.0.1:1')).toBeUndefined();
    expect(addressOf(server('https://mirror.example/'), 'http://127.0.0.1:1')).toBe('https://mirror.example/');
  });

  it.each(['127.0.0.1', '::1', '10.0.0.1', 'mirror.internal'])('is its own where it listens on %s', (host) => {
    expect(addressOf(loadConfig({ env: {}, flags: { host } }).server, 'http://x:1')).toBe('http://x:1');
  });
});
