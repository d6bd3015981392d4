import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runInSlices } from '../../src/async/yield.ts';
import { acceptSnapshot, acceptTimestamp } from '../../src/tuf/accept.ts';
import { asOf } from '../../src/tuf/stages.ts';
import { pinRoot } from '../../src/tuf/trusted-root.ts';

// Accepts root, timestamp and snapshot of a directory, as a mirror does, and says what each round took.

const [directory = '', rounds = '1'] = process.argv.slice(2);
const [root, timestamp, snapshot] = ['root', 'timestamp', 'snapshot'].map((role) =>
  readFileSync(join(directory, `${role}.json`)),
);
if (root === undefined || timestamp === undefined || snapshot === undefined) throw new Error('a document is missing');
const now = Math.floor(Date.now() / 1000);

async function accept(root: Uint8Array, timestamp: Uint8Array, snapshot: Uint8Array): Promise<void> {
  const atRoot = asOf(await runInSlices(pinRoot(root)), now);
  await runInSlices(acceptSnapshot(await runInSlices(acceptTimestamp(atRoot, timestamp, {})), snapshot, {}));
}

const cpu: number[] = [];
const held: number[] = [];
for (let round = 0; round < Number(rounds); round++) {
  const before = process.cpuUsage();
  await accept(root, timestamp, snapshot);
  const { user, system } = process.cpuUsage(before);
  cpu.push((user + system) / 1000);

  // Once more with somebody waiting for every turn: that costs time of its own.
  let longest = 0;
  let last = performance.now();
  let watching = true;
  const watch = () => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
    if (watching) setImmediate(watch);
  };
  setImmediate(watch);
  await accept(root, timestamp, snapshot);
  watch();
  watching = false;
  held.push(longest);
}
console.log(JSON.stringify({ cpu, held }));
