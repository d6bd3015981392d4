import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { createShares } from '../../../src/async/shares.ts';
import { Refusal } from '../../../src/bytes/refusal.ts';
import { REQUESTS_A_TURN } from '../../../src/http/limits.ts';
import { createListener } from '../../../src/http/listener.ts';
import type { AdvisoryService } from '../../../src/http/routes/advisories.ts';
import { ask } from '../../support/ask.ts';
import { createStillIndex } from '../../support/still-index.ts';
import { STILL_PEOPLE } from '../../support/still-people.ts';

const HERD = REQUESTS_A_TURN * 6;

/** Requests that have all come before the first is answered: as many as a turn of the event loop finds where it was held for a moment. */
async function herd() {
  const still = await createStillIndex();
  let begun = 0;
  const refused = (): never => {
    begun++;
    throw new Refusal('unlisted', 'Nothing is known here.', { subject: 'request' });
  };
  const advisories: AdvisoryService = {
    gate: createShares({ advisories: { places: HERD, shares: {} } }).advisories,
    query: async () => refused(),
    batch: async () => refused(),
    record: async () => refused(),
  };
  const listener = createListener({
    indexes: [{ index: still.index }],
    defaultIndex: still.index.name,
    people: STILL_PEOPLE,
    onFault: (fault) => expect.fail(String(fault)),
    advisories,
  });
  const came: (readonly [IncomingMessage, ServerResponse])[] = [];
  const all = Promise.withResolvers<void>();
  const server = createServer((...one) => {
    came.push(one);
    if (came.length > HERD) all.resolve();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(async () => {
    server.close();
    server.closeAllConnections();
    await still.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { url, listener, came, all: all.promise, begun: () => begun };
}

it('that comes at once is begun turn by turn, and who asks whether the process lives waits for none of it', async () => {
  const { url, listener, came, all, begun } = await herd();
  const answers = Promise.all(Array.from({ length: HERD }, (_, at) => ask(url, `/v1/vulns/${at}`)));
  const alive = ask(url, '/livez');
  await all;
  const isHealth = ([{ url: path }]: (typeof came)[number]) => path === '/livez';
  for (const one of [...came.filter((each) => !isHealth(each)), ...came.filter(isHealth)]) listener(...one);
  const health = came.find(isHealth)?.[1];
  expect(health?.writableEnded).toBe(true);
  let most = 0;
  for (let before = begun(); begun() < HERD; before = begun()) {
    await new Promise((resolve) => setImmediate(resolve));
    most = Math.max(most, begun() - before);
  }
  // Where this looks in the middle of a turn it sees a part of two.
  expect(most).toBeLessThanOrEqual(2 * REQUESTS_A_TURN);
  expect((await alive).status).toBe(200);
  expect(new Set((await answers).map(({ status }) => status))).toEqual(new Set([404]));
});
