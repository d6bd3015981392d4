import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { expect, it } from 'vitest';
import { freePort } from '../../support/free-port.ts';
import { startVerbatim } from '../../support/verbatim.ts';

// The client of Redis is loaded where one is configured.

const CLIENT = createRequire(import.meta.url).resolve('ioredis');

/** Says in the log, at its end, whether the client was loaded. */
const WATCHER = `data:text/javascript,${encodeURIComponent(`
  import { createRequire } from 'node:module';
  import { writeSync } from 'node:fs';
  const { cache } = createRequire(${JSON.stringify(pathToFileURL(CLIENT).href)});
  process.on('exit', () => writeSync(2, 'client loaded: ' + (${JSON.stringify(CLIENT)} in cache)));
`)}`;

async function saidAtEnd(...flags: readonly string[]): Promise<string> {
  const upstream = ['--upstream', 'https://127.0.0.1:1/simple/'];
  const env = { NODE_OPTIONS: `--import ${WATCHER}` };
  const mirror = await startVerbatim([...upstream, ...flags], undefined, { env });
  await mirror.close();
  return mirror.log();
}

it('a mirror that is given one loads it', async () => {
  expect(await saidAtEnd('--redis', `redis://127.0.0.1:${await freePort()}`)).toContain('client loaded: true');
});

it('a mirror without one does not', async () => {
  expect(await saidAtEnd()).toContain('client loaded: false');
});
