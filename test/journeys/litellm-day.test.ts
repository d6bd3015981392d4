import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ask } from '../support/ask.ts';
import { type FakePypi, startFakePypi } from '../support/fake-pypi.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';
import { type RunningVerbatim, startVerbatim, verbatim } from '../support/verbatim.ts';

// A version is published, fetched by forty clients through two replicas, and removed upstream some hours later. Who has it is known although every
// process was killed as the last byte came, and it is gone here soon.

const GOOD = tinyWheel('litellm', '1.82.6');
const BAD = tinyWheel('litellm', '1.82.8');
/** Seconds. */
const MAX_AGE = 2;
const PROXY = '127.0.0.99';

let directory: string;
let pypi: FakePypi;
const servers: RunningVerbatim[] = [];
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'verbatim-litellm-'));
  pypi = await startFakePypi();
  pypi.upload('litellm', GOOD);
});
afterEach(async () => {
  for (const each of servers.splice(0)) await each.close();
  await pypi.close();
  await rm(directory, { recursive: true });
});

const serve = async (name: string) => {
  const flags = [
    ...['--upstream', `${pypi.url}simple/`, '--file-host', `127.0.0.1:${pypi.files.port}`],
    ...['--max-age', String(MAX_AGE), '--trusted-proxy', PROXY],
  ];
  const server = await startVerbatim(flags, join(directory, name));
  servers.push(server);
  return server;
};
const kill = async ({ pid, alive }: RunningVerbatim) => {
  process.kill(pid, 'SIGKILL');
  await expect.poll(alive).toBe(false);
};
const who = async (...words: readonly string[]) => {
  const places = ['--data', join(directory, 'one'), '--records', join(directory, 'two')];
  const { stdout } = await verbatim('who', ...words, ...places);
  return stdout;
};

it('the forty are known, also after kill -9, and what was removed is gone', { timeout: 300_000 }, async () => {
  const [one, two] = [await serve('one'), await serve('two')];
  const direct = Array.from({ length: 20 }, (_, at) => `127.0.1.${at + 1}`);
  const behind = Array.from({ length: 20 }, (_, at) => `198.51.100.${at + 1}`);
  const get = (server: RunningVerbatim, client: string, file: typeof BAD) =>
    ask(server.simple, pypi.storedAt(file), {
      from: client.startsWith('127.') ? client : PROXY,
      ...(client.startsWith('127.') ? {} : { headers: { 'x-forwarded-for': client } }),
    });
  // Somebody has the good one, which nobody asks about afterwards.
  expect((await get(one, '127.0.2.1', GOOD)).status).toBe(200);
  pypi.upload('litellm', BAD);
  // Upstream is asked anew when the page has grown old.
  await expect.poll(async () => (await get(one, '127.0.1.1', BAD)).status, { timeout: 60_000 }).toBe(200);
  await expect.poll(async () => (await get(two, '198.51.100.1', BAD)).status, { timeout: 60_000 }).toBe(200);
  const all = [...direct.map((client) => [one, client] as const), ...behind.map((client) => [two, client] as const)];
  const answers = await Promise.all(all.map(([server, client]) => get(server, client, BAD)));
  // Nothing of what they remember waits for an orderly end.
  await Promise.all([kill(one), kill(two)]);
  for (const { body } of answers) expect(body.equals(BAD.bytes)).toBe(true);

  const exactly = [...direct, ...behind].sort();
  const clientsOf = (text: string) => (JSON.parse(text) as { client: string }[]).map(({ client }) => client).sort();
  expect(clientsOf(await who('LiteLLM', '1.82.8', '--json'))).toEqual(exactly);
  expect(clientsOf(await who(BAD.filename, '--json'))).toEqual(exactly);
  expect(clientsOf(await who('litellm', '--json'))).toHaveLength(41);
  const advisory = join(directory, 'MAL-1.json');
  const affected = [{ package: { ecosystem: 'PyPI', name: 'litellm' }, versions: ['1.82.7', '1.82.8'] }];
  await writeFile(advisory, JSON.stringify({ id: 'MAL-1', affected }));
  expect(clientsOf(await who('--affected', advisory, '--json'))).toEqual(exactly);
  const [head, ...rows] = (await who('--affected', advisory, '--csv')).trim().split('\n');
  expect(head).toBe('first,last,count,client,reader,index,project,version,file,sha256,records');
  expect(rows.map((row) => row.split(',')[3]).sort()).toEqual(exactly);
  expect(rows.every((row) => row.split(',')[7] === '1.82.8')).toBe(true);
  expect(await who('--affected', advisory)).toContain('40 clients in all.');

  servers.splice(0);
  const again = await serve('one');
  expect((await get(again, '127.0.2.2', GOOD)).status).toBe(200);
  pypi.remove('litellm', BAD.filename);
  await expect.poll(async () => (await get(again, '127.0.1.1', BAD)).status, { timeout: 60_000 }).toBe(404);
  expect(again.log()).toContain('upstream lists a file no longer');
  expect((await get(again, '127.0.2.2', GOOD)).status).toBe(200);
  expect(clientsOf(await who('--affected', advisory, '--json'))).toEqual(exactly);
});
