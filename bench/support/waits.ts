import { childFile, start } from './processes.ts';
import { atMost, milliseconds, type Row } from './table.ts';

/** What a client may wait longer beside other work. */
const MOST_LONGER_MS = 50;
const ALONE_MS = 5000;
const SHARE = '0.99';

/** A warm page, asked for every two milliseconds: the 99th percentile of its waits while `work` is done, over that of the moments before it. */
export async function waitsBeside(what: string, page: string, work: () => Promise<unknown>): Promise<Row> {
  await (await fetch(page)).arrayBuffer();
  const pinger = start(process.execPath, [childFile('pinger.ts'), page]);
  const taken = async () => {
    pinger.tell(SHARE);
    return (JSON.parse(await pinger.line()) as readonly number[])[0] ?? 0;
  };
  try {
    await taken();
    await new Promise((resolve) => setTimeout(resolve, ALONE_MS));
    const alone = await taken();
    await work();
    const beside = await taken();
    return atMost(
      `wait for a warm page beside ${what}, 99th percentile over that without`,
      Math.max(0, beside - alone),
      MOST_LONGER_MS,
      milliseconds,
      `${milliseconds(alone)} without`,
    );
  } finally {
    await pinger.stop();
  }
}
