import { answerOf, startBare } from './support/answer.ts';
import { ask, JSON_PAGE } from './support/ask.ts';
import { type Mirrored, withMirror } from './support/index.ts';
import { load } from './support/load.ts';
import { startNginx } from './support/nginx.ts';
import { CONNECTIONS, headersOfKinds, KILOBYTES, KINDS, PAGE, samplePage } from './support/sample-page.ts';
import { alternate, compare, type Log, type Measure, median, perSecond } from './support/table.ts';

const SECONDS = 1;
const ROUNDS = 5;
/** How fast one process of node is, is decided as it warms up; one alone of each would tell of its luck. */
const PROCESSES = 3;
/** V8 goes on making the code of a server faster for so long. */
const WARM_UP_SECONDS = 4;

/** A warm project page, against node:http sending the same bytes, and nginx sending them from a file. */
export const page: Measure = async (log) => {
  const index = samplePage();
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

/** Answers a second. */
interface Taken {
  readonly ours: number;
  readonly bare: number;
  readonly nginx: number | undefined;
}

/** One of each server, in turns; a figure for each kind of answer. */
async function takeAll({ directory, mirror }: Mirrored, log: Log): Promise<readonly Taken[]> {
  const url = mirror.url + PAGE;
  const { response, body } = await ask(url, JSON_PAGE);
  if (Math.round(body.length / 1000) !== KILOBYTES) throw new Error('another size of page');
  const headersOf = headersOfKinds(response.headers.etag ?? '');
  const bare = await startBare(
    await Promise.all(KINDS.map((kind) => answerOf(url, headersOf[kind], `/${encodeURIComponent(kind)}`))),
  );
  const nginx = await startNginx(directory, new Map([['page.json', body]]), log);
  try {
    const taken: Taken[] = [];
    for (const warm of [url, `${bare.url}/JSON`])
      await load({ url: warm, headers: JSON_PAGE, connections: CONNECTIONS, seconds: WARM_UP_SECONDS });
    for (const kind of KINDS) {
      const rate = (of: string) => async () =>
        (await load({ url: of, headers: headersOf[kind], connections: CONNECTIONS, seconds: SECONDS })).perSecond;
      const beside = kind === 'JSON' ? nginx : undefined;
      const figure = await alternate(ROUNDS, {
        ours: rate(url),
        bare: rate(`${bare.url}/${encodeURIComponent(kind)}`),
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
