import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { expect, it } from 'vitest';
import { handOver } from '../../../src/http/reply/sending.ts';
import { startServer } from '../../../src/http/server.ts';
import { ask } from '../../support/ask.ts';
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
