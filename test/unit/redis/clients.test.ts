import { expect, it, vi } from 'vitest';
import { createClient } from '../../../src/redis/clients.ts';

const LOGIN = { password: () => undefined };
const NODE = { host: '127.0.0.1', port: 1 };
const reply = (message: string) => Object.assign(new Error(message), { name: 'ReplyError' });
const READONLY = reply("READONLY You can't write against a read only replica.");

it('a connection that leads to a replica is made anew, once in a while and not at each word of it', () => {
  let now = 1000;
  vi.spyOn(performance, 'now').mockImplementation(() => now);
  const client = createClient({ place: { mode: 'standalone', node: NODE, database: 0 }, login: LOGIN });
  const { reconnectOnError } = { reconnectOnError: undefined, ...client.options };
  const anew = (error: Error) => reconnectOnError?.(error);
  expect(anew(reply('WRONGTYPE Operation against a key'))).toBe(false);
  expect(anew(new Error('READONLY is what somebody else says'))).toBe(false);
  expect(anew(READONLY)).toBe(1);
  now += 4999;
  expect(anew(READONLY)).toBe(false);
  now += 1;
  expect(anew(READONLY)).toBe(1);
  vi.restoreAllMocks();
});
