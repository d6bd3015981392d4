import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { FILES, unpackDirectory, writeConfig } from '../support/data-directories.ts';
import { freePort } from '../support/free-port.ts';
import { startVerbatim, verbatim } from '../support/verbatim.ts';

// The directory that release 0.1.0 left is upgraded while clients ask without a pause, upstream being away: as an operator does it, who
// stops the old program and starts the new one on the same directory and port.

/** Nothing listens there. */
const NOWHERE = 'http://127.0.0.1:1/';
const CLIENTS = 8;
const JSON_PAGE = { accept: 'application/vnd.pypi.simple.v1+json' };
/** What an answer was: a right one, one that tells to come again, or none, where nobody listens. */
type Outcome = 'right' | 'later' | 'nobody' | `wrong: ${string}`;

interface Asked {
  readonly path: string;
  readonly isRight: (body: Buffer) => boolean;
}

/** Asks for everything in turn, until it is called off. */
function ask(base: string, things: readonly Asked[]) {
  const outcomes: Outcome[] = [];
  let isOver = false;
  const one = async ({ path, isRight }: Asked): Promise<Outcome> => {
    try {
      const answer = await fetch(base + path, { headers: JSON_PAGE });
      const body = Buffer.from(await answer.arrayBuffer());
      if (answer.status === 503 && answer.headers.has('retry-after')) return 'later';
      return answer.status === 200 && isRight(body) ? 'right' : `wrong: ${answer.status} ${path} ${body}`;
    } catch {
      return 'nobody';
    }
  };
  const clients = Array.from({ length: CLIENTS }, async (_, client) => {
    for (let turn = client; !isOver; turn++) {
      const outcome = await one(things[turn % things.length] ?? { path: '/', isRight: () => false });
      outcomes.push(outcome);
      // Leaves the processor to the program that starts.
      if (outcome === 'nobody') await new Promise((resolve) => setTimeout(resolve, 20));
    }
  });
  return {
    outcomes,
    /** Resolves once so many more were right. */
    right: (more: number) => {
      const before = outcomes.length;
      const rights = () => outcomes.slice(before).filter((outcome) => outcome === 'right').length;
      return expect.poll(rights, { timeout: 60_000 }).toBeGreaterThanOrEqual(more);
    },
    async stop() {
      isOver = true;
      await Promise.all(clients);
    },
  };
}

async function lastRelease() {
  const directory = await mkdtemp(join(tmpdir(), 'verbatim-upgrade-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const place = await unpackDirectory(1, 'sealed', directory);
  const config = join(directory, 'verbatim.yaml');
  await writeConfig('sealed', place, NOWHERE, config);
  const written = JSON.parse(await readFile(config, 'utf8'));
  // The pages were fetched long ago.
  written.indexes.plain.stale_if_error = 'forever';
  await writeFile(config, JSON.stringify(written));
  return { data: place.data, config };
}

/** Pages and files of both indexes, as they were proved by the last release. */
async function held(base: string): Promise<readonly Asked[]> {
  const things: Asked[] = [];
  for (const index of ['main', 'plain']) {
    const path = `/${index}/simple/alpha/`;
    const page = await fetch(base + path, { headers: JSON_PAGE });
    const { files } = (await page.json()) as {
      readonly files: readonly { readonly filename: string; readonly url: string }[];
    };
    const bytes = [FILES.alphaOne, FILES.alphaTwo];
    expect(files.map(({ filename }) => filename)).toContain(FILES.alphaOne.filename);
    things.push({ path, isRight: (body) => JSON.parse(String(body)).files.length === files.length });
    for (const { filename, url } of files) {
      const file = bytes.find((each) => each.filename === filename);
      const address = new URL(url, page.url).pathname;
      const { status } = await fetch(base + address);
      if (file !== undefined && status === 200)
        things.push({ path: address, isRight: (body) => body.equals(file.bytes) });
    }
  }
  return things;
}

it('an upgrade from the last release under load answers rightly or not at all, and so does every later one', async () => {
  const { data, config } = await lastRelease();
  const port = await freePort();
  const base = `http://127.0.0.1:${port}`;
  const start = () => startVerbatim(['--config', config, '--port', `${port}`, '--log-level', 'error'], data);

  // What clients of the last release knew: found on a copy, so that the directory itself is carried over under load.
  const other = await lastRelease();
  const before = await startVerbatim(['--config', other.config, '--port', `${port}`], other.data);
  const things = await held(base);
  await before.close();
  expect(things.length).toBeGreaterThanOrEqual(4);

  const load = ask(base, things);
  let server = await start();
  await load.right(200);
  // The next version, and the one after it.
  for (let version = 0; version < 2; version++) {
    await server.close();
    server = await start();
    await load.right(200);
  }
  await load.stop();
  await server.close();
  expect(load.outcomes.filter((outcome) => outcome.startsWith('wrong'))).toEqual([]);
  const proved = await verbatim('verify', '--config', config, '--data', data);
  expect([proved.code, proved.stderr]).toEqual([0, '']);
}, 600_000);
