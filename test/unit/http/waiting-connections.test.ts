import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { expect, it } from 'vitest';
import { listen } from '../../../src/http/server.ts';

/** More than node lets wait of itself. */
const CLIENTS = 1000;
/** Others on this machine may have too many of their own at that moment. */
const ROUNDS = 20;

/** Connections of the whole machine that found no room to wait. */
function overflows(): number {
  const [names = '', values = ''] = readFileSync('/proc/net/netstat', 'utf8').split('\n');
  return Number(values.split(' ')[names.split(' ').indexOf('ListenOverflows')]);
}

it('a thousand clients that come at the same moment all find room to wait', async () => {
  const server = createServer((socket) => socket.destroy());
  await listen(server, '127.0.0.1', 0);
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const lost: number[] = [];
  while (lost.length < ROUNDS && lost.at(-1) !== 0) {
    const before = overflows();
    const clients = Array.from({ length: CLIENTS }, () => connect(port, '127.0.0.1').on('error', () => undefined));
    await Promise.all(clients.map((client) => once(client, 'close')));
    lost.push(overflows() - before);
  }
  server.close();
  expect(lost.at(-1)).toBe(0);
});
