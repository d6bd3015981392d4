import { request as tlsRequest } from 'node:https';
import { createServer, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { Refusal } from '../../../src/bytes/refusal.ts';
import { recordedPath } from '../../../src/http/exchange.ts';
import type { NotReady } from '../../../src/http/routes/health.ts';
import { startServer } from '../../../src/http/server.ts';
import { ask, shout, statusesOf } from '../../support/ask.ts';
import { GOOD, TEST_KEY } from '../../support/certificates.ts';
import { age, flipQuietly } from '../../support/quiet-damage.ts';
import { bytesOf, serve, WHEEL } from './serving.ts';

describe('the server', () => {
  it('says in a sentence that its port is taken, and what to do', async () => {
    const other = createServer();
    const port = await new Promise<number>((resolve) => {
      other.listen(0, '127.0.0.1', () => {
        const address = other.address();
        resolve(typeof address === 'object' ? (address?.port ?? 0) : 0);
      });
    });
    const start = startServer({ listener: () => undefined, host: '127.0.0.1', port });
    await expect(start).rejects.toMatchObject({ reason: 'state', message: expect.stringContaining('--port') });
    other.close();
  });

  it('says so too where the address is not this machine’s', async () => {
    const start = startServer({ listener: () => undefined, host: '192.0.2.1', port: 0 });
    await expect(start).rejects.toMatchObject({ reason: 'state', message: expect.stringContaining('--host') });
  });

  it('closes at once when nobody is there', async () => {
    const { close } = await serve({ limits: { grace: 60_000 } });
    await close();
  });

  it('lets an answer under way end, says so, and takes nothing new', async () => {
    const bytes = bytesOf(1000);
    const serving = await serve({
      files: [{ project: 'foo-bar', filename: WHEEL, bytes }],
      limits: { grace: 60_000 },
    });
    const release = serving.still.holdUpstream();
    const path = `/${serving.still.pathOf(WHEEL)}`;
    const asked = `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`;
    const { promise: connected, resolve: onConnected } = Promise.withResolvers<Socket>();
    const heard = shout(serving.url, asked, onConnected);
    await expect.poll(() => serving.still.downloads.count).toBe(1);
    const closed = serving.server.close();
    await expect(ask(serving.url, '/livez')).rejects.toThrow();
    // Comes on the same connection after the drain began.
    (await connected).write('GET /livez HTTP/1.1\r\nHost: a\r\n\r\n');
    release();
    await closed;
    const answers = await heard;
    expect(statusesOf(answers)[0]).toBe(200);
    expect(Buffer.from(answers.text, 'latin1').includes(bytes)).toBe(true);
    await serving.still.close();
  });

  it('does not wait for a client that keeps its connection after the answer', async () => {
    const serving = await serve({
      files: [{ project: 'foo-bar', filename: WHEEL, bytes: bytesOf(10) }],
      limits: { grace: 60_000 },
    });
    const release = serving.still.holdUpstream();
    const heard = shout(serving.url, `GET /${serving.still.pathOf(WHEEL)} HTTP/1.1\r\nHost: a\r\n\r\n`);
    await expect.poll(() => serving.still.downloads.count).toBe(1);
    const closed = serving.server.close();
    release();
    await closed;
    expect(statusesOf(await heard)).toEqual([200]);
    await serving.still.close();
  });

  it('ends what is left when the grace is over', async () => {
    const serving = await serve({
      files: [{ project: 'foo-bar', filename: WHEEL, bytes: bytesOf(10) }],
      limits: { grace: 20 },
    });
    const release = serving.still.holdUpstream();
    const heard = shout(serving.url, `GET /${serving.still.pathOf(WHEEL)} HTTP/1.1\r\nHost: a\r\n\r\n`);
    await expect.poll(() => serving.still.downloads.count).toBe(1);
    await serving.server.close();
    expect((await heard).text).toBe('');
    release();
    await serving.still.close();
  });

  it('tells whether it is alive and ready; readiness is the program’s to say, not upstream’s', async () => {
    let reasons: readonly NotReady[] = [{ reason: 'draining', message: 'It is about to stop.' }];
    const { url, still, close } = await serve({ listener: { notReady: () => reasons } });
    still.refusal = new Error('everything is down');
    expect((await ask(url, '/livez')).status).toBe(200);
    const refused = await ask(url, '/readyz');
    expect(refused.status).toBe(503);
    expect(refused.headers).toMatchObject({ 'content-type': 'application/json', 'retry-after': '5' });
    expect(JSON.parse(refused.body.toString())).toEqual({ ready: false, reasons });
    reasons = [];
    const ready = await ask(url, '/readyz');
    expect([ready.status, JSON.parse(ready.body.toString())]).toEqual([200, { ready: true, reasons: [] }]);
    expect((await ask(url, '/readyz', { method: 'HEAD' })).body).toHaveLength(0);
    await close();
  });

  it('takes new connections while it leaves, and ends each with its answer', async () => {
    const { url, server, close } = await serve();
    const connection = async () => (await fetch(`${url}/livez`)).headers.get('connection');
    expect(await connection()).toBe('keep-alive');
    server.leave();
    expect(await connection()).toBe('close');
    expect(await connection()).toBe('close');
    await close();
  });

  it('shows metrics only where it is given them', async () => {
    const metrics = { contentType: 'text/plain; version=0.0.4', text: async () => 'up 1\n' };
    const { url, close } = await serve({ listener: { metrics } });
    const answer = await ask(url, '/metrics');
    expect(answer.headers['content-type']).toBe(metrics.contentType);
    expect(answer.headers['cache-control']).toBe('no-store');
    expect(answer.body.toString()).toBe('up 1\n');
    await close();
  });

  it('lets no client keep a page for more than ten minutes', async () => {
    for (const [configured, said] of [
      [30, 30],
      [86_400, 600],
    ] as const) {
      const { url, close } = await serve({
        files: [{ project: 'foo-bar', filename: WHEEL, bytes: bytesOf(10) }],
        pageMaxAge: configured,
      });
      expect((await ask(url, '/simple/foo-bar/')).headers['cache-control']).toBe(`public, max-age=${said}`);
      await close();
    }
  });

  it('asks no client to wait longer than is configured before it comes again', async () => {
    for (const [configured, said] of [
      [undefined, '5'],
      [30, '20'],
      [10, '10'],
    ] as const) {
      const { url, still, close } = await serve({ longestRetryAfter: configured });
      still.refusal = new Refusal('unreachable', 'It asked for time.', { transient: true, retryIn: 20 });
      expect((await ask(url, '/simple/foo-bar/')).headers['retry-after']).toBe(said);
      await close();
    }
  });

  it('records no user, password or query of an address', () => {
    expect(recordedPath('/a/b?token=x')).toBe('/a/b');
    expect(recordedPath('http://user:secret@host/a')).toBe('');
    expect(recordedPath(`/${'a'.repeat(10_000)}`).length).toBeLessThanOrEqual(512);
  });

  it('an index that is not for every web page says nothing of CORS', async () => {
    const { url, close } = await serve({ cors: false });
    for (const method of ['GET', 'OPTIONS'])
      for (const path of ['/simple/', '/simple/x/', '/packages/x']) {
        const { headers } = await ask(url, path, { method, headers: { origin: 'https://a.example' } });
        expect(Object.keys(headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
      }
    await close();
  });

  it('over TLS, a file that turns out changed never ends cleanly', async () => {
    const bytes = bytesOf(4 * 1024 * 1024);
    const serving = await serve({
      files: [{ project: 'foo-bar', filename: WHEEL, bytes }],
      tls: { key: TEST_KEY, cert: GOOD },
    });
    const url = new URL(`/${serving.still.pathOf(WHEEL)}`, serving.url);
    const get = () =>
      new Promise<number>((resolve, reject) => {
        let length = 0;
        tlsRequest(url, { ca: GOOD, agent: false }, (response) => {
          response.on('data', (chunk: Buffer) => {
            length += chunk.byteLength;
          });
          response.on('error', reject);
          response.on('end', () => resolve(length));
        })
          .on('error', reject)
          .end();
      });
    expect(await get()).toBe(bytes.byteLength);
    await age(serving.still.onDisk(bytes));
    expect(await get()).toBe(bytes.byteLength);
    await flipQuietly(serving.still.onDisk(bytes), 3_500_000);
    await expect(get()).rejects.toThrow();
    expect(await get()).toBe(bytes.byteLength);
    await serving.close();
  });
});
