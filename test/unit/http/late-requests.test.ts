import type { Socket } from 'node:net';
import { expect, it } from 'vitest';
import { type Heard, shout, statusesOf } from '../../support/ask.ts';
import { busyFor } from '../../support/busy.ts';
import { serve } from './serving.ts';

const LIMITS = { headersTimeout: 100, requestTimeout: 100, checkEvery: 10 };
const ASKED = 'GET /livez HTTP/1.1\r\nHost: a\r\nConnection: close\r\n';

/** A client that the server has accepted, and that has sent nothing yet. */
async function accepted(url: string): Promise<{ readonly socket: Socket; readonly heard: Promise<Heard> }> {
  const { promise, resolve } = Promise.withResolvers<Socket>();
  const heard = shout(url, '', resolve);
  return { socket: await promise, heard };
}

/** Whatever the clients sent lies unread until this server's loop is free again, after their time. */
async function heardAfterBusy(...sent: readonly string[]): Promise<readonly Heard[]> {
  const { url, server, close } = await serve({ limits: LIMITS });
  const clients = await Promise.all(sent.map(() => accepted(url)));
  await expect.poll(() => server.connections.open).toBe(sent.length);
  for (const [at, { socket }] of clients.entries()) socket.write(sent[at] ?? '');
  busyFor(200);
  const heard = await Promise.all(clients.map((client) => client.heard));
  await close();
  return heard;
}

it('a request that came while the server was busy for longer than clients may take is answered', async () => {
  const [heard] = await heardAfterBusy(`${ASKED}\r\n`);
  expect(heard).toMatchObject({ end: 'closed' });
  expect(statusesOf(heard as Heard)).toEqual([200]);
});

it('and one whose body came then', async () => {
  const { url, server, close } = await serve({ limits: { ...LIMITS, requestTimeout: 300 } });
  const { socket, heard } = await accepted(url);
  socket.write('GET /livez HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 4\r\n\r\nbo');
  await expect.poll(() => server.connections.open).toBe(1);
  socket.write('dy');
  busyFor(600);
  expect(statusesOf(await heard)).toEqual([200]);
  await close();
});

it('one that is not whole then is refused, and so is a client that sent nothing', async () => {
  for (const heard of await heardAfterBusy(ASKED, '')) expect(statusesOf(heard)).toEqual([408]);
});
