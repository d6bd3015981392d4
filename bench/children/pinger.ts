import { once } from 'node:events';
import { Agent, get } from 'node:http';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

// Asks servers for something small, over and over, each from a connection of its own. For every line of shares it reads it prints
// the waits at each since the line before that are no shorter than such a share of them (1: the longest), as JSON.

const EVERY_MS = 2;

function ping(url: string): { take(shares: readonly number[]): readonly number[] } {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  let waits: number[] = [];
  const ask = async () => {
    const begun = performance.now();
    const [response] = await once(get(url, { agent }), 'response');
    for await (const _ of response);
    waits.push(performance.now() - begun);
  };
  void (async () => {
    for (;;) {
      await ask();
      await sleep(EVERY_MS);
    }
  })();
  return {
    take(shares) {
      const taken = waits.sort((one, other) => one - other);
      waits = [];
      return shares.map((share) => taken[Math.max(0, Math.ceil(taken.length * share) - 1)] ?? 0);
    },
  };
}

const pings = process.argv.slice(2).map(ping);
for await (const shares of createInterface({ input: process.stdin }))
  console.log(JSON.stringify(pings.flatMap((each) => each.take(shares.split(' ').map(Number)))));
process.exit(0);
