import { once } from 'node:events';
import { get } from 'node:http';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

// Asks a server for its liveness as a probe does: every 100 ms, each time on a new connection. When it reads a line it prints the longest wait, how many
// asked in vain, and how many asked, as JSON.

const EVERY_MS = 100;

const [url = ''] = process.argv.slice(2);
let [worst, failed, asked] = [0, 0, 0];

async function probe(): Promise<void> {
  const begun = performance.now();
  try {
    const [response] = await once(get(url, { agent: false }), 'response');
    if (response.statusCode !== 200) failed++;
    for await (const _ of response);
  } catch {
    failed++;
  }
  worst = Math.max(worst, performance.now() - begun);
  asked++;
}

void (async () => {
  for (;;) {
    void probe();
    await sleep(EVERY_MS);
  }
})();

for await (const _ of createInterface({ input: process.stdin })) {
  console.log(JSON.stringify({ worst, failed, asked }));
  break;
}
process.exit(0);
