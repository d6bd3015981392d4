import { childFile, start } from './processes.ts';
import { atMost, milliseconds, type Row } from './table.ts';

/** What a client may wait longer beside other work. */
const MOST_LONGER_MS = 50;
const ALONE_MS = 10_000;
const SHARES = '0.99 1';

type Waits = readonly [most: number, longest: number];

/** A warm page, asked for every two milliseconds: the 99th percentile of its waits while `work` is done, and the longest, over those of the moments before it. */
export async function waitsBeside(what: string, page: string, work: () => Promise<unknown>): Promise<readonly Row[]> {
  await (await fetch(page)).arrayBuffer();
  const pinger = start(process.execPath, [childFile('pinger.ts'), page]);
  const taken = async () => {
    pinger.tell(SHARES);
    return JSON.parse(await pinger.line()) as Waits;
  };
  try {
    await taken();
    await new Promise((resolve) => setTimeout(resolve, ALONE_MS));
    const alone = await taken();
    await work();
    const beside = await taken();
    const row = (which: string, [longer, usual]: readonly [beside: number, alone: number]) =>
      atMost(
        `wait for a warm page beside ${what}, ${which} over that without`,
        Math.max(0, longer - usual),
        MOST_LONGER_MS,
        milliseconds,
        `${milliseconds(longer)} with, ${milliseconds(usual)} without`,
      );
    return [row('99th percentile', [beside[0], alone[0]]), row('the longest', [beside[1], alone[1]])];
  } finally {
    await pinger.stop();
  }
}
