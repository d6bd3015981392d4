import { once } from 'node:events';
import { Agent, get } from 'node:http';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

// Asks servers for something small, over and over, each from a connection of its own. For every line it reads it prints
// the wait at each since the line before that is no shorter than this share of them (1: the longest), as JSON.

const EVERY_MS = 2;

function ping(url: string): { take(share: number): number } {
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
    take(share) {
      const taken = waits.sort((one, other) => one - other);
      waits = [];
      return taken[Math.max(0, Math.ceil(taken.length * share) - 1)] ?? 0;
    },
  };
}

const pings = process.argv.slice(2).map(ping);
for await (const share of createInterface({ input: process.stdin }))
  console.log(JSON.stringify(pings.map((each) => each.take(Number(share)))));
process.exit(0);
