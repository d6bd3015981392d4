import { once } from 'node:events';
import { get } from 'node:http';
import { smallIndex, withMirror } from './support/index.ts';
import { load } from './support/load.ts';
import { startNginx } from './support/nginx.ts';
import { childFile, start } from './support/processes.ts';
import { alternate, compare, type Measure, perSecond } from './support/table.ts';

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
const CONNECTIONS = 32;
const SECONDS = 1;
const ROUNDS = 15;
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
  return withMirror(index, async ({ directory, mirror }) => {
    const url = `${mirror.url}simple/sampleproject/`;
    const plain = { Accept: 'application/vnd.pypi.simple.v1+json' };
    const whole = await answerOf(url, plain, '/identity');
    const tag = whole.headers[whole.headers.findIndex((name) => name.toLowerCase() === 'etag') + 1] ?? '';
    const kinds = [
      { name: 'JSON', headers: plain, answer: whole },
      ...(await Promise.all(
        [
          { name: 'gzip', headers: { ...plain, 'Accept-Encoding': 'gzip' } },
          { name: 'not modified', headers: { ...plain, 'If-None-Match': tag } },
        ].map(async (kind) => ({ ...kind, answer: await answerOf(url, kind.headers, `/${kind.name[0]}`) })),
      )),
    ];
    const bytes = Buffer.from(whole.body, 'base64');
    const bare = start(process.execPath, [childFile('bare-page.ts')]);
    const nginx = await startNginx(directory, new Map([['page.json', bytes]]), log);
    try {
      bare.tell(JSON.stringify(kinds.map(({ answer }) => answer)));
      const bareUrl = `http://127.0.0.1:${await bare.line()}`;
      const rows = [];
      for (const { name, headers, answer } of kinds) {
        log(`page: ${name}`);
        const rate = (of: string) => () => load({ url: of, headers, connections: CONNECTIONS, seconds: SECONDS });
        const beside = answer === whole ? nginx : undefined;
        const figure = await alternate(ROUNDS, {
          ours: rate(url),
          bare: rate(bareUrl + answer.path),
          nginx: beside && rate(`${beside.url}page.json`),
        });
        rows.push(
          compare({
            what: `warm project page, ${(bytes.length / 1000).toFixed(1)} KB of JSON, ${name}`,
            ours: figure('ours'),
            beside: ['bare node:http', figure('bare')],
            also: answer === whole ? [['nginx', beside && figure('nginx')]] : [],
            show: perSecond,
            atLeast: 0.85,
          }),
        );
      }
      return rows;
    } finally {
      await nginx?.stop();
      await bare.stop();
    }
  });
};

async function answerOf(url: string, headers: Readonly<Record<string, string>>, path: string): Promise<Answer> {
  const [response] = await once(get(url, { headers, agent: false }), 'response');
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk);
  if (response.statusCode !== 200 && response.statusCode !== 304) throw new Error(`${url}: ${response.statusCode}`);
  const raw: readonly string[] = response.rawHeaders;
  const kept = raw.filter((_, i) => !NODES_OWN.has((raw[i - (i % 2)] ?? '').toLowerCase()));
  return { path, status: response.statusCode, headers: kept, body: Buffer.concat(chunks).toString('base64') };
}
