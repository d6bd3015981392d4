import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { fetch } from '../../support/fetch.ts';

it('a client of the tests waits through interim answers, on which the global one gives up', async () => {
  const server = createServer((request, response) => {
    if (request.url === '/') return void response.writeHead(302, { location: '/there' }).end();
    response.writeContinue();
    response.writeContinue();
    response.writeHead(200, { 'set-cookie': ['a=1', 'b=2'] }).end('whole');
  });
  onTestFinished(() => void server.close());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  await expect(globalThis.fetch(url)).rejects.toThrow('fetch failed');
  const answer = await fetch(url);
  expect([answer.status, await answer.text()]).toEqual([200, 'whole']);
  expect(answer.headers.getSetCookie()).toEqual(['a=1', 'b=2']);
  expect((await fetch(url, { redirect: 'manual' })).status).toBe(302);
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
  await expect(fetch(url)).rejects.toThrow('fetch failed');
});
