import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { expect, it, onTestFinished } from 'vitest';
import { hedged } from '../../../src/s3/attempts.ts';
import { s3Store } from '../../support/s3.ts';

const BODY = Buffer.from('a small write');

/** A store that says what the test says to each request, in the order in which they come, when both that are awaited are there. */
async function against(statuses: readonly number[], hedgeMs: number) {
  const came: { readonly body: Promise<Buffer>; readonly response: ServerResponse }[] = [];
  const both = Promise.withResolvers<void>();
  const server = createServer((request, response) => {
    came.push({ body: buffer(request), response });
    if (came.length === statuses.length) both.resolve();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const hedges: boolean[] = [];
  const { port } = server.address() as AddressInfo;
  const onHedge = (hasWon: boolean) => void hedges.push(hasWon);
  const { client } = s3Store(`http://127.0.0.1:${port}`, { limits: { hedgeMs, headMs: 60_000 }, onHedge });
  onTestFinished(async () => {
    client.close();
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  const answer = (at: number) =>
    came[at]?.response.headersSent === false &&
    came[at].response.writeHead(statuses[at] ?? 500, { etag: `"${at}"` }).end();
  return { client, came, both: both.promise, answer, hedges };
}

it.each([
  ['the second is quicker', [200, 200], 1, '"1"', [true]],
  ['the first is quicker after all', [200, 200], 0, '"0"', [false]],
  ['the second fails', [200, 503], 1, '"0"', [false]],
  ['both fail, the second before the first', [503, 503], 1, '"0"', [false]],
] as const)(
  'of a small write that is not answered soon another is sent, and the first success counts: %s',
  async (_, statuses, quicker, tag, told) => {
    const { client, came, both, answer, hedges } = await against(statuses, 100);
    const writing = hedged(client, { method: 'PUT', key: 'a', body: BODY });
    await both;
    answer(quicker);
    // Where it is no success the other one is waited for.
    if (statuses[quicker] !== 200) answer(1 - quicker);
    const chosen = await writing;
    expect(chosen.headers.etag).toBe(tag);
    chosen.discard();
    expect(await Promise.all(came.map(({ body }) => body))).toEqual([BODY, BODY]);
    expect(hedges).toEqual(told);
    answer(1 - quicker);
  },
);

it('one that is answered is sent once', async () => {
  const { client, came, both, answer, hedges } = await against([200], 60_000);
  const writing = hedged(client, { method: 'PUT', key: 'a', body: BODY });
  await both;
  answer(0);
  (await writing).discard();
  expect([came.length, hedges]).toEqual([1, []]);
});
