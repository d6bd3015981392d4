import { once } from 'node:events';
import { Agent, get } from 'node:http';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

// Asks two servers for something small, over and over, each from a connection of its own. For every line it reads it
// prints the longest wait at each since the line before, as JSON.

const EVERY_MS = 2;

function ping(url: string): { take(): number } {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  let longest = 0;
  const ask = async () => {
    const begun = performance.now();
    const [response] = await once(get(url, { agent }), 'response');
    for await (const _ of response);
    longest = Math.max(longest, performance.now() - begun);
  };
  void (async () => {
    for (;;) {
      await ask();
      await sleep(EVERY_MS);
    }
  })();
  return {
    take() {
      const taken = longest;
      longest = 0;
      return taken;
    },
  };
}

const pings = process.argv.slice(2).map(ping);
for await (const _ of createInterface({ input: process.stdin }))
  console.log(JSON.stringify(pings.map((each) => each.take())));
process.exit(0);
