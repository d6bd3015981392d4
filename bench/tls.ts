import { answerOf, startBare } from './support/answer.ts';
import { JSON_PAGE } from './support/ask.ts';
import { cpuPerAnswer } from './support/cpu.ts';
import { type Mirrored, withMirror } from './support/index.ts';
import { load } from './support/load.ts';
import { CONNECTIONS, KILOBYTES, PAGE, samplePage } from './support/sample-page.ts';
import { alternate, compare, type Measure, median, microseconds } from './support/table.ts';

const SECONDS = 1.5;
const ROUNDS = 5;
const PROCESSES = 3;
const WARM_UP_SECONDS = 4;

/**
 * A warm project page over TLS, against node:https sending the same bytes. By CPU: who makes the load has to decrypt it,
 * and does so slower than a server answers.
 */
export const tls: Measure = async (log) => {
  const index = samplePage();
  const taken: { readonly ours: number; readonly bare: number }[] = [];
  for (let process = 1; process <= PROCESSES; process++) {
    log(`page over TLS: processes ${process} of ${PROCESSES}`);
    taken.push(await withMirror(index, takeOne, { tls: true }));
  }
  return [
    compare({
      what: `warm project page over TLS, ${KILOBYTES} KB of JSON: CPU of an answer`,
      ours: median(taken.map(({ ours }) => ours)),
      beside: ['bare node:https', median(taken.map(({ bare }) => bare))],
      ratio: median(taken.map(({ ours, bare }) => bare / ours)),
      show: microseconds,
      atLeast: 0.85,
    }),
  ];
};

async function takeOne({ mirror }: Mirrored) {
  const url = mirror.url + PAGE;
  const bare = await startBare([await answerOf(url, JSON_PAGE, '/page')], { tls: true });
  try {
    const asked = (to: string, seconds: number) => ({
      url: to,
      headers: JSON_PAGE,
      connections: CONNECTIONS,
      seconds,
    });
    for (const warm of [url, `${bare.url}/page`]) await load(asked(warm, WARM_UP_SECONDS));
    const figure = await alternate(ROUNDS, {
      ours: () => cpuPerAnswer(mirror.pid, asked(url, SECONDS)),
      bare: () => cpuPerAnswer(bare.pid, asked(`${bare.url}/page`, SECONDS)),
    });
    return { ours: figure('ours'), bare: figure('bare') };
  } finally {
    await bare.stop();
  }
}
