import { sha256Hex } from '../src/bytes/digest.ts';
import { ask, JSON_PAGE } from './support/ask.ts';
import { withServers } from './support/index.ts';
import { childFile, start } from './support/processes.ts';
import { atMost, type Measure, milliseconds } from './support/table.ts';
import { serveIndex, startUnsigned } from './support/unsigned.ts';

const CLIENTS = 1300;
const FILES = 200;
const BYTES = 200_000;
/** So late that all have asked before the first file comes. Milliseconds. */
const LATE_MS = 2000;

/** Liveness while very many clients wait for files that nobody has asked for yet: a probe that fails is what has a mirror killed. */
export const stampede: Measure = async (log) => {
  const files = new Map<string, Uint8Array>();
  for (let at = 0; at < FILES; at++) {
    const bytes = Buffer.alloc(BYTES, `file ${at} `);
    files.set(`files/${nameOf(at)}`, bytes);
    files.set(`simple/project-${at}/`, Buffer.from(JSON.stringify(pageOf(at, bytes))));
  }
  return withServers(
    () => serveIndex(files, LATE_MS),
    startUnsigned,
    async ({ mirror, upstream }) => {
      log(`stampede: ${CLIENTS} clients, ${FILES} files`);
      const probe = start(process.execPath, [childFile('prober.ts'), `${mirror.url}livez`]);
      const whole = await Promise.all(
        Array.from({ length: CLIENTS }, (_, client) => install(`${mirror.url}simple/project-${client % FILES}/`)),
      );
      probe.tell('');
      const { worst, failed, asked } = JSON.parse(await probe.line()) as Record<'worst' | 'failed' | 'asked', number>;
      await probe.stop();
      const served = whole.filter((bytes) => bytes === BYTES).length;
      if (served !== CLIENTS) throw new Error(`only ${served} of ${CLIENTS} clients got their file`);
      const downloads = upstream.requests.filter(({ url }) => url.startsWith('/files/')).length;
      return [
        atMost(
          `/livez, asked every 100 ms while ${CLIENTS.toLocaleString('en')} clients wait for ${FILES} cold files: the worst answer`,
          failed > 0 ? Number.POSITIVE_INFINITY : worst,
          1000,
          milliseconds,
          `${asked} answers, ${downloads} downloads`,
        ),
      ];
    },
  );
};

const nameOf = (at: number) => `project_${at}-1.0-py3-none-any.whl`;

function pageOf(at: number, bytes: Uint8Array): object {
  const file = {
    filename: nameOf(at),
    url: `../../files/${nameOf(at)}`,
    hashes: { sha256: sha256Hex(bytes) },
    size: bytes.byteLength,
  };
  return { meta: { 'api-version': '1.0' }, name: `project-${at}`, files: [file] };
}

/** The size of the file that a page lists, each asked for on a connection of its own, as an installer does. */
async function install(page: string): Promise<number> {
  const { files } = JSON.parse((await ask(page, JSON_PAGE)).body.toString()) as {
    readonly files: [{ readonly url: string }];
  };
  return (await ask(new URL(files[0].url, page).href)).body.byteLength;
}
