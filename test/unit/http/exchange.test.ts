import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { beginExchange, ClientLeft, type Exchange, outgoingOf } from '../../../src/http/exchange.ts';
import { partyOf } from '../../../src/http/party.ts';

/** The exchange of one request, and how the client leaves. */
async function exchangeWithClient(): Promise<{
  readonly exchange: Exchange;
  readonly left: () => void;
  answer: Promise<Response>;
}> {
  const { promise, resolve } = Promise.withResolvers<Exchange>();
  const server = createServer((incoming, outgoing) => resolve(beginExchange(incoming, outgoing)));
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const leaving = new AbortController();
  const answer = fetch(`http://127.0.0.1:${port}/`, { signal: leaving.signal });
  answer.catch(() => undefined);
  return { exchange: await promise, left: () => leaving.abort(), answer };
}

describe('who asks', () => {
  it('is a client at its address and on its connection, for the index asked', async () => {
    const { exchange, answer } = await exchangeWithClient();
    const caller = exchange.callerOf('main');
    expect(caller).toMatchObject({ index: 'main', party: '127.0.0.1', priority: 'client' });
    expect(exchange.callerOf('other').connection).toBe(caller.connection);
    // No socket, by which an answer could be written past the doors.
    expect(Reflect.ownKeys(caller.connection ?? expect.fail())).toEqual([]);
    expect(exchange.callerOf('other').signal).toBe(caller.signal);
    outgoingOf(exchange).end();
    await answer;
  });

  it('is on a connection of its own', async () => {
    const [one, other] = [await exchangeWithClient(), await exchangeWithClient()];
    expect(one.exchange.callerOf('main').connection).not.toBe(other.exchange.callerOf('main').connection);
    for (const { exchange, answer } of [one, other]) {
      outgoingOf(exchange).end();
      await answer;
    }
  });

  it('has left when the connection closes before the answer has ended', async () => {
    const { exchange, left } = await exchangeWithClient();
    const { signal } = exchange.callerOf('main');
    expect(signal.aborted).toBe(false);
    const closed = new Promise((resolve) => outgoingOf(exchange).once('close', resolve));
    left();
    await closed;
    expect(signal.reason).toBeInstanceOf(ClientLeft);
    // Asked for only then.
    expect(exchange.callerOf('main').signal.aborted).toBe(true);
  });

  it('that had gone before anybody asked has left', async () => {
    const { exchange, left } = await exchangeWithClient();
    const closed = new Promise((resolve) => outgoingOf(exchange).once('close', resolve));
    left();
    await closed;
    expect(exchange.callerOf('main').signal.aborted).toBe(true);
  });

  it('that was answered has not left, though the connection closes', async () => {
    const { exchange, answer } = await exchangeWithClient();
    const { signal } = exchange.callerOf('main');
    const closed = new Promise((resolve) => outgoingOf(exchange).once('close', resolve));
    outgoingOf(exchange).end('bytes');
    expect(await (await answer).text()).toBe('bytes');
    await closed;
    expect(signal.aborted).toBe(false);
  });
});

describe('the party of an address', () => {
  it.each([
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:0DB8:0001:0002::6', '2001:db8:1:2::/64'],
    ['2001:db8::6', '2001:db8:0:0::/64'],
    ['2001:db8:1:2:3:4:5::', '2001:db8:1:2::/64'],
    ['::1', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['', ''],
  ])('%s is of %s', (address, party) => {
    expect(partyOf(address)).toBe(party);
  });
});
