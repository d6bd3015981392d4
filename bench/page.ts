import { once } from 'node:events';
import { get } from 'node:http';
import { type Mirrored, smallIndex, withMirror } from './support/index.ts';
import { load } from './support/load.ts';
import { startNginx } from './support/nginx.ts';
import { childFile, start } from './support/processes.ts';
import { alternate, compare, type Log, type Measure, median, perSecond } from './support/table.ts';

/** One answer as it is to be repeated by a bare server. */
export interface Answer {
  readonly path: string;
  readonly status: number;
  /** Names and values in turn, without those node writes itself. */
  readonly headers: readonly string[];
  /** Base64. */
  readonly body: string;
}

/** So many that the page is 24 KB of JSON. */
const FILES = 51;
const KILOBYTES = 24;
const CONNECTIONS = 32;
const SECONDS = 1;
const ROUNDS = 5;
/** How fast one process of node is, is decided as it warms up; one alone of each would tell of its luck. */
const PROCESSES = 3;
/** V8 goes on making the code of a server faster for so long. */
const WARM_UP_SECONDS = 4;
const NODES_OWN = new Set(['date', 'connection', 'keep-alive']);

/** A warm project page, against node:http sending the same bytes, and nginx sending them from a file. */
export const page: Measure = async (log) => {
  const index = smallIndex();
  for (let i = 0; i < FILES; i++)
    index.upload('sampleproject', {
      filename: `sampleproject-${i}.0.0-py3-none-any.whl`,
      bytes: Buffer.from(`file ${i}`),
      requiresPython: '>=3.9',
      uploadTime: '2026-01-31T12:00:00.000000Z',
      coreMetadata: Buffer.from(`metadata ${i}`),
    });
  const taken: (readonly Taken[])[] = [];
  for (let process = 1; process <= PROCESSES; process++) {
    log(`page: processes ${process} of ${PROCESSES}`);
    taken.push(await withMirror(index, (mirrored) => takeAll(mirrored, process === 1 ? log : () => undefined)));
  }
  return KINDS.map((kind, at) => {
    const figures = taken.flatMap((each) => each[at] ?? []);
    const nginx = figures.flatMap((figure) => figure.nginx ?? []);
    return compare({
      what: `warm project page, ${KILOBYTES} KB of JSON, ${kind}`,
      ours: median(figures.map(({ ours }) => ours)),
      beside: ['bare node:http', median(figures.map(({ bare }) => bare))],
      also: kind === 'JSON' ? [['nginx', nginx.length === 0 ? undefined : median(nginx)]] : [],
      ratio: median(figures.map(({ ours, bare }) => ours / bare)),
      show: perSecond,
      atLeast: 0.85,
    });
  });
};

const KINDS = ['JSON', 'gzip', 'not modified'] as const;

/** Answers a second. */
interface Taken {
  readonly ours: number;
  readonly bare: number;
  readonly nginx: number | undefined;
}

/** One of each server, in turns; a figure for each kind of answer. */
async function takeAll({ directory, mirror }: Mirrored, log: Log): Promise<readonly Taken[]> {
  const url = `${mirror.url}simple/sampleproject/`;
  const plain = { Accept: 'application/vnd.pypi.simple.v1+json' };
  const whole = await answerOf(url, plain, '/JSON');
  if (Math.round(Buffer.from(whole.body, 'base64').length / 1000) !== KILOBYTES)
    throw new Error('another size of page');
  const tag = whole.headers[whole.headers.findIndex((name) => name.toLowerCase() === 'etag') + 1] ?? '';
  const headersOf = {
    JSON: plain,
    gzip: { ...plain, 'Accept-Encoding': 'gzip' },
    'not modified': { ...plain, 'If-None-Match': tag },
  };
  const answers = await Promise.all(
    KINDS.map((kind) => answerOf(url, headersOf[kind], `/${encodeURIComponent(kind)}`)),
  );
  const bare = start(process.execPath, [childFile('bare-page.ts')]);
  const nginx = await startNginx(directory, new Map([['page.json', Buffer.from(whole.body, 'base64')]]), log);
  try {
    bare.tell(JSON.stringify(answers));
    const bareUrl = `http://127.0.0.1:${await bare.line()}`;
    const taken: Taken[] = [];
    for (const warm of [url, `${bareUrl}/JSON`])
      await load({ url: warm, headers: plain, connections: CONNECTIONS, seconds: WARM_UP_SECONDS });
    for (const kind of KINDS) {
      const rate = (of: string) => () =>
        load({ url: of, headers: headersOf[kind], connections: CONNECTIONS, seconds: SECONDS });
      const beside = kind === 'JSON' ? nginx : undefined;
      const figure = await alternate(ROUNDS, {
        ours: rate(url),
        bare: rate(`${bareUrl}/${encodeURIComponent(kind)}`),
        nginx: beside && rate(`${beside.url}page.json`),
      });
      taken.push({ ours: figure('ours'), bare: figure('bare'), nginx: beside && figure('nginx') });
    }
    return taken;
  } finally {
    await nginx?.stop();
    await bare.stop();
  }
}

async function answerOf(url: string, headers: Readonly<Record<string, string>>, path: string): Promise<Answer> {
  const [response] = await once(get(url, { headers, agent: false }), 'response');
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk);
  if (response.statusCode !== 200 && response.statusCode !== 304) throw new Error(`${url}: ${response.statusCode}`);
  const raw: readonly string[] = response.rawHeaders;
  const kept = raw.filter((_, i) => !NODES_OWN.has((raw[i - (i % 2)] ?? '').toLowerCase()));
  return { path, status: response.statusCode, headers: kept, body: Buffer.concat(chunks).toString('base64') };
}
