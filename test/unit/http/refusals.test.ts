import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { MADE_WHOLE } from '../../../src/http/limits.ts';
import { handOver } from '../../../src/http/reply/sending.ts';
import { startServer } from '../../../src/http/server.ts';
import { PEER_BLOBS } from '../../../src/ports/peers.ts';
import { makePage } from '../../../src/render/page.ts';
import { ask, shout } from '../../support/ask.ts';
import { createStillIndex } from '../../support/still-index.ts';
import { bytesOf, serve } from './serving.ts';

it('nothing more is handed to a client that has left', async () => {
  const outgoing = new ServerResponse(new IncomingMessage(new Socket()));
  const notes = { route: 'file', index: undefined, reason: undefined, bytes: 0, promised: undefined } as const;
  const left = new Error('left');
  await expect(handOver({ notes }, outgoing, bytesOf(9), AbortSignal.abort(left))).rejects.toBe(left);
  expect([outgoing.headersSent, outgoing.writableLength]).toEqual([false, 0]);
});

it('a server that takes connections of another takes none once it is told to stop', async () => {
  const limits = { grace: 0 };
  const server = await startServer({ listener: () => undefined, host: '127.0.0.1', port: 0, isHanded: true, limits });
  const socket = new Socket();
  const closed = server.close();
  expect(server.take(socket)).toBe(false);
  socket.destroy();
  await closed;
});

it('whoever comes while too many passwords are being checked is told to come again, and not that its own is wrong', async () => {
  const access = { check: async () => 'busy' as const, replace: () => undefined };
  const { url, close } = await serve({ listener: { access } });
  const { status, headers } = await ask(url, '/simple/', { headers: { authorization: 'Basic YTpi' } });
  expect([status, headers['www-authenticate']]).toEqual([503, undefined]);
  await close();
});

it('a page that turns out wrong in its midst is cut off, and is a fault of ours', async () => {
  const still = await createStillIndex();
  const large = Buffer.alloc(MADE_WHOLE + 1, ' ');
  const form = {
    hash: '0'.repeat(32),
    length: large.length,
    identity: undefined,
    gzip: gzipSync(large),
    zstd: undefined,
  };
  const page = makePage({ json: form, html: form });
  const index = { ...still.index, warmPage: () => undefined, page: async () => ({ page, life: undefined }) };
  const { url, faults, close } = await serve({ listener: { indexes: [{ index }] } });
  const heard = await shout(url, 'GET /simple/foo/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  const body = heard.text.slice(heard.text.indexOf('\r\n\r\n') + 4);
  expect(body.length).toBeLessThan(large.length);
  expect(faults).toEqual([expect.objectContaining({ message: expect.stringContaining('not what it was compressed') })]);
  await close();
  await still.close();
});

it('a fault behind a client that has left is told, and nothing more is written to it', async () => {
  const asked = Promise.withResolvers<void>();
  const fault = Promise.withResolvers<never>();
  const open = async () => {
    asked.resolve();
    return fault.promise;
  };
  const { url, faults, finished, close } = await serve({ listener: { peers: { open } } });
  const request = `GET ${PEER_BLOBS}${'ab'.repeat(32)} HTTP/1.1\r\nHost: a\r\n\r\n`;
  await shout(url, request, (socket) => void asked.promise.then(() => socket.destroy()));
  await expect.poll(() => finished.length).toBe(1);
  fault.reject(new Error('of ours'));
  await expect.poll(() => faults.length).toBe(1);
  expect((await ask(url, '/livez')).status).toBe(200);
  await close();
});
