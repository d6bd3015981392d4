import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { afterEach, expect, it, vi } from 'vitest';
import { beginExchange, type Finished } from '../../../src/http/exchange.ts';
import { SLOWEST_PART_MS, SLOWEST_READER } from '../../../src/http/limits.ts';
import { replyOwnWords } from '../../../src/http/reply/doors.ts';
import { ownWords } from '../../../src/http/reply/own-words.ts';

const SIZE = 40 * 1024 * 1024;
/** Longer than the least, so that the size counts. */
const LONGEST = Math.max(SLOWEST_PART_MS, (SIZE / SLOWEST_READER) * 1000);

afterEach(() => {
  vi.useRealTimers();
});

it('a client that takes a whole body more slowly than the slowest pace is cut, and the record says so', async () => {
  const finished: Finished[] = [];
  const begun = Promise.withResolvers<void>();
  const server = createServer((incoming, outgoing) => {
    const exchange = beginExchange(incoming, outgoing);
    exchange.record((record) => finished.push(record));
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    replyOwnWords(exchange, ownWords('x'.repeat(SIZE)));
    begun.resolve();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  socket.on('error', () => undefined);
  // Never reads on.
  socket.pause();
  socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await begun.promise;
  vi.advanceTimersByTime(LONGEST - 1);
  expect(finished).toEqual([]);
  vi.advanceTimersByTime(1);
  vi.useRealTimers();
  await expect.poll(() => finished[0]).toMatchObject({ reason: 'slow', aborted: true });
  socket.destroy();
  server.close();
});
