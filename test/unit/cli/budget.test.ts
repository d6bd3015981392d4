import { expect, it, onTestFinished } from 'vitest';
import { compose } from '../../../src/app/compose.ts';
import type { UnsignedIndexConfig } from '../../../src/config/config.ts';
import { client, PLAIN } from '../../support/callers.ts';
import { largePage } from '../../support/large.ts';
import { TIMEOUTS } from '../../support/timeouts.ts';
import { startUpstream } from '../../support/upstream.ts';
import { scratch } from '../../support/volume-harness.ts';

/** What is at hand at once of a page just asked for, of the first of so many indexes with so much memory together. */
async function warmAfter(indexes: number, memoryBytes: number) {
  const page = largePage('demo', 10);
  const headers = { 'Content-Type': 'application/vnd.pypi.simple.v1+json', 'Content-Length': page.byteLength };
  const upstream = await startUpstream({ handler: (_, response) => response.writeHead(200, headers).end(page) });
  onTestFinished(upstream.close);
  const one = (name: string): UnsignedIndexConfig => ({
    name,
    upstream: `${upstream.url}simple/`,
    evidence: 'index',
    kind: undefined,
    fileHosts: [],
    insecureUpstream: false,
    maxAge: 600,
    staleIfError: 600,
    contentAddressed: false,
    projectList: false,
    undigested: 'withhold',
    secondFetchUpTo: 64e6,
    reuploads: false,
    maxBytes: undefined,
    absent: { statuses: [], redirectElsewhere: false },
    credentials: undefined,
    ca: undefined,
    client: undefined,
    proxy: undefined,
    privateHosts: [],
    timeouts: TIMEOUTS,
    lookAhead: undefined,
  });
  const names = Array.from({ length: indexes }, (_, at) => `index${at}`);
  const composition = await compose({
    config: {
      server: {
        host: '127.0.0.1',
        port: 0,
        publicUrl: undefined,
        maxConnections: 1,
        grace: 30,
        trustedProxies: [],
        tls: undefined,
        auth: undefined,
      },
      data: await scratch(),
      allowFuse: false,
      offline: false,
      cache: { maxBytes: 1e9, memoryBytes },
      limits: { fills: 32, upstreamConnections: 32 },
      log: { level: 'error', format: 'json' },
      referenceTime: undefined,
      indexes: Object.fromEntries(names.map((name) => [name, one(name)])),
    },
    emit: () => undefined,
  });
  onTestFinished(() => composition.close());
  const [index] = composition.indexes;
  await index?.page('demo', client());
  return index?.warmPage('demo', PLAIN);
}

it('the memory for pages is shared by all indexes: what one has room for, each of two has not', async () => {
  expect(await warmAfter(1, 180_000)).toBeDefined();
  expect(await warmAfter(2, 180_000)).toBeUndefined();
  expect(await warmAfter(2, 360_000)).toBeDefined();
});
